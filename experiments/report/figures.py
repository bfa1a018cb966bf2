"""All figures of a run: drawn from its stored schedule, as PNG bytes and as files."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from ..analysis.comparisons import Measured, choose_baselines, leading_measure, rank
from ..analysis.summary import measure_teachers
from ..analysis.wording import name_of_order
from ..store.runs import StoredRun
from .curves import draw_mastery, draw_scores
from .points import draw_area, draw_cost, draw_spending
from .schedule_maps import draw_progress, draw_schedules, schedule_picture
from .style import LEGIBLE, Style, teacher_styles, to_png

__all__ = ["FIGURES", "ReportFigure", "draw_figures", "schedule_picture", "shown_teachers"]


@dataclass(frozen=True)
class ReportFigure:
    """One figure, ready for a page."""

    name: str
    title: str
    caption: str
    png: bytes
    about_mastery: bool


@dataclass(frozen=True)
class _Subject:
    """What the figures are drawn from."""

    run: StoredRun
    teachers: dict[str, Measured]
    styles: dict[str, Style]

    @property
    def names(self) -> list[str]:
        return list(self.teachers)


FIGURES: dict[str, tuple[str, str, Callable[[_Subject], Figure]]] = {
    "schedules": (
        "What was taught when",
        "Share of students that were taught each task, tasks in their {order} from bottom to "
        "top. Only students that were still being taught count; the grey strip shows how many; "
        "a map ends where fewer than one in twenty were left.",
        lambda of: draw_schedules(of.run, of.names),
    ),
    "mastery": (
        "How soon students mastered everything",
        "Share of lifetimes in which every task's test score had reached its threshold, by cost.",
        lambda of: draw_mastery(of.run, of.teachers, of.styles),
    ),
    "cost_to_mastery": (
        "Cost to mastery",
        "One dot per lifetime; what never mastered everything counts as the whole budget.",
        lambda of: draw_cost(of.run, of.teachers, of.styles),
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
        lambda of: draw_scores(of.run, of.names),
    ),
    "progress": (
        "Where there was progress, and forgetting",
        "Mean change of each task's test score per decision among students still being taught: "
        "blue is learned, orange is forgotten.",
        lambda of: draw_progress(of.run, of.names),
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
_ABOUT_MASTERY = ("mastery", "cost_to_mastery")


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
    order = name_of_order(run.environment["suite"]["tasks"])
    anybody = any(teacher.measures.mastered.any() for teacher in every.values())
    figures = [
        ReportFigure(
            name,
            title,
            caption.format(order=order) + note,
            to_png(draw(subject)),
            name in _ABOUT_MASTERY,
        )
        for name, (title, caption, draw) in FIGURES.items()
        if anybody or name not in _ABOUT_MASTERY
    ]
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        for figure in figures:
            (folder / f"{figure.name}.png").write_bytes(figure.png)
    return figures
