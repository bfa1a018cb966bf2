"""Intervals that hold with few teacher seeds.

Legend: s teacher seeds, m students (the same ones under every teacher), r draws.

What a teacher comes to varies with its students and with its own seeds. Students are many and are
resampled (a percentile bootstrap); teachers that are compared get the same drawn students, so that
differences and ratios stay paired. Seeds are few: what they add to the error is estimated from the
s values with one seed left out (the jackknife), and drawn, independently of the students, from
Student's t with s - 1 degrees of freedom times that estimate; of teachers with seeds of their own
the estimates are added, with the degrees of freedom of Welch and Satterthwaite (1946). So the draws
are those of a generalised confidence interval (Weerahandi 1993); the model is that of crossed
readers and cases (Dorfman, Berbaum and Metz 1992; Hillis 2007). What belongs to neither alone, the
residual of a two-way analysis of variance, is in both parts and is taken off that of the students.
Samples of one seed have no such part: their interval is of students alone.
"""

from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np

from .means import (
    BOOTSTRAP_SEED,
    MIDDLE,
    RESAMPLES,
    Part,
    bootstrap_means,
    influence,
    means_without_a_seed,
    partial_mean,
)

CONFIDENCE = 0.95
_STEP = 1e-5
"""Of a numeric slope, relative to what it is of."""

Interval = tuple[float, float]
Statistic = Callable[..., np.ndarray]
"""Of one mean per sample, numbers or arrays, by broadcasting."""


class Sample:
    """One measure of one teacher over its lifetimes."""

    def __init__(
        self,
        values: np.ndarray,
        stream: str = "",
        part: Part = MIDDLE,
        n_resamples: int = RESAMPLES,
        seed: int = BOOTSTRAP_SEED,
    ) -> None:
        """Keep finite `values` (s, m).

        Args:
            values: of each teacher seed and student.
            stream: names the teacher seeds. Samples of the same stream have the same ones, which
                are then compared with each other; those of others are independent.
            part: of the sorted values whose mean is meant.
            n_resamples: r.
            seed: of all draws.
        """
        if values.ndim != 2 or not np.isfinite(values).all():
            raise ValueError(f"values must be finite and (s, m), got shape {values.shape}")
        self.values = np.asarray(values, dtype=np.float64)
        self.stream, self.part, self.n_resamples, self.seed = stream, part, n_resamples, seed

    @cached_property
    def mean(self) -> float:
        """Over the part of all lifetimes; the interquartile mean where nothing else was said."""
        return partial_mean(self.values, self.part)

    @cached_property
    def resampled(self) -> np.ndarray:
        """The mean with resampled students, (r,)."""
        return bootstrap_means(self.values, self.part, self.n_resamples, self.seed)

    @cached_property
    def ci95(self) -> Interval:
        """95 % interval of the mean; that of values of which none is negative is not either."""
        low, high = percentile_interval(_draws_of(lambda mean: mean, [self]))
        return (max(low, 0.0) if self.values.min() >= 0.0 else low), high

    @cached_property
    def without_a_seed(self) -> np.ndarray:
        """The mean without each of several teacher seeds, (s,)."""
        return means_without_a_seed(self.values, self.part)

    @cached_property
    def influence(self) -> np.ndarray:
        """Of each lifetime on the mean, times their number, (s, m)."""
        return influence(self.values, self.part)

    def of_students(self, columns: np.ndarray) -> "Sample":
        """The same measure of some of the students only; `columns` indexes the m axis."""
        return Sample(self.values[:, columns], self.stream, self.part, self.n_resamples, self.seed)

    def of_part(self, part: Part) -> "Sample":
        """The same values for the mean of another part of them."""
        return Sample(self.values, self.stream, part, self.n_resamples, self.seed)


class Inference(NamedTuple):
    """A number and its 95 % interval, None where it is not defined."""

    value: float | None
    ci95: Interval | None
    p: float | None = None
    """Two-sided, that the number is what no difference would be; None where that was not asked."""


