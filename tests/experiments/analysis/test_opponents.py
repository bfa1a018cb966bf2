"""Whom learned teachers are compared with, what is there to win, and what is said of costs."""

import json
import re

import numpy as np
import pytest
from synthetic_run import rows, teacher, write_run

from lessonplan.experiments.analysis.headlines import headline
from lessonplan.experiments.analysis.opponents import best_opponent
from lessonplan.experiments.analysis.statistics import HIGHEST, Sample, partial_mean
from lessonplan.experiments.analysis.summary import (
    measure_teachers,
    summarize,
    table_rows,
    write_summary,
)
from lessonplan.experiments.analysis.summary_csv import write_summary_csv
from lessonplan.experiments.analysis.verdicts import verdict
from lessonplan.experiments.report import report
from lessonplan.experiments.report.report import write_report
from lessonplan.experiments.store.runs import read_run

TASKS = ["a", "b"]
MIXING = teacher("ppo", "learned", mixes=True, label="ppo")
LOW, HALF, DONE = [0.0, 0.0], [0.5, 0.5], [1.0, 1.0]


@pytest.fixture(autouse=True)
def without_pictures(monkeypatch):
    """The pictures of a report take most of its time."""
    monkeypatch.setattr(report, "draw_figures", lambda *_: [])


def after(decisions, whole=6):
    """Mastery after so many decisions of 100 compute each; 0 is never."""
    return [LOW] * (decisions - 1) + [DONE] if decisions else [HALF] * whole


def a_run(path, plan, students=8, own_costs=True, equal=None):
    """A run of `plan`: a card with the decisions to mastery of all students, or of each."""
    parts = [
        [
            row
            for s in range(students)
            for row in rows(
                card["name"], s, after(need if isinstance(need, int) else need[s]), tasks=TASKS,
                ended="terminated" if need else "truncated",
                equal=(equal or {}).get(card["name"], 1.0),
            )
        ]
        for card, need in plan
    ]  # fmt: skip
    cards = [card for card, _ in plan]
    return write_run(path, cards, parts, TASKS, decisions=6, own_costs=own_costs)


def rule(name, cost=None, **more):
    return teacher(name, more.pop("kind", "rule"), selection_cost=cost, **more)


def test_the_best_opponent_is_the_one_that_the_selection_students_preferred(tmp_path):
    """Not the one that these students prefer, nor one told, learned, replayed, or a ceiling."""
    plan = [
        (teacher("ppo", "learned", selection_cost=1.0), 2),
        (rule("told", 1.0, sees_order=True), 1),
        (rule("replay", 1.0, kind="order", replay_of="ppo"), 1),
        (rule("ceiling", 1.0, kind="ceiling"), 1),
        (rule("lucky", 30.0), 2),
        (rule("preferred", 20.0, kind="static"), 4),
    ]
    summary = summarize(a_run(tmp_path / "r", plan))
    assert summary["best_opponent"] == {"name": "preferred", "by": "selection_cost", "unknown": []}
    assert summary["baselines"]["best_opponent"] == "preferred"
    assert "by its compute on the selection students, before these results." in verdict(summary)
    # Whoever is chosen: of both opponents ppo is least surely ahead of `lucky`, with which it ties.
    hardest = summary["hardest_opponents"]["ppo"]
    assert (hardest["baseline"], hardest["ratio"], hardest["opponents"]) == ("lucky", 1.0, 2)
    assert list(summary["hardest_opponents"]) == ["ppo"]


def test_where_the_selection_cost_of_one_is_not_known_the_results_choose_and_it_is_said(tmp_path):
    plan = [(teacher("ppo", "learned"), 1), (rule("a", 10.0), 4), (rule("b"), 2)]
    path = a_run(tmp_path / "r", plan)
    choice = best_opponent(measure_teachers(read_run(path)))
    assert choice == ("b", "report", ("b",))
    said = verdict(summarize(path))
    assert (
        "The best opponent was chosen by the results shown here, which favours it, as it is not "
        "known what 1 opponent came to on the selection students. Over all 2 opponents, whichever "
        "is chosen, the largest upper bound of the ratio is 0.50, to b."
    ) in said


