"""What a rule can tell from what it has seen: the first stage of a bandit.

Pure functions over arrays. Axes: n students, k tasks, w the length of a window of past
observations. A window is a ring: an array (n, w, k) whose unused slots hold 0.
"""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from .choose import Bools, Floats
from .rules import View

FEEDBACK = ("full", "bandit")
Number = TypeVar("Number", np.float64, np.int32)


def chosen_task(view: View) -> Bools:
    """Which task the previous decision chose, (n, k) bool; a row of False where it chose none."""
    chosen: Bools = np.arange(view.present.shape[1]) == view.last[:, None]
    return np.logical_and(view.present, chosen)


def fresh_tasks(view: View, feedback: str) -> Bools:
    """Which scores were measured after the previous decision, (n, k) bool."""
    present: Bools = view.present
    return present if feedback == "full" else chosen_task(view)


def push(
    window: NDArray[Number], count: NDArray[np.int64], value: NDArray[Number], fresh: Bools
) -> NDArray[Number]:
    """Write ``value`` (n, k) over the oldest slot of a ring (n, w, k), in the ``fresh`` places.

    ``count`` (n, k) is how many values each task's ring has been given so far.
    """
    slot = (count % window.shape[1])[:, None, :]
    kept = np.take_along_axis(window, slot, axis=1)
    pushed = window.copy()
    np.put_along_axis(pushed, slot, np.where(fresh[:, None, :], value[:, None, :], kept), axis=1)
    return pushed


def slope(scores: Floats, times: NDArray[np.int32], count: NDArray[np.int64]) -> Floats:
    """Least-squares slope of score over time, (n, k), per decision; 1 for fewer than two scores.

    ``scores`` and ``times`` are rings (n, w, k) whose unused slots hold 0.
    """
    size = scores.shape[1]
    filled = np.minimum(count, size)
    mean = times.sum(axis=1) / np.maximum(filled, 1)
    rise, spread = np.zeros(count.shape), np.zeros(count.shape)
    # Slot by slot: the (n, k) pieces stay in the cache, which is four times as fast.
    for slot in range(size):
        centred = (times[:, slot] - mean) * (slot < filled)
        # Relative to one of the scores: a flat line has slope 0 to the bit, and ties with others.
        rise += centred * (scores[:, slot] - scores[:, 0])
        spread += centred * centred
    return np.where(filled >= 2, rise / np.where(filled >= 2, spread, 1.0), 1.0)


def rescale(gain: Floats, gains: Floats, count: NDArray[np.int64]) -> Floats:
    """Where ``gain`` (n,) lies between the 20 % and 80 % quantiles of ``gains``, (n,) in [-1, 1].

    ``gains`` is (n, history), of which the first ``count`` (n,) are in use.
    """
    filled = np.clip(count, 1, gains.shape[1])
    used = np.arange(gains.shape[1]) < filled[:, None]
    ordered = np.sort(np.where(used, gains, np.inf), axis=1)
    low, high = (_quantile(ordered, filled, level) for level in (0.2, 0.8))
    span = high - low
    place = 2.0 * (gain - low) / np.where(span > 0.0, span, 1.0) - 1.0
    return np.where(span > 0.0, np.clip(place, -1.0, 1.0), 0.0)


def _quantile(ordered: Floats, filled: NDArray[np.int64], level: float) -> Floats:
    """Linear-interpolated quantile of the first ``filled`` (n,) values of sorted rows, (n,)."""
    position = level * (filled - 1)
    below = np.floor(position).astype(np.int64)
    rows = np.arange(len(ordered))
    left = ordered[rows, below]
    right = ordered[rows, np.minimum(below + 1, filled - 1)]
    quantile: Floats = left + (position - below) * (right - left)
    return quantile
