"""Pictures of many tasks: rows that hold several, colours that show little, a height that ends."""

import numpy as np
import pytest

from lessonplan.experiments.analysis import blocks
from lessonplan.experiments.analysis.task_rows import MOST_ROWS, rows_for
from lessonplan.experiments.analysis.time_maps import (
    TeachingSpan,
    choice_map,
    maps_of,
    score_map,
    score_quartiles,
)
from lessonplan.experiments.bench.report import write_made_up_run
from lessonplan.experiments.report.curves import MOST_CURVES, draw_scores
from lessonplan.experiments.report.figures import draw_figures
from lessonplan.experiments.report.schedule_maps import (
    TeacherMap,
    draw_schedules,
    picture_rows,
    share_norm,
)
from lessonplan.experiments.store.runs import read_run
from lessonplan.experiments.tracking.endings import charted

SPAN = TeachingSpan(np.ones(10), 10.0, 1)


def tasks(k, category=lambda i: "", needs=lambda i: []):
    return [{"name": f"t{i}", "category": category(i), "prerequisites": needs(i)} for i in range(k)]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return read_run(write_made_up_run(tmp_path_factory.mktemp("runs") / "run", 6, 3, 8, 100))


def test_few_tasks_have_a_row_each_from_the_first_at_the_bottom():
    rows = rows_for(tasks(3), [2, 0, 1])
    assert rows.labels == ("t2", "t0", "t1")
    assert rows.row.tolist() == [1, 2, 0]
    assert rows.note == ""


def test_many_tasks_share_rows_by_category_and_none_is_lost():
    rows = rows_for(tasks(100, category=lambda i: "odd" if i % 2 else "even"), range(100))
    assert len(rows.labels) <= MOST_ROWS
    named = [(i, name) for i, name in enumerate(rows.labels) if name]
    assert named == [(0, "even (50)"), (rows.edges[0], "odd (50)")]
    odd = rows.row[1::2]
    assert odd.min() == rows.edges[0]
    assert (np.diff(odd) >= 0).all()
    assert "100 tasks are drawn in" in rows.note
    # Rows alike in size: a smaller one would look like a choice of the teacher.
    assert len(set(np.bincount(rows.row))) == 1
    np.testing.assert_allclose(rows.total(np.full((100, 2), 0.01)).sum(axis=0), 1.0)
    np.testing.assert_allclose(rows.mean(np.full((100, 2), 0.25)), 0.25)


def test_tasks_without_a_category_share_rows_by_layer_or_with_those_that_follow():
    def needs(i):
        return [f"t{i - 30}"] if i >= 30 else []

    by_layer = rows_for(tasks(90, needs=needs), range(90))
    assert [name for name in by_layer.labels if name] == [f"layer {i} (30)" for i in (1, 2, 3)]
    plain = rows_for(tasks(1000), range(1000))
    assert len(plain.labels) == MOST_ROWS
    assert plain.labels[:2] == ("t0 …", "t25 …")
    assert "up to 25 that follow each other in the listed order share one" in plain.note
    # More categories than rows are no help.
    every = rows_for(tasks(1000, category=lambda i: f"c{i}"), range(1000))
    assert every.labels == plain.labels


def test_a_picture_of_a_thousand_tasks_is_no_higher_than_one_of_a_hundred(run, tmp_path):
    names = list(run.lifetimes)
    many = read_run(write_made_up_run(tmp_path / "many", 2, 3, 3, 1000))
    heights = []
    for one in (run, many):
        k = len(one.tasks)
        maps = {name: maps_of(one.lifetimes[name], k, False) for name in names}
        heights.append(draw_schedules(one, maps).get_size_inches()[1])
    assert max(heights) < 12
    assert heights[1] < 2 * heights[0]


@pytest.mark.parametrize("rows", [2, 6, 24, MOST_ROWS])
@pytest.mark.parametrize("top", [0.0, 0.3, 1.0])
def test_an_even_mixture_is_told_from_nothing(rows, top):
    """Beside a teacher that gives one task to all it was the colour of the paper."""
    even = TeacherMap("even", np.full((rows, 5), 1.0 / rows), SPAN)
    peaked = TeacherMap("peaked", np.full((rows, 5), np.nan), SPAN)
    peaked.values[0, 0] = top
    norm = share_norm([even, peaked])
    assert norm(0.0) == 0.0
    assert norm(1.0 / rows) >= 0.2
    assert norm(max(top, 1.0 / rows)) <= 1.0


def test_scores_are_curves_of_few_tasks_and_a_map_of_many(run, tmp_path):
    few = read_run(write_made_up_run(tmp_path / "few", 3, 2, 4, MOST_CURVES))
    for one, kind in ((few, "lines"), (run, "images")):
        k = len(one.tasks)
        maps = {name: maps_of(one.lifetimes[name], k, False) for name in one.lifetimes}
        panel = draw_scores(one, maps).axes[0]
        assert len(getattr(panel, kind)) > 0
        assert bool(panel.images) == (kind == "images")


def test_the_page_says_what_a_row_is(run):
    captions = {one.name: one.caption for one in draw_figures(run)}
    for name in ("schedules", "scores", "progress"):
        assert "100 tasks are drawn in 25 rows: up to 4 of one category" in captions[name]
    assert captions["scores"].startswith("Mean test score")
    assert "rows" not in captions["area"]


def test_maps_are_what_they_say_computed_one_lifetime_after_the_other(run, monkeypatch):
    """In blocks of one lifetime or one decision as in whole."""

    lifetimes = run.lifetimes["teacher-2"]
    taught, shares = lifetimes.taught[0], lifetimes.probabilities[0].astype(float)
    expected = np.where(taught[..., None], shares, 0.0).sum(axis=0) / taught.sum(axis=0)[:, None]
    scores = lifetimes.test_score[0].astype(float)
    for size in (blocks.BLOCK_BYTES, 1):
        monkeypatch.setattr(blocks, "BLOCK_BYTES", size)
        np.testing.assert_allclose(choice_map(lifetimes, 100, mixes=True), expected.T)
        np.testing.assert_allclose(score_map(lifetimes), scores.mean(axis=0).T)
        middle = np.median(scores, axis=0)
        np.testing.assert_allclose(score_quartiles(lifetimes)[1], middle)
    assert picture_rows(run).labels[0] == "category 1 (20)"


def test_the_chart_of_a_pair_has_the_rows_of_its_picture(run, tmp_path):
    """A thousand tasks made a chart of 18,000 pixels."""
    table = [[d, 20.0 * d, task, 0.01] for d in (1, 2) for task in run.tasks]
    chart, order = charted(table, run)
    assert len(order) == len(picture_rows(run).labels) == 25
    assert order[:2] == ["level-1 …", "level-5 …"]
    assert [row["task"] for row in chart] == order * 2
    assert [row["probability"] for row in chart] == pytest.approx([0.04] * 50)
    few = read_run(write_made_up_run(tmp_path / "few", 2, 2, 2, 3))
    table = [
        [1, 20.0, task, share] for task, share in zip(few.tasks, (0.5, 0.25, 0.25), strict=True)
    ]
    chart, order = charted(table, few)
    assert order == few.tasks
    assert chart[0] == {"decision": 1, "task": "level-1", "probability": 0.5}
