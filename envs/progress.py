"""Learning progress: how fast a signal of each task is changing.

Legend: n students, k tasks, r rows named in a call.
"""

from collections.abc import Callable, Mapping

import numpy as np


class Difference:
    """Change since the previous decision, x_t - x_(t-1) (TSCL Online, Matiisen et al. 2017)."""

    def __init__(self, n: int, k: int) -> None:
        self.last, self.value = np.zeros((n, k)), np.zeros((n, k))

    def start(self, rows: np.ndarray, signal: np.ndarray) -> None:
        """A new lifetime that begins at `signal` (r, k)."""
        self.last[rows], self.value[rows] = signal, 0.0

    def update(self, rows: np.ndarray, signal: np.ndarray) -> None:
        """One decision later the signal is (r, k)."""
        self.value[rows] = signal - self.last[rows]
        self.last[rows] = signal


class MovingAverage:
    """Exponential average of the change, e <- d e + (1 - d) (x_t - x_(t-1)), with decay d."""

    def __init__(self, n: int, k: int, ema: float = 0.9) -> None:
        _check_decay("ema", ema)
        self.decay = ema
        self.last, self.value = np.zeros((n, k)), np.zeros((n, k))

    def start(self, rows: np.ndarray, signal: np.ndarray) -> None:
        """A new lifetime that begins at `signal` (r, k)."""
        self.last[rows], self.value[rows] = signal, 0.0

    def update(self, rows: np.ndarray, signal: np.ndarray) -> None:
        """One decision later the signal is (r, k)."""
        change = signal - self.last[rows]
        self.value[rows] = self.decay * self.value[rows] + (1.0 - self.decay) * change
        self.last[rows] = signal


class FastMinusSlow:
    """Fast minus slow exponential average of the signal (after Kanitscheider et al. 2021).

    With a very slow second average the value stays above zero for a long time after a task was
    learned, and is zero for a task that never moved: progress that remembers.
    """

    def __init__(self, n: int, k: int, fast: float = 0.5, slow: float = 0.99) -> None:
        _check_decay("fast", fast)
        _check_decay("slow", slow)
        if fast >= slow:
            raise ValueError(f"fast must decay faster than slow, got fast={fast}, slow={slow}")
        self.decays = (fast, slow)
        self.fast, self.slow = np.zeros((n, k)), np.zeros((n, k))

    @property
    def value(self) -> np.ndarray:
        """Progress, (n, k)."""
        return self.fast - self.slow

    def start(self, rows: np.ndarray, signal: np.ndarray) -> None:
        """A new lifetime that begins at `signal` (r, k)."""
        self.fast[rows] = self.slow[rows] = signal

    def update(self, rows: np.ndarray, signal: np.ndarray) -> None:
        """One decision later the signal is (r, k)."""
        for average, decay in zip((self.fast, self.slow), self.decays, strict=True):
            average[rows] = decay * average[rows] + (1.0 - decay) * signal


Estimator = Difference | MovingAverage | FastMinusSlow
ESTIMATORS: dict[frozenset[str], Callable[..., Estimator]] = {
    frozenset(): FastMinusSlow,
    frozenset({"difference"}): Difference,
    frozenset({"ema"}): MovingAverage,
    frozenset({"fast", "slow"}): FastMinusSlow,
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
            "write progress, progress:difference, progress:ema=0.9 or progress:fast=0.5,slow=0.99"
        )
    return estimator(n, k, **{a: b for a, b in parameters.items() if a != "difference"})


def _check_decay(name: str, value: float) -> None:
    if not 0.0 <= value < 1.0:
        raise ValueError(f"{name} must be a decay in [0, 1), got {value}")
