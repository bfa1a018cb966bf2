"""Figures of one number per lifetime: area, cost to mastery, and where the compute went."""

from collections.abc import Iterable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..analysis.comparisons import Measured
from .style import (
    COMPUTE,
    INK,
    NAME_INCHES,
    SOFT,
    Style,
    compact,
    count_axis,
    fitted,
    label,
    new_figure,
    tidy,
)

JITTER_SEED = 7


def draw_area(teachers: dict[str, Measured], styles: dict[str, Style]) -> Figure:
    """Area of every lifetime, with the interquartile mean and its interval."""
    figure, axes = _points("area", teachers, styles, best_is_low=False)
    label(axes, "area: mean test score over the whole budget")
    return figure


def draw_cost(teachers: dict[str, Measured], styles: dict[str, Style]) -> Figure:
    """Compute to mastery of every lifetime; what never mastered stands hollow at the budget."""
    figure, axes = _points("compute_to_mastery", teachers, styles, best_is_low=True)
    label(axes, f"{COMPUTE} to mastery")
    axes.set_xlim(left=0)
    count_axis(axes, 7)
    return figure


def _points(
    metric: str, teachers: dict[str, Measured], styles: dict[str, Style], best_is_low: bool
) -> tuple[Figure, Axes]:
    """Teachers from the best at the top to the worst, then ceilings, a dot per lifetime."""
    figure = new_figure(8.6, 1.25 + 0.36 * len(teachers))
    axes = figure.add_subplot()
    sign = 1.0 if best_is_low else -1.0
    cards = {name: teacher.card for name, teacher in teachers.items()}
    names = sorted(
        teachers,
        key=lambda n: (cards[n].kind == "ceiling", sign * teachers[n].sample(metric).mean, n),
    )
    for place, name in enumerate(names):
        _row(axes, len(names) - 1 - place, teachers[name], metric, styles[name])
    axes.set_yticks(range(len(names)), _titles(teachers, reversed(names)))
    axes.set_ylim(-0.6, len(names) - 0.4)
    tidy(axes, grid="x")
    _key(figure, hollow=metric == "compute_to_mastery")
    return figure, axes


def _titles(teachers: dict[str, Measured], names: Iterable[str]) -> list[str]:
    return [fitted(teachers[name].card.title, NAME_INCHES, 8.5) for name in names]


def _row(axes: Axes, y: float, teacher: Measured, metric: str, style: Style) -> None:
    sample = teacher.sample(metric)
    values = sample.values.ravel()
    jitter = np.random.default_rng(JITTER_SEED).uniform(-0.24, 0.24, size=values.size)
    mastered = teacher.measures.mastered.ravel()
    full = mastered if metric == "compute_to_mastery" else np.ones_like(mastered)
    size = 16.0 if values.size <= 100 else 8.0
    axes.scatter(values[full], y + jitter[full], s=size, color=style.color, alpha=0.35, lw=0)
    axes.scatter(
        values[~full],
        y + jitter[~full],
        s=size,
        facecolors="none",
        edgecolors=style.color,
        alpha=0.45,
        lw=0.7,
        clip_on=False,
    )
    if not full.all():
        axes.text(
            1.02,
            y,
            f"{(~full).sum():,} of {full.size:,}",
            transform=axes.get_yaxis_transform(),
            fontsize=8,
            color=SOFT,
            va="center",
        )
    axes.plot(sample.ci95, [y, y], color=INK, lw=2.4, solid_capstyle="butt", zorder=4)
    axes.plot([sample.mean], [y], marker="|", ms=13, mew=2.6, color=INK, zorder=5)


def _key(figure: Figure, hollow: bool) -> None:
    handles = [
        Line2D(
            [],
            [],
            marker="|",
            ms=10,
            mew=2.4,
            color=INK,
            lw=2.2,
            label="interquartile mean and 95 % interval",
        ),
        Line2D([], [], marker="o", ms=4, color=SOFT, alpha=0.6, lw=0, label="one lifetime"),
    ]
    if hollow:
        handles.append(
            Line2D(
                [],
                [],
                marker="o",
                ms=4,
                mfc="none",
                color=SOFT,
                lw=0,
                label="not mastered: at the whole budget, counted at the right",
            )
        )
    figure.legend(
        handles=handles, loc="outside upper right", ncols=len(handles), frameon=False, fontsize=8.5
    )


def draw_spending(teachers: dict[str, Measured]) -> Figure:
    """Compute per student for training and probing, and what it took to make the teacher."""
    has_making = any(teacher.card.making.compute > 0 for teacher in teachers.values())
    figure = new_figure(10.4 if has_making else 7.6, 1.35 + 0.34 * len(teachers))
    grid = figure.add_gridspec(
        1, 2 if has_making else 1, width_ratios=[1.5, 1.0] if has_making else [1.0]
    )
    axes = figure.add_subplot(grid[0])
    names = list(reversed(teachers))
    total = np.array([teachers[n].measures.total_cost.mean() for n in names])
    probing = np.array([teachers[n].measures.probe_cost.mean() for n in names])
    rows = np.arange(len(names))
    axes.barh(rows, total - probing, height=0.66, color="#0072b2", label="training the student")
    axes.barh(rows, probing, left=total - probing, height=0.66, color="#e69f00", label="probing it")
    axes.set_yticks(rows, _titles(teachers, names))
    tidy(axes, grid="x")
    count_axis(axes)
    label(axes, "mean compute per student")
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=2,
        frameon=False,
        fontsize=8.5,
        borderaxespad=0.2,
    )
    if has_making:
        _investment(figure.add_subplot(grid[1], sharey=axes), teachers, names)
    return figure


def _investment(axes: Axes, teachers: dict[str, Measured], names: list[str]) -> None:
    compute = np.array([teachers[name].card.making.compute for name in names])
    rows = np.arange(len(names))
    axes.barh(rows, compute, height=0.66, color="#009e73")
    for row, name, value in zip(rows, names, compute, strict=True):
        none = " none" if teachers[name].card.training_known else " unknown"
        text = f" {compact(float(f'{value:.3g}'))}" if value else none
        axes.text(
            float(value), float(row), text, va="center", fontsize=8, color=INK if value else SOFT
        )
    tidy(axes, grid="x")
    axes.tick_params(labelleft=False)
    axes.set_xlim(0, compute.max() * 1.2)
    count_axis(axes, 4)
    label(axes, "compute to make the teacher")
