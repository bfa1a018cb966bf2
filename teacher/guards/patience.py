"""End a lifetime that has stopped to bring anything. Axes: n students, k tasks."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..choose import Floats, check_within
from ..rules import STOP, Memory, Rule, View
from .guard import STILL, Guard, mean_score


@dataclass(frozen=True)
class Patience(Guard):
    """A lifetime ends when its mean score has not risen for ``decisions`` decisions in a row.

    What trainers call early stopping. It has risen when it is more than ``rise`` above its best
    before; means are weighted by importance. What is chosen stays as it is.
    """

    of: Rule
    decisions: int = 10
    rise: float = 0.0

    sees: ClassVar[tuple[str, ...]] = ("score", "importance")

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        check_within("decisions", self.decisions, 1)
        check_within("rise", self.rise, 0, 1)

    def begin(self, n: int, k: int) -> Memory:
        """The ``best`` mean score, and for how many decisions it was ``still``, (n,) each."""
        return {"best": np.full(n, -np.inf), "still": np.zeros(n, dtype=np.int64)}

    def see(self, own: Memory, view: View) -> Memory:
        """Whether it has risen."""
        mean = mean_score(view)
        risen = mean > own["best"] + max(self.rise, STILL)
        return {
            "best": np.where(risen, mean, own["best"]),
            "still": np.where(risen, 0, own["still"] + 1),
        }

    def guarded(self, shares: Floats, own: Memory, view: View) -> Floats:
        """The rule's shares, (n, k)."""
        return shares

    def asks_for(self, own: Memory, view: View) -> dict[str, np.ndarray]:
        """That lifetimes end whose patience is over."""
        return {STOP: own["still"] >= self.decisions}
