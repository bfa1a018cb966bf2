"""Schedules as they are being learned, `training/NAME-SEED.schedules.jsonl`: a line for each look.

They go on after a kill as the training log does.

Legend: k tasks, c columns.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .training_log import TrainingLines, no_line, training_lines

MOST_COLUMNS = 60
"""Columns of decisions that a schedule is kept in."""


@dataclass(frozen=True)
class LearnedSchedule:
    """What a teacher gave a few fixed students, as it was in its training.

    Attributes:
        decisions: of the training so far.
        tasks: names in canonical order, k of them.
        probabilities: mean of those students whose lifetime went on, (c, k); columns that nobody
            reached are not there.
        length: decisions in the whole budget, which `MOST_COLUMNS` columns share, or one each.
        mastered: share of the students that mastered every task, by `probe`.
        cost: compute until then, mean; of students that never got there that of the lifetime.
        lifetimes: that the look took.
        compute: that the look took, training-example equivalents.
        student_steps: that the look took.
    """

    decisions: int
    tasks: tuple[str, ...]
    probabilities: np.ndarray
    length: int
    mastered: float
    cost: float
    lifetimes: int
    compute: float
    student_steps: int

    @property
    def numbers(self) -> dict[str, float]:
        """What a line of the training log says of it."""
        return {
            "watch/mastered": self.mastered,
            "watch/cost": self.cost,
            "watch/compute": self.compute,
        }


class LearnedSchedules:
    """Writes the schedules of one training.

    Args:
        file: where they go.
    """

    def __init__(self, file: Path) -> None:
        self._lines = TrainingLines(file)

    def add(self, schedule: LearnedSchedule) -> None:
        """Add a look.

        Raises:
            ValueError: if it can't be written.
        """
        rounded = np.round(schedule.probabilities, 4).tolist()
        self._lines.add(asdict(schedule) | {"probabilities": rounded})

    def begin(self, lines: Iterable[str] = ()) -> None:
        """Hold the looks of a state, and no others."""
        self._lines.begin(list(lines))

    @property
    def state(self) -> list[str]:
        """The lines so far."""
        return list(self._lines.written)


def read_learned_schedules(file: Path) -> list[LearnedSchedule]:
    """All looks in order, of the same tasks; a line that is being written is left out.

    Raises:
        ValueError: for a line that holds no look, with its number.
    """
    found: list[LearnedSchedule] = []
    for i, values in enumerate(training_lines(file), 1):
        try:
            look = _look(values)
        except (KeyError, TypeError, ValueError, OverflowError):
            raise no_line(file, i, "it must hold a look at a schedule") from None
        if found and look.tasks != found[0].tasks:
            raise no_line(file, i, "its tasks must be those of the first")
        found.append(look)
    return found


def _look(values: Mapping[str, Any]) -> LearnedSchedule:
    """The look that a line holds; what holds none raises what it meets."""
    tasks = values["tasks"]
    if not isinstance(tasks, list) or not all(isinstance(task, str) for task in tasks):
        raise TypeError("tasks must be names")
    shares = np.array(values["probabilities"], dtype=np.float64).reshape(-1, len(tasks))
    counts = {name: values[name] for name in ("decisions", "length", "lifetimes", "student_steps")}
    if not all(type(one) is int and 0 <= one < 1 << 63 for one in counts.values()):
        raise TypeError("counts must be whole numbers")
    if not counts["length"] or len(shares) > min(counts["length"], MOST_COLUMNS):
        raise ValueError("columns must be of the length")
    measured = {name: float(values[name]) for name in ("mastered", "cost", "compute")}
    numbers: dict[str, Any] = {**counts, **measured}
    return LearnedSchedule(tasks=tuple(tasks), probabilities=shares, **numbers)
