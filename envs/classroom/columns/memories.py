"""What columns remember: progress, averages, and how training on one task moved the others.

Legend: n students, k tasks, r rows named in a call.
"""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from ..facts import Facts
from ..progress import make_estimator
from .influence import Influence
from .requests import Request
from .signals import PROGRESS_SIGNALS

_NOISE_LIMIT = 10.0
"""The largest progress in units of its noise."""


class Memory(Protocol):
    """What a column goes by that changes from decision to decision."""

    def start(self, rows: np.ndarray) -> None:
        """A new lifetime for these rows."""

    def update(self, rows: np.ndarray) -> None:
        """One decision has passed for these rows."""

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that changes, by name, each with a leading axis n."""


class Progress:
    """A signal as a level, and an estimator of the level's change.

    Where nothing was known of a task before its first measurement, its level begins with that.
    """

    def __init__(self, facts: Facts, request: Request) -> None:
        self.facts, self.signal, self.noise = facts, request.signal, request.noise
        n, k = facts.score.shape
        self.estimator = make_estimator(n, k, request.parameters)
        self.origin = np.zeros((n, k))
        """The level at the first measurement, where that came after the beginning."""
        self.sums = np.zeros((n, k))
        """All changes so far, of a signal that consists of changes."""

    @property
    def limit(self) -> float:
        """Largest |value|."""
        signal = PROGRESS_SIGNALS[self.signal]
        if self.noise:
            return _NOISE_LIMIT
        return signal.limit * (self.estimator.drift if signal.changes else 1.0)

    def value(self, rows: np.ndarray) -> np.ndarray:
        """Progress per decision, (r, k)."""
        value = self.estimator.value[rows]
        if not self.noise:
            return np.asarray(value)
        noise = np.maximum(self.facts.uncertain(rows), 1e-12)
        return np.asarray(np.clip(value / noise, -_NOISE_LIMIT, _NOISE_LIMIT))

    def start(self, rows: np.ndarray) -> None:
        """See `Memory`."""
        facts, signal = self.facts, PROGRESS_SIGNALS[self.signal]
        self.sums[rows], self.origin[rows] = 0.0, 0.0
        level = self.sums[rows] if signal.changes else signal.read(facts, rows)
        self.estimator.start(rows, level, facts.student_seed[rows])

    def update(self, rows: np.ndarray) -> None:
        """See `Memory`."""
        facts, signal = self.facts, PROGRESS_SIGNALS[self.signal]
        level, seen = signal.read(facts, rows), facts.seen[rows]
        if signal.changes:
            seen = facts.recency[rows] == 0
            self.sums[rows] += np.where(seen, level, 0.0)
            level = self.sums[rows]
        else:
            measurements = facts.measurements[rows]
            self.origin[rows] = np.where(seen & (measurements == 1), level, self.origin[rows])
            level = np.where(measurements == 0, 0.0, level - self.origin[rows])
        self.estimator.update(rows, level, seen)

    def arrays(self) -> dict[str, np.ndarray]:
        """See `Memory`."""
        own = {name: getattr(self.estimator, name) for name in self.estimator.arrays}
        changes = PROGRESS_SIGNALS[self.signal].changes
        return own | ({"sums": self.sums} if changes else {"origin": self.origin})


class Average:
    """Exponential average of the score, whose half-life is a part of the decisions in the budget.

    It begins with the score at its first measurement.
    """

    def __init__(self, facts: Facts, request: Request) -> None:
        self.facts, self.part = facts, request.parameters["part"]
        self.text = request.text
        self.value = np.zeros_like(facts.score)
        """(n, k)."""

    def _check(self) -> None:
        if self.facts.horizon is None:
            raise ValueError(
                f"the column {self.text} needs to know how many decisions a lifetime has: "
                "give a budget in steps, or show another column"
            )

    def start(self, rows: np.ndarray) -> None:
        """See `Memory`."""
        self._check()
        self.value[rows] = self.facts.score[rows]

    def update(self, rows: np.ndarray) -> None:
        """See `Memory`."""
        facts, score = self.facts, self.facts.score[rows]
        # Known since the lifetime began.
        decay = 2.0 ** (-1.0 / (self.part * (facts.horizon or 1.0)))
        first = facts.seen[rows] & (facts.measurements[rows] == 1)
        value = decay * self.value[rows] + (1.0 - decay) * score
        self.value[rows] = np.where(first, score, value)

    def arrays(self) -> dict[str, np.ndarray]:
        """See `Memory`."""
        return {"value": self.value}


def _change(facts: Facts, request: Request) -> Progress:
    """How the score changes, which the log-weights of progress go by."""
    return Progress(facts, Request(request.text, "progress", {"ema": 0.9}))


MEMORIES: dict[str, Callable[[Facts, Request], Memory]] = {
    "progress": Progress,
    "average": Average,
    "change": _change,
    "influence": lambda facts, request: Influence(facts),
}
"""Memories by the name that columns have for them."""


def make_memory(name: str, facts: Facts, request: Request) -> Memory:
    """The memory of a column as it was asked for."""
    return MEMORIES[name](facts, request)
