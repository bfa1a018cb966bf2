"""What is logged of several teachers beside each other: pictures of one stored run."""

import hashlib
from dataclasses import dataclass

from ..report.schedule_maps import draw_difference, draw_probabilities
from ..report.style import to_png
from ..store.runs import StoredRun
from .endings import order_agreement

MOST_DIFFERENCES = 12
"""Pictures of differences in one report."""


@dataclass(frozen=True)
class Comparison:
    """Several teachers of one stored run beside each other.

    Attributes:
        run: the stored run.
        schedules: picture of all schedules beside each other, PNG.
        differences: a picture for each two teachers that are compared, by its caption.
        agreement: of each teacher with the true order.
    """

    run: StoredRun
    schedules: bytes
    differences: dict[str, bytes]
    agreement: dict[str, float]


def compare(run: StoredRun) -> Comparison:
    """Pictures of the schedules of a run.

    Each learned teacher, or where there is none the first teacher, is set against every other one;
    a teacher that was told the true order comes first among those.

    Raises:
        ValueError: if no teacher has finished lifetimes.
    """
    names = list(run.lifetimes)
    if not names:
        raise ValueError(f"{run.path} has no finished lifetimes to compare")
    learners = [name for name in names if run.teachers[name].kind == "learned"] or names[:1]
    others = sorted(names, key=lambda name: not run.teachers[name].sees_order)
    couples = [(a, b) for a in learners for b in others if a != b and (b not in learners or a < b)]
    return Comparison(
        run=run,
        schedules=to_png(draw_probabilities(run, names)),
        differences={
            f"{a} - {b}": to_png(draw_difference(run, a, b)) for a, b in couples[:MOST_DIFFERENCES]
        },
        agreement={name: order_agreement(run, name) for name in names},
    )


def report_id(run: StoredRun, group: str, key: str) -> str:
    """The same for the same run of a group in a directory with this key; 16 letters and digits."""
    values = f"report\n{key}\n{group}\n{run.path.resolve().name}\n{run.config_text}"
    return hashlib.sha256(values.encode()).hexdigest()[:16]
