"""Bring tasks back whose score has fallen. Axes: n students, k tasks."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..choose import Floats, check_within
from ..estimate import MEASURED, measured_tasks
from ..rules import Memory, Rule, View
from .guard import Guard, handed_over


@dataclass(frozen=True)
class BringBack(Guard):
    """Tasks whose score has fallen get a share of what is chosen, until they are back.

    A score has fallen when it is more than ``drop`` below its best, with both so far apart that
    ``errors`` standard errors of either do not join them: best is the highest ``score - errors
    uncertainty`` of this lifetime, and has fallen what has ``score + errors uncertainty + drop <
    best``. It is back when its score reaches its best again. What was not measured since the last
    decision stays as it is. All that have fallen share ``share`` equally.
    """

    of: Rule
    share: float = 0.5
    drop: float = 0.05
    errors: float = 2.0

    sees: ClassVar[tuple[str, ...]] = ("score", "uncertainty", MEASURED)

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        check_within("share", self.share, 0, 1)
        check_within("drop", self.drop, 0, 1)
        check_within("errors", self.errors, 0)

    def begin(self, n: int, k: int) -> Memory:
        """The ``best`` score that is certain (n, k), and which tasks are ``fallen`` (n, k)."""
        return {"best": np.zeros((n, k)), "fallen": np.zeros((n, k), dtype=bool)}

    def see(self, own: Memory, view: View) -> Memory:
        """Which tasks have fallen, and which are back."""
        score, doubt = view["score"], self.errors * view["uncertainty"]
        measured = measured_tasks(view)
        best = np.where(measured, np.maximum(own["best"], score - doubt), own["best"])
        falls = score + doubt + self.drop < best
        fallen = np.where(measured, falls | (own["fallen"] & (score < best)), own["fallen"])
        return {"best": best, "fallen": fallen}

    def guarded(self, shares: Floats, own: Memory, view: View) -> Floats:
        """Shares with those that fell brought back, (n, k)."""
        return handed_over(shares, (own["fallen"] & view.present).astype(float), self.share)
