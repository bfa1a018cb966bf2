"""The two sentences that a report begins with, and the table under them."""

import csv
import shutil

import pytest
from synthetic_run import rows, teacher, write_run

from lessonplan.experiments.analysis.headlines import headline
from lessonplan.experiments.analysis.summary import summarize, table_rows
from lessonplan.experiments.analysis.summary_csv import CSV_COLUMNS, write_summary_csv
from lessonplan.experiments.analysis.verdicts import verdict
from lessonplan.experiments.analysis.wording import name_of_order
from lessonplan.experiments.report import report
from lessonplan.experiments.report.report import write_report
from lessonplan.experiments.store.runs import read_run

TASKS = ["a", "b"]
LOW, HALF, DONE = [0.0, 0.0], [0.5, 0.5], [1.0, 1.0]
AFTER_1, AFTER_2, AFTER_3 = [DONE] * 4, [LOW] + [DONE] * 3, [LOW] * 2 + [DONE] * 2
NEVER, HALFWAY, A_BIT = [LOW] * 4, [HALF] * 4, [LOW] * 3 + [HALF]
KINDS = {
    "ppo": teacher("ppo", "learned"),
    "uniform": teacher("uniform", "static", mixes=True),
    "in_order": teacher("in_order", "order", sees_order=True),
    "ucb": teacher("ucb", "bandit"),
    "replay": teacher("replay", "order", replay_of="ppo"),
    "shuffled": teacher("shuffled", "order", replay_of="ppo", parameters={"shuffled": True}),
}


@pytest.fixture(autouse=True)
def without_pictures(monkeypatch):
    """The pictures of a report take most of its time."""
    monkeypatch.setattr(report, "draw_figures", lambda *_: [])


def a_run(path, tables, students=8, tasks=TASKS):
    """A run; scores are those of every student, or a list with those of each."""
    parts = [
        [row for s in range(students) for row in
         rows(name, s, table[s] if len(table) == students else table, tasks=tasks)]
        for name, table in tables.items()
    ]  # fmt: skip
    return write_run(path, [KINDS[name] for name in tables], parts, tasks, decisions=4)


def summary_of(tmp_path, tables, **more):
    return summarize(a_run(tmp_path / "r", tables, **more))


def test_it_says_who_was_best_by_how_much_and_where_the_learned_teacher_stands(tmp_path):
    """Mastery after 10, 20 and 30 steps at 100 compute per 10 steps."""
    tables = {"ppo": AFTER_3, "uniform": AFTER_2, "in_order": AFTER_1, "shuffled": AFTER_1}
    assert headline(summary_of(tmp_path, tables)) == (
        "Best of 3 teachers was in_order (told the true order), with mastery of all tasks after 10 "
        "student steps, for a compute of 100 (95 % interval 100 to 100); the next, uniform (mixed "
        "in batches), took 2.00 times the compute, and all 2 others were measurably worse. The "
        "learned teacher ppo came 3rd at 3.00 times the compute of the best, measurably worse than "
        "it; it took 1.50 times the compute of the best opponent that was not told the order, "
        "uniform (mixed in batches) (95 % interval 1.50 to 1.50), measurably worse."
    )


def test_ties_are_called_ties(tmp_path):
    tables = {"ppo": AFTER_2, "uniform": AFTER_1, "ucb": AFTER_1}
    summary = summary_of(tmp_path, tables)
    assert headline(summary).startswith(
        "Best of 3 teachers, tied, were ucb and uniform (mixed in batches), with mastery"
    )
    assert "It was worse than the best opponent, ucb (2.00 times the compute to mast" in verdict(
        summary
    )
    assert {row[0]: row[-1] for row in table_rows(summary)[1:]} == {
        "ucb": "this one", "uniform, mixed in batches": "tied", "ppo": "2.00 [2.00, 2.00]",
    }  # fmt: skip


def test_a_tie_is_found_behind_one_with_the_same_mean_by_other_students(tmp_path):
    early, late = [HALF, DONE, DONE, DONE], [HALF] * 3 + [DONE]
    tables = {
        "ppo": [early] * 4 + [late] * 4, "ucb": [late] * 4 + [early] * 4,
        "uniform": [[LOW, *early[1:]]] * 4 + [[LOW, *late[1:]]] * 4,
    }  # fmt: skip
    words = headline(summary_of(tmp_path, tables))
    assert words.startswith("Best of 3 teachers, tied, were ppo and uniform (mixed in batches), ")
    assert "the next, ucb, took 1.00 times the compute, which is no measurable" in words


