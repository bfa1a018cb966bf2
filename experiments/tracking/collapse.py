"""Tells a teacher that sticks to one task from one that takes tasks one after another.

Legend: k tasks, r students whose lifetime goes on.
"""

import math
from collections import deque
from dataclasses import dataclass, field

import numpy as np

PATIENCE = 1.5
"""Of its even share of the budget, what a task may take before it counts as too much."""


@dataclass
class Collapse:
    """Watches a schedule, decision by decision.

    A teacher that gives every student one task at a time has no entropy in any one decision, and a
    sequence of tasks is no collapse. So the schedule is a mean over students and over a window of
    decisions that is longer than what one task may take if all are to be mastered within the
    budget: it has collapsed when one task has more than `share` of a whole window while, at its
    end, most students have another task that they have not mastered (by `test`).

    Args:
        tasks: their names, k of them.
        budget: decisions in the whole budget.
        share: of the window that one task must have.
        window: decisions; 0 for 1.5 times the budget divided by the number of tasks.
    """

    tasks: tuple[str, ...]
    budget: int
    share: float = 0.95
    window: int = 0
    first: dict[str, float | str] | None = None
    """The `decision`, the `task` and its `share` of the first collapse; None if there is none."""
    _recent: deque[np.ndarray] = field(default_factory=deque)

    def __post_init__(self) -> None:
        if not 0.0 < self.share < 1.0:
            raise ValueError(f"the share of a collapse must be in (0, 1), got {self.share}")
        if self.window < 0:
            raise ValueError(f"the window of a collapse must be decisions, got {self.window}")
        self.window = self.window or math.ceil(PATIENCE * self.budget / len(self.tasks))

    def watch(self, decision: int, schedule: np.ndarray, mastered: np.ndarray) -> float:
        """Take in one decision of the schedule.

        Args:
            decision: its number.
            schedule: mean probability of each task, (k,).
            mastered: what each student has mastered, (r, k) bool.

        Returns:
            The largest share that a task has of the decisions in the window.
        """
        self._recent.append(schedule)
        if len(self._recent) > self.window:
            self._recent.popleft()
        mean = np.mean(self._recent, axis=0)
        top = int(mean.argmax())
        others = np.delete(mastered, top, axis=1)
        whole = len(self._recent) == self.window
        if (
            self.first is None
            and whole
            and mean[top] > self.share
            and float((~others.all(axis=1)).mean()) > 0.5
        ):
            share = float(mean[top])
            self.first = {"decision": decision, "task": self.tasks[top], "share": share}
        return float(mean[top])
