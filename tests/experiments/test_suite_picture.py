"""The picture of a suite: where its tasks stand, and that a small one is drawn from a real run."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from fake_cohort import fake_suite

from lessonplan.experiments import suite_teaching
from lessonplan.experiments.config.config import Course, Lifetime, Student, Suite
from lessonplan.experiments.report.style import to_png
from lessonplan.experiments.suite_picture import draw_suite, layout, write_suite_figure
from lessonplan.experiments.suite_teaching import TeachingResult, teach
from lessonplan.student import SUITES, distractors, graph, simulated


@pytest.mark.parametrize("suite", [graph(), distractors(), simulated(7, 3)], ids=lambda s: s.name)
def test_every_task_stands_below_what_it_needs_and_on_no_other(suite):
    at = dict(zip(suite.names, layout(suite), strict=True))
    for task in suite.tasks:
        for needed in task.prerequisites:
            assert at[task.name][1] < at[needed][1]
    places = np.array(list(at.values()))
    apart = np.abs(places[:, None] - places[None]).max(axis=2) + 9 * np.eye(len(suite))
    assert apart.min() >= 1.0 - 1e-9


def test_tasks_without_arrows_stand_in_a_column_by_the_true_order():
    suite = fake_suite(3, difficulty=[2.0, 3.0, 1.0])
    assert layout(suite)[:, 1].tolist() == [-1.0, -2.0, 0.0]


def test_a_panel_says_how_many_mastered():
    taught = TeachingResult("in order", np.zeros((5, 3)), 100, np.array([40.0, 100.0, 60.0]))
    assert taught.verdict == "in order: 2 of 3 mastered, median 60"
    never = TeachingResult("shuffled", np.zeros((5, 3)), 100, np.full(3, 100.0))
    assert never.verdict == "shuffled: 0 of 3 mastered"


def test_curves_are_drawn_in_one_color_per_task_in_both_panels():
    suite = graph()
    scores = np.linspace(0, 1, 70).reshape(10, 7)
    results = [TeachingResult(t, scores, 180, np.full(2, 180.0)) for t in ("a", "b")]
    figure = draw_suite(suite, results)
    _, first, second = figure.axes
    assert [line.get_color() for line in first.lines] == [x.get_color() for x in second.lines]
    assert len({line.get_color() for line in first.lines}) == 7
    by_order = [line.get_ydata().tolist() for line in first.lines]
    assert by_order == [scores[:, task].tolist() for task in suite.order]


def test_a_lifetime_goes_on_after_mastery_and_is_scored_after_every_decision():
    course = Course(
        suite=Suite(name="flat", options={"n_tasks": 2, "n_signs": 8}),
        student=Student(options={"hidden": [8]}),
        lifetime=Lifetime(budget="200-steps", end_after=10**9, shuffle_tasks=False),
    )
    suite = SUITES["flat"](n_tasks=2, n_signs=8)
    taught = teach(course, suite, "proportional", students=2)
    assert taught.score.shape == (11, 2)
    assert taught.score[0].max() < taught.score[-1].min()


def test_suites_that_are_shown_in_another_way_than_most_are_registered():
    assert set(suite_teaching.COURSES) <= set(SUITES)


def test_a_suite_becomes_a_png(tmp_path, monkeypatch):
    asked = []

    def fast(course, suite, rule, students, report):
        asked.append(SimpleNamespace(course=course, rule=rule, students=students))
        return TeachingResult(rule, np.zeros((3, len(suite))), 60, np.full(students, 60.0))

    monkeypatch.setattr(suite_teaching, "teach", fast)
    out = tmp_path / "new" / "flat.png"
    write_suite_figure("flat", out, {"n_tasks": 3, "n_signs": 8})
    assert out.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert [one.rule for one in asked] == ["in_order", "proportional"]
    assert asked[0].course.suite.options == {"n_tasks": 3, "n_signs": 8}
    with pytest.raises(ValueError, match="there is no suite 'nonsense'"):
        write_suite_figure("nonsense", out)


def test_many_tasks_are_drawn_as_layers_and_maps_and_not_as_a_fog():
    suite = simulated(100, 5)
    scores = np.linspace(0, 1, 1000).reshape(10, 100)
    results = [TeachingResult(t, scores, 180, np.full(2, 180.0)) for t in ("a", "b")]
    layers, *maps = draw_suite(suite, results).axes
    assert [bar.get_width() for bar in layers.patches] == [5] * 20
    for axes in maps:
        assert not axes.lines or all(len(set(line.get_ydata())) == 1 for line in axes.lines)
        assert axes.images[0].get_array().shape == (20, 10)


NAMES = (r"$\frac{1$", "two\nlines")


def test_names_of_tasks_are_plain_text_in_the_graph():
    suite = fake_suite(2)
    tasks = [replace(task, name=name) for task, name in zip(suite.tasks, NAMES, strict=True)]
    suite = replace(suite, tasks=tuple(tasks))
    results = [TeachingResult("a", np.zeros((3, 2)), 180, np.full(2, 180.0))]
    assert to_png(draw_suite(suite, results))