def test_where_nobody_masters_the_best_opponent_has_the_largest_area_on_selection_students(
    tmp_path,
):
    plan = [
        (teacher("ppo", "learned"), 0),
        (rule("cheap", 1.0, selection_area=0.2), 0),
        (rule("good", 9.0, selection_area=0.7), 0),
    ]
    summary = summarize(a_run(tmp_path / "r", plan))
    assert summary["best_opponent"] == {"name": "good", "by": "selection_area", "unknown": []}
    assert "chosen by its area on the selection students" in verdict(summary)


def test_a_ceiling_is_shown_and_never_ranked(tmp_path):
    plan = [
        (teacher("ppo", "learned"), 3), (rule("shortfall", 1.0), 4),
        (rule("best-schedule", 1.0, kind="ceiling"), 2),
    ]  # fmt: skip
    summary = summarize(a_run(tmp_path / "r", plan))
    assert summary["ranking"] == ["ppo", "shortfall"]
    assert set(summary["places"]) == {"ppo", "shortfall"}
    assert [entry["teacher"] for entry in summary["best"]["others"]] == ["shortfall"]
    assert headline(summary).startswith("Best of 2 teachers was ppo")
    (entry,) = summary["room"]
    assert (entry["baseline"], entry["ratio"]) == ("shortfall", 0.5)
    assert (
        "best-schedule, a schedule tuned for this suite and an estimate of what is there to win, "
        "came to 0.50 times (95 % interval 0.50 to 0.50) the compute of shortfall."
    ) in verdict(summary)
    assert [row[:2] for row in table_rows(summary)[1:]][-1] == ("best-schedule", "ceiling")
    write_summary_csv({"r": summary}, tmp_path / "summary.csv")
    assert (tmp_path / "summary.csv").read_text().splitlines()[-1].startswith("r,,best-schedule,")


@pytest.mark.parametrize(
    ("ceiling", "said"),
    [
        (5, "5.00 times (95 % interval 5.00 to 5.00) the compute of shortfall. "
            "But ppo came to less, so there is more to win than that."),
        (1, "1.00 times (95 % interval 1.00 to 1.00) the compute of shortfall. "
            "That leaves less than 5 % to win."),
    ],
)  # fmt: skip
def test_a_ceiling_that_is_too_low_or_leaves_nothing_to_win_is_called_that(tmp_path, ceiling, said):
    plan = [
        (teacher("ppo", "learned"), 1), (rule("shortfall", 1.0), 1),
        (rule("best-schedule", 1.0, kind="ceiling"), ceiling),
    ]  # fmt: skip
    assert verdict(summarize(a_run(tmp_path / "r", plan))).endswith(said)


def test_a_leaning_teacher_is_compared_with_its_own_prior(tmp_path):
    """The prior of the verdict's teacher is a baseline of all; another teacher has its own."""
    plan = [
        (teacher("first", "learned", selection_cost=2.0), 1), (rule("first-prior", 8.0), 2),
        (teacher("second", "learned", selection_cost=3.0), 3), (rule("second-prior", 9.0), 4),
    ]  # fmt: skip
    summary = summarize(a_run(tmp_path / "r", plan))
    assert summary["baselines"]["prior"] == "first-prior"
    ratios = {(e["teacher"], e["baseline"]): e["ratio"] for e in summary["versus"]
              if e["metric"] == "compute_to_mastery"}  # fmt: skip
    assert ratios["first", "first-prior"] == 0.5
    assert ratios["second", "second-prior"] == 0.75
    assert ("first", "second-prior") not in ratios
    heads, *cells = table_rows(summary)
    assert heads[-1] == "compute, ratio to its prior alone"
    last = {row[0]: row[-1] for row in cells}
    assert last["second"] == "0.75 [0.75, 0.75]"
    assert last["second-prior"] == "this one"
    assert "the prior alone" in verdict(summary)