def percentile_interval(draws: np.ndarray, confidence: float = CONFIDENCE) -> Interval:
    """The middle `confidence` of draws (r,), those left out that are NaN."""
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(draws[~np.isnan(draws)], [tail, 1.0 - tail])
    return float(low), float(high)


def p_value(draws: np.ndarray, null: float) -> float:
    """Two-sided, from draws (r,) of what is estimated: twice the smaller tail beyond `null`.

    >>> p_value(np.array([1.0, 2.0, 3.0]), 0.0), p_value(np.array([-1.0, 1.0]), 0.0)
    (0.5, 1.0)
    """
    tail = min((draws <= null).sum(), (draws >= null).sum())
    return min(1.0, 2.0 * float(tail + 1) / (draws.size + 1))


def difference(sample: Sample, baseline: Sample) -> Inference:
    """Mean minus that of the baseline, over the same resampled students."""
    _check_pairing(sample, baseline)
    draws = _draws_of(lambda mine, theirs: mine - theirs, [sample, baseline])
    return Inference(sample.mean - baseline.mean, percentile_interval(draws), p_value(draws, 0.0))


def ratio(sample: Sample, baseline: Sample) -> Inference:
    """Mean over that of the baseline; not defined where the baseline's can be 0."""
    _check_pairing(sample, baseline)
    value = sample.mean / baseline.mean if baseline.mean > 0 else None
    if value is None or not (baseline.resampled > 0).all():
        return Inference(value, None)
    samples = [sample, baseline]
    seeded = [one for group in _seeded(samples) for one in group]
    above = (sample.resampled > 0).all() and all((one.without_a_seed > 0).all() for one in seeded)
    if seeded and above:
        # What seeds add may be larger than the ratio: in logs it stays above 0.
        draws = _draws_of(lambda mine, theirs: np.log(mine / theirs), samples)
        low, high = np.exp(np.clip(percentile_interval(draws), -700.0, 700.0))
        return Inference(value, (float(low), float(high)), p_value(draws, 0.0))
    draws = _draws_of(lambda mine, theirs: mine / theirs, samples)
    return Inference(value, percentile_interval(draws), p_value(draws, 1.0))


def share_lost(sample: Sample, reduced: Sample, baseline: Sample) -> Inference:
    """Part of the sample's gain over the baseline that the reduced version does not have.

    (reduced - sample) / (baseline - sample): 0 where it keeps the whole gain, 1 where it is no
    better than the baseline. It does not matter whether high or low is good. Not defined without a
    gain; the interval is None where the 95 % interval of the gain itself includes 0.
    """
    _check_pairing(sample, baseline)
    _check_pairing(sample, reduced)
    gain = baseline.mean - sample.mean
    if gain == 0.0:
        return Inference(None, None)
    value = (reduced.mean - sample.mean) / gain
    low, high = percentile_interval(
        _draws_of(lambda mine, theirs: theirs - mine, [sample, baseline])
    )
    if low <= 0.0 <= high:
        return Inference(value, None)

    def share(mine: np.ndarray, less: np.ndarray, theirs: np.ndarray) -> np.ndarray:
        gains = np.asarray(theirs - mine)
        certain = gains * np.sign(gain) > 0.0
        return np.asarray((less - mine) / np.where(certain, gains, np.nan))

    return Inference(value, percentile_interval(_draws_of(share, [sample, reduced, baseline])))


