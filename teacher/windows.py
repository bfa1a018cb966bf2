"""Windows of past scores: what the rules share that fit a line to each task's recent scores.

Pure functions over a memory of rings. Axes: n students, k tasks, w the length of a window.
"""

import numpy as np

from .choose import Floats
from .estimate import fresh_tasks, push, slope
from .rules import Memory, View

# Slopes below this are rounding errors of a flat line; dividing by them would make them count.
FLAT = 1e-9


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


def push_scores(memory: Memory, view: View, feedback: str) -> Memory:
    """The windows with the fresh scores and the decisions after which they were measured."""
    fresh = fresh_tasks(view, feedback)
    count = memory["count"]
    times = np.broadcast_to(view.decision[:, None].astype(np.int32), count.shape)
    return {
        "scores": push(memory["scores"], count, view["score"], fresh),
        "times": push(memory["times"], count, times, fresh),
        "count": count + fresh,
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