def test_teachers_go_by_their_own_compute_with_equal_probes_beside_it(tmp_path):
    """With equal probes the one that looks at nothing would cost three times as much."""
    plan = [(rule("looks", 1.0), 3), (rule("blind", 2.0, kind="static"), 2)]
    summary = summarize(a_run(tmp_path / "r", plan, equal={"blind": 3.0}))
    assert summary["costs"] == "own"
    assert summary["ranking"] == ["blind", "looks"]
    blind = summary["teachers"]["blind"]
    assert (blind["compute_to_mastery"]["iqm"], blind["equal_compute_to_mastery"]["iqm"]) == (
        200.0, 600.0,
    )  # fmt: skip
    entries = {e["metric"]: e["ratio"] for e in summary["versus"] if e["teacher"] == "blind"}
    assert entries["compute_to_mastery"] == pytest.approx(2 / 3)
    assert entries["equal_compute_to_mastery"] == 2.0
    heads, first, _ = table_rows(summary)
    assert heads[2:4] == ("compute to mastery (95 %)", "with equal probes")
    assert first[2:4] == ("200 [200, 200]", "600")


def test_of_an_older_run_it_is_said_that_own_costs_are_not_known(tmp_path):
    plan = [(teacher("ppo", "learned"), 2), (rule("shortfall", 1.0), 3)]
    path = a_run(tmp_path / "r", plan, own_costs=False)
    summary = write_report(path)
    assert summary["costs"] == "equal"
    teachers = summary["teachers"].values()
    for one in teachers:
        assert one["compute_to_mastery"] == one["equal_compute_to_mastery"]
    page = (path / "report.html").read_text()
    assert "what each would have paid for its own is not known" in page
    assert "with the probes of all tasks charged to all" in headline(summary)
    assert "With equal probes" not in page
    assert "with equal probes" not in table_rows(summary)[0]
    again = write_report(a_run(tmp_path / "new", plan))
    assert again["costs"] == "own"
    page = (tmp_path / "new" / "report.html").read_text()
    assert "With equal probes" in page
    assert "not known what" not in page.replace("it is not known what 1 opponent", "")


def test_every_students_value_is_stored_and_gives_the_ratio_of_the_run(tmp_path):
    plan = [
        (teacher("ppo", "learned"), [1, 2, 3, 4, 5, 6, 2, 3]),
        (rule("shortfall", 1.0), [3, 4, 5, 6, 6, 5, 4, 3]),
    ]
    summary = summarize(a_run(tmp_path / "r", plan))
    stored = json.loads(json.dumps(summary))["teachers"]
    values = {
        name: np.array(one["students"]["compute_to_mastery"], dtype=float)
        for name, one in stored.items()
    }
    assert values["ppo"].tolist() == [[100, 200, 300, 400, 500, 600, 200, 300]]
    assert stored["ppo"]["students"]["student_seeds"] == list(range(8))
    assert stored["ppo"]["students"]["teacher_seeds"] == [0]
    assert set(stored["ppo"]["students"]) == {
        "student_seeds", "teacher_seeds", "steps_to_mastery", "compute_to_mastery",
        "equal_compute_to_mastery", "area", "total_cost", "final_score",
    }  # fmt: skip
    (entry,) = [e for e in summary["versus"] if e["teacher"] == "ppo"
                and e["metric"] == "compute_to_mastery"]  # fmt: skip
    mine, theirs = Sample(values["ppo"]), Sample(values["shortfall"])
    assert entry["ratio"] == pytest.approx(mine.mean / theirs.mean, rel=1e-8)


def test_the_file_of_numbers_has_a_line_for_the_students_of_each_seed_and_is_valid(tmp_path):
    summary = summarize(a_run(tmp_path / "r", [(rule("shortfall", 1.0), 3)]))
    write_summary(summary, tmp_path / "summary.json")
    text = (tmp_path / "summary.json").read_text()
    assert json.loads(text) == summary
    assert "[300, 300, 300, 300, 300, 300, 300, 300]\n" in text
    assert re.search(r'^ {6}"area": \{$', text, flags=re.MULTILINE)


def test_the_worst_tenth_stands_beside_the_mean_and_few_students_are_said(tmp_path):
    need = [1, 1, 1, 1, 1, 1, 1, 2, 3, 6]
    path = a_run(tmp_path / "r", [(rule("shortfall", 1.0), need)], students=10)
    found = write_report(path)["teachers"]["shortfall"]["cvar"]
    assert found["compute_to_mastery"]["mean"] == 600.0
    assert found["area"]["mean"] == pytest.approx(1 / 6)
    assert not found["enough_students"]
    page = (path / "report.html").read_text()
    assert "Of fewer than 64 students, as here, that is a handful" in page
    many = summarize(a_run(tmp_path / "many", [(rule("shortfall"), need * 7)], students=70))
    found = many["teachers"]["shortfall"]["cvar"]
    assert found["enough_students"]
    assert found["compute_to_mastery"]["mean"] == partial_mean(np.array(need * 7) * 100, HIGHEST)


