"""A rule around a rule.

A guard lets the rule that it is around choose, and changes what was chosen. It is a rule itself:
guards stack, and each is lifted into an algorithm of Stable-Baselines3 as any rule is.

Axes: n students, k tasks.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from ..choose import Bools, Floats, otherwise, proportional
from ..rules import GO_BACK, STOP, Asks, Looks, Memory, Rule, View, chances, remembered


class Guard(ABC):
    """What all guards share: the rule `of` that it is around, with its memory beside its own."""

    of: Rule

    sees: ClassVar[tuple[str, ...]] = ()
    """Columns that it has to be shown besides those of the rule."""
    published: ClassVar[bool] = False

    @property
    def needs(self) -> tuple[str, ...]:
        """Columns of the rule, and its own."""
        return tuple(dict.fromkeys((*self.of.needs, *self.sees)))

    @property
    def kind(self) -> str:
        """What the rule is that it is around."""
        return str(getattr(self.of, "kind", "rule"))

    @property
    def sees_order(self) -> bool:
        """Whether the rule is told the true order."""
        return bool(getattr(self.of, "sees_order", False))

    @property
    def mixes(self) -> bool:
        """Whether the rule mixes tasks within a batch."""
        return bool(getattr(self.of, "mixes", False))

    @property
    def depth(self) -> int:
        """Guards from the innermost up to this one."""
        return 1 + (self.of.depth if isinstance(self.of, Guard) else 0)

    def start(self, n: int, k: int) -> Memory:
        """Memory of the rule, and its own."""
        return self.of.start(n, k) | self._named(self.begin(n, k))

    def observe(self, memory: Memory, view: View) -> Memory:
        """The rule's memory after an outcome; its own follows from what it sees."""
        own = self._named(self._own(memory))
        return remembered(self.of, self._of_rule(memory), view) | own

    def look(self, memory: Memory, view: View) -> Memory:
        """Both memories after seeing what is shown before a decision."""
        of_rule = self._of_rule(memory)
        if isinstance(self.of, Looks):
            of_rule = self.of.look(of_rule, view)
        return of_rule | self._named(self.see(self._own(memory), view))

    def probabilities(self, memory: Memory, view: View) -> Floats:
        """What the rule chose, guarded, (n, k)."""
        shares = chances(self.of, self._of_rule(memory), view)
        return self.guarded(shares, self._own(memory), view)

    def asks(self, memory: Memory, view: View) -> dict[str, np.ndarray]:
        """What this guard asks for, and what it is around.

        Of two ways back its own is gone, unless the other one is to be the last. Guards that go
        back do not know of each other: each goes by what it saw.
        """
        asked = self.asks_for(self._own(memory), view)
        if not isinstance(self.of, Asks):
            return asked
        inner = self.of.asks(self._of_rule(memory), view)
        joined = inner | asked
        for name in inner.keys() & asked.keys() - {GO_BACK}:
            joined[name] = inner[name] | asked[name]
        if GO_BACK in inner and GO_BACK in asked:
            ends = inner.get(STOP, False) & ~asked.get(STOP, np.zeros(1, dtype=bool))
            first = (asked[GO_BACK] < 0) | (ends & (inner[GO_BACK] >= 0))
            joined[GO_BACK] = np.where(first, inner[GO_BACK], asked[GO_BACK])
        return joined

    def asks_for(self, own: Memory, view: View) -> dict[str, np.ndarray]:
        """What it asks for itself, see `Asks`; nothing by default."""
        return {}

    @abstractmethod
    def begin(self, n: int, k: int) -> Memory:
        """Its own memory at the beginning of n lifetimes."""

    @abstractmethod
    def see(self, own: Memory, view: View) -> Memory:
        """Its own memory after what is shown before a decision, the first too."""

    @abstractmethod
    def guarded(self, shares: Floats, own: Memory, view: View) -> Floats:
        """What becomes of the rule's shares (n, k), whose rows sum to 1, (n, k)."""

    @property
    def _prefix(self) -> str:
        return f"guard{self.depth}."

    def _named(self, own: Memory) -> Memory:
        return {f"{self._prefix}{name}": value for name, value in own.items()}

    def _own(self, memory: Memory) -> Memory:
        start = self._prefix
        return {a.removeprefix(start): b for a, b in memory.items() if a.startswith(start)}

    def _of_rule(self, memory: Memory) -> Memory:
        return {a: b for a, b in memory.items() if not a.startswith(self._prefix)}


ROUNDING = 1e-6
"""Scores and thresholds arrive in single precision."""
STILL = 1e-9
"""A mean that rises by less stands still: sums round in another way when tasks change places."""


def check_count(name: str, value: int) -> None:
    """Raise ``ValueError`` unless ``value`` is a whole number of at least 1."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise ValueError(f"{name} must be in [1, inf] and a whole number, got {value!r:.60}")


def mean_score(view: View) -> Floats:
    """Mean of the scores that are shown, weighted by importance, (n,)."""
    mean: Floats = (proportional(view["importance"], view.present) * view["score"]).sum(axis=1)
    return mean


def not_waited(n: int) -> Memory:
    """At the beginning of n lifetimes: the ``best`` mean score, and how long it was ``still``."""
    return {"best": np.full(n, -np.inf), "still": np.zeros(n, dtype=np.int64)}


def waited(own: Memory, mean: Floats, rise: float = 0.0) -> Memory:
    """The same after a mean score (n,): it rises by more than ``rise``, or stands still."""
    risen = mean > own["best"] + max(rise, STILL)
    return {
        "best": np.where(risen, mean, own["best"]),
        "still": np.where(risen, 0, own["still"] + 1),
    }


def without(closed: Bools, shares: Floats, view: View) -> Floats:
    """Shares (n, k) of the tasks that are not closed, by data size where the rule left these out.

    All by data size where all are closed; to the bit those of the rule where none is.
    """
    open_ = view.present & ~closed
    by_size = otherwise(np.where(open_, view["size"], 0.0), view["size"])
    chosen = otherwise(np.where(open_, shares, 0.0), by_size)
    changed = closed.any(axis=1, keepdims=True)
    return np.where(changed, proportional(chosen, view.present), shares)


def passed(view: View, doubt: Floats | float = 0.0) -> Bools:
    """Whether scores less a doubt are at their thresholds, (n, k)."""
    at: Bools = view["score"] - doubt >= view["threshold"] - ROUNDING
    return at


def handed_over(shares: Floats, to: Floats, part: Floats | float) -> Floats:
    """``(1 - part) shares + part to``, in the rows in which ``to`` has any share, (n, k)."""
    whole = to.sum(axis=1, keepdims=True)
    goal = to / (whole + (whole == 0.0))
    moved: Floats = shares + (whole > 0.0) * part * (goal - shares)
    return moved
