"""A picture of a suite: what needs what, and how its students learn in order and by shuffling.

Legend: k tasks.
"""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image

from lessonplan.student import Task, TaskSuite

from .analysis.task_rows import layers_of, rows_for
from .common.files import write_whole
from .common.watch import Tell, nowhere
from .report.curves import MOST_CURVES, task_colors
from .report.schedule_maps import SHARES, draw_rows, name_inches
from .report.style import (
    FAINT,
    INK,
    SOFT,
    Panels,
    add_axes,
    count_axis,
    label,
    tidy,
    to_png,
    told_apart,
)
from .suite_teaching import TeachingResult, teach_suite


def write_suite_figure(
    name: str,
    out: Path,
    options: Mapping[str, Any] | None = None,
    students: int | None = None,
    tell: Tell = nowhere,
) -> list[TeachingResult]:
    """Teach a suite in order and by shuffling, and write the picture as a PNG.

    Args:
        name: of a suite, or one's own as `module:name`.
        out: the file.
        options: arguments of the suite, besides those that it is shown with.
        students: m, of each rule; 12 by default, 4 that read text.
        tell: told of every decision.

    Raises:
        ValueError: if the suite cannot be made.
    """
    suite, results = teach_suite(name, options, students, tell)
    picture = Image.open(BytesIO(to_png(draw_suite(suite, results), dpi=90)))
    # A palette takes a third of the bytes.
    write_whole(out, lambda aside: picture.quantize(128).save(aside, "PNG", optimize=True))
    return results


def draw_suite(suite: TaskSuite, results: list[TeachingResult]) -> Figure:
    """The graph of prerequisites at the left, a panel of test scores per rule beside it.

    Of many tasks the sizes of the graph's layers, and maps of the scores from white (0) to dark
    (1), in rows that several tasks share.
    """
    rows = rows_for([_facts(task) for task in suite.tasks], suite.order)
    many = len(suite) > MOST_CURVES
    gap = (name_inches(rows) if many else 0.55, 0.5)
    panels = Panels(1 + len(results), 3.4, 2.6, left=0.75 if many else 0.15, right=0.2, gap=gap)
    figure = panels.figure()
    place = np.argsort(np.array(suite.order))
    colors = [task_colors(len(suite))[i] for i in place]
    graph = add_axes(figure, panels.box(0))
    if many:
        _draw_layers(graph, suite)
    else:
        _draw_graph(graph, suite, colors)
    linked = any(task.prerequisites for task in suite.tasks)
    title = f"{suite.name}: {'what needs what' if linked else 'no true order'}"
    label(graph, "tasks" if many else "", "layer: steps from no needs" if many else "", title)
    for i, one in enumerate(results):
        axes = add_axes(figure, panels.box(i + 1))
        if many:
            norm = Normalize(0.0, 1.0)
            draw_rows(axes, rows, rows.mean(one.score.T), one.steps, SHARES, norm)
        else:
            _draw_curves(axes, suite, one, colors)
        axes.set_xlim(0, one.steps)
        tidy(axes)
        count_axis(axes, 4)
        label(axes, x="student steps", title=one.verdict)
        if i == 0 and not many:
            axes.set_ylabel("test score", fontsize=9, color=INK)
    return figure


def _facts(task: Task) -> dict[str, Any]:
    """What rows are made of, as a run stores it."""
    return {
        "name": task.name,
        "category": task.category,
        "prerequisites": task.prerequisites,
        "difficulty": task.difficulty,
    }


def _draw_curves(
    axes: Axes, suite: TaskSuite, one: TeachingResult, colors: list[tuple[float, ...]]
) -> None:
    x = np.linspace(0.0, one.steps, len(one.score))
    for task in suite.order:
        axes.plot(x, one.score[:, task], color=colors[task], lw=1.5)
    axes.set_ylim(-0.02, 1.02)


def _draw_layers(axes: Axes, suite: TaskSuite) -> None:
    """How many tasks stand as many steps from those that need nothing, these at the bottom."""
    counts = np.bincount(layers_of([_facts(task) for task in suite.tasks], suite.order))
    axes.barh(np.arange(len(counts)) + 1, counts, height=0.8, color=SOFT)
    axes.yaxis.set_major_locator(MaxNLocator(8, integer=True, min_n_ticks=1))
    tidy(axes)
    count_axis(axes, 4)


def _draw_graph(axes: Axes, suite: TaskSuite, colors: list[tuple[float, ...]]) -> None:
    """Tasks from the top down, each below what it needs; without any arrow, as a column."""
    at, index = layout(suite), {name: i for i, name in enumerate(suite.names)}
    names = told_apart(suite.names)
    for i, task in enumerate(suite.tasks):
        for prerequisite in task.prerequisites:
            start = at[index[prerequisite]]
            axes.annotate(
                "",
                at[i],
                start,
                arrowprops={"arrowstyle": "-|>", "color": SOFT, "shrinkA": 9, "shrinkB": 9},
            )
    for i in range(len(suite)):
        bright = sum(colors[i][:3]) > 1.5
        axes.text(
            at[i, 0],
            at[i, 1],
            names[i],
            fontsize=7.5,
            color=INK if bright else "white",
            ha="center",
            va="center",
            bbox={"boxstyle": "round,pad=0.3", "fc": colors[i], "ec": FAINT},
        )
    axes.set_xlim(at[:, 0].min() - 0.6, at[:, 0].max() + 0.6)
    axes.set_ylim(at[:, 1].min() - 0.6, at[:, 1].max() + 0.6)
    axes.axis("off")


def layout(suite: TaskSuite) -> np.ndarray:
    """Where each task stands, (k, 2): below all that it needs, and below its middle if it can."""
    index = {name: i for i, name in enumerate(suite.names)}
    needs = [[index[name] for name in task.prerequisites] for task in suite.tasks]
    layer = np.zeros(len(suite), dtype=np.int64)
    for i in suite.order:
        layer[i] = max((layer[j] + 1 for j in needs[i]), default=0)
    at = np.zeros((len(suite), 2))
    if not layer.any():
        at[list(suite.order), 1] = -np.arange(len(suite))
        return at
    at[:, 1] = -layer
    for depth in range(int(layer.max()) + 1):
        row = [i for i in suite.order if layer[i] == depth]
        aims = [
            float(np.mean(at[needs[i], 0])) if needs[i] else float(j) for j, i in enumerate(row)
        ]
        edge = -np.inf
        for j in np.argsort(aims, kind="stable"):
            edge = max(aims[j], edge + 1.0)
            at[row[j], 0] = edge
        at[row, 0] += np.mean(aims) - at[row, 0].mean()
    return at
