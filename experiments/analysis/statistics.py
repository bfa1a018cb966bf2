"""Interquartile means, bootstrap intervals and paired comparisons.

Legend: s teacher seeds, m students (the same ones under every teacher), r resamples.

A measure of one teacher is an (s, m) array. The bootstrap draws teacher seeds and students with
replacement, independently of each other; every teacher gets the same drawn students, so
differences and ratios stay paired.
"""

import zlib
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np

RESAMPLES = 2000
BOOTSTRAP_SEED = 20240607
CONFIDENCE = 0.95
_BLOCK = 1 << 15
"""Weights of resamples that are computed with at once: as many as stay in the processor's cache."""
_ROWS = 8
"""Resamples of a block come in multiples of these, or a product of matrices rounds differently."""

Interval = tuple[float, float]


def interquartile_mean(values: np.ndarray) -> float:
    """Mean of the middle half of all values.

    Each of n sorted values takes up 1/n of the line from 0 to 1 and counts by how much of it lies
    between 1/4 and 3/4. So a value may count in part, and where n is a multiple of 4 this is
    `scipy.stats.trim_mean(values, 0.25)`.

    >>> interquartile_mean(np.array([0.0, 1.0, 2.0, 100.0]))
    1.5
    >>> interquartile_mean(np.array([0.0, 3.0, 90.0]))  # (0.25 * 0 + 1 * 3 + 0.25 * 90) / 1.5
    17.0
    """
    ascending = np.sort(np.asarray(values, dtype=np.float64), axis=None)
    if ascending.size == 0:
        raise ValueError("the interquartile mean needs at least one value, got none")
    return float(_weighted_means(ascending, np.ones((1, ascending.size)))[0])