def _draws_of(statistic: Statistic, samples: Sequence[Sample]) -> np.ndarray:
    """Draws of a statistic of the means of samples: resampled students, and seeds by t.

    Where no sample has several seeds these are the resampled students alone, (r,); else each of
    them twice, (2r,), with what seeds add on either side, so that no side is favoured by chance.
    """
    draws = np.asarray(statistic(*[sample.resampled for sample in samples]), dtype=np.float64)
    groups = _seeded(samples)
    if not groups:
        return draws
    value = float(statistic(*[sample.mean for sample in samples]))
    slopes = _slopes(statistic, samples)
    of_seeds, freedoms, of_both = [], [], 0.0
    for group in groups:
        left_out = statistic(*[one.without_a_seed if one in group else one.mean for one in samples])
        freedoms.append(group[0].values.shape[0] - 1)
        of_seeds.append(freedoms[-1] * float(np.var(left_out)))
        linear = np.zeros(group[0].values.shape)
        for slope, sample in zip(slopes, samples, strict=True):
            linear += slope * sample.influence if sample in group else 0.0
        of_both += _residual(linear)
    of_students = float(np.nanvar(draws))
    kept = np.sqrt(max(0.0, 1.0 - of_both / of_students)) if of_students > 0.0 else 1.0
    noise = _seed_noise(of_seeds, freedoms, draws.size, samples[0].seed)
    return np.concatenate([value + kept * (draws - value) + way * noise for way in (1.0, -1.0)])


def _seeded(samples: Sequence[Sample]) -> list[list[Sample]]:
    """Samples of several seeds, those with the same seeds together."""
    groups: dict[tuple[str, int], list[Sample]] = {}
    for sample in samples:
        if (s := sample.values.shape[0]) > 1:
            groups.setdefault((sample.stream, s), []).append(sample)
    return list(groups.values())


def _slopes(statistic: Statistic, samples: Sequence[Sample]) -> list[float]:
    """How the statistic moves with the mean of each sample."""
    means = [sample.mean for sample in samples]
    slopes = []
    for i, mean in enumerate(means):
        step = _STEP * max(abs(mean), 1e-12)
        ends = [statistic(*means[:i], mean + way * step, *means[i + 1 :]) for way in (1, -1)]
        slopes.append(float(ends[0] - ends[1]) / (2 * step))
    return slopes


def _residual(values: np.ndarray) -> float:
    """Variance of the mean of values (s, m) that is of neither seeds nor students alone."""
    s, m = values.shape
    if m < 2:
        return 0.0
    rest = values - values.mean(axis=0) - values.mean(axis=1, keepdims=True) + values.mean()
    return float((rest**2).sum() / ((s - 1) * (m - 1) * s * m))


def _seed_noise(
    variances: Sequence[float], freedoms: Sequence[int], size: int, seed: int
) -> np.ndarray:
    """Draws of what seeds add, (size,): several variances together by Welch and Satterthwaite."""
    total = sum(variances)
    if total <= 0.0:
        return np.zeros(size)
    parts = sum(one**2 / freedom for one, freedom in zip(variances, freedoms, strict=True))
    return np.asarray(np.sqrt(total) * _t_draws(round(total**2 / parts, 2), size, seed))


@lru_cache(maxsize=64)
def _t_draws(freedom: float, size: int, seed: int) -> np.ndarray:
    """Student's t, one draw from each of `size` parts of equal probability, shuffled, (size,).

    With t = sqrt(freedom) tan(angle) the density of the angle is proportional to
    cos(angle)**(freedom - 1).
    """
    angle = np.linspace(-np.pi / 2, np.pi / 2, 20_001)
    density = np.maximum(np.cos(angle), 0.0) ** (freedom - 1.0)
    below = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
    at = np.interp((np.arange(size) + 0.5) / size, below / below[-1], angle)
    draws = np.sqrt(freedom) * np.tan(at)
    return np.random.default_rng((seed, 1)).permutation(draws)


def _check_pairing(first: Sample, second: Sample) -> None:
    same = first.values.shape[1] == second.values.shape[1]
    if not same or first.n_resamples != second.n_resamples or first.seed != second.seed:
        raise ValueError(
            "a paired comparison needs the same students, resamples and seed, got "
            f"{first.values.shape[1]} and {second.values.shape[1]} students, "
            f"{first.n_resamples} and {second.n_resamples} resamples"
        )
