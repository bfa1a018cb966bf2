"""What a rule can tell from what it has seen: the first stage of a bandit.

Pure functions over arrays. Axes: n students, k tasks, w the length of a window of past
observations. A window is a ring: an array (n, w, k) whose unused slots hold 0. Rules that fit a
line to each task's recent scores share a memory of such rings, and what is read from it.
"""

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from .choose import Bools, Floats
from .rules import Memory, View

CHANGE = "progress:difference"
"""The column that shows how much each score changed since the previous decision."""
MEASURED = "measured"
"""The column that shows whose scores were measured since the previous decision."""
ADVANTAGE_SIGNALS = ("learnability", "progress")
"""What stands for the mean absolute advantage of a task, which supervised students don't have."""
# Slopes below this are rounding errors of a flat line; dividing by them would make them count.
FLAT = 1e-9
Counts = NDArray[np.int64]
Number = TypeVar("Number", np.float32, np.float64, np.int32)


def chosen_task(view: View) -> Bools:
    """Which task the previous decision chose, (n, k) bool; a row of False where it chose none."""
    choice: Bools = np.arange(view.present.shape[1]) == view.last[:, None]
    return np.logical_and(view.present, choice)


def measured_tasks(view: View) -> Bools:
    """Which scores were measured since the previous decision, (n, k) bool."""
    return np.logical_and(view.present, view[MEASURED] > 0.0)


def measured_choice(view: View) -> Bools:
    """Which task the previous decision chose, if its score was measured since, (n, k) bool."""
    return np.logical_and(chosen_task(view), view[MEASURED] > 0.0)


def change(view: View, absolute: bool) -> Floats:
    """How much each score changed, (n, k) in [-1, 1]; with `absolute` its size, in [0, 1]."""
    difference: Floats = view[CHANGE]
    return np.abs(difference) if absolute else difference


def advantage_substitute(view: View, signal: str) -> Floats:
    """What stands for the mean absolute advantage of each task, (n, k) in [0, 1].

    ``"learnability"`` is ``2 sqrt(p (1 - p))`` with the task's score p, twice the spread of a
    pass/fail reward; ``"progress"`` the absolute change of its score.
    """
    if signal == "progress":
        return change(view, absolute=True)
    score = np.clip(view["score"], 0.0, 1.0)
    learnability: Floats = 2.0 * np.sqrt(score * (1.0 - score))
    return learnability


def push(
    window: NDArray[Number], count: Counts, value: NDArray[Any], measured: Bools
) -> NDArray[Number]:
    """Write ``value`` (n, k) over the oldest slot of a ring (n, w, k), in the ``measured`` places.

    ``count`` (n, k) is how many values each task's ring has been given so far.
    """
    size = window.shape[1]
    target = np.where(measured, count % size, -1)
    ring, row = window.copy(), value.astype(window.dtype)
    # Slot by slot, mostly one: three times as fast as one write by indices.
    for slot in range(max(0, target.min(initial=size)), target.max(initial=-1) + 1):
        np.copyto(ring[:, slot], row, where=target == slot)
    return ring


def slope(scores: NDArray[Number], times: NDArray[np.int32], count: Counts) -> Floats:
    """Least-squares slope of score over time, (n, k), per decision; 1 for fewer than two scores.

    ``scores`` and ``times`` are rings (n, w, k) whose unused slots hold 0.
    """
    size = scores.shape[1]
    length = np.minimum(count, size)
    mean = times.sum(axis=1) / np.maximum(length, 1)
    rise, spread = np.zeros(count.shape), np.zeros(count.shape)
    centred, above = np.empty(count.shape), np.empty(count.shape)
    used_by_all = length.min(initial=size)
    # Slot by slot, and in place: the (n, k) pieces stay in the cache, four times as fast.
    for slot in range(size):
        np.subtract(times[:, slot], mean, out=centred)
        if slot >= used_by_all:
            centred *= slot < length
        # Relative to one of the scores: a flat line has slope 0 to the bit, and ties with others.
        np.subtract(scores[:, slot], scores[:, 0], out=above, dtype=np.float64)
        above *= centred
        rise += above
        centred *= centred
        spread += centred
    return np.where(length >= 2, rise / np.where(length >= 2, spread, 1.0), 1.0)


