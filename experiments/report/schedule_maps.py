"""Figures over time per task: what was taught, what was gained, and the picture of a schedule.

Legend: s teacher seeds, m students, d decisions, k tasks, c columns of a map.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, FuncNorm, LinearSegmentedColormap, Normalize, PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from ..analysis.wording import name_of_order
from ..store.runs import Lifetimes, StoredRun, read_run
from .style import INK, SOFT, Panels, add_axes, count_axis, label, tidy, to_png, told_apart

MAP_COLUMNS = 60
STRIP = 0.4
"""Inches of the strip under a map and its gap."""
FEWEST = 0.05
"""Where fewer of the lifetimes than this are still being taught, a map is blank: a column of one or
two students would look like a decision of the teacher."""
NOBODY = "#eeeeee"
SHARES = LinearSegmentedColormap.from_list(
    "shares", ["#ffffff", "#cfe3ef", "#7fb6d6", "#2f7fb5", "#0b4a80", "#06203f"]
).with_extremes(bad=NOBODY)
GAINS = LinearSegmentedColormap.from_list(
    "gains", ["#7a3b00", "#d08331", "#f5d9b5", "#ffffff", "#c3d9ec", "#3f84b8", "#0a3a66"]
).with_extremes(bad=NOBODY)


def _columns(lifetimes: Lifetimes) -> np.ndarray:
    """Map column of each decision, (d,)."""
    d = lifetimes.task.shape[2]
    return np.asarray(np.arange(d) * min(d, MAP_COLUMNS) // d)


def _binned(values: np.ndarray, taught: np.ndarray, column: np.ndarray) -> np.ndarray:
    """Mean over lifetimes and decisions of each map column, (s, m, d, k) -> (k, c).

    Only students still being taught count; NaN where fewer than `FEWEST` of them are left.
    """
    c = int(column[-1]) + 1
    weights = taught.sum(axis=(0, 1))
    enough = FEWEST * taught.shape[0] * taught.shape[1] * np.bincount(column, minlength=c)
    totals = np.where(taught[..., None], values, 0.0).sum(axis=(0, 1))
    count = np.bincount(column, weights=weights, minlength=c)
    sums = np.stack([np.bincount(column, weights=row, minlength=c) for row in totals.T])
    return np.where((count > 0) & (count >= enough), sums / np.maximum(count, 1), np.nan)


def choice_map(lifetimes: Lifetimes, k: int, mixes: bool = False) -> np.ndarray:
    """Share of the students still being taught that were taught each task, (k, c).

    Of a teacher that mixes tasks within a batch it is the share of the training examples.
    """
    shares = lifetimes.probabilities if mixes else lifetimes.task[..., None] == np.arange(k)
    return _binned(shares.astype(np.float64), lifetimes.taught, _columns(lifetimes))


def progress_map(lifetimes: Lifetimes) -> np.ndarray:
    """Mean change of each task's test score per decision, (k, c).

    The score before the first decision is not recorded, so the first one counts as no change.
    """
    change = np.diff(lifetimes.test_score, axis=2, prepend=lifetimes.test_score[:, :, :1])
    return _binned(change, lifetimes.taught, _columns(lifetimes))


def draw_schedules(run: StoredRun, names: list[str]) -> Figure:
    """A heat map per teacher of which task was taught when."""
    maps = {
        name: choice_map(run.lifetimes[name], len(run.tasks), run.teachers[name].mixes)
        for name in names
    }
    return _draw_maps(
        run, maps, SHARES, _share_norm(maps.values()), "share of students taught the task"
    )


def draw_probabilities(run: StoredRun, names: list[str]) -> Figure:
    """A heat map per teacher of the probability that it gave each task."""
    k = len(run.tasks)
    maps = {name: choice_map(run.lifetimes[name], k, mixes=True) for name in names}
    return _draw_maps(run, maps, SHARES, _share_norm(maps.values()), "probability of the task")


def draw_difference(run: StoredRun, teacher: str, other: str) -> Figure:
    """How much more often one teacher gave each task than another, student steps side by side."""
    k = len(run.tasks)
    first, second = (choice_map(run.lifetimes[name], k, mixes=True) for name in (teacher, other))
    # Maps of runs of one budget have the same columns.
    difference = {teacher: first - second}
    title = f"{run.teachers[teacher].title} - {run.teachers[other].title}"
    card = replace(run.teachers[teacher], label=title)
    run = replace(run, teachers={**run.teachers, teacher: card})
    bar = "difference of the probabilities"
    return _draw_maps(run, difference, GAINS, Normalize(-1.0, 1.0), bar)


def draw_progress(run: StoredRun, names: list[str]) -> Figure:
    """A heat map per teacher of how fast the score of each task changed."""
    maps = {name: progress_map(run.lifetimes[name]) for name in names}
    sizes = np.concatenate([np.abs(values[np.isfinite(values)]) for values in maps.values()])
    limit = max(float(sizes.max()) if sizes.size else 0.0, 1e-3)
    # Forgetting is slow where learning is fast: colour goes with the square root of both.
    norm = FuncNorm((_signed_root, _signed_square), -limit, limit)
    return _draw_maps(run, maps, GAINS, norm, "change of test score per decision")


def _share_norm(maps: Iterable[np.ndarray]) -> Normalize:
    """Colours from nothing to the largest share; small shares must be told from none."""
    top = max((float(values[np.isfinite(values)].max(initial=0.0)) for values in maps), default=1.0)
    return PowerNorm(0.75, 0.0, max(top, 0.1))


def _signed_root(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.sign(values) * np.sqrt(np.abs(values)))


def _signed_square(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.sign(values) * np.square(values))


def _draw_maps(
    run: StoredRun, maps: dict[str, np.ndarray], colors: Colormap, norm: Normalize, bar: str
) -> Figure:
    """One map per teacher over a strip that shows how many students are still being taught."""
    panels = Panels(len(maps), 2.5, max(1.5, 0.17 * len(run.tasks)) + STRIP, _margin(run), 1.0)
    figure = panels.figure()
    end = max(schedule_span(run.lifetimes[name]) for name in maps)
    for i, (name, values) in enumerate(maps.items()):
        x, y, width, height = panels.box(i)
        axes = add_axes(figure, (x, y + STRIP, width, height - STRIP))
        _map_panel(axes, run, name, values, colors, norm, with_names=panels.is_first(i))
        axes.set_xlim(0, end)
        axes.set_xticks([])
        strip = add_axes(figure, (x, y, width, STRIP - 0.1))
        _strip(strip, run.lifetimes[name])
        strip.set_xlim(0, end)
        if panels.is_lowest(i):
            strip.set_xlabel("student steps", fontsize=9, color=INK)
        else:
            strip.set_xticklabels([])
    _color_bar(figure, add_axes(figure, panels.bar()), colors, norm, bar)
    return figure


def _margin(run: StoredRun, size: float = 8.0) -> float:
    """Inches that the longest task name needs."""
    return 0.28 + 0.0085 * size * max(6, *(len(task) for task in told_apart(run.tasks)))


def schedule_span(lifetimes: Lifetimes, least: float = 0.0) -> float:
    """Student steps of the whole budget, or until no more than this share is still taught."""
    remaining = lifetimes.taught.mean(axis=(0, 1))
    decisions = int((remaining > least).sum()) if least > 0 else len(remaining)
    return decisions * _steps_per_decision(lifetimes)


def _steps_per_decision(lifetimes: Lifetimes) -> float:
    return float(lifetimes.student_steps.max()) / float(lifetimes.length.max())


def _map_panel(
    axes: Axes,
    run: StoredRun,
    name: str,
    values: np.ndarray,
    colors: Colormap,
    norm: Normalize,
    with_names: bool,
    size: float = 8.0,
) -> None:
    """A map with the order of the tasks from bottom to top."""
    k = len(run.tasks)
    axes.imshow(
        values[run.order],
        aspect="auto",
        origin="lower",
        cmap=colors,
        norm=norm,
        extent=(0.0, schedule_span(run.lifetimes[name]), -0.5, k - 0.5),
        interpolation="nearest",
    )
    ticks = list(range(0, k, max(1, k // 24)))
    names = told_apart(run.tasks)
    axes.set_yticks(ticks, [names[run.order[i]] for i in ticks] if with_names else [])
    tidy(axes)
    axes.tick_params(labelsize=size, length=2)
    axes.spines[["top", "right"]].set_visible(True)
    label(axes, title=run.teachers[name].title)


def _strip(axes: Axes, lifetimes: Lifetimes) -> None:
    """How many lifetimes are still being taught after each decision."""
    remaining = lifetimes.taught.sum(axis=(0, 1))
    edges = np.arange(len(remaining) + 1) * _steps_per_decision(lifetimes)
    axes.stairs(remaining, edges, fill=True, color="#cccccc")
    axes.set_ylim(0, lifetimes.length.size)
    axes.set_yticks([])
    axes.text(
        0.015,
        0.47,
        f"still taught: {remaining[0]:,} at first, {remaining[-1]:,} at the end",
        transform=axes.transAxes,
        fontsize=7,
        color=INK,
        va="center",
    )
    tidy(axes)
    axes.tick_params(labelsize=8, length=2)
    count_axis(axes, 4)


def _color_bar(figure: Figure, axes: Axes, colors: Colormap, norm: Normalize, text: str) -> None:
    bar = figure.colorbar(ScalarMappable(norm, colors), cax=axes)
    bar.set_label(text, fontsize=9, color=INK)
    axes.tick_params(labelsize=8, colors=SOFT, labelcolor=INK)
    bar.outline.set_edgecolor(SOFT)
    if isinstance(norm, PowerNorm):
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))


def schedule_picture(run_dir: str | Path, teacher: str, out_png: str | Path) -> None:
    """One teacher's schedule beside that of the in-order teacher of the same run, as a PNG.

    The picture ends where fewer than a twentieth of the students are still being taught.

    Raises:
        ValueError: if the run has no finished lifetime of that teacher.
    """
    run = read_run(run_dir)
    if teacher not in run.lifetimes:
        choices = ", ".join(run.lifetimes) or "none"
        raise ValueError(f"{run_dir} has no finished lifetime of {teacher!r}; it has {choices}")
    names = [teacher]
    in_order = [n for n in run.lifetimes if run.teachers[n].sees_order and n != teacher]
    names += sorted(in_order, key=lambda n: (not run.teachers[n].tuned, n))[:1]
    k = len(run.tasks)
    maps = {name: choice_map(run.lifetimes[name], k, run.teachers[name].mixes) for name in names}
    norm = _share_norm(maps.values())
    panels = Panels(len(names), 4.0, max(1.8, 0.25 * k), _margin(run, 9.5))
    figure = panels.figure()
    end = max(schedule_span(run.lifetimes[name], FEWEST) for name in names)
    for i, name in enumerate(names):
        axes = add_axes(figure, panels.box(i))
        _map_panel(axes, run, name, maps[name], SHARES, norm, with_names=i == 0, size=9.5)
        axes.set_xlim(0, end)
        count_axis(axes)
        status = "told" if run.teachers[name].sees_order else "never told"
        order = name_of_order(run.environment["suite"]["tasks"])
        title = f"{run.teachers[name].title}, {status} the {order}"
        label(axes, x="student steps", title=title, size=11)
    _color_bar(figure, add_axes(figure, panels.bar()), SHARES, norm, "share of students")
    Path(out_png).write_bytes(to_png(figure, dpi=200))
