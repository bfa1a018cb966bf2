"""Scores of decisions after which `test` was not evaluated, from those before and behind them.

Legend: l lifetimes, d decisions, k tasks.
"""

import numpy as np


def fill_untested(score: np.ndarray) -> np.ndarray:
    """Write into scores what stands on the line from one tested decision to the next.

    Before the first of them stands the first, behind the last the last.

    Args:
        score: (l, d, k), NaN where nothing was measured.

    Returns:
        Whether the decision was tested, (l, d) bool.
    """
    tested = ~np.isnan(score[:, :, 0])
    for values, known in zip(score, tested, strict=True):
        if known.all() or not known.any():
            continue
        at, missing = np.flatnonzero(known), np.flatnonzero(~known)
        place = np.searchsorted(at, missing)
        before, behind = at[np.maximum(place - 1, 0)], at[np.minimum(place, len(at) - 1)]
        share = np.clip((missing - before) / np.maximum(behind - before, 1), 0.0, 1.0)
        values[missing] = values[before] + share[:, None] * (values[behind] - values[before])
    return np.asarray(tested)