def start_windows(n: int, k: int, window: int) -> Memory:
    """Empty windows: ``scores`` and ``times`` (n, w, k), ``count`` (n, k).

    Scores are shown in float32, and so they are kept: half the memory to copy at each decision.
    """
    shape = (n, window, k)
    return {
        "scores": np.zeros(shape, dtype=np.float32),
        "times": np.zeros(shape, dtype=np.int32),
        "count": np.zeros((n, k), dtype=np.int64),
    }


def push_scores(memory: Memory, view: View) -> Memory:
    """The windows with the scores that were measured, and the decisions after which they were."""
    measured = measured_tasks(view)
    count = memory["count"]
    times = np.broadcast_to(view.decision[:, None].astype(np.int32), count.shape)
    return {
        "scores": push(memory["scores"], count, view["score"], measured),
        "times": push(memory["times"], count, times, measured),
        "count": count + measured,
    }


def start_changes(n: int, k: int, window: int) -> Memory:
    """Empty windows of changes of score: ``changes`` (n, w, k), ``count`` (n, k)."""
    return {
        "changes": np.zeros((n, window, k), dtype=np.float32),
        "count": np.zeros((n, k), dtype=np.int64),
    }


def push_changes(memory: Memory, view: View, absolute: bool = False) -> Memory:
    """The windows with the changes of the scores that were measured, or `absolute` their sizes."""
    measured = measured_tasks(view)
    count = memory["count"]
    return {
        "changes": push(memory["changes"], count, change(view, absolute), measured),
        "count": count + measured,
    }


def absolute_slope(memory: Memory) -> Floats:
    """``|least-squares slope|`` of the windows, per decision, (n, k); 0 for fewer than two."""
    count = memory["count"]
    size: Floats = np.abs(slope(memory["scores"], memory["times"], count))
    return np.where((count >= 2) & (size > FLAT), size, 0.0)


def window_mean(memory: Memory) -> Floats:
    """Mean score of each window, (n, k); 0 where it is empty."""
    scores = memory["scores"]
    total = np.zeros(memory["count"].shape)
    for slot in range(scores.shape[1]):
        total += scores[:, slot]
    mean: Floats = total / np.clip(memory["count"], 1, scores.shape[1])
    return mean


def rescale(gain: Floats, gains: Floats, count: Counts) -> Floats:
    """Where ``gain`` (n,) lies between the 20 % and 80 % quantiles of ``gains``, (n,) in [-1, 1].

    ``gains`` is (n, history), of which the first ``count`` (n,) are in use. Where both quantiles
    are the same, a gain below them is -1, one above them 1, and they themselves 0.
    """
    length = np.clip(count, 1, gains.shape[1])
    in_use = np.arange(gains.shape[1]) < length[:, None]
    ascending = np.sort(np.where(in_use, gains, np.inf), axis=1)
    low, high = (_quantile(ascending, length, level) for level in (0.2, 0.8))
    span = high - low
    place = 2.0 * (gain - low) / np.where(span > 0.0, span, 1.0) - 1.0
    # An arm that takes four choices of five makes both quantiles its own; the others are less.
    return np.where(span > 0.0, np.clip(place, -1.0, 1.0), np.sign(gain - low))


def _quantile(ascending: Floats, length: Counts, level: float) -> Floats:
    """Linear-interpolated quantile of the first ``length`` (n,) values of sorted rows, (n,)."""
    position = level * (length - 1)
    below = np.floor(position).astype(np.int64)
    rows = np.arange(len(ascending))
    low = ascending[rows, below]
    high = ascending[rows, np.minimum(below + 1, length - 1)]
    quantile: Floats = low + (position - below) * (high - low)
    return quantile
