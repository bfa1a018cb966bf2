"""Maps over time per task: what was taught, known and gained, and the picture of a schedule.

Legend: d decisions, k tasks, g rows of a map, c columns of a map.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, FuncNorm, LinearSegmentedColormap, Normalize, PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from ..analysis.task_rows import TaskRows, rows_for
from ..analysis.time_maps import FEWEST, TeachingSpan, TimeMaps, choice_map, teaching_span
from ..analysis.wording import name_of_order
from ..common.files import write_whole
from ..store.runs import StoredRun, read_run
from .style import INK, SOFT, Panels, add_axes, count_axis, label, tidy, to_png, told_apart

STRIP = 0.4
"""Inches of the strip under a map and its gap."""
NOBODY = "#eeeeee"
SHARES = LinearSegmentedColormap.from_list(
    "shares", ["#ffffff", "#cfe3ef", "#7fb6d6", "#2f7fb5", "#0b4a80", "#06203f"]
).with_extremes(bad=NOBODY)
GAINS = LinearSegmentedColormap.from_list(
    "gains", ["#7a3b00", "#d08331", "#f5d9b5", "#ffffff", "#c3d9ec", "#3f84b8", "#0a3a66"]
).with_extremes(bad=NOBODY)
_EVEN = 0.25
"""Where on the scale of colours a share lies that all rows have alike."""
_MOST_NAMES = 24
"""Rows that bear their names; of more every n-th does."""


@dataclass(frozen=True)
class TeacherMap:
    """One panel.

    Args:
        title: of it.
        values: (g, c).
        span: of the teacher.
    """

    title: str
    values: np.ndarray
    span: TeachingSpan


def picture_rows(run: StoredRun) -> TaskRows:
    """Rows for the tasks of a run."""
    return rows_for(run.environment["suite"]["tasks"], run.order)


def draw_schedules(run: StoredRun, maps: Mapping[str, TimeMaps]) -> Figure:
    """A heat map per teacher of which task was taught when."""
    rows = picture_rows(run)
    panels = [
        TeacherMap(run.teachers[name].title, rows.total(one.choice), one.span)
        for name, one in maps.items()
    ]
    what = "a task of the row" if rows.note else "the task"
    return draw_maps(rows, panels, SHARES, share_norm(panels), f"share of students taught {what}")


def draw_probabilities(run: StoredRun, names: Sequence[str]) -> Figure:
    """A heat map per teacher of the probability that it gave each task."""
    rows = picture_rows(run)
    panels = [_probabilities(run, rows, name) for name in names]
    what = "the tasks of the row" if rows.note else "the task"
    return draw_maps(rows, panels, SHARES, share_norm(panels), f"probability of {what}")


def draw_difference(run: StoredRun, teacher: str, other: str) -> Figure:
    """How much more often one teacher gave each task than another, student steps side by side."""
    rows = picture_rows(run)
    first, second = (_probabilities(run, rows, name) for name in (teacher, other))
    # Maps of runs of one budget have the same columns.
    difference = TeacherMap(
        f"{first.title} - {second.title}", first.values - second.values, first.span
    )
    bar = "difference of the probabilities"
    return draw_maps(rows, [difference], GAINS, Normalize(-1.0, 1.0), bar)


def _probabilities(run: StoredRun, rows: TaskRows, name: str) -> TeacherMap:
    lifetimes = run.lifetimes[name]
    values = rows.total(choice_map(lifetimes, len(run.tasks), mixes=True))
    return TeacherMap(run.teachers[name].title, values, teaching_span(lifetimes))


def draw_score_maps(run: StoredRun, maps: Mapping[str, TimeMaps]) -> Figure:
    """A heat map per teacher of the test score of each task."""
    rows = picture_rows(run)
    panels = [
        TeacherMap(run.teachers[name].title, rows.mean(one.score), one.span)
        for name, one in maps.items()
    ]
    top = max(float(one.values.max()) for one in panels)
    # Where hardly anything was learned, that little is what there is to see.
    norm = Normalize(0.0, 1.0 if top > 0.5 else max(top, 0.01))
    return draw_maps(rows, panels, SHARES, norm, "mean test score")


def draw_progress(run: StoredRun, maps: Mapping[str, TimeMaps]) -> Figure:
    """A heat map per teacher of how fast the score of each task changed."""
    rows = picture_rows(run)
    panels = [
        TeacherMap(run.teachers[name].title, rows.mean(one.progress), one.span)
        for name, one in maps.items()
    ]
    sizes = np.concatenate([np.abs(one.values[np.isfinite(one.values)]) for one in panels])
    limit = max(float(sizes.max()) if sizes.size else 0.0, 1e-3)
    # Forgetting is slow where learning is fast: colour goes with the square root of both.
    norm = FuncNorm((_signed_root, _signed_square), -limit, limit)
    return draw_maps(rows, panels, GAINS, norm, "change of test score per decision")


def share_norm(panels: Iterable[TeacherMap]) -> Normalize:
    """Colours from nothing to the largest share.

    Small shares are told from none, and an even mixture of many tasks is no blank panel.
    """
    every = list(panels)
    top = max(float(np.nanmax(one.values, initial=0.0)) for one in every)
    top, rows = max(top, 0.1), max(len(one.values) for one in every)
    even = min(1.0 / rows, 0.5 * top)
    return PowerNorm(min(0.75, np.log(_EVEN) / np.log(even / top)), 0.0, top)


def _signed_root(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.sign(values) * np.sqrt(np.abs(values)))


def _signed_square(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.sign(values) * np.square(values))


def draw_maps(
    rows: TaskRows, maps: Sequence[TeacherMap], colors: Colormap, norm: Normalize, bar: str
) -> Figure:
    """One map per teacher over a strip that shows how many students are still being taught."""
    panels = Panels(len(maps), 2.5, map_inches(rows) + STRIP, name_inches(rows), 1.0)
    figure = panels.figure()
    end = max(one.span.steps() for one in maps)
    for i, one in enumerate(maps):
        x, y, width, height = panels.box(i)
        axes = add_axes(figure, (x, y + STRIP, width, height - STRIP))
        draw_rows(axes, rows, one.values, one.span.steps(), colors, norm, panels.is_first(i))
        label(axes, title=one.title)
        axes.set_xlim(0, end)
        axes.set_xticks([])
        strip = add_axes(figure, (x, y, width, STRIP - 0.1))
        _strip(strip, one.span)
        strip.set_xlim(0, end)
        if panels.is_lowest(i):
            strip.set_xlabel("student steps", fontsize=9, color=INK)
        else:
            strip.set_xticklabels([])
    _color_bar(figure, add_axes(figure, panels.bar()), colors, norm, bar)
    return figure


def map_inches(rows: TaskRows) -> float:
    """Inches of a map: a row that bears its name is as high as that."""
    g = len(rows.labels)
    return max(1.5, 0.17 * min(g, _MOST_NAMES) + 0.1 * max(0, g - _MOST_NAMES))


def name_inches(rows: TaskRows, size: float = 8.0) -> float:
    """Inches that the longest name of a row needs."""
    return 0.28 + 0.0085 * size * max(6, *(len(name) for name in told_apart(rows.labels)))


def draw_rows(
    axes: Axes,
    rows: TaskRows,
    values: np.ndarray,
    steps: float,
    colors: Colormap,
    norm: Normalize,
    with_names: bool = True,
    size: float = 8.0,
) -> None:
    """A map with the order of the tasks from bottom to top.

    Args:
        axes: to draw into.
        rows: of the map, g of them.
        values: (g, c).
        steps: student steps at its right end.
        colors: of the values.
        norm: of the values.
        with_names: whether rows bear their names.
        size: of these, in points.
    """
    g = len(rows.labels)
    axes.imshow(
        values,
        aspect="auto",
        origin="lower",
        cmap=colors,
        norm=norm,
        extent=(0.0, steps, -0.5, g - 0.5),
        interpolation="nearest",
    )
    for edge in rows.edges:
        axes.axhline(edge - 0.5, color=SOFT, lw=0.5)
    ticks = _named_rows(rows)
    names = told_apart(rows.labels)
    axes.set_yticks(ticks, [names[i] for i in ticks] if with_names else [])
    tidy(axes)
    axes.tick_params(labelsize=size, length=2)
    axes.spines[["top", "right"]].set_visible(True)


def _named_rows(rows: TaskRows) -> list[int]:
    """Rows whose name there is room for."""
    named = [i for i, name in enumerate(rows.labels) if name]
    return named[:: -(-len(named) // _MOST_NAMES)]


def _strip(axes: Axes, span: TeachingSpan) -> None:
    """How many lifetimes are still being taught after each decision."""
    remaining = span.remaining
    edges = np.arange(len(remaining) + 1) * span.steps_per_decision
    axes.stairs(remaining, edges, fill=True, color="#cccccc")
    axes.set_ylim(0, span.lifetimes)
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
        bar.set_ticks(_share_ticks(norm))
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))


def _share_ticks(norm: Normalize) -> list[float]:
    """Round shares that lie apart on the scale."""
    ticks = [0.0]
    for share in (0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0):
        if share <= float(norm.vmax or 1.0) and float(norm(share) - norm(ticks[-1])) > 0.07:
            ticks.append(share)
    return ticks


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
    rows = picture_rows(run)
    maps = [_with_its_status(run, rows, name) for name in names]
    norm = share_norm(maps)
    height = max(1.8, 0.25 * min(len(rows.labels), _MOST_NAMES))
    panels = Panels(len(maps), 4.0, height, name_inches(rows, 9.5))
    figure = panels.figure()
    end = max(one.span.steps(FEWEST) for one in maps)
    for i, one in enumerate(maps):
        axes = add_axes(figure, panels.box(i))
        draw_rows(axes, rows, one.values, one.span.steps(), SHARES, norm, i == 0, size=9.5)
        axes.set_xlim(0, end)
        count_axis(axes)
        label(axes, x="student steps", title=one.title, size=11)
    _color_bar(figure, add_axes(figure, panels.bar()), SHARES, norm, "share of students")
    write_whole(Path(out_png), lambda aside: aside.write_bytes(to_png(figure, dpi=200)))


def _with_its_status(run: StoredRun, rows: TaskRows, name: str) -> TeacherMap:
    """What a teacher taught when; its title says whether it was told the order."""
    card, lifetimes = run.teachers[name], run.lifetimes[name]
    order = name_of_order(run.environment["suite"]["tasks"])
    title = f"{card.title}, {'told' if card.sees_order else 'never told'} the {order}"
    values = rows.total(choice_map(lifetimes, len(run.tasks), card.mixes))
    return TeacherMap(title, values, teaching_span(lifetimes))
