"""Values that mean the same in suites of other sizes, budgets and losses.

Legend: k tasks, r rows named in a call.
"""

import numpy as np

from ..facts import Facts

COUNT_LIMIT = 30.0
"""The largest log of a count."""
RELATIVE_LOSS = (-10.0, 3.0)
"""Bounds of a relative loss."""
_LEAST_LOSS = 1e-8


def log_count(facts: Facts, rows: np.ndarray) -> np.ndarray:
    """log(1 + examples behind the score), (r, k)."""
    return np.asarray(np.minimum(np.log1p(facts.count[rows]), COUNT_LIMIT))


def rank(facts: Facts, rows: np.ndarray) -> np.ndarray:
    """Share of the other tasks whose score is lower, where equal ones count half, (r, k)."""
    score = facts.score[rows]
    k = score.shape[1]
    order = np.argsort(score, axis=1, kind="stable")
    ordered = np.take_along_axis(score, order, axis=1)
    place = np.broadcast_to(np.arange(k), score.shape)
    new = np.ones(score.shape, dtype=bool)
    new[:, 1:] = ordered[:, 1:] > ordered[:, :-1]
    first = np.maximum.accumulate(np.where(new, place, 0), axis=1)
    ends = np.ones(score.shape, dtype=bool)
    ends[:, :-1] = new[:, 1:]
    last = np.minimum.accumulate(np.where(ends, place, k)[:, ::-1], axis=1)[:, ::-1]
    shares = np.empty(score.shape)
    np.put_along_axis(shares, order, (first + last) / 2.0 / max(k - 1, 1), axis=1)
    return shares


def relative_loss(facts: Facts, rows: np.ndarray) -> np.ndarray:
    """log(loss / first loss) within its bounds, 0 before the second measurement, (r, k)."""
    loss = np.maximum(facts.loss[rows], _LEAST_LOSS)
    first = np.maximum(facts.first_loss[rows], _LEAST_LOSS)
    ratio = np.clip(np.log(loss / first), *RELATIVE_LOSS)
    return np.where(facts.measurements[rows] < 2, 0.0, ratio)


def share_gap(facts: Facts, rows: np.ndarray) -> np.ndarray:
    """Share of the decisions so far minus that of the data, 0 before the first one, (r, k)."""
    sizes, decisions = facts.suite.sizes("train"), facts.decisions[rows][:, None]
    gap = facts.chosen[rows] / np.maximum(decisions, 1) - sizes / sizes.sum()
    return np.where(decisions > 0, gap, 0.0)


def side(facts: Facts, rows: np.ndarray, at: float, width: float) -> np.ndarray:
    """tanh((share of the budget that is left - at) / width), (r, 1)."""
    return np.asarray(np.tanh((facts.spending.remaining[rows][:, None] - at) / width))
