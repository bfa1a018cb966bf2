"""End a lifetime that has stopped to bring anything. Axes: n students, k tasks."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..choose import Floats, check_within
from ..rules import GO_BACK, KEEP, STOP, Memory, Rule, View
from .guard import STILL, Guard, check_count, mean_score, not_waited, waited


@dataclass(frozen=True)
class Patience(Guard):
    """A lifetime ends when its mean score has not risen for ``decisions`` decisions in a row.

    What trainers call early stopping. It has risen when it is more than ``rise`` above what it was
    when it last rose; means are weighted by importance. What is chosen stays as it is. With
    ``go_back`` the student is kept whenever the mean is at its best, and ends with one decision
    from there: the best model is loaded at the end.
    """

    of: Rule
    decisions: int = 10
    rise: float = 0.0
    go_back: bool = False

    sees: ClassVar[tuple[str, ...]] = ("score", "importance")

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        check_count("decisions", self.decisions)
        check_within("rise", self.rise, 0, 1)

    def begin(self, n: int, k: int) -> Memory:
        """The ``best`` mean score, and for how many decisions it was ``still``, (n,) each.

        And the ``top`` that it was at, by however little it rose, and whether it is there now
        (``there``).
        """
        top = {"top": np.full(n, -np.inf), "there": np.zeros(n, dtype=bool)}
        return not_waited(n) | top

    def see(self, own: Memory, view: View) -> Memory:
        """Whether it has risen."""
        mean = mean_score(view)
        top = {"top": np.maximum(own["top"], mean), "there": mean > own["top"] + STILL}
        return waited(own, mean, self.rise) | top

    def guarded(self, shares: Floats, own: Memory, view: View) -> Floats:
        """The rule's shares, (n, k)."""
        return shares

    def asks_for(self, own: Memory, view: View) -> dict[str, np.ndarray]:
        """That lifetimes end whose patience is over, from their best if they are to go back."""
        over = own["still"] >= self.decisions
        if not self.go_back:
            return {STOP: over}
        k = view.present.shape[1]
        keep = np.pad(own["there"][:, None], ((0, 0), (k, 0)))
        return {STOP: over, KEEP: keep, GO_BACK: np.where(over, k, -1)}
