"""Keep scores above floors. Axes: n students, k tasks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from ..choose import Floats, check_positive, check_within
from ..estimate import MEASURED, measured_tasks
from ..rules import Memory, Rule, View
from .guard import Guard


@dataclass(frozen=True)
class Floors(Guard):
    """Some tasks are to stay above a score, whatever the rule is after: constraints.

    ``at`` names tasks with a score that each is to keep, ``below_start`` tasks with how far each
    may fall below what it was measured at first. Every one has a price, which rises and falls by
    ``rate (floor - score + errors uncertainty)`` with each measurement, and stays in [0, ``most``]:
    dual ascent on a Lagrangian. With P the sum of the prices they share ``max(P / (1 + P), least)``
    of what is chosen, by their prices, or alike where these are 0; the rest is the rule's. By
    ``least`` they are heard where the rule leaves them out. ``names`` are those of all tasks, in
    the suite's own order; a config takes them from the suite.
    """

    of: Rule
    at: Mapping[str, float] = field(default_factory=dict, hash=False)
    below_start: Mapping[str, float] = field(default_factory=dict, hash=False)
    rate: float = 1.0
    errors: float = 1.0
    least: float = 0.05
    most: float = 4.0
    names: tuple[str, ...] = ()

    sees: ClassVar[tuple[str, ...]] = ("score", "uncertainty", "task", MEASURED)

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        for parameter in ("at", "below_start"):
            values = getattr(self, parameter)
            numbers = isinstance(values, Mapping) and all(
                isinstance(value, int | float) for value in values.values()
            )
            if not numbers:
                raise ValueError(
                    f"{parameter} must be names of tasks with a number each, got {values!r:.60}"
                )
            for name, value in values.items():
                check_within(f"{parameter} of {name!r}", value, 0, 1)
                if name not in self.names:
                    raise ValueError(
                        f"{parameter} names {name!r}, which is none of the tasks: "
                        f"{', '.join(self.names) or 'there are no names'}"
                    )
        check_positive("rate", self.rate)
        check_within("errors", self.errors, 0)
        check_within("least", self.least, 0, 1)
        check_positive("most", self.most)

    def begin(self, n: int, k: int) -> Memory:
        """Each task's ``price``, and what it was measured at ``first``, if that is ``known``."""
        return {
            "price": np.zeros((n, k)),
            "first": np.zeros((n, k)),
            "known": np.zeros((n, k), dtype=bool),
        }

    def see(self, own: Memory, view: View) -> Memory:
        """Prices after what is shown now."""
        score, measured = view["score"], measured_tasks(view)
        first = np.where(measured & ~own["known"], score, own["first"])
        known = own["known"] | measured
        floor = np.maximum(
            self._of_tasks(self.at, view),
            np.where(known, first, -np.inf) - self._of_tasks(self.below_start, view, np.inf),
        )
        has_one = np.isfinite(floor)
        missing = np.where(has_one, floor, 0.0) - score + self.errors * view["uncertainty"]
        price = np.clip(own["price"] + self.rate * missing, 0.0, self.most)
        return {
            "price": np.where(measured & has_one, price, own["price"]),
            "first": first,
            "known": known,
        }

    def guarded(self, shares: Floats, own: Memory, view: View) -> Floats:
        """The rule's shares, and what prices bring, (n, k)."""
        named = self._of_tasks(dict.fromkeys((*self.at, *self.below_start), 1.0), view, 0.0) > 0.0
        price = own["price"] * view.present
        total = price.sum(axis=1, keepdims=True)
        alike = (named & view.present).astype(float)
        count = alike.sum(axis=1, keepdims=True)
        part = np.where(count > 0.0, np.maximum(total / (1.0 + total), self.least), 0.0)
        by_price = price / np.where(total > 0.0, total, 1.0)
        theirs = np.where(total > 0.0, by_price, alike / np.maximum(count, 1.0))
        mixed: Floats = shares + part * (theirs - shares)
        return mixed

    def _of_tasks(
        self, values: Mapping[str, float], view: View, otherwise: float = -np.inf
    ) -> Floats:
        """Values of tasks by name at their places, (n, k)."""
        index = view["task"].astype(np.int64)
        by_index = np.full(max(len(self.names), int(index.max(initial=0)) + 1), otherwise)
        for name, value in values.items():
            by_index[self.names.index(name)] = value
        return by_index[index]