def test_a_tie_behind_the_best_is_called_a_tie_and_shares_a_place(tmp_path):
    """Also in the table for a spreadsheet; the learned teacher stands third by name alone."""
    tables = {"ucb": AFTER_1, "in_order": AFTER_2, "ppo": AFTER_2, "uniform": AFTER_3}
    summary = summary_of(tmp_path, tables)
    text = headline(summary)
    assert "; the next, in_order (told the true order) and ppo, tied, took 2.00 times" in text
    assert "The learned teacher ppo came 2nd at 2.00 times" in text
    write_summary_csv({"r": summary}, tmp_path / "summary.csv")
    with (tmp_path / "summary.csv").open(encoding="utf-8", newline="") as file:
        ranks = {row["teacher"]: row["rank"] for row in csv.DictReader(file)}
    assert ranks == {"ucb": "1", "in_order": "2", "ppo": "2", "uniform": "4"}


def test_a_tie_by_area_is_called_a_tie_too(tmp_path):
    tables = {"ucb": HALFWAY, "in_order": A_BIT, "ppo": A_BIT}
    assert "; the next, in_order (told the true order) and ppo, tied, had 0.375 less" in headline(
        summary_of(tmp_path, tables)
    )


def test_to_stand_at_the_budget_together_is_no_tie(tmp_path):
    """Mastery with the last step costs what never to master counts as."""
    last = [LOW] * 3 + [DONE]
    summary = summary_of(tmp_path, {"ucb": last, "ppo": NEVER, "uniform": NEVER})
    assert not any(entry["tied"] for entry in summary["best"]["others"])
    assert headline(summary).startswith("Best of 3 teachers was ucb, with mastery of all tasks")
    assert "the next, ppo, took at least 1.00 times the compute" in headline(summary)
    assert "It did not differ measurably from the best opponent, ucb" in verdict(summary)
    assert {row[-1] for row in table_rows(summary)[1:]} == {"this one", "not told apart"}


def test_where_the_learned_teacher_is_the_best_or_ties_it_is_said(tmp_path):
    first = headline(summary_of(tmp_path / "a", {"ppo": AFTER_1, "ucb": AFTER_2}))
    assert first.endswith(
        "The learned teacher ppo is this best one; it took 0.50 times the compute of the best "
        "opponent that was not told the order, ucb (95 % interval 0.50 to 0.50), measurably better."
    )
    both = headline(summary_of(tmp_path / "b", {"ppo": AFTER_1, "ucb": AFTER_1}))
    assert both.startswith("Both teachers came to the same, mastery of all tasks after 10")
    assert both.endswith(
        "ppo is among these; it tied with the best opponent that was not told the order, ucb."
    )


def test_nobody_is_called_worse_where_it_can_not_be_shown(tmp_path):
    """Half of the students are faster under the one, half under the other."""
    mixed = [AFTER_1, AFTER_3] * 4
    text = headline(summary_of(tmp_path, {"ucb": mixed, "ppo": [AFTER_2] * 7 + [AFTER_3]}))
    assert "which is no measurable difference" in text
    assert "not measurably worse" in text or "is this best one" in text


def test_a_handful_of_students_is_said_first_and_a_hundred_percent_is_no_proof(tmp_path):
    summary = summary_of(tmp_path, {"ppo": AFTER_1, "uniform": AFTER_2}, students=3)
    assert headline(summary).startswith(
        "With only 3 students no difference between teachers can be shown (it takes at least 6): "
        "best of 2 teachers was ppo, with"
    )
    assert "measurably" not in verdict(summary)
    assert "paired probability of improvement 100 %, no proof" in verdict(summary)


def test_where_hardly_anybody_masters_areas_lead_and_nothing_is_said_of_costs(tmp_path):
    """Areas 0.5, 0.125 and 0; three of eight students master under one teacher."""
    tables = {"ppo": A_BIT, "uniform": HALFWAY, "ucb": [NEVER] * 5 + [AFTER_3] * 3}
    summary = summary_of(tmp_path, tables)
    assert summary["compared_by"] == "area"
    assert summary["ranking"][0] == "uniform"
    assert headline(summary).startswith(
        "No teacher brought even half of its lifetimes to mastery of all tasks, so areas (mean "
        "test scores over the whole budget) are compared: best of 3 teachers was uniform (mixed in "
        "batches), with an area of 0.500 (95 % interval 0.500 to 0.500); the next,"
    )
    heads, first, *_ = table_rows(summary)
    assert heads[:4] == ("teacher", "kind", "area (95 %)", "final score (95 %)")
    assert first[2:4] == ("0.500 [0.500, 0.500]", "0.500 [0.500, 0.500]")
    text = verdict(summary)
    assert "to mastery (" not in text
    assert "difference in area -0.375, 95 % interval" in text


