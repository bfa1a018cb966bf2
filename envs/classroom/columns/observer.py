"""What one classroom shows its teacher: columns, with the memory of their progress estimators.

Legend: n students, k tasks, f columns, r rows named in a call.
"""

from collections.abc import Sequence

import numpy as np

from ..facts import Facts
from ..progress import make_estimator
from .table import COLUMNS, PROGRESS_SIGNALS, Request, parse_column

_PASSES = {"gain": 1, "fresh_gain": 2}


class _Progress:
    """One column of progress: its signal as a level, and an estimator of the level's change."""

    def __init__(self, facts: Facts, request: Request) -> None:
        self.facts, self.signal = facts, request.signal
        n, k = facts.score.shape
        self.estimator = make_estimator(n, k, request.parameters)
        self.sums = np.zeros((n, k))
        """All changes so far, of a signal that consists of changes."""

    @property
    def limit(self) -> float:
        """Largest |value|."""
        signal = PROGRESS_SIGNALS[self.signal]
        return signal.limit * (self.estimator.drift if signal.changes else 1.0)

    def start(self, rows: np.ndarray) -> None:
        """A new lifetime for these rows."""
        facts, signal = self.facts, PROGRESS_SIGNALS[self.signal]
        self.sums[rows] = 0.0
        level = self.sums[rows] if signal.changes else signal.read(facts, rows)
        self.estimator.start(rows, level, facts.student_seed[rows])

    def update(self, rows: np.ndarray) -> None:
        """One decision has passed for these rows."""
        facts, signal = self.facts, PROGRESS_SIGNALS[self.signal]
        level, seen = signal.read(facts, rows), facts.seen[rows]
        if signal.changes:
            seen = facts.recency[rows] == 0
            self.sums[rows] += np.where(seen, level, 0.0)
            level = self.sums[rows]
        self.estimator.update(rows, level, seen)

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that changes, by name."""
        own = {name: getattr(self.estimator, name) for name in self.estimator.arrays}
        return own | ({"sums": self.sums} if PROGRESS_SIGNALS[self.signal].changes else {})


class Observer:
    """The columns that one classroom shows."""

    def __init__(self, facts: Facts, observe: Sequence[str]) -> None:
        if not observe or not observe[0].startswith("progress"):
            raise ValueError(f"the first column of observe must be progress, got {list(observe)}")
        twice = sorted({text for text in observe if list(observe).count(text) > 1})
        if twice:
            raise ValueError(f"observe names the column {twice[0]!r} twice; leave one of them out")
        self.facts, self.observe = facts, tuple(observe)
        requests = [parse_column(text) for text in observe]
        self._names = [one.name for one in requests]
        self._progress = {
            i: _Progress(facts, one) for i, one in enumerate(requests) if one.name == "progress"
        }
        self.facts_shown = frozenset(one.fact for one in requests)
        """Names of facts that the columns are read from."""
        self.forward_passes = sum(_PASSES.get(fact, 0) for fact in self.facts_shown)
        """Batches that are run forward a decision, besides the training, to know what is shown."""
        scale = np.array([request.scale for request in requests])
        cap = np.array([request.cap for request in requests])
        self._capped = None if (scale == 1).all() and np.isinf(cap).all() else (cap, scale)
        low, high = np.array([self._bounds(i, name) for i, name in enumerate(self._names)]).T
        self.low, self.high = low * scale, np.minimum(high, cap) * scale
        """Bounds of the columns, (f,)."""
        self._blank = np.ones((len(facts.suite), len(requests)))
        """What never changes, (k, f)."""
        nobody = np.zeros(0, dtype=np.int64)
        for i, name in enumerate(self._names):
            if name in COLUMNS and COLUMNS[name].fixed:
                self._blank[:, i] = COLUMNS[name].read(facts, nobody)

    def _bounds(self, i: int, name: str) -> tuple[float, float]:
        if name == "progress":
            limit = self._progress[i].limit
            return -limit, limit
        if name == "present":
            return 0.0, 1.0
        return COLUMNS[name].low(self.facts), COLUMNS[name].high(self.facts)

    def start(self, rows: np.ndarray) -> None:
        """A new lifetime for these rows."""
        for progress in self._progress.values():
            progress.start(rows)

    def update(self, rows: np.ndarray) -> None:
        """One decision has passed for these rows."""
        for progress in self._progress.values():
            progress.update(rows)

    def read(self, rows: np.ndarray) -> np.ndarray:
        """What is shown, in canonical task order, (r, k, f)."""
        values = np.empty((len(rows), *self._blank.shape))
        values[:] = self._blank
        for i, name in enumerate(self._names):
            if i in self._progress:
                values[:, :, i] = self._progress[i].estimator.value[rows]
            elif name != "present" and not COLUMNS[name].fixed:
                values[:, :, i] = COLUMNS[name].read(self.facts, rows)
        if self._capped is None:
            return values
        cap, scale = self._capped
        return np.asarray(np.minimum(values, cap) * scale)

    def state_dict(self) -> dict[str, np.ndarray]:
        """Arrays of the estimators."""
        return {
            f"{i}.{name}": value.copy()
            for i, progress in self._progress.items()
            for name, value in progress.arrays().items()
        }

    def load_state_dict(self, state: dict[str, np.ndarray]) -> None:
        """Take up the arrays of the same columns."""
        for i, progress in self._progress.items():
            for name, value in progress.arrays().items():
                value[:] = state[f"{i}.{name}"]
