"""Review what is mastered, at growing intervals. Axes: n students, k tasks."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..choose import Floats, check_positive, check_within
from ..estimate import MEASURED, measured_tasks
from ..rules import Memory, Rule, View
from .guard import Guard, handed_over, passed


@dataclass(frozen=True)
class Review(Guard):
    """Mastered tasks are trained again ``first`` decisions later, then at growing intervals.

    A task that is due gets a share of what is chosen, ``share`` for all that are due together, and
    is due until it was trained. Then its score says what comes next: still at its threshold, and
    the interval grows by the factor ``growth``; below, and the task is one to be learned, which is
    for the rule to see to, until it is mastered again and its intervals begin anew. What was not
    measured counts as what it was. Intervals that grow with each success are those of spaced
    repetition, as in the boxes of Leitner (1972).
    """

    of: Rule
    share: float = 0.25
    first: float = 4.0
    growth: float = 2.0

    sees: ClassVar[tuple[str, ...]] = ("score", "threshold", "last_share", MEASURED)

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        check_positive("share", self.share)
        check_within("share", self.share, 0, 1)
        check_within("first", self.first, 1, 1e9)
        check_within("growth", self.growth, 1, 1e6)

    def begin(self, n: int, k: int) -> Memory:
        """Each task's ``interval``, 0 before it is mastered, and decisions ``left`` of it, (n, k).

        And what a task that was due was ``given`` in the last decision, (n, k).
        """
        return {name: np.zeros((n, k)) for name in ("interval", "left", "given")}

    def see(self, own: Memory, view: View) -> Memory:
        """What is due now, after what the last decision trained."""
        known, measured = own["interval"] > 0.0, measured_tasks(view)
        stays = np.where(measured, passed(view), known)
        reviewed = (own["given"] > 0.0) & (view["last_share"] >= own["given"] / 2.0)
        grown = np.minimum(own["interval"] * self.growth, _LONGEST)
        interval = np.where(reviewed, grown, own["interval"])
        interval = np.where(stays, np.where(known, interval, self.first), 0.0)
        fresh = reviewed | ~known
        left = np.where(fresh, interval, np.maximum(own["left"] - 1.0, 0.0))
        due = (interval > 0.0) & (left <= 0.0) & view.present
        return {
            "interval": interval,
            "left": left,
            "given": self.share * due / np.maximum(due.sum(axis=1, keepdims=True), 1),
        }

    def guarded(self, shares: Floats, own: Memory, view: View) -> Floats:
        """Shares with what is due, (n, k)."""
        return handed_over(shares, own["given"], self.share)


_LONGEST = 1e12
"""Decisions; nobody lives that long, and it stays finite."""
