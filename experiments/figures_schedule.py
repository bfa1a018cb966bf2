"""Figures over time per task: what was taught, what was gained, and the picture of a schedule.

Legend: s teacher seeds, m students, d decisions, k tasks, c columns of a map.
"""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize, PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from .figures_style import INK, SOFT, count_axis, label, new_figure, panel_grid, tidy, to_png
from .stored import Lifetimes, StoredRun, read_run

MAP_COLUMNS = 60
SHARES = LinearSegmentedColormap.from_list(
    "shares", ["#ffffff", "#cfe3ef", "#7fb6d6", "#2f7fb5", "#0b4a80", "#06203f"]
)
GAINS = LinearSegmentedColormap.from_list(
    "gains", ["#7a3b00", "#d08331", "#f5d9b5", "#ffffff", "#c3d9ec", "#3f84b8", "#0a3a66"]
)
for _map in (SHARES, GAINS):
    _map.set_bad("#eeeeee")


def _columns(lifetimes: Lifetimes) -> np.ndarray:
    """Map column of each decision, (d,)."""
    d = lifetimes.task.shape[2]
    return np.arange(d) * min(d, MAP_COLUMNS) // d


def _binned(values: np.ndarray, taught: np.ndarray, column: np.ndarray) -> np.ndarray:
    """Mean over lifetimes and decisions of each map column, (s, m, d, k) -> (k, c).

    Only students still being taught count; NaN where none is left.
    """
    c = int(column[-1]) + 1
    weights = taught.sum(axis=(0, 1))
    totals = np.where(taught[..., None], values, 0.0).sum(axis=(0, 1))
    count = np.bincount(column, weights=weights, minlength=c)
    sums = np.stack([np.bincount(column, weights=row, minlength=c) for row in totals.T])
    return np.where(count > 0, sums / np.maximum(count, 1), np.nan)


def choice_map(lifetimes: Lifetimes, k: int) -> np.ndarray:
    """Share of the students still being taught that were taught each task, (k, c)."""
    chosen = lifetimes.task[..., None] == np.arange(k)
    return _binned(chosen.astype(np.float64), lifetimes.taught, _columns(lifetimes))


def progress_map(lifetimes: Lifetimes) -> np.ndarray:
    """Mean change of each task's test score per decision, (k, c).

    The score before the first decision is not recorded, so the first one counts as no change.
    """
    change = np.diff(lifetimes.test_score, axis=2, prepend=lifetimes.test_score[:, :, :1])
    return _binned(change, lifetimes.taught, _columns(lifetimes))


def draw_schedules(run: StoredRun, names: list[str]) -> Figure:
    """A heat map per teacher of which task was taught when."""
    maps = {name: choice_map(run.lifetimes[name], len(run.tasks)) for name in names}
    # Small shares must be told from none: colour goes with the square root.
    return _draw_maps(
        run, maps, SHARES, PowerNorm(0.5, 0.0, 1.0), "share of students taught the task"
    )


def draw_progress(run: StoredRun, names: list[str]) -> Figure:
    """A heat map per teacher of how fast the score of each task changed."""
    maps = {name: progress_map(run.lifetimes[name]) for name in names}
    seen = np.concatenate([np.abs(values[np.isfinite(values)]) for values in maps.values()])
    limit = max(float(np.quantile(seen, 0.995)) if seen.size else 0.0, 1e-3)
    return _draw_maps(
        run, maps, GAINS, Normalize(-limit, limit), "change of test score per decision"
    )


