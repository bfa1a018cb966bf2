"""Kinds of parameters that are tuned: what a point of the search means for each.

Legend: k tasks, m knots, d axes of the search; a point has d coordinates in [0, 1].
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

MOST_LOG_WEIGHT = 4.0
"""Log-weights of mixtures are looked for from minus this to this: shares up to 3,000 apart."""
_LOG_FROM = 10.0
"""Ratio of its ends from which on a range of positive numbers is searched in its logarithm."""
_WIDE, _NARROW = 0.3, 0.125
"""Standard deviation of the first draws along an axis of a range, and of a log-weight."""
_MOST_STEPS = 1_000
"""Whole numbers of a range from which on it is searched as if it had all numbers, and rounded."""
_DIGITS = 6
"""Significant digits of what is tried, so that a table can show it whole."""


class Parameter(Protocol):
    """What a rule's parameter can be."""

    @property
    def steps(self) -> tuple[float, ...]:
        """Of each axis the distance of two neighbouring values; 0 where all lie on it."""

    @property
    def spread(self) -> float:
        """Standard deviation of the first draws along each axis."""

    @property
    def start(self) -> tuple[float, ...]:
        """The point that the first draws lie around."""

    @property
    def values(self) -> Sequence[Any] | None:
        """All that it can be, or None where these can't be counted."""

    def value(self, point: np.ndarray) -> Any:
        """What a point (d,) of its axes stands for."""


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, `whole` ones or all, evenly or by their ratio, `log`."""

    low: float
    high: float
    whole: bool = False
    log: bool = False
    spread: float = _WIDE

    @property
    def steps(self) -> tuple[float, ...]:
        """One axis, with a step for each of a few whole numbers that lie evenly on it."""
        is_stepped = self.whole and not self.log and self.high - self.low < _MOST_STEPS
        return (1.0 / (self.high - self.low) if is_stepped else 0.0,)

    @property
    def start(self) -> tuple[float, ...]:
        """The middle."""
        return (0.5,)

    @property
    def values(self) -> Sequence[Any] | None:
        """The whole numbers of the range."""
        return range(int(self.low), int(self.high) + 1) if self.whole else None

    def value(self, point: np.ndarray) -> Any:
        """The number that lies there."""
        place = min(max(float(point[0]), 0.0), 1.0)
        if self.log:
            number = self.low * (self.high / self.low) ** place
        else:
            number = self.low + (self.high - self.low) * place
        number = round(number) if self.whole else float(f"{number:.{_DIGITS}g}")
        return min(max(number, self.low), self.high)


@dataclass(frozen=True)
class Category:
    """One of a few values, on an axis with as many places."""

    values: tuple[Any, ...]
    spread: float = _WIDE

    @property
    def steps(self) -> tuple[float, ...]:
        """One axis; none where there is nothing to choose."""
        return (1.0 / (len(self.values) - 1),) if len(self.values) > 1 else ()

    @property
    def start(self) -> tuple[float, ...]:
        """The middle."""
        return (0.5,) * len(self.steps)

    def value(self, point: np.ndarray) -> Any:
        """The value at the nearest place."""
        return self.values[round(float(point[0]) * (len(self.values) - 1)) if len(point) else 0]


@dataclass(frozen=True)
class Mixture:
    """Shares of k tasks by their log-weights."""

    k: int
    spread: float = _NARROW
    values: None = None

    @property
    def steps(self) -> tuple[float, ...]:
        """An axis for each task."""
        return (0.0,) * self.k

    @property
    def start(self) -> tuple[float, ...]:
        """All tasks alike."""
        return (0.5,) * self.k

    def value(self, point: np.ndarray) -> list[float]:
        """Shares (k,), which sum to 1 but for rounding."""
        weights = np.exp(_log_weights(point))
        return [float(f"{share:.{_DIGITS}g}") for share in weights / weights.sum()]


@dataclass(frozen=True)
class Schedule:
    """Log-weights of tasks at m knots, begun with the true order: it is told to nobody's opponent.

    `order` has the k tasks from the first to the last. At the first knot the first of them has a
    log-weight of 1 and the last of -1, at the last knot the other way round.
    """

    m: int
    order: tuple[int, ...]
    spread: float = _NARROW
    values: None = None

    @property
    def steps(self) -> tuple[float, ...]:
        """An axis for each task of each knot."""
        return (0.0,) * (self.m * len(self.order))

    @property
    def start(self) -> tuple[float, ...]:
        """From the first task to the last."""
        place = np.argsort(self.order) / max(1, len(self.order) - 1)
        now = np.linspace(0.0, 1.0, self.m)[:, None]
        weights = 1.0 - 2.0 * np.abs(place - now)
        return tuple(0.5 + weights.ravel() / (2.0 * MOST_LOG_WEIGHT))

    def value(self, point: np.ndarray) -> list[list[float]]:
        """Log-weights, (m, k)."""
        knots = _log_weights(point).reshape(self.m, len(self.order))
        return [[float(f"{weight:.{_DIGITS}g}") for weight in knot] for knot in knots]


def _log_weights(point: np.ndarray) -> np.ndarray:
    return MOST_LOG_WEIGHT * (2.0 * np.asarray(point, np.float64) - 1.0)


def parameter_of(values: Sequence[Any], least: int) -> Parameter:
    """What values of a parameter stand for.

    Different numbers are the ends of a range with what lies between them, where there are at least
    so many: whole ones where all are, and searched by their ratio where all are positive and one is
    ten times another. Anything else is a choice of the values that are listed.

    Args:
        values: as a rule or a config lists them.
        least: numbers that make a range.

    >>> parameter_of([0.5, 0.7, 0.9], least=3)
    Range(low=0.5, high=0.9, whole=False, log=False, spread=0.3)
    >>> parameter_of([0.5, 0.9], least=3)
    Category(values=(0.5, 0.9), spread=0.3)
    >>> parameter_of(["greedy", "proportional"], least=2).values
    ('greedy', 'proportional')
    """
    numbers = [one for one in values if type(one) in (int, float) and math.isfinite(one)]
    if len(numbers) < len(values) or len(set(numbers)) < max(least, 2):
        return Category(tuple(_once(values)))
    low, high = min(numbers), max(numbers)
    return range_of(low, high, all(isinstance(one, int) for one in numbers))


def range_of(low: float, high: float, whole: bool = False) -> Range:
    """From `low` to `high`, by their ratio where that is the better scale."""
    return Range(low, high, whole, log=low > 0 and high / low >= _LOG_FROM)


def _once(values: Sequence[Any]) -> Iterator[Any]:
    """The values without those that stand there before."""
    for i, value in enumerate(values):
        if not any(value == one and type(value) is type(one) for one in values[:i]):
            yield value