def test_what_was_trained_once_is_marked_and_several_seeds_widen_the_interval(tmp_path):
    parts = [
        [row for s in range(8) for row in rows("ppo", s, after(need), seed=seed, tasks=TASKS,
                                               ended="terminated")]
        for seed, need in ((0, 2), (1, 4))
    ]  # fmt: skip
    path = write_run(tmp_path / "r", [teacher("ppo", "learned")], parts, TASKS, decisions=6)
    several = summarize(path)["teachers"]["ppo"]
    assert several["intervals"] == "students and teacher seeds"
    low, high = several["compute_to_mastery"]["ci95"]
    assert low == 0.0
    assert high > 400.0
    once = summarize(a_run(tmp_path / "once", [(teacher("ppo", "learned"), 2)]))
    assert once["teachers"]["ppo"]["intervals"] == "one teacher; students only"
    assert table_rows(once)[1][1] == "learned (one teacher; students only)"
    assert "(one teacher; students only)" in verdict(once)
    mixing = verdict(summarize(a_run(tmp_path / "mixing", [(rule("a"), 3), (MIXING, 2)])))
    assert "The learned teacher ppo (mixed in batches) is this best one" in mixing
    assert "ppo (mixed in batches, one teacher; students only) brought" in mixing


def test_the_order_share_and_the_payback_of_a_mixture_are_those_of_any_teacher(tmp_path):
    """Mastery after 2, shuffled after 3, shuffling after 4 decisions: half of the gain is lost."""
    spent = {"lifetimes": 9, "compute": 1000.0, "student_steps": 9, "wall_seconds": 1.0}
    plan = [
        (teacher("ppo", "learned", mixes=True, training=spent), 2),
        (teacher("twin", "order", replay_of="ppo", mixes=True, parameters={"shuffled": True}), 3),
        (rule("proportional", 1.0, kind="static", mixes=True), 4),
    ]
    summary = summarize(a_run(tmp_path / "r", plan))
    assert summary["order_share"]["ppo"]["share"] == pytest.approx(0.5)
    assert summary["payback_students"]["ppo"] == {"proportional": 1000.0 / 200.0}


def test_several_runs_are_read_at_one_level(tmp_path):
    """Two runs of twelve students, one of which tells nothing."""
    sure = [(teacher("ppo", "learned"), 2), (rule("shortfall", 1.0), 3)]
    open_question = [
        (teacher("ppo", "learned"), [1, 3] * 6), (rule("shortfall", 1.0), [3, 1] * 6),
    ]  # fmt: skip
    paths = [
        a_run(tmp_path / "sure", sure, students=12),
        a_run(tmp_path / "unsure", open_question, students=12),
    ]
    write_report(paths, tmp_path / "both")
    page = (tmp_path / "both" / "report.html").read_text()
    cells = re.findall(r">([^<>]+)</td>", page[page.index("against the best opponents") :])[:10]
    assert cells[:4] == ["sure", "ppo", "shortfall", "0.67 [0.67,\u00a00.67]"]
    assert float(cells[4]) == pytest.approx(2 * 2 / 2001, abs=1e-3)
    assert float(cells[9]) > 0.5


def test_few_students_have_no_p_value(tmp_path):
    """All resamples of one student are that student, which proves nothing."""
    plan = [(teacher("ppo", "learned"), 2), (rule("shortfall", 1.0), 3)]
    paths = [a_run(tmp_path / f"{n}", plan, students=n) for n in (1, 12)]
    write_report(paths, tmp_path / "both")
    page = (tmp_path / "both" / "report.html").read_text()
    cells = re.findall(r">([^<>]+)</td>", page[page.index("against the best opponents") :])[:10]
    assert cells[4] == "-"
    assert float(cells[9]) == pytest.approx(2 / 2001, abs=1e-3)
