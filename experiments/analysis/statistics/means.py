"""Means over a part of all lifetimes: the middle half, the worst tenth; resampled students.

Legend: s teacher seeds, m students (the same ones under every teacher), r resamples.

A measure of one teacher is an (s, m) array.
"""

from functools import lru_cache

import numpy as np

RESAMPLES = 2000
BOOTSTRAP_SEED = 20240607
_BLOCK = 1 << 15
"""Weights of resamples that are computed with at once: as many as stay in the processor's cache."""
_ROWS = 8
"""Resamples of a block come in multiples of these, or a product of matrices rounds differently."""

Part = tuple[float, float]
"""Of sorted values, from which share of them to which."""
MIDDLE: Part = (0.25, 0.75)
LOWEST: Part = (0.0, 0.1)
HIGHEST: Part = (0.9, 1.0)


def partial_mean(values: np.ndarray, part: Part) -> float:
    """Mean of a part of all values.

    Each of n sorted values takes up 1/n of the line from 0 to 1 and counts by how much of it lies
    in the part. So a value may count in part. Of the middle half, where n is a multiple of 4, this
    is `scipy.stats.trim_mean(values, 0.25)`; of the highest tenth of costs, or the lowest of
    scores, it is the conditional value at risk (Rockafellar and Uryasev 2000).

    >>> partial_mean(np.array([0.0, 1.0, 2.0, 100.0]), HIGHEST)
    100.0
    >>> partial_mean(np.arange(15.0), LOWEST)  # (1 * 0 + 0.5 * 1) / 1.5
    0.3333333333333333
    """
    ascending = np.sort(np.asarray(values, dtype=np.float64), axis=None)
    if ascending.size == 0:
        raise ValueError("the mean of a part needs at least one value, got none")
    return float(_weighted_means(ascending, np.ones((1, ascending.size)), part)[0])


def interquartile_mean(values: np.ndarray) -> float:
    """Mean of the middle half of all values.

    >>> interquartile_mean(np.array([0.0, 1.0, 2.0, 100.0]))
    1.5
    >>> interquartile_mean(np.array([0.0, 3.0, 90.0]))  # (0.25 * 0 + 1 * 3 + 0.25 * 90) / 1.5
    17.0
    """
    return partial_mean(values, MIDDLE)


def _weighted_means(ascending: np.ndarray, weights: np.ndarray, part: Part) -> np.ndarray:
    """Means of a part of sorted values (n,) that occur `weights` (r, n) times, (r,)."""
    low, high = part
    end = np.cumsum(weights, axis=1)
    total = end[:, -1:]
    inside = np.minimum(end, high * total) - np.maximum(end - weights, low * total)
    inside = np.maximum(inside, 0.0)
    # Measured from the smallest value, so that equal values give exactly that value.
    return np.asarray(
        ascending[0] + (inside @ (ascending - ascending[0])) / inside.sum(axis=1), dtype=np.float64
    )


@lru_cache(maxsize=8)
def _draws(size: int, n_resamples: int, seed: tuple[int, ...]) -> np.ndarray:
    """How often each of `size` items occurs when `size` are drawn with replacement, (r, size).

    Drawn once for all samples: they need the same ones, and drawing takes longer than using them.
    """
    generator = np.random.default_rng(seed)
    draws = generator.multinomial(size, np.full(size, 1.0 / size), size=n_resamples)
    draws = draws.astype(np.min_scalar_type(size))
    draws.flags.writeable = False
    return draws


def bootstrap_means(
    values: np.ndarray,
    part: Part = MIDDLE,
    n_resamples: int = RESAMPLES,
    seed: int = BOOTSTRAP_SEED,
) -> np.ndarray:
    """Means of a part of the values of resampled students, all teacher seeds of each, (r,).

    Args:
        values: (s, m).
        part: which of the sorted values are meant.
        n_resamples: r.
        seed: of the draw, which depends on m and this alone: every teacher gets the same students.
    """
    s, m = values.shape
    if s * m == 0:
        raise ValueError(f"the bootstrap needs at least one lifetime, got shape {values.shape}")
    students = _draws(m, n_resamples, (seed, 0, m))
    flat = np.asarray(values, dtype=np.float64).ravel()
    order = np.argsort(flat, kind="stable")
    ascending, student_of = flat[order], order % m
    rows = _ROWS * max(1, _BLOCK // (_ROWS * s * m))
    means = np.empty(n_resamples)
    for start in range(0, n_resamples, rows):
        block = slice(start, start + rows)
        weights = students[block][:, student_of].astype(np.float64)
        means[block] = _weighted_means(ascending, weights, part)
    return means


def means_without_a_seed(values: np.ndarray, part: Part) -> np.ndarray:
    """Means of a part of the values (s, m), each without one of the teacher seeds, (s,)."""
    s, m = values.shape
    flat = np.asarray(values, dtype=np.float64).ravel()
    order = np.argsort(flat, kind="stable")
    weights = 1.0 - np.eye(s)[:, order // m]
    return _weighted_means(flat[order], weights, part)


def influence(values: np.ndarray, part: Part) -> np.ndarray:
    """By how much each of the values (s, m) moves the mean of a part, times their number, (s, m).

    Values beyond an end of the part count as that end (Huber 1981, trimmed means); a constant is
    left out.
    """
    low, high = part
    ends = np.quantile(values, part)
    bounds = (ends[0] if low > 0.0 else -np.inf, ends[1] if high < 1.0 else np.inf)
    return np.asarray(np.clip(values, *bounds) / (high - low), dtype=np.float64)
