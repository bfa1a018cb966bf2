"""Figures over time: scores per task, and the share of students that have mastered all of them.

Legend: s teacher seeds, m students, d decisions, k tasks.
"""

from collections.abc import Mapping

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

from ..analysis.comparisons import Measured
from ..analysis.time_maps import TimeMaps, score_quartiles
from ..analysis.wording import name_of_order
from ..store.runs import StoredRun
from .lettering import in_key
from .schedule_maps import draw_score_maps
from .style import (
    COMPUTE,
    INK,
    SOFT,
    Panels,
    Style,
    add_axes,
    count_axis,
    label,
    new_figure,
    tidy,
    told_apart,
)

MOST_CURVES = 16
"""Tasks that have a curve each; more of them would be a fog, and are drawn as a map."""
KEY_LETTERS = 48


def draw_scores(run: StoredRun, maps: Mapping[str, TimeMaps]) -> Figure:
    """Test score of every task over the lifetime, one panel per teacher, tasks in their order."""
    if len(run.tasks) > MOST_CURVES:
        return draw_score_maps(run, maps)
    key = 0.62 + 0.068 * max(12, *(len(task) for task in told_apart(run.tasks, KEY_LETTERS)))
    panels = Panels(len(maps), 2.6, 1.75, left=0.75, right=key, gap=(0.2, 0.45))
    figure = panels.figure()
    colors = task_colors(len(run.tasks))
    end = max(one.span.steps() for one in maps.values())
    for i, (name, one) in enumerate(maps.items()):
        axes = add_axes(figure, panels.box(i))
        _score_panel(axes, run, name, one.span.steps(), colors)
        axes.set_xlim(0, end)
        label(
            axes,
            x="student steps" if panels.is_lowest(i) else "",
            y="test score" if panels.is_first(i) else "",
            title=run.teachers[name].title,
        )
        if not panels.is_first(i):
            axes.set_yticklabels([])
        if not panels.is_lowest(i):
            axes.set_xticklabels([])
    box = panels.bar(0.2 + 0.19 * len(run.tasks), 0.2)
    _task_bar(figure, add_axes(figure, box), run, colors, most=int(box[3] / 0.14))
    return figure


def task_colors(k: int) -> list[tuple[float, ...]]:
    """One colour per place in the order, from dark to light but not too light, (k,)."""
    viridis = matplotlib.colormaps["viridis"]
    return [tuple(viridis(place)) for place in np.linspace(0.0, 0.92, k)]


def _score_panel(
    axes: Axes, run: StoredRun, name: str, steps: float, colors: list[tuple[float, ...]]
) -> None:
    """The median over lifetimes, with the middle half as a band behind all lines."""
    low, middle, high = score_quartiles(run.lifetimes[name])
    x = np.linspace(0.0, steps, len(middle) + 1)[1:]
    for place, task in enumerate(run.order):
        axes.fill_between(x, low[:, task], high[:, task], color=colors[place], alpha=0.18, lw=0)
    for place, task in enumerate(run.order):
        axes.plot(x, middle[:, task], color=colors[place], lw=1.5)
    for threshold in sorted(set(run.task_values("threshold", 0.9).tolist())):
        axes.axhline(threshold, color=SOFT, lw=0.8, ls=(0, (4, 3)), zorder=0)
    axes.set_ylim(-0.02, 1.02)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1.0])
    tidy(axes)
    count_axis(axes, 4)


def _task_bar(
    figure: Figure, axes: Axes, run: StoredRun, colors: list[tuple[float, ...]], most: int
) -> None:
    """A key of the tasks in their order, first at the bottom; `most` of them have their names."""
    k = len(run.tasks)
    norm = BoundaryNorm([place - 0.5 for place in range(k + 1)], k) if k > 1 else Normalize()
    bar = figure.colorbar(ScalarMappable(norm, ListedColormap(colors)), cax=axes)
    ticks = list(range(0, k, -(-k // min(most, MOST_CURVES)))) if k > 1 else [0.5]
    names = told_apart(run.tasks, KEY_LETTERS)
    bar.set_ticks(ticks, labels=[names[run.order[int(i)]] for i in ticks])
    axes.tick_params(labelsize=8, length=0, labelcolor=INK)
    axes.minorticks_off()
    bar.outline.set_visible(False)
    order = name_of_order(run.environment["suite"]["tasks"])
    axes.set_title(f"tasks in the\n{order}", fontsize=8.5, color=INK, loc="left")


def draw_mastery(teachers: dict[str, Measured], styles: dict[str, Style]) -> Figure:
    """Share of lifetimes that have mastered every task by each amount of compute."""
    figure = new_figure(8.6, max(4.2, 0.9 + 0.235 * len(teachers)))
    axes = figure.add_subplot()
    end = max(float(t.measures.compute_to_mastery.max()) for t in teachers.values())
    finals = []
    for name, teacher in teachers.items():
        line = _mastery_line(axes, teacher, end, styles[name])
        finals.append(
            (-teacher.measures.mastered.mean(), teacher.sample("compute_to_mastery").mean, line)
        )
    tidy(axes, grid="y")
    axes.set_xlim(0, end)
    axes.set_ylim(-0.01, 1.02)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    count_axis(axes, 7)
    label(axes, COMPUTE, "students that have mastered every task")
    # The key is in the order of the lines at the right end, top first.
    order = sorted(range(len(finals)), key=lambda i: finals[i][:2])
    names = told_apart([teacher.card.title for teacher in teachers.values()], KEY_LETTERS)
    axes.legend(
        handles=[finals[i][2] for i in order],
        labels=[in_key(names[i]) for i in order],
        loc="center left",
        bbox_to_anchor=(1.01, 0.5),
        frameon=False,
        fontsize=8.5,
        handlelength=2.6,
    )
    return figure


def _mastery_line(axes: Axes, teacher: Measured, end: float, style: Style) -> Line2D:
    """Steps from 0 to the share of lifetimes that mastered every task, up to the cost `end`."""
    mastered = teacher.measures.mastered
    at = np.sort(teacher.measures.compute_to_mastery[mastered])
    share = np.arange(1, at.size + 1) / mastered.size
    (line,) = axes.step(
        np.concatenate([[0.0], at, [end]]),
        np.concatenate([[0.0], share, share[-1:] if at.size else [0.0]]),
        where="post",
        color=style.color,
        ls=style.dashes,
        lw=style.width,
        zorder=3 if teacher.card.kind == "learned" else 2,
    )
    return line
