"""Learning progress: how fast a signal of each task is changing.

Legend: n students, k tasks, w window, r rows named in a call.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np

from lessonplan.student.contract import stream_key, uniform

_DRAW = 303
_LONGEST = 1000


class Estimator(Protocol):
    """Progress of every task of n students, from the levels of one signal."""

    drift: float
    """Largest |value| where no level ever changes by more than 1 a decision."""

    @property
    def arrays(self) -> tuple[str, ...]:
        """Names of the arrays that change, each with a leading axis n."""

    @property
    def value(self) -> np.ndarray:
        """Progress per decision, (n, k)."""

    def start(self, rows: np.ndarray, level: np.ndarray, seeds: np.ndarray) -> None:
        """A new lifetime of the student seeds (r,), whose levels begin at (r, k)."""

    def update(self, rows: np.ndarray, level: np.ndarray, seen: np.ndarray) -> None:
        """One decision later the levels are (r, k); `seen` (r, k) bool are new, the others old."""


class Difference:
    """Change since the previous decision, x_t - x_(t-1) (TSCL Online, Matiisen et al. 2017)."""

    arrays = ("last", "value")
    drift = 1.0

    def __init__(self, n: int, k: int) -> None:
        self.last, self.value = np.zeros((n, k)), np.zeros((n, k))

    def start(self, rows: np.ndarray, level: np.ndarray, seeds: np.ndarray) -> None:
        """See `Estimator`."""
        self.last[rows], self.value[rows] = level, 0.0

    def update(self, rows: np.ndarray, level: np.ndarray, seen: np.ndarray) -> None:
        """See `Estimator`."""
        self.value[rows] = level - self.last[rows]
        self.last[rows] = level


class MovingAverage:
    """Exponential average of the change, e <- d e + (1 - d) (x_t - x_(t-1)), with decay d."""

    arrays = ("last", "value")
    drift = 1.0

    def __init__(self, n: int, k: int, ema: float = 0.9) -> None:
        _check_decay("ema", ema)
        self.decay = ema
        self.last, self.value = np.zeros((n, k)), np.zeros((n, k))

    def start(self, rows: np.ndarray, level: np.ndarray, seeds: np.ndarray) -> None:
        """See `Estimator`."""
        self.last[rows], self.value[rows] = level, 0.0

    def update(self, rows: np.ndarray, level: np.ndarray, seen: np.ndarray) -> None:
        """See `Estimator`."""
        change = level - self.last[rows]
        self.value[rows] = self.decay * self.value[rows] + (1.0 - self.decay) * change
        self.last[rows] = level


class FastMinusSlow:
    """Fast minus slow exponential average of the level (after Kanitscheider et al. 2021).

    With a very slow second average the value stays above zero for a long time after a task was
    learned, and is zero for a task that never moved: progress that remembers.
    """

    arrays = ("fast", "slow")

    def __init__(self, n: int, k: int, fast: float = 0.5, slow: float = 0.99) -> None:
        _check_decay("fast", fast)
        _check_decay("slow", slow)
        if fast >= slow:
            raise ValueError(f"fast must decay faster than slow, got fast={fast}, slow={slow}")
        self.decays = (fast, slow)
        # An average with decay d lags a level that rises by 1 a decision by d / (1 - d).
        self.drift = slow / (1.0 - slow) - fast / (1.0 - fast)
        self.fast, self.slow = np.zeros((n, k)), np.zeros((n, k))

    @property
    def value(self) -> np.ndarray:
        """Progress, (n, k)."""
        return self.fast - self.slow

    def start(self, rows: np.ndarray, level: np.ndarray, seeds: np.ndarray) -> None:
        """See `Estimator`."""
        self.fast[rows] = self.slow[rows] = level

    def update(self, rows: np.ndarray, level: np.ndarray, seen: np.ndarray) -> None:
        """See `Estimator`."""
        for average, decay in zip((self.fast, self.slow), self.decays, strict=True):
            average[rows] = decay * average[rows] + (1.0 - decay) * level


class Slope:
    """Least-squares slope of the last w levels on the decision (TSCL Window, Matiisen et al. 2017).

    Levels that were not seen anew stay out of the window; with fewer than two the value is 0.
    """

    arrays = ("levels", "times", "filled", "decision", "value")
    drift = 1.0

    def __init__(self, n: int, k: int, slope: float = 10) -> None:
        window = _window("slope", slope, 2)
        self.levels, self.times = np.zeros((n, k, window)), np.zeros((n, k, window))
        self.filled = np.zeros((n, k), dtype=np.int64)
        """Levels that ever entered the window."""
        self.decision = np.zeros(n)
        self.value = np.zeros((n, k))

    def start(self, rows: np.ndarray, level: np.ndarray, seeds: np.ndarray) -> None:
        """See `Estimator`."""
        self.decision[rows], self.value[rows], self.filled[rows] = 0.0, 0.0, 1
        self.levels[rows, :, 0], self.times[rows, :, 0] = level, 0.0

    def update(self, rows: np.ndarray, level: np.ndarray, seen: np.ndarray) -> None:
        """See `Estimator`."""
        self.decision[rows] += 1
        row, task = rows[:, None], np.arange(level.shape[1])
        filled, window = self.filled[rows], self.levels.shape[2]
        place = filled % window
        self.levels[row, task, place] = np.where(seen, level, self.levels[row, task, place])
        now = self.decision[rows][:, None]
        self.times[row, task, place] = np.where(seen, now, self.times[row, task, place])
        self.filled[rows] = filled = filled + seen
        there = np.arange(window) < filled[:, :, None]
        count = np.minimum(filled, window)[:, :, None]
        times, levels = (np.where(there, array[rows], 0.0) for array in (self.times, self.levels))
        times = np.where(there, times - times.sum(axis=2, keepdims=True) / count, 0.0)
        spread = (times**2).sum(axis=2)
        moment = (times * levels).sum(axis=2)
        self.value[rows] = np.where(spread > 0, moment / np.where(spread > 0, spread, 1.0), 0.0)


class ThompsonProgress:
    """One of each task's last w changes, drawn anew after every decision (TSCL Sampling).

    The lots come from a stream that the student's seed names, so they are the same in every
    company and after every resume. Changes that were not seen are not stored; without any the
    value is 0.
    """

    arrays = ("last", "changes", "filled", "decision", "seeds", "value")
    drift = 1.0

    def __init__(self, n: int, k: int, thompson: float = 10) -> None:
        window = _window("thompson", thompson, 1)
        self.last, self.changes = np.zeros((n, k)), np.zeros((n, k, window))
        self.filled = np.zeros((n, k), dtype=np.int64)
        """Changes that were ever stored."""
        self.decision, self.seeds = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
        self.value = np.zeros((n, k))

    def start(self, rows: np.ndarray, level: np.ndarray, seeds: np.ndarray) -> None:
        """See `Estimator`."""
        self.last[rows], self.seeds[rows] = level, seeds
        self.decision[rows], self.value[rows], self.filled[rows] = 0, 0.0, 0

    def update(self, rows: np.ndarray, level: np.ndarray, seen: np.ndarray) -> None:
        """See `Estimator`."""
        self.decision[rows] += 1
        k, window = self.changes.shape[1:]
        row, task = rows[:, None], np.arange(k)
        place = self.filled[rows] % window
        stored = self.changes[row, task, place]
        self.changes[row, task, place] = np.where(seen, level - self.last[rows], stored)
        self.last[rows] = np.where(seen, level, self.last[rows])
        self.filled[rows] += seen
        count = np.minimum(self.filled[rows], window)
        key = stream_key(self.seeds[rows][:, None], _DRAW)
        lots = uniform(key, self.decision[rows][:, None] * k + task)
        drawn = self.changes[row, task, (lots * count).astype(np.int64)]
        self.value[rows] = np.where(count > 0, drawn, 0.0)


ESTIMATORS: dict[frozenset[str], Callable[..., Estimator]] = {
    frozenset(): FastMinusSlow,
    frozenset({"difference"}): Difference,
    frozenset({"ema"}): MovingAverage,
    frozenset({"fast", "slow"}): FastMinusSlow,
    frozenset({"slope"}): Slope,
    frozenset({"thompson"}): ThompsonProgress,
}
"""Estimators by the parameters that ask for them."""


def make_estimator(n: int, k: int, parameters: Mapping[str, float]) -> Estimator:
    """The estimator that `progress:...` asks for.

    Raises:
        ValueError: for parameters that no estimator has.
    """
    estimator = ESTIMATORS.get(frozenset(parameters))
    if estimator is None:
        raise ValueError(
            f"progress has no estimator with the parameters {', '.join(sorted(parameters))}; "
            "write progress, progress:difference, progress:ema=0.9, progress:fast=0.5,slow=0.99, "
            "progress:slope=10 or progress:thompson=10"
        )
    return estimator(n, k, **{a: b for a, b in parameters.items() if a != "difference"})


def _check_decay(name: str, value: float) -> None:
    if not 0.0 <= value < 1.0:
        raise ValueError(f"{name} must be a decay in [0, 1), got {value}")


def _window(name: str, value: float, least: int) -> int:
    if not (least <= value <= _LONGEST and value == int(value)):
        raise ValueError(
            f"{name} must be a window of {least} to {_LONGEST} decisions, as in {name}=10, "
            f"got {value:g}"
        )
    return int(value)
