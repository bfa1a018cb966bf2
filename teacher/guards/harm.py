"""Give way to the data's own shares where a choice does harm. Axes: n students, k tasks."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..choose import Floats, check_positive, check_within, proportional
from ..rules import Memory, Rule, View
from .guard import Guard, check_count, mean_score, passed


@dataclass(frozen=True)
class AgainstHarm(Guard):
    """Little-known tasks keep their data share, and a rule that does harm gives way to the data.

    A task's share is raised to its share of the training examples times ``known / (known + c)``,
    where c is the number of examples behind its score, before all are scaled to 1. A rule does
    harm where for ``patience`` decisions in a row the mean score, weighted by importance, is below
    its best by ``errors`` standard errors of their difference; or where what is certainly mastered
    (``score - errors uncertainty >= threshold``) got more of a decision than its share of the data,
    by ``waste``. From then on, in this lifetime, shares are those of the data.
    """

    of: Rule
    patience: int = 5
    errors: float = 2.0
    known: float = 1.0
    waste: float = 0.1

    sees: ClassVar[tuple[str, ...]] = (
        "score", "uncertainty", "threshold", "count", "size", "importance", "last_share",
    )  # fmt: skip

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        check_count("patience", self.patience)
        check_positive("errors", self.errors)
        check_within("known", self.known, 0, 1e12)
        check_within("waste", self.waste, 0, 1)

    def begin(self, n: int, k: int) -> Memory:
        """The ``best`` mean score with its ``error``, how long it was ``below`` and ``wasted``.

        And ``yielded``, whether the rule has given way; (n,) each.
        """
        return {
            "best": np.full(n, -np.inf),
            "error": np.zeros(n),
            "below": np.zeros(n, dtype=np.int64),
            "wasted": np.zeros(n, dtype=np.int64),
            "yielded": np.zeros(n, dtype=bool),
        }

    def see(self, own: Memory, view: View) -> Memory:
        """Whether the rule has to give way."""
        weight = proportional(view["importance"], view.present)
        mean = mean_score(view)
        error = np.sqrt(((weight * view["uncertainty"]) ** 2).sum(axis=1))
        apart = self.errors * np.hypot(error, own["error"])
        below = np.where(mean + apart < own["best"], own["below"] + 1, 0)
        higher = mean > own["best"]
        done = passed(view, self.errors * view["uncertainty"])
        data = proportional(view["size"], view.present)
        spare = np.where(done, view["last_share"] - data, 0.0).sum(axis=1)
        wasted = np.where(spare > self.waste, own["wasted"] + 1, 0)
        return {
            "best": np.where(higher, mean, own["best"]),
            "error": np.where(higher, error, own["error"]),
            "below": below,
            "wasted": wasted,
            "yielded": own["yielded"] | (np.maximum(below, wasted) >= self.patience),
        }

    def guarded(self, shares: Floats, own: Memory, view: View) -> Floats:
        """Shares that leave no little-known task out, or those of the data, (n, k)."""
        data = proportional(view["size"], view.present)
        doubt = self.known / (self.known + np.expm1(view["count"])) if self.known else 0.0
        kept = np.maximum(shares, data * doubt)
        changed = (kept > shares).any(axis=1, keepdims=True)
        kept = np.where(changed, kept / kept.sum(axis=1, keepdims=True), shares)
        return np.where(own["yielded"][:, None], data, kept)
