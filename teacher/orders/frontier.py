"""Teach what is begun and not yet mastered, with review of the rest.

Axes: n students, k tasks.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from ..choose import Floats, check_within, otherwise, uniform
from ..rules import Memory, View
from .plain import ROUNDING, Memoryless


@dataclass(frozen=True)
class Frontier(Memoryless):
    """Most on tasks that are begun but not mastered, a share on review, a share on what is ahead.

    A task is mastered from its threshold on, begun from a score of ``low`` on, and untouched below;
    the order of tasks is not told. ``review`` goes evenly to the mastered tasks. Of what remains,
    ``ahead`` goes evenly to the untouched ones and the rest evenly to those that are begun. What
    falls to none is left to the others: with nothing begun all but the review goes to what is
    untouched, and where all is mastered all tasks are reviewed alike. The formula is ours; that the
    tasks of middling success teach most is what Florensa et al. (2018) build on.
    """

    low: float = 0.1
    review: float = 0.1
    ahead: float = 0.2

    kind: ClassVar[str] = "rule"
    mixes: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("score", "threshold")
    tuning: ClassVar[dict[str, tuple[Any, ...]]] = {
        "low": (0.02, 0.05, 0.1, 0.3),
        "review": (0.0, 0.1, 0.2, 0.4),
        "ahead": (0.0, 0.1, 0.2, 0.4, 0.6),
    }

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        for name in ("low", "review", "ahead"):
            check_within(name, getattr(self, name), 0, 1)

    def probabilities(self, memory: Memory, view: View) -> Floats:
        """Shares of the three groups, each evenly among its tasks, (n, k)."""
        score, present = view["score"], view.present
        mastered = uniform(present & (score >= view["threshold"] - ROUNDING))
        touched = score >= self.low - ROUNDING
        begun = uniform(present & touched & (mastered == 0.0))
        untouched = uniform(present & ~touched & (mastered == 0.0))
        ahead = (1.0 - self.ahead) * otherwise(begun, untouched)
        ahead = ahead + self.ahead * otherwise(untouched, begun)
        lesson = (1.0 - self.review) * otherwise(ahead, mastered)
        return lesson + self.review * otherwise(mastered, ahead)
