"""What examples tell of a score: how high it is, and how certain that is.

Legend: n students, k tasks, r rows named in a call.
"""

import numpy as np

from lessonplan.student.contract import LOSS_LIMIT

_PRIOR = 4.0
"""Examples that an accuracy begins with, which were answered by chance."""


def score_of(accuracy: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """max(0, (accuracy - chance) / (1 - chance)), of the shape that both broadcast to."""
    return np.asarray(np.maximum((accuracy - chance) / (1.0 - chance), 0.0))


def standard_error(right: np.ndarray, count: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """Standard error of a score of which `right` of `count` examples tell; one shape.

    That of a share with two right answers and two wrong ones added (Agresti and Coull 1998), so
    neither a few examples that were all right are certain, nor is what nobody has seen.
    """
    share = (right + 2.0) / (count + 4.0)
    return np.sqrt(share * (1.0 - share) / (count + 4.0)) / (1.0 - chance)


class Heard:
    """Sums over the examples of each task, of which older ones count less, (n, k) float64 each.

    Args:
        n: students.
        chance: of each task, (k,).
        half_life: decisions after which an example counts half.
    """

    def __init__(self, n: int, chance: np.ndarray, half_life: float) -> None:
        if not 0.0 < half_life < np.inf:
            raise ValueError(
                f"half_life must be a positive number of decisions, got {half_life!r:.60}"
            )
        self.chance, self.half_life = chance, half_life
        self.decay = 2.0 ** (-1.0 / half_life)
        shape = (n, len(chance))
        self.count, self.right, self.loss = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        self.trained = np.zeros(shape)
        """Those of the examples that were trained on."""

    def fade(self, rows: np.ndarray) -> None:
        """A decision has passed."""
        for total in (self.count, self.right, self.loss, self.trained):
            total[rows] *= self.decay

    def add(self, rows: np.ndarray, count: np.ndarray, right: np.ndarray, loss: np.ndarray) -> None:
        """Enter examples: how many, how many of them were right, the sum of their losses."""
        self.count[rows] += count
        self.right[rows] += right
        self.loss[rows] += loss

    def strengthen(self, rows: np.ndarray, more: np.ndarray) -> None:
        """Take what was heard for as many more examples (r, k) as it told of."""
        factor = 1.0 + more / np.maximum(self.count[rows], 1e-9)
        for total in (self.count, self.right, self.loss):
            total[rows] *= factor

    def plain_score(self, rows: np.ndarray) -> np.ndarray:
        """Share of right answers as a score, (r, k); 0 where there is no example."""
        share = self.right[rows] / np.maximum(self.count[rows], 1e-9)
        return score_of(np.where(self.count[rows] > 1e-9, share, self.chance), self.chance)

    def score(self, rows: np.ndarray) -> np.ndarray:
        """(right + 4 chance) / (count + 4) as a score, (r, k)."""
        right, count = self.right[rows], self.count[rows]
        return score_of((right + _PRIOR * self.chance) / (count + _PRIOR), self.chance)

    def mean_loss(self, rows: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
        """Mean loss (r, k), and `otherwise` (r, k) where there is no example."""
        count = self.count[rows]
        some = count > 1e-9
        mean = self.loss[rows] / np.where(some, count, 1.0)
        return np.where(some, np.clip(mean, 0.0, LOSS_LIMIT), otherwise)
