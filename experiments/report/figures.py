"""All figures of a run: drawn from its stored schedule, as PNG bytes and as files."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from matplotlib.figure import Figure

from ..analysis.comparisons import Measured
from ..analysis.opponents import choose_baselines, leading_measure, rank
from ..analysis.summary import measure_teachers
from ..analysis.time_maps import TimeMaps, maps_of
from ..analysis.wording import name_of_order
from ..common.files import write_whole
from ..common.sentences import say
from ..store.runs import StoredRun
from .curves import MOST_CURVES, draw_mastery, draw_scores
from .points import draw_area, draw_cost, draw_spending
from .schedule_maps import draw_progress, draw_schedules, picture_rows, schedule_picture
from .style import LEGIBLE, Style, teacher_styles, to_png

__all__ = ["FIGURES", "ReportFigure", "draw_figures", "schedule_picture", "shown_teachers"]


@dataclass(frozen=True)
class ReportFigure:
    """One figure, ready for a page."""

    name: str
    title: str
    caption: str
    png: bytes
    """Empty where it could not be drawn."""
    about_mastery: bool
    problem: str = ""
    """Why it could not be drawn."""


@dataclass(frozen=True)
class _Subject:
    """What the figures are drawn from."""

    run: StoredRun
    teachers: dict[str, Measured]
    styles: dict[str, Style]

    @cached_property
    def maps(self) -> dict[str, TimeMaps]:
        """Of each teacher, all from one reading of its lifetimes."""
        k, cards = len(self.run.tasks), self.run.teachers
        return {
            name: maps_of(self.run.lifetimes[name], k, cards[name].mixes) for name in self.teachers
        }


FIGURES: dict[str, tuple[str, str, Callable[[_Subject], Figure]]] = {
    "schedules": (
        "What was taught when",
        "Share of students that were taught each task, tasks in their {order} from bottom to "
        "top. Only students that were still being taught count; the grey strip shows how many; "
        "a map ends where fewer than one in twenty were left.",
        lambda of: draw_schedules(of.run, of.maps),
    ),
    "mastery": (
        "How soon students mastered everything",
        "Share of lifetimes in which every test score had reached its threshold, by compute.",
        lambda of: draw_mastery(of.teachers, of.styles),
    ),
    "compute_to_mastery": (
        "Compute to mastery",
        "One dot per lifetime; what never mastered everything counts as the whole budget.",
        lambda of: draw_cost(of.teachers, of.styles),
    ),
    "area": (
        "Area",
        "Mean test score over the whole budget, weighted by importance; one dot per lifetime.",
        lambda of: draw_area(of.teachers, of.styles),
    ),
    "scores": (
        "How every task was learned",
        "Test score of every task: median over lifetimes with the middle half as a band. A "
        "lifetime that ended early keeps its last scores. The dashed line is the threshold.",
        lambda of: draw_scores(of.run, of.maps),
    ),
    "progress": (
        "Where there was progress, and forgetting",
        "Mean change of each task's test score per decision among students still being taught, "
        "tasks from bottom to top: blue is learned, orange is forgotten.",
        lambda of: draw_progress(of.run, of.maps),
    ),
    "spending": (
        "Where the compute went",
        "Compute that a student used until it was mastered or the budget was spent, and the "
        "compute to train and tune the teacher, once per teacher seed; both in training-example "
        "equivalents.",
        lambda of: draw_spending(of.teachers),
    ),
}
"""Every figure of the report by name: its title, its caption, and what draws it."""
_ABOUT_MASTERY = ("mastery", "compute_to_mastery")
_OVER_TASKS = ("schedules", "scores", "progress")
"""Figures that have a row or a curve for each task, or for several together."""
_SCORE_MAPS = (
    "Mean test score of every task, tasks in their {order} from bottom to top. A lifetime that "
    "ended early keeps its last scores."
)
"""Caption of the scores of more tasks than can have a curve each."""


def shown_teachers(teachers: dict[str, Measured], limit: int = LEGIBLE) -> dict[str, Measured]:
    """At most `limit` teachers in their order: learned ones, baselines, then the best others."""
    baselines = set(choose_baselines(teachers).values())
    measure = leading_measure(teachers)

    def urgency(name: str) -> tuple[int, tuple[float, float, str]]:
        first = teachers[name].card.kind == "learned" or name in baselines
        return (0 if first else 1, rank(teachers[name], measure))

    names = set(sorted(teachers, key=urgency)[:limit])
    return {name: teacher for name, teacher in teachers.items() if name in names}


def draw_figures(
    run: StoredRun, folder: Path | None = None, teachers: dict[str, Measured] | None = None
) -> list[ReportFigure]:
    """Every figure of a run that has finished lifetimes; none otherwise.

    Those about mastery are left out where nobody mastered every task.

    Args:
        run: what was stored.
        folder: where to write `NAME.png` too.
        teachers: measured already.
    """
    every = measure_teachers(run) if teachers is None else teachers
    if not every:
        return []
    selection = shown_teachers(every)
    cards = [teacher.card for teacher in every.values()]
    subject = _Subject(run, selection, teacher_styles(cards))
    others = [teacher.card.title for name, teacher in every.items() if name not in selection]
    note = f" Not drawn, but in the table: {', '.join(others)}." if others else ""
    anybody = any(teacher.measures.mastered.any() for teacher in every.values())
    names = [name for name in FIGURES if anybody or name not in _ABOUT_MASTERY]
    figures = [_figure(name, subject, note) for name in names]
    if folder is not None:
        for figure in figures:
            _keep(figure, folder / f"{figure.name}.png")
    return figures


def _figure(name: str, subject: _Subject, note: str) -> ReportFigure:
    """One figure; where it can't be drawn, the reason in its place."""
    title, caption, draw = FIGURES[name]
    png, problem = b"", ""
    try:
        caption = _caption(name, subject)
        png = to_png(draw(subject))
    except Exception as error:  # Whatever a picture meets must not cost the report.
        problem = f"{type(error).__name__}: {error}".partition("\n")[0]
        say(f"the picture {title!r} can't be drawn ({problem}); the report is whole without it")
    return ReportFigure(name, title, caption + note, png, name in _ABOUT_MASTERY, problem)


def _caption(name: str, subject: _Subject) -> str:
    """What is said of one figure, with what a row of it is."""
    tasks = subject.run.environment["suite"]["tasks"]
    of_maps = name == "scores" and len(tasks) > MOST_CURVES
    caption = (_SCORE_MAPS if of_maps else FIGURES[name][1]).format(order=name_of_order(tasks))
    return caption + (picture_rows(subject.run).note if name in _OVER_TASKS else "")


def _keep(figure: ReportFigure, file: Path) -> None:
    """Write a picture; one of an earlier report goes where there is none now."""
    if figure.problem:
        file.unlink(missing_ok=True)
    else:
        write_whole(file, lambda aside: aside.write_bytes(figure.png))
