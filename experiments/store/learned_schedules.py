"""Schedules as they are being learned, `training/NAME-SEED.schedules.jsonl`: a line for each look.

They go on after a kill as the training log does.

Legend: k tasks, c columns.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from .training_log import TrainingLines

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
        cost: until then, mean, in units of the budget.
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
    """All looks in order; a line that is being written is left out."""
    if not file.exists():
        return []
    whole, newline, _ = file.read_text(encoding="utf-8").rpartition("\n")
    found = [json.loads(line) for line in whole.split("\n")] if newline else []
    return [
        LearnedSchedule(
            **one
            | {
                "tasks": tuple(one["tasks"]),
                "probabilities": np.array(one["probabilities"], dtype=np.float64),
            }
        )
        for one in found
    ]
