"""A picture of a suite: what needs what, and how its students learn in order and by shuffling.

Legend: k tasks.
"""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from lessonplan.student import TaskSuite

from .common.files import write_whole
from .common.watch import Tell, nowhere
from .report.curves import task_colors
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
    """The graph of prerequisites at the left, a panel of test scores per rule beside it."""
    panels = Panels(1 + len(results), 3.4, 2.6, left=0.15, right=0.2, gap=(0.55, 0.5))
    figure = panels.figure()
    place = np.argsort(np.array(suite.order))
    colors = [task_colors(len(suite))[i] for i in place]
    graph = add_axes(figure, panels.box(0))
    _draw_graph(graph, suite, colors)
    linked = any(task.prerequisites for task in suite.tasks)
    label(graph, title=f"{suite.name}: {'what needs what' if linked else 'no true order'}")
    for i, one in enumerate(results):
        axes = add_axes(figure, panels.box(i + 1))
        x = np.linspace(0.0, one.steps, len(one.score))
        for task in suite.order:
            axes.plot(x, one.score[:, task], color=colors[task], lw=1.5)
        axes.set_ylim(-0.02, 1.02)
        axes.set_xlim(0, one.steps)
        tidy(axes)
        count_axis(axes, 4)
        label(axes, x="student steps", title=one.verdict)
        if i == 0:
            axes.set_ylabel("test score", fontsize=9, color=INK)
    return figure


def _draw_graph(axes: Axes, suite: TaskSuite, colors: list[tuple[float, ...]]) -> None:
    """Tasks from the top down, each below what it needs; without any arrow, as a column."""
    at, index = layout(suite), {name: i for i, name in enumerate(suite.names)}
    for i, task in enumerate(suite.tasks):
        for prerequisite in task.prerequisites:
            start = at[index[prerequisite]]
            axes.annotate(
                "",
                at[i],
                start,
                arrowprops={"arrowstyle": "-|>", "color": SOFT, "shrinkA": 9, "shrinkB": 9},
            )
    for i, task in enumerate(suite.tasks):
        bright = sum(colors[i][:3]) > 1.5
        axes.text(
            at[i, 0],
            at[i, 1],
            task.name,
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
