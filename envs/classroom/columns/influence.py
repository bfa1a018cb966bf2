"""How training on one task moves the scores of the others, estimated as a lifetime goes on.

Legend: n students, k tasks, r rows named in a call.
"""

import numpy as np

from ..facts import Facts

FORGETTING = 0.98
"""What an observation counts for one decision later."""
RIDGE = 0.5
"""How many observations, of a task trained on alone, what is known before the first counts for."""


class Influence:
    """S, (n, k, k): how far a decision's training on task i alone moves the score of task j.

    Recursive least squares with forgetting (Ljung 1999, chapter 11): the change of the scores since
    they were last measured, y, is taken for x S with x the shares since then, and S minimises

        sum over decisions of FORGETTING^age |y - x S|^2 + RIDGE |S|^2.

    The sums of x x' and x y' are recursive, and the second term, which does not fade, keeps S from
    growing where shares do not vary. A task that was not measured is taken to have moved as was
    expected. Time and memory go with the square of k, and time with its cube where that is large.

    Args:
        facts: of the students.
    """

    def __init__(self, facts: Facts) -> None:
        n, k = facts.score.shape
        self.facts = facts
        self.squares, self.products = np.zeros((n, k, k)), np.zeros((n, k, k))
        """Sums of x x', and of x y'."""
        self.shares, self.last = np.zeros((n, k)), np.zeros((n, k))
        """Shares since the last measurement, and what the score was to be by now: that at a task's
        last, and what was expected since; NaN before its first."""
        self.effect = np.zeros((n, k, k))
        """S."""
        self.certainty = np.zeros((n, k))
        """How much of what was not known of the rows of S before is known now, in [0, 1)."""

    def start(self, rows: np.ndarray) -> None:
        """A new lifetime for these rows."""
        for array in self.arrays().values():
            array[rows] = 0.0
        self.last[rows] = np.where(self.facts.seen[rows], self.facts.score[rows], np.nan)

    def update(self, rows: np.ndarray) -> None:
        """One decision has passed for these rows."""
        facts = self.facts
        self.shares[rows] += facts.last_share[rows]
        rows = rows[facts.seen[rows].any(axis=1)]
        seen, score, shares = facts.seen[rows], facts.score[rows], self.shares[rows]
        # Sums of products and no matrix products: their bits do not depend on the company.
        expected = (shares[:, :, None] * self.effect[rows]).sum(axis=1)
        again, last = seen & np.isfinite(self.last[rows]), self.last[rows]
        change = np.where(again, score - last, expected)
        self.squares[rows] = FORGETTING * self.squares[rows] + shares[:, :, None] * shares[:, None]
        self.products[rows] = (
            FORGETTING * self.products[rows] + shares[:, :, None] * change[:, None]
        )
        self.last[rows] = np.where(seen, score, last + expected)
        self.shares[rows] = 0.0
        self._solve(rows)

    def _solve(self, rows: np.ndarray) -> None:
        k = self.last.shape[1]
        inverse = np.linalg.inv(self.squares[rows] + RIDGE * np.eye(k))
        self.effect[rows] = inverse @ self.products[rows]
        known = 1.0 - RIDGE * np.diagonal(inverse, axis1=1, axis2=2)
        self.certainty[rows] = np.clip(known, 0.0, 1.0)

    def promise(self, rows: np.ndarray) -> np.ndarray:
        """What training on each task would bring, sum over j of S_ij times the shortfall, (r, k).

        The shortfall of a task is max(threshold - score, 0); the promise is kept in [-10, 10].
        """
        facts = self.facts
        missing = np.maximum(facts.threshold - facts.score[rows], 0.0)
        promised = (self.effect[rows] * missing[:, None]).sum(axis=2)
        return np.asarray(np.clip(promised, -10.0, 10.0))

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that changes, by name."""
        names = ("squares", "products", "shares", "last", "effect", "certainty")
        return {name: getattr(self, name) for name in names}
