import copy
import json
import re
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic_run import demo_run, rows, teacher, write_run

from lessonplan.experiments.analysis.headlines import headline
from lessonplan.experiments.analysis.summary import measure_teachers, summarize
from lessonplan.experiments.analysis.time_maps import choice_map, progress_map
from lessonplan.experiments.analysis.verdicts import details, verdict
from lessonplan.experiments.analysis.wording import percent
from lessonplan.experiments.report.figures import (
    FIGURES,
    draw_figures,
    schedule_picture,
    shown_teachers,
)
from lessonplan.experiments.report.report import write_report
from lessonplan.experiments.report.style import teacher_styles
from lessonplan.experiments.report.tables import learning_table
from lessonplan.experiments.store.runs import read_run

TASKS = ["a", "b"]
LOW, DONE = [0.0, 0.0], [1.0, 1.0]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    return demo_run(tmp_path_factory.mktemp("runs") / "demo", students=7, decisions=90, k=3,
                    teacher_seeds=2)  # fmt: skip


@pytest.fixture(scope="module")
def html(demo, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    said = write_report(demo, out)
    assert json.loads((out / "summary.json").read_text()) == said
    return out / "report.html"


def png_size(data):
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", data[16:24])


def without_tags(text):
    return re.sub(r"<[^>]+>", " ", re.sub(r'src="[^"]+"', "", text))


def test_the_report_stands_alone_and_opens_with_its_headline(html, demo):
    text = html.read_text(encoding="utf-8")
    assert "http" not in text
    assert set(re.findall(r'(?:src|href)="([^"#:]*)[:#]', text)) <= {"data", ""}
    body = text[text.index("<body>") :]
    summary = summarize(demo)
    first, rest = headline(summary), " ".join(details(summary))
    assert verdict(summary) == f"{first} {rest}"
    assert body.index(first) < body.index("<table") < body.index(rest) < body.index("<img")


def test_every_figure_is_in_the_page_and_in_the_folder(html):
    files = sorted((html.parent / "figures").glob("*.png"))
    assert html.read_text().count("data:image/png;base64,") == len(files) == len(FIGURES)
    for file in files:
        width, height = png_size(file.read_bytes())
        assert width > 600, file
        assert height > 300, file
    assert (html.parent / "summary.json").is_file()


def test_what_a_teacher_saw_the_config_and_the_versions_are_in_the_page(html):
    text = without_tags(html.read_text())
    assert "steps_per_decision: 10" in text
    assert "torch" in text
    assert "UCB1 bandit score not known no" in re.sub(r"\s+", " ", text)
    assert "In order order, tuned what every teacher sees not known yes" in re.sub(
        r"\s+", " ", text
    )


@pytest.mark.slow
def test_figures_of_the_same_run_are_the_same_bytes(demo):
    first, second = (draw_figures(read_run(demo)) for _ in range(2))
    assert [figure.png for figure in first] == [figure.png for figure in second]


@pytest.mark.slow
def test_several_runs_stand_side_by_side(demo, tmp_path):
    other = write_run(
        tmp_path / "other", [teacher("uniform", "static", label="<b>Uniform</b>")],
        [rows("uniform", 1, [LOW, DONE], tasks=TASKS)], TASKS, decisions=2,
    )  # fmt: skip
    page = tmp_path / "out" / "both.html"
    found = write_report([demo, other, other], page)
    assert list(found["runs"]) == ["demo", "other (other)", "other (other) 2"]
    assert all(summary["verdict"] in found["verdict"] for summary in found["runs"].values())
    text = page.read_text()
    assert "3 runs compared" in text
    assert "These runs differ in suite or budget" in text
    assert "<b>Uniform" not in text
    assert {file.parent.name for file in page.parent.glob("figures/*/*.png")} == {
        "demo", "other-other", "other-other-2",
    }  # fmt: skip


def test_an_unfinished_run_says_so_before_anything_else(tmp_path):
    running = rows("uniform", 1, [LOW, DONE], tasks=TASKS)[:1]
    path = write_run(tmp_path / "r", [teacher("uniform", "static")], [running], TASKS, decisions=2)
    write_report(path)
    text = without_tags((path / "report.html").read_text())
    assert "This run is not complete" in text
    assert "1 of 1 lifetimes of uniform are unfinished" in text
    assert "nothing to say" in text


def test_a_report_without_a_run_is_refused(tmp_path):
    with pytest.raises(ValueError, match="is not a run directory"):
        write_report(tmp_path)
    with pytest.raises(ValueError, match="at least one run directory"):
        write_report([])
    with pytest.raises(ValueError, match="a folder of its own"):
        write_report([tmp_path, tmp_path])


def test_maps_count_only_students_that_are_still_being_taught(tmp_path):
    """One student ends after its first decision; the other goes on alone."""
    short = rows("uniform", 1, [DONE], tasks=TASKS, choices=[0], ended="terminated")
    long = rows("uniform", 2, [LOW, [0.5, 0.0], [0.25, 0.5]], tasks=TASKS, choices=[1, 0, 1])
    records = [teacher("uniform", "static")]
    run = read_run(write_run(tmp_path / "r", records, [short, long], TASKS, decisions=4))
    shares = choice_map(run.lifetimes["uniform"], 2)
    expected = [[0.5, 1.0, 0.0, np.nan], [0.5, 0.0, 1.0, np.nan]]
    np.testing.assert_allclose(shares, expected)
    gains = progress_map(run.lifetimes["uniform"])
    np.testing.assert_allclose(gains, [[0.0, 0.5, -0.25, np.nan], [0.0, 0.0, 0.5, np.nan]])


def test_a_map_ends_where_hardly_anybody_is_left(tmp_path):
    """Of forty students one goes on alone: less than one in twenty."""
    lives = [rows("uniform", s, [DONE], tasks=TASKS, ended="terminated") for s in range(39)]
    lives.append(rows("uniform", 39, [LOW, LOW, LOW], tasks=TASKS))
    records = [teacher("uniform", "static")]
    run = read_run(write_run(tmp_path / "r", records, lives, TASKS, decisions=3))
    shares = choice_map(run.lifetimes["uniform"], 2)
    np.testing.assert_allclose(shares, [[1.0, np.nan, np.nan], [0.0, np.nan, np.nan]])


def test_a_figure_keeps_learned_teachers_and_baselines_when_there_are_too_many(tmp_path):
    path = demo_run(tmp_path / "r", students=2, decisions=3, k=2, teacher_seeds=1, rules=12)
    teachers = measure_teachers(read_run(path))
    shown = shown_teachers(teachers, limit=6)
    assert len(shown) == 6
    assert {"ppo", "proportional", "lowest", "in_order"} <= set(shown)
    assert list(shown) == [name for name in teachers if name in shown]
    styles = teacher_styles(teacher.card for teacher in teachers.values())
    looks = [(style.color, style.dashes) for style in styles.values()]
    assert len(set(looks)) == len(teachers) == 20


def test_the_picture_of_a_schedule_is_wide_and_an_unknown_teacher_is_named(demo, tmp_path):
    schedule_picture(demo, "ppo", tmp_path / "picture.png")
    width, height = png_size((tmp_path / "picture.png").read_bytes())
    assert width > 1.5 * height
    with pytest.raises(ValueError, match="no finished lifetime of 'nobody'; it has ppo, "):
        schedule_picture(demo, "nobody", tmp_path / "picture.png")


def a_run(path, tables, students=8, **more):
    """A summary of teachers whose every student has the same scores."""
    records = {
        "ppo": teacher("ppo", "learned", label="PPO"),
        "uniform": teacher("uniform", "static", label="Uniform"),
    }
    parts = [
        [row for s in range(students) for row in rows(name, s, scores, tasks=TASKS)]
        for name, scores in tables.items()
    ]
    chosen = [{**records[name], **more.get(name, {})} for name in tables]
    return summarize(write_run(path, chosen, parts, TASKS, decisions=4))


FAST, SLOW, NEVER = [DONE] * 4, [LOW, LOW, DONE, DONE], [LOW] * 4


BOTH = "the best opponent and uniform sampling"


@pytest.mark.parametrize(
    ("ppo", "uniform", "said"),
    [
        (FAST, SLOW, f"It was better than {BOTH} (0.33 times the compute to mastery"),
        (SLOW, FAST, f"It was worse than {BOTH} (3.00 times the compute to mastery"),
        (SLOW, SLOW, f"It tied with {BOTH}."),
        (NEVER, SLOW, f"It was worse than {BOTH} (1.33 times"),
        (NEVER, NEVER, "No teacher brought a student to mastery of all tasks, so areas"),
    ],
)
def test_the_verdict_says_who_won(tmp_path, ppo, uniform, said):
    assert said in verdict(a_run(tmp_path / "r", {"ppo": ppo, "uniform": uniform}))


def test_the_verdict_claims_nothing_from_a_handful_of_students(tmp_path):
    text = verdict(a_run(tmp_path / "r", {"ppo": FAST, "uniform": SLOW}, students=3))
    assert "With only 3 students no difference between teachers can be shown" in text
    assert "better" not in text
    assert "worse" not in text


def test_the_verdict_of_one_teacher_and_of_none_that_learned(tmp_path):
    alone = verdict(a_run(tmp_path / "a", {"ppo": FAST}))
    assert "It was the only teacher" in alone
    unlearned = verdict(a_run(tmp_path / "b", {"uniform": SLOW}))
    assert unlearned.startswith("The only teacher was Uniform, with mastery of all tasks after 30")
    assert "Uniform brought 100 % of its 8 lifetimes" in unlearned


def test_the_verdict_rounds_no_share_to_all_or_nothing(tmp_path):
    summary = a_run(tmp_path / "r", {"ppo": FAST, "uniform": SLOW})
    nearly = copy.deepcopy(summary)
    nearly["teachers"]["ppo"]["mastered"] = 0.9999
    assert "brought nearly 100 %" in verdict(nearly)
    assert "brought 100 %" in verdict(summary)


def test_the_verdict_tells_what_training_cost_and_when_it_is_paid_back(tmp_path):
    training = {"lifetimes": 9, "compute": 2100.0, "student_steps": 9, "wall_seconds": 1.0}
    tables = {"ppo": FAST, "uniform": SLOW}
    paid = verdict(a_run(tmp_path / "a", tables, ppo={"training": training}))
    assert "Making it cost 2,100 training-example equivalents per seed, paid back after 11" in paid
    few = verdict(a_run(tmp_path / "c", tables, students=3, ppo={"training": training}))
    assert "not shown to pay against Uniform" in few
    tables = {"ppo": SLOW, "uniform": FAST}
    never = verdict(a_run(tmp_path / "b", tables, ppo={"training": training}))
    assert "never paid back against Uniform" in never


def test_training_on_another_course_has_a_cost_but_is_not_paid_back(tmp_path):
    training = {"lifetimes": 9, "compute": 2100.0, "student_steps": 9, "wall_seconds": 1.0}
    summary = a_run(tmp_path / "a", {"ppo": FAST, "uniform": SLOW},
                    ppo={"training": training, "other_course": True})  # fmt: skip
    text = verdict(summary)
    assert "Making it cost 2,100 training-example equivalents per seed, on another course" in text
    assert "paid back" not in text
    assert "trained on another course" in learning_table(summary)


@pytest.mark.parametrize(
    ("cards", "picked"),
    [
        ({"a": 9.0, "b": 3.0}, "the best on the selection students, b,"),
        ({"a": 9.0, "b": None}, "the best on the selection students, a,"),
        (
            {"a": 3.0, "b": 3.0},
            "the first by name of 2 that are level on the selection students, a,",
        ),
        ({"a": None, "b": None}, "the first by name, a,"),
    ],
)
def test_the_verdict_is_about_the_learned_teacher_that_the_selection_students_prefer(
    tmp_path, cards, picked
):
    """Here b is the worst on the reported students, and a sampled twin the best of all."""
    results = {"a": SLOW, "b": NEVER, "b-sampled": FAST}
    records = [
        teacher(name, "learned", deterministic=name in cards, selection_cost=cards.get(name))
        for name in results
    ]
    parts = [
        [row for s in range(8) for row in rows(name, s, scores, tasks=TASKS)]
        for name, scores in results.items()
    ]
    text = verdict(summarize(write_run(tmp_path / "r", records, parts, TASKS, decisions=4)))
    assert f"Of 2 learned teachers {picked}"[:-1] in text


def test_what_selection_on_another_course_cost_is_not_compared(tmp_path):
    records = [teacher("a", "learned", deterministic=True, selection_cost=1.0, other_course=True),
               teacher("b", "learned", deterministic=True, selection_cost=9.0)]  # fmt: skip
    parts = [rows(name, 0, FAST, tasks=TASKS) for name in "ab"]
    text = verdict(summarize(write_run(tmp_path / "r", records, parts, TASKS, decisions=4)))
    assert "Of 2 learned teachers the best on the selection students, b" in text


def test_the_verdict_is_about_a_sampled_teacher_only_where_there_is_no_other(tmp_path):
    records = [teacher("ppo-sampled", "learned"), teacher("uniform", "static")]
    parts = [rows(record["name"], 0, FAST, tasks=TASKS) for record in records]
    text = verdict(summarize(write_run(tmp_path / "r", records, parts, TASKS, decisions=4)))
    assert "The learned teacher ppo-sampled" in text


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_a_percentage_is_all_or_nothing_only_where_the_share_is(share):
    part, whole = share
    shown = percent(part / whole)
    assert (shown == "100%") == (part == whole)
    assert (shown == "0%") == (part == 0)


def test_percentages_beyond_the_ends_are_told_apart_too():
    values = (-1.0, -0.2, -0.002, -0.00001, 0.00001, 0.99999, 1.00001, 1.004, 1.2)
    assert [percent(value) for value in values] == [
        "-100%", "-20%", "-0.2%", "nearly 0%", "nearly 0%", "nearly 100%", "nearly 100%", "100.4%",
        "120%",
    ]  # fmt: skip
