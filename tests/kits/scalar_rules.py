"""Rules against scalar loops over one student, written from the published formulas.

Legend: n students, k tasks.
"""

import math

import numpy as np
from rule_views import play, random_lifetime


def check_against(
    scalar, rule, seed, feedback="full", decisions=25, padded=True, coarse=False, atol=1e-9,
    moves=1e-2,
):  # fmt: skip
    """A rule's probabilities for four students equal those of `scalar`, for each alone.

    `scalar(seen, choices)` is given the tasks that exist and nothing else: `seen[i]` has a list per
    column before decision i, and `choices[i]` is the task that was chosen before it (None at 0). It
    returns a list of probabilities for every i. Somewhere they must differ by more than
    `moves` among tasks.
    """
    frames = [
        # As an environment shows it: in single precision.
        ({name: np.float64(np.float32(value)) for name, value in columns.items()}, last)
        for columns, last in random_lifetime(seed, 4, 5, decisions, padded, coarse, feedback)
    ]
    shown, farthest = play(rule, frames), []
    for row in range(4):
        here = np.flatnonzero(frames[0][0]["present"][row]).tolist()
        seen = [{a: b[row, here].tolist() for a, b in columns.items()} for columns, _ in frames]
        choices = [None, *(here.index(last[row]) for _, last in frames[1:])]
        np.testing.assert_allclose(shown[:, row, here], scalar(seen, choices), atol=atol)
        farthest.append(np.ptp(shown[:, row, here], axis=1).max())
    assert max(farthest) > moves, "the rule never left uniform"


def greedy_list(values):
    """All on the highest of a list; equal ones share."""
    best = [value == max(values) for value in values]
    return [winner / sum(best) for winner in best]


def softmax_list(values, temperature=1.0):
    """Shares by exp(value / temperature) of a list."""
    weights = [math.exp((value - max(values)) / temperature) for value in values]
    return [weight / sum(weights) for weight in weights]


def explored(shares, epsilon):
    """A list of shares of which uniform gets epsilon."""
    return [(1 - epsilon) * share + epsilon / len(shares) for share in shares]
