"""How teachers were trained, so far: curves, and schedules as they were being learned.

Legend: k tasks, g rows and c columns of a map.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..analysis.task_rows import TaskRows, rows_for
from ..common.files import write_whole
from ..common.sentences import say
from ..store.layout import RunDir
from ..store.learned_schedules import LearnedSchedule, read_learned_schedules
from ..store.runs import StoredRun
from ..store.training_log import read_training_log
from .html import heading, picture, warning
from .schedule_maps import SHARES, draw_rows, map_inches, name_inches
from .style import (
    INK,
    SOFT,
    Panels,
    add_axes,
    count_axis,
    label,
    new_figure,
    tidy,
    to_png,
    told_apart,
)

CURVES = {
    "rollout/ep_rew_mean": "reward of a lifetime",
    "rollout/ep_len_mean": "decisions of a lifetime",
    "rollout/success_rate": "share with all mastered",
    "selection/cost": "cost of each candidate",
}
"""What is drawn of the log of a training, by SB3's names and ours, with its words."""
MOST_LOOKS = 8
"""Maps of one training; of more looks the first, the last, and even ones between."""
_COLORS = ("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#888888")
_LINES = ("-", "--", ":", "-.")
"""Of trainings in turn when all colours are taken."""


_ABOUT_CURVES = (
    "From the logs of the trainings, which grow while they go on. Reward and decisions are means "
    "over the last 100 lifetimes that ended, as Stable-Baselines3 has them, and so is the share of "
    "these that ended with every task mastered; the cost is that of the selection students."
)
_ABOUT_SCHEDULES = (
    "What {name} would have given {students} students of their own, who are neither selected by "
    "nor reported, at moments of its training; blank where none of them was still being taught. "
    "Looking took {compute:,.0f} training-example equivalents, which are not counted in what the "
    "training took."
)


def training_section(run: StoredRun, figures: Path) -> list[str]:
    """A heading and pictures of what trainings have logged; nothing where there was none.

    Args:
        run: what was stored; trainings may still go on.
        figures: folder to write the pictures to as well.
    """
    trainings = RunDir(run.path).trainings()
    parts = _curves({name: log for name, log, _ in trainings}, figures)
    for name, _, file in trainings:
        title = f"The schedule of {name} as it was being learned"
        with _left_out_of(parts, title):
            parts += _learned(run, name, file, title, figures)
    return [heading("Training of the teachers", 3), *parts] if parts else []


def _curves(files: Mapping[str, Path], figures: Path) -> list[str]:
    """The picture of what was logged, and what can't be read of it."""
    parts: list[str] = []
    title, logs = "Curves of the training", {}
    for name, file in files.items():
        with _left_out_of(parts, f"{title} of {name}"):
            logs[name] = read_training_log(file)
    with _left_out_of(parts, title):
        drawn = draw_training_curves(logs)
        if drawn is not None:
            png = _kept(to_png(drawn), figures / "training.png")
            parts.append(picture(title, _ABOUT_CURVES, png))
    return parts


def _learned(run: StoredRun, name: str, file: Path, title: str, figures: Path) -> list[str]:
    """The picture of one training's schedules; nothing where nobody looked."""
    found = read_learned_schedules(file)
    if not found:
        return []
    rows = learned_rows(found[0].tasks, run.environment["suite"])
    drawn = to_png(draw_learned_schedules(found, rows))
    png = _kept(drawn, figures / f"learned-{name}.png")
    compute = sum(look.compute for look in found)
    words = {"name": name, "students": found[0].lifetimes, "compute": compute}
    return [picture(title, _ABOUT_SCHEDULES.format(**words) + rows.note, png)]


@contextmanager
def _left_out_of(parts: list[str], title: str) -> Iterator[None]:
    """Put the reason in the place of a picture that can't be drawn."""
    try:
        yield
    except Exception as error:  # Whatever a picture meets must not cost the report.
        ours = type(error) is ValueError
        problem = str(error) if ours else f"{type(error).__name__}: {error}".partition("\n")[0]
        say(f"the picture {title!r} can't be drawn ({problem}); the report is whole without it")
        parts.append(heading(title, 3) + warning("This picture could not be drawn:", [problem]))