def test_half_of_the_lifetimes_of_one_teacher_are_enough_to_compare_by_mastery(tmp_path):
    tables = {"ppo": NEVER, "ucb": [NEVER] * 4 + [AFTER_3] * 4}
    assert summary_of(tmp_path, tables)["compared_by"] == "compute_to_mastery"


def test_the_baselines_are_the_best_by_area_where_hardly_anybody_masters(tmp_path):
    """The one that is cheaper for the few who master has the smaller area."""
    few = [AFTER_3] * 3 + [NEVER] * 5
    KINDS["exp3"] = teacher("exp3", "bandit")
    summary = summary_of(tmp_path, {"ucb": few, "exp3": HALFWAY})
    assert summary["baselines"]["best_opponent"] == "exp3"


def test_a_replay_is_called_a_replay(tmp_path):
    tables = {"ppo": AFTER_1, "replay": AFTER_1, "shuffled": AFTER_2}
    kinds = {row[0]: row[1] for row in table_rows(summary_of(tmp_path, tables))[1:]}
    assert kinds == {
        "ppo": "learned (one teacher; students only)",
        "replay": "replay",
        "shuffled": "replay, shuffled",
    }


@pytest.mark.parametrize(
    ("tasks", "name"),
    [
        ([{"prerequisites": []}, {"prerequisites": ["a"]}], "true order"),
        ([{"difficulty": 1, "prerequisites": []}, {"difficulty": 2}], "order of difficulty"),
        ([{"difficulty": 0.0, "prerequisites": []}] * 2, "listed order"),
    ],
)
def test_an_order_is_called_the_true_one_only_where_prerequisites_say_so(tasks, name):
    assert name_of_order(tasks) == name


def test_the_true_order_is_not_spoken_of_where_the_data_gave_none(tmp_path):
    path = a_run(tmp_path / "r", {"ppo": AFTER_2, "in_order": AFTER_1})
    file = path / "environment.json"
    text = file.read_text().replace('["a"]', "[]").replace('"difficulty": 1', '"difficulty": 0')
    file.write_text(text)
    write_report(path)
    page = (path / "report.html").read_text()
    assert "true order" not in page.split("<pre>")[0]
    assert "the listed order, in_order" in page
    assert "told the" not in headline(summarize(path))


def test_the_table_for_a_spreadsheet_has_a_row_per_teacher_best_first(tmp_path):
    tables = {"ppo": AFTER_2, "uniform": AFTER_1, "shuffled": NEVER}
    summary = summary_of(tmp_path, tables)
    write_summary_csv({"first": summary}, tmp_path / "summary.csv")
    with (tmp_path / "summary.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert tuple(table[0]) == CSV_COLUMNS
    assert [(row["run"], row["rank"], row["teacher"]) for row in table] == [
        ("first", "1", "uniform"), ("first", "2", "ppo"), ("first", "3", "shuffled"),
    ]  # fmt: skip
    assert [row["kind"] for row in table] == ["static", "learned", "replay, shuffled"]
    ends = ("", "_low", "_high")
    assert [float(table[1][f"steps_to_mastery{end}"]) for end in ends] == [20.0, 20.0, 20.0]
    assert [float(table[1][f"area{end}"]) for end in ends] == [0.75, 0.75, 0.75]
    assert [row["mastered"] for row in table] == ["1.0", "1.0", "0.0"]


def test_a_result_without_its_schedule_is_refused_and_left_as_it_is(tmp_path):
    path = a_run(tmp_path / "r", {"ppo": AFTER_2})
    write_report(path)
    shutil.rmtree(path / "schedule")
    shutil.rmtree(path / "teachers")
    before = {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}
    for out in (None, tmp_path / "out"):
        with pytest.raises(ValueError, match=r"nothing of what was recorded \(schedule/\)") as info:
            write_report(path, out)
        assert len(str(info.value)) < 300 + len(str(path))
    assert {file: file.read_bytes() for file in path.rglob("*") if file.is_file()} == before
    assert not (tmp_path / "out").exists()
    assert read_run(path).lifetimes == {}


def test_the_page_of_one_teacher_counts_it_as_one_and_speaks_of_no_best(tmp_path):
    path = a_run(tmp_path / "r", {"uniform": NEVER})
    write_report(path)
    page = (path / "report.html").read_text()
    assert "with 2 tasks, 8 students, 1 teacher, a budget of" in page
    assert "The best is picked" not in page.split("<pre>")[0]
    write_report(a_run(tmp_path / "two", {"uniform": NEVER, "ucb": NEVER}))
    assert "The best is picked" in (tmp_path / "two" / "report.html").read_text()
