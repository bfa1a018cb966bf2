"""Turn to something else where nothing moves. Axes: n students, k tasks."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..choose import Bools, Floats, check_one_of, check_within, otherwise, uniform
from ..rules import Memory, Rule, View
from .guard import (
    ROUNDING,
    Guard,
    check_count,
    handed_over,
    mean_score,
    not_waited,
    passed,
    waited,
)

EVERYTHING, EASIER, PREREQUISITES = "everything", "easier", "prerequisites"
_TELLING = {EVERYTHING: (), EASIER: ("difficulty",), PREREQUISITES: ("task",)}
"""Columns that tell where to turn to."""


@dataclass(frozen=True)
class Reframe(Guard):
    """Where the mean score stands still, part of the choice turns to something else until it rises.

    It stands still when it has not been above its best for ``decisions`` decisions in a row; means
    are weighted by importance. Then ``share`` of what is chosen goes ``to`` all tasks alike
    (``everything``), to those that are easier, by the suite, than the task that gets most
    (``easier``), or to those that this task needs before it (``prerequisites``, which a config
    takes from the suite: for each task the indices of others). Of the last two those below their
    threshold share alike; where there are none, all tasks do. Where several get most, any of them
    counts.
    """

    of: Rule
    decisions: int = 10
    share: float = 0.5
    to: str = EVERYTHING
    prerequisites: tuple[tuple[int, ...], ...] = ()

    sees: ClassVar[tuple[str, ...]] = ("score", "threshold", "importance")

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        check_count("decisions", self.decisions)
        check_within("share", self.share, 0, 1)
        check_one_of("to", self.to, tuple(_TELLING))

    @property
    def needs(self) -> tuple[str, ...]:
        """Columns of the rule, its own, and those that tell where to turn to."""
        return tuple(dict.fromkeys((*super().needs, *_TELLING[self.to])))

    @property
    def sees_order(self) -> bool:
        """Whether the rule is told the true order, or turning needs something of it."""
        return super().sees_order or self.to != EVERYTHING

    def begin(self, n: int, k: int) -> Memory:
        """The ``best`` mean score, and for how many decisions it was ``still``, (n,) each."""
        return not_waited(n)

    def see(self, own: Memory, view: View) -> Memory:
        """Whether it has risen."""
        return waited(own, mean_score(view))

    def guarded(self, shares: Floats, own: Memory, view: View) -> Floats:
        """Shares of which a part has turned to something else, (n, k)."""
        still = (own["still"] >= self.decisions)[:, None]
        return handed_over(shares, still * self._elsewhere(shares, view), self.share)

    def _elsewhere(self, shares: Floats, view: View) -> Floats:
        """Where to turn to from the task that gets most, (n, k)."""
        everything = uniform(view.present)
        if self.to == EVERYTHING:
            return everything
        # Several where they get alike, but for rounding.
        most = view.present & (shares >= (1.0 - ROUNDING) * shares.max(axis=1, keepdims=True))
        if self.to == EASIER:
            hardest = np.where(most, view["difficulty"], -np.inf).max(axis=1, keepdims=True)
            there = view["difficulty"] < hardest
        else:
            there = self._needed(view, most)
        return otherwise(uniform(view.present & there & ~passed(view)), everything)

    def _needed(self, view: View, most: Bools) -> Bools:
        """Which tasks those need that get most (n, k), (n, k)."""
        index = view["task"].astype(np.int64)
        named = [one for others in self.prerequisites for one in others]
        count = 1 + max(int(index.max(initial=0)), len(self.prerequisites) - 1, *named)
        table = np.zeros((count, count), dtype=bool)
        for task, others in enumerate(self.prerequisites):
            table[task, list(others)] = True
        # By the task that needs, and the one that is needed, (n, k, k).
        needed = np.logical_and(table[index[:, :, None], index[:, None, :]], most[:, :, None])
        return np.asarray(needed.any(axis=1))
