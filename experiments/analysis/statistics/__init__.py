"""Means of parts of lifetimes, intervals that hold with few seeds, and paired comparisons."""

from .intervals import (
    CONFIDENCE,
    Inference,
    Interval,
    Sample,
    difference,
    p_value,
    percentile_interval,
    ratio,
    share_lost,
)
from .means import (
    BOOTSTRAP_SEED,
    HIGHEST,
    LOWEST,
    MIDDLE,
    RESAMPLES,
    Part,
    bootstrap_means,
    interquartile_mean,
    partial_mean,
)
from .outcomes import censor, holm, probability_of_improvement

__all__ = [
    "BOOTSTRAP_SEED",
    "CONFIDENCE",
    "HIGHEST",
    "LOWEST",
    "MIDDLE",
    "RESAMPLES",
    "Inference",
    "Interval",
    "Part",
    "Sample",
    "bootstrap_means",
    "censor",
    "difference",
    "holm",
    "interquartile_mean",
    "p_value",
    "partial_mean",
    "percentile_interval",
    "probability_of_improvement",
    "ratio",
    "share_lost",
]