def _weighted_means(ascending: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Interquartile means of sorted values (n,) that occur `weights` (r, n) times, (r,)."""
    end = np.cumsum(weights, axis=1)
    total = end[:, -1:]
    inside = np.minimum(end, 0.75 * total) - np.maximum(end - weights, 0.25 * total)
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
    stream: str = "",
    n_resamples: int = RESAMPLES,
    seed: int = BOOTSTRAP_SEED,
) -> np.ndarray:
    """Interquartile means of resampled teacher seeds and students, (r,).

    Args:
        values: (s, m).
        stream: names the draw of teacher seeds. Teachers of different streams draw their seeds
            independently; the draw of students depends on m and `seed` alone.
        n_resamples: r.
        seed: of both draws.
    """
    s, m = values.shape
    if s * m == 0:
        raise ValueError(f"the bootstrap needs at least one lifetime, got shape {values.shape}")
    students = _draws(m, n_resamples, (seed, 0, m))
    seeds = _draws(s, n_resamples, (seed, 1, zlib.crc32(stream.encode())))
    flat = np.asarray(values, dtype=np.float64).ravel()
    order = np.argsort(flat, kind="stable")
    ascending, seed_of, student_of = flat[order], order // m, order % m
    rows = _ROWS * max(1, _BLOCK // (_ROWS * s * m))
    means = np.empty(n_resamples)
    for start in range(0, n_resamples, rows):
        block = slice(start, start + rows)
        weights = students[block][:, student_of].astype(np.float64)
        if s > 1:
            weights *= seeds[block][:, seed_of]
        means[block] = _weighted_means(ascending, weights)
    return means


def percentile_interval(samples: np.ndarray, confidence: float = CONFIDENCE) -> Interval:
    """The middle `confidence` of bootstrap samples (r,)."""
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(samples, [tail, 1.0 - tail])
    return float(low), float(high)


class Sample:
    """One measure of one teacher over its lifetimes."""

    def __init__(
        self,
        values: np.ndarray,
        stream: str = "",
        n_resamples: int = RESAMPLES,
        seed: int = BOOTSTRAP_SEED,
    ) -> None:
        """Keep finite `values` (s, m); the rest is as for `bootstrap_means`."""
        if values.ndim != 2 or not np.isfinite(values).all():
            raise ValueError(f"values must be finite and (s, m), got shape {values.shape}")
        self.values = np.asarray(values, dtype=np.float64)
        self.stream, self.n_resamples, self.seed = stream, n_resamples, seed

    @cached_property
    def iqm(self) -> float:
        """Interquartile mean over all lifetimes."""
        return interquartile_mean(self.values)

    @cached_property
    def resampled(self) -> np.ndarray:
        """Bootstrap distribution of the interquartile mean, (r,)."""
        return bootstrap_means(self.values, self.stream, self.n_resamples, self.seed)

    @property
    def ci95(self) -> Interval:
        """95 % percentile interval of the interquartile mean."""
        return percentile_interval(self.resampled)

    def of_students(self, columns: np.ndarray) -> "Sample":
        """The same measure of some of the students only; `columns` indexes the m axis."""
        return Sample(self.values[:, columns], self.stream, self.n_resamples, self.seed)


class Estimate(NamedTuple):
    """A number and its 95 % interval, None where it is not defined."""

    value: float | None
    ci95: Interval | None


def difference(sample: Sample, baseline: Sample) -> Estimate:
    """Interquartile mean minus that of the baseline, over the same resampled students."""
    _check_pairing(sample, baseline)
    return Estimate(
        sample.iqm - baseline.iqm, percentile_interval(sample.resampled - baseline.resampled)
    )


def ratio(sample: Sample, baseline: Sample) -> Estimate:
    """Interquartile mean over that of the baseline; not defined where the baseline's can be 0."""
    _check_pairing(sample, baseline)
    value = sample.iqm / baseline.iqm if baseline.iqm > 0 else None
    if value is None or not (baseline.resampled > 0).all():
        return Estimate(value, None)
    return Estimate(value, percentile_interval(sample.resampled / baseline.resampled))


def share_lost(sample: Sample, reduced: Sample, baseline: Sample) -> Estimate:
    """Part of the sample's gain over the baseline that the reduced version does not have.

    (reduced - sample) / (baseline - sample): 0 where it keeps the whole gain, 1 where it is no
    better than the baseline. It does not matter whether high or low is good. Not defined without a
    gain; the interval is None where the 95 % interval of the gain itself includes 0.
    """
    _check_pairing(sample, baseline)
    _check_pairing(sample, reduced)
    gain = baseline.iqm - sample.iqm
    if gain == 0.0:
        return Estimate(None, None)
    value = (reduced.iqm - sample.iqm) / gain
    gains = baseline.resampled - sample.resampled
    low, high = percentile_interval(gains)
    if low <= 0.0 <= high:
        return Estimate(value, None)
    certain = gains * np.sign(gain) > 0.0
    losses = (reduced.resampled - sample.resampled)[certain] / gains[certain]
    return Estimate(value, percentile_interval(losses))


def probability_of_improvement(
    values: np.ndarray, baseline: np.ndarray, lower_is_better: bool
) -> float:
    """How often the teacher does better on the same student, in [0, 1]; a tie counts half.

    It is paired: a student is only compared with itself under the other teacher. That of rliable,
    P(X > Y) of Agarwal et al. (2021), compares every run of the one with every run of the other,
    which is another number wherever students differ from each other.

    Args:
        values: (s, m) of the teacher.
        baseline: (s', m) of the baseline, the same students; every teacher seed of the one is
            compared with every seed of the other.
        lower_is_better: True for costs, False for scores.
    """
    if values.shape[1] != baseline.shape[1]:
        raise ValueError(
            f"both need the same students, got {values.shape[1]} and {baseline.shape[1]}"
        )
    gap = values[:, None, :] - baseline[None, :, :]
    wins = gap < 0 if lower_is_better else gap > 0
    return float(np.mean(wins + 0.5 * (gap == 0)))


def censor(values: np.ndarray, reached: np.ndarray, limit: np.ndarray | float) -> np.ndarray:
    """Values where something was reached and at most the limit; the limit elsewhere.

    All arrays broadcast to (s, m). `values` need not be finite where `reached` is False.
    """
    bounded = np.minimum(np.where(reached, values, np.inf), limit)
    return np.asarray(bounded, dtype=np.float64)


def _check_pairing(first: Sample, second: Sample) -> None:
    same = first.values.shape[1] == second.values.shape[1]
    if not same or first.n_resamples != second.n_resamples or first.seed != second.seed:
        raise ValueError(
            "a paired comparison needs the same students, resamples and seed, got "
            f"{first.values.shape[1]} and {second.values.shape[1]} students, "
            f"{first.n_resamples} and {second.n_resamples} resamples"
        )