def _draw_maps(
    run: StoredRun, maps: dict[str, np.ndarray], colors: Colormap, norm: Normalize, bar: str
) -> Figure:
    """One map per teacher over a strip that shows how many students are still being taught."""
    rows, columns = panel_grid(len(maps))
    tall = max(1.5, 0.17 * len(run.tasks) + 0.35)
    figure = new_figure(1.6 + 2.5 * columns, 0.5 + rows * (tall + 1.0))
    outer = figure.add_gridspec(rows, columns)
    upper = []
    for i, (name, values) in enumerate(maps.items()):
        inner = outer[i // columns, i % columns].subgridspec(2, 1, height_ratios=[tall, 0.28])
        axes, strip = figure.add_subplot(inner[0]), figure.add_subplot(inner[1])
        lowest = i + columns >= len(maps)
        _map_panel(axes, run, name, values, colors, norm, named=i % columns == 0)
        _strip(strip, run.lifetimes[name], described=i % columns == 0, scaled=lowest)
        upper.append(axes)
    _color_bar(figure, upper, colors, norm, bar)
    return figure


def _map_panel(
    axes: Axes, run: StoredRun, name: str, values: np.ndarray, colors: Colormap, norm: Normalize,
    named: bool, size: float = 8.0,
) -> None:  # fmt: skip
    """A map with the true order from bottom to top."""
    lifetimes, k = run.lifetimes[name], len(run.tasks)
    end = float(lifetimes.student_steps.max()) / lifetimes.length.max() * lifetimes.task.shape[2]
    axes.imshow(
        values[run.order], aspect="auto", origin="lower", cmap=colors, norm=norm,
        extent=(0.0, end, -0.5, k - 0.5), interpolation="nearest",
    )  # fmt: skip
    every = max(1, k // 24)
    ticks = list(range(0, k, every))
    axes.set_yticks(ticks, [_short(run.tasks[run.order[i]]) for i in ticks] if named else [])
    axes.set_xticks([])
    tidy(axes)
    axes.tick_params(labelsize=size, length=2)
    axes.spines[["top", "right"]].set_visible(True)
    label(axes, title=run.teachers[name].title)


def _short(text: str, limit: int = 18) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _strip(axes: Axes, lifetimes: Lifetimes, described: bool, scaled: bool) -> None:
    """How many lifetimes are still being taught after each decision."""
    left = lifetimes.taught.sum(axis=(0, 1))
    step = float(lifetimes.student_steps.max()) / lifetimes.length.max()
    edges = np.arange(len(left) + 1) * step
    axes.stairs(left, edges, fill=True, color="#b8b8b8")
    total = lifetimes.length.size
    axes.set_xlim(0, edges[-1])
    axes.set_ylim(0, total)
    axes.set_yticks([0, total], ["0", f"{total}"])
    tidy(axes)
    axes.tick_params(labelsize=7, length=2)
    count_axis(axes, 4)
    if described:
        axes.set_ylabel(
            "still\ntaught", fontsize=7, color=SOFT, rotation=0, ha="right", va="center"
        )
    if scaled:
        label(axes, x="student steps", y=axes.get_ylabel())
        axes.yaxis.label.set_fontsize(7)
    else:
        axes.set_xticklabels([])


def _color_bar(
    figure: Figure, axes: list[Axes], colors: Colormap, norm: Normalize, text: str
) -> None:
    bar = figure.colorbar(
        ScalarMappable(norm, colors), ax=axes, fraction=0.025, pad=0.01, aspect=30
    )
    bar.set_label(text, fontsize=9, color=INK)
    bar.ax.tick_params(labelsize=8, colors=SOFT, labelcolor=INK)
    bar.outline.set_edgecolor(SOFT)  # type: ignore[operator]
    if isinstance(norm, PowerNorm):
        bar.set_ticks([0, 0.05, 0.1, 0.25, 0.5, 1.0])
        bar.ax.yaxis.set_major_formatter(PercentFormatter(1.0))


def schedule_picture(run_dir: str | Path, teacher: str, out_png: str | Path) -> None:
    """One teacher's schedule beside that of the in-order teacher of the same run, as a PNG.

    Raises:
        ValueError: if the run has no finished lifetime of that teacher.
    """
    run = read_run(run_dir)
    if teacher not in run.lifetimes:
        known = ", ".join(run.lifetimes) or "none"
        raise ValueError(f"{run_dir} has no finished lifetime of {teacher!r}; it has {known}")
    names = [teacher]
    ordered = [n for n in run.lifetimes if run.teachers[n].sees_order and n != teacher]
    names += sorted(ordered, key=lambda n: (not run.teachers[n].tuned, n))[:1]
    norm, k = PowerNorm(0.5, 0.0, 1.0), len(run.tasks)
    figure = new_figure(1.9 + 3.9 * len(names), 1.3 + max(1.8, 0.27 * k))
    panels = []
    for i, name in enumerate(names):
        axes = figure.add_subplot(1, len(names), i + 1)
        values = choice_map(run.lifetimes[name], k)
        _map_panel(axes, run, name, values, SHARES, norm, named=i == 0, size=9.5)
        count_axis(axes)
        record = run.teachers[name]
        told = "told the true order" if record.sees_order else "never told the order"
        label(axes, x="student steps", title=f"{record.title} ({told})")
        axes.title.set_fontsize(11)
        panels.append(axes)
    _color_bar(figure, panels, SHARES, norm, "share of students")
    Path(out_png).write_bytes(to_png(figure, dpi=200))