def _kept(png: bytes, file: Path) -> bytes:
    write_whole(file, lambda aside: aside.write_bytes(png))
    return png


def draw_training_curves(logs: Mapping[str, Sequence[Mapping[str, float]]]) -> Figure | None:
    """A panel for each of `CURVES` that there is something of, a line for each training.

    Args:
        logs: lines of the log of each training, by its name.

    Returns:
        None where nothing was logged yet.
    """
    shown = {
        name: words
        for name, words in CURVES.items()
        if any(name in line for lines in logs.values() for line in lines)
    }
    if not shown:
        return None
    figure = new_figure(2.9 * len(shown) + 0.6, 2.7)
    panels, key = figure.subplots(1, len(shown), squeeze=False)[0], dict[str, Line2D]()
    for axes, (name, words) in zip(panels, shown.items(), strict=True):
        for i, (training, lines) in enumerate(logs.items()):
            points = [(line["decisions"], line[name]) for line in lines if name in line]
            if points:
                x, y = zip(*points, strict=True)
                marker = "o" if name == "selection/cost" or len(points) == 1 else ""
                turn, color = divmod(i, len(_COLORS))
                (drawn,) = axes.plot(
                    x, y, _LINES[turn % len(_LINES)], color=_COLORS[color], lw=1.6, marker=marker,
                    ms=4,
                )  # fmt: skip
                key.setdefault(training, drawn)
        tidy(axes, "y")
        label(axes, x="training decisions", title=words)
        count_axis(axes, 4)
    if len(logs) > 1:
        # In every panel there are trainings that have nothing to show in others.
        names = told_apart([name for name in logs if name in key])
        handles = [key[name] for name in logs if name in key]
        figure.legend(handles, names, loc="outside lower center", ncols=4, fontsize=8)
    return figure


def learned_rows(tasks: Sequence[str], suite: Mapping[str, Any]) -> TaskRows:
    """Rows for the tasks that a teacher was trained on.

    Args:
        tasks: names in canonical order, k of them.
        suite: that of the run, as `environment.json` has it. Of tasks of another one nothing but
            their names is known.
    """
    own = suite["tasks"]
    if set(tasks) == {str(task["name"]) for task in own}:
        return rows_for(own, suite.get("order") or range(len(own)))
    return rows_for([{"name": name} for name in tasks], range(len(tasks)))


def draw_learned_schedules(looks: Sequence[LearnedSchedule], rows: TaskRows) -> Figure:
    """A heat map for each look at what a teacher gave its pupils, first to last.

    Args:
        looks: of one training, at least one.
        rows: of the maps, g of them, as `learned_rows` gives them.
    """
    chosen = np.unique(np.linspace(0, len(looks) - 1, MOST_LOOKS).round().astype(int))
    shown, g = [looks[i] for i in chosen], len(rows.labels)
    maps = [rows.total(look.probabilities.T) for look in shown]
    panels = Panels(len(shown), 2.3, map_inches(rows), name_inches(rows), 1.0)
    figure = panels.figure()
    top = max(float(one.max(initial=0.0)) for one in maps)
    # At least twice the even share: an even mixture is neither blank nor all dark.
    norm = PowerNorm(0.75, 0.0, max(top, min(1.0, 2.0 / g)))
    for i, (look, reached) in enumerate(zip(shown, maps, strict=True)):
        axes = add_axes(figure, panels.box(i))
        values = np.full((g, max(min(look.length, 60), reached.shape[1])), np.nan)
        values[:, : reached.shape[1]] = reached
        draw_rows(axes, rows, values, float(look.length), SHARES, norm, panels.is_first(i))
        label(axes, title=f"after {look.decisions:,} decisions")
        if panels.is_lowest(i):
            axes.set_xlabel("decision of a lifetime", fontsize=9, color=INK)
    what = "the tasks of the row" if rows.note else "the task"
    bar = figure.colorbar(ScalarMappable(norm, SHARES), cax=add_axes(figure, panels.bar()))
    bar.set_label(f"probability of {what}", fontsize=9, color=INK)
    bar.ax.tick_params(labelsize=8, colors=SOFT, labelcolor=INK)
    bar.outline.set_edgecolor(SOFT)
    return figure
