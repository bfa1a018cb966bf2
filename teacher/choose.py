"""From values per task to probabilities: the third stage of a rule.

Pure functions. Axes: n students, k tasks. ``values`` is (n, k) float, ``present`` (n, k) bool says
which tasks exist; the result is (n, k) float64, 0 where a task is absent, and its rows sum to 1.
A row without a single present task comes back as zeros (``softmax`` excepted, which needs one):
callers use that to say "nothing to choose here" and put something else in its place.
"""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def uniform(present: Bools) -> Floats:
    """Every present task equally often, (n, k)."""
    count = present.sum(axis=1, keepdims=True)
    share: Floats = present / np.maximum(count, 1)
    return share


def greedy(values: Floats, present: Bools) -> Floats:
    """All on the task with the highest value, (n, k); equal values share equally."""
    heights = np.where(present, values, -np.inf)
    return uniform(present & (heights == heights.max(axis=1, keepdims=True)))


def explore(shares: Floats, present: Bools, epsilon: float | Floats) -> Floats:
    """``(1 - epsilon) shares + epsilon uniform``, (n, k); ``epsilon`` in [0, 1], one or (n, 1)."""
    mixture: Floats = (1.0 - epsilon) * shares + epsilon * uniform(present)
    return mixture


def epsilon_greedy(values: Floats, present: Bools, epsilon: float) -> Floats:
    """``(1 - epsilon) greedy + epsilon uniform``, (n, k); ``epsilon`` in [0, 1]."""
    return explore(greedy(values, present), present, epsilon)


def softmax(values: Floats, present: Bools, temperature: float = 1.0) -> Floats:
    """``p_k ~ exp(value_k / temperature)``, (n, k); ``temperature`` > 0, in units of the values."""
    heights = np.where(present, values, -np.inf)
    # The largest exponent becomes 0: a temperature of 4e-4 would otherwise overflow.
    weight = np.exp((heights - heights.max(axis=1, keepdims=True)) / temperature)
    share: Floats = weight / weight.sum(axis=1, keepdims=True)
    return share


def proportional(values: Floats, present: Bools) -> Floats:
    """``p_k ~ value_k``, (n, k); values below 0 count as 0, and a row of zeros becomes uniform."""
    weight = np.where(present, np.maximum(values, 0.0), 0.0)
    total = weight.sum(axis=1, keepdims=True)
    share: Floats = weight / np.where(total > 0.0, total, 1.0)
    return otherwise(share, uniform(present))


def otherwise(first: Floats, second: Floats) -> Floats:
    """``first``, and ``second`` in the rows where ``first`` is all zero, (n, k)."""
    return np.where(first.any(axis=1, keepdims=True), first, second)


def check_within(name: str, value: float, low: float, high: float = np.inf) -> None:
    """Raise ``ValueError`` unless ``low <= value <= high``."""
    if not low <= value <= high:
        raise ValueError(f"{name} must be in [{low:g}, {high:g}], got {value!r}")


def check_positive(name: str, value: float) -> None:
    """Raise ``ValueError`` unless ``value`` is finite and above 0."""
    if not 0.0 < value < np.inf:
        raise ValueError(f"{name} must be above 0 and finite, got {value!r}")


def check_one_of(name: str, value: str, options: Collection[str]) -> None:
    """Raise ``ValueError`` unless ``value`` is one of ``options``."""
    if value not in options:
        raise ValueError(f"{name} must be one of {', '.join(options)}, got {value!r}")
