"""How often one teacher does better than another, what a budget hides, and several tests at once.

Legend: s teacher seeds, m students.
"""

from collections.abc import Mapping

import numpy as np


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


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """P-values of several named comparisons, adjusted so that all may be read at one level.

    Holm (1979): the smallest of q is multiplied by q, the next by q - 1 and so on; none may be
    below one before it, and none is above 1.

    >>> holm({"graph": 0.04, "parity": 0.01, "flat": 0.9})
    {'graph': 0.08, 'parity': 0.03, 'flat': 0.9}
    """
    adjusted: dict[str, float] = {}
    least = 0.0
    for i, name in enumerate(sorted(p_values, key=lambda name: p_values[name])):
        least = max(least, min(1.0, (len(p_values) - i) * p_values[name]))
        adjusted[name] = least
    return {name: adjusted[name] for name in p_values}
