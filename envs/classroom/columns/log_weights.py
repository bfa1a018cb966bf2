"""Log-weights of rules: what a teacher that leans on a rule adds up.

Each is the natural log of shares that sum to 1 over the tasks, and no less than `LEAST`.

Legend: k tasks, r rows named in a call.
"""

import math

import numpy as np

from ..facts import Facts

LEAST = math.log(1e-6)
"""What the log of a smaller share is shown as."""
_SOME = 0.02
"""What every task has of learnability and promise, so that none is left out."""
_MIXED = 0.1
"""Share of progress that is spread over all tasks."""


def log_shares(weights: np.ndarray) -> np.ndarray:
    """Logs of weights (..., k) divided by their sum, those of equal shares where it is 0."""
    total = weights.sum(axis=-1, keepdims=True)
    equal = 1.0 / weights.shape[-1]
    shares = np.where(total > 0.0, weights / np.where(total > 0.0, total, 1.0), equal)
    return np.maximum(np.log(np.maximum(shares, 1e-300)), LEAST)


def of_data(facts: Facts, rows: np.ndarray) -> np.ndarray:
    """Shares ~ training examples, (k,)."""
    return log_shares(facts.suite.sizes("train").astype(np.float64))


def of_shortfall(facts: Facts, rows: np.ndarray, floor: float, margin: float) -> np.ndarray:
    """Shares ~ floor + max(threshold + margin - score, 0), (r, k).

    In the manner of Sharma et al. 2018 (1702.06053) and Jean et al. 2019 (1909.06434).
    """
    missing = np.maximum(facts.threshold + margin - facts.score[rows], 0.0)
    return log_shares(floor + missing)


def of_progress(change: np.ndarray) -> np.ndarray:
    """Shares = 0.1 / k + 0.9 |change| / sum |change|; change is (r, k).

    In the manner of TSCL (Matiisen et al. 2017).
    """
    size = np.abs(change)
    total = size.sum(axis=1, keepdims=True)
    equal = 1.0 / size.shape[1]
    shares = np.where(total > 0.0, size / np.where(total > 0.0, total, 1.0), equal)
    return log_shares(_MIXED * equal + (1.0 - _MIXED) * shares)


def of_learnability(facts: Facts, rows: np.ndarray) -> np.ndarray:
    """Shares ~ 0.02 + s (1 - s) of the score s, (r, k)."""
    score = facts.score[rows]
    return log_shares(_SOME + score * (1.0 - score))


def of_promise(promised: np.ndarray) -> np.ndarray:
    """Shares ~ 0.02 mean + max(promise, 0), equal where nothing is promised; promised is (r, k)."""
    good = np.maximum(promised, 0.0)
    return log_shares(_SOME * good.mean(axis=1, keepdims=True) + good)
