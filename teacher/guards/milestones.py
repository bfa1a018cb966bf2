"""Milestones: tasks that are closed when they are done, and opened again when they fall.

Axes: n students, k tasks.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..choose import Floats, check_within, otherwise, proportional
from ..rules import Memory, Rule, View
from .guard import Guard


@dataclass(frozen=True)
class Milestones(Guard):
    """A task is closed when it is certain that it is mastered, or its loss stands still.

    Certain is what has ``score - errors uncertainty >= threshold`` after ``streak`` decisions in a
    row. With a ``plateau`` above 0 a task is closed too when after ``streak`` decisions in a row in
    which it was trained its loss was not below ``(1 - plateau)`` of its lowest before. One that is
    closed gets nothing, and is opened again when its score is ``reopen`` below what it was closed
    at, by more than ``errors`` standard errors of it now. Where all are closed the data's shares
    are trained.
    """

    of: Rule
    errors: float = 1.0
    streak: int = 2
    reopen: float = 0.05
    plateau: float = 0.0

    sees: ClassVar[tuple[str, ...]] = (
        "score", "uncertainty", "threshold", "loss", "last_share", "size",
    )  # fmt: skip

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        check_within("errors", self.errors, 0)
        check_within("streak", self.streak, 1)
        check_within("reopen", self.reopen, 0, 1)
        check_within("plateau", self.plateau, 0, 1)

    def begin(self, n: int, k: int) -> Memory:
        """Which tasks are ``closed``, at which score (``closed_at``), and the streaks, (n, k).

        ``passes`` is of decisions that a task was mastered for certain, ``still`` of those whose
        loss stood still, ``lowest`` the loss that it has to fall below.
        """
        streaks = {name: np.zeros((n, k), dtype=np.int64) for name in ("passes", "still")}
        return streaks | {
            "closed": np.zeros((n, k), dtype=bool),
            "closed_at": np.zeros((n, k)),
            "lowest": np.full((n, k), np.inf),
        }

    def see(self, own: Memory, view: View) -> Memory:
        """What is closed after what is shown now."""
        score, doubt, trained = view["score"], view["uncertainty"], view["last_share"] > 0.0
        certain = score - self.errors * doubt >= view["threshold"] - _ROUNDING
        passes = np.where(certain, own["passes"] + 1, 0)
        falls = view["loss"] < (1.0 - self.plateau) * own["lowest"]
        still = np.where(trained, np.where(falls, 0, own["still"] + 1), own["still"])
        done = passes >= self.streak
        if self.plateau:
            done |= still >= self.streak
        fallen = score + self.errors * doubt < own["closed_at"] - self.reopen
        opened = own["closed"] & fallen
        closed = (own["closed"] | done) & ~opened & view.present
        return {
            "passes": np.where(opened, 0, passes),
            "still": np.where(opened, 0, still),
            "closed": closed,
            "closed_at": np.where(closed & ~own["closed"], score, own["closed_at"]),
            "lowest": np.where(falls, view["loss"], own["lowest"]),
        }

    def guarded(self, shares: Floats, own: Memory, view: View) -> Floats:
        """Shares of the tasks that are open, (n, k); by data size where the rule left these out."""
        open_ = view.present & ~own["closed"]
        left = np.where(open_, shares, 0.0)
        by_size = np.where(open_, view["size"], 0.0)
        chosen = otherwise(left, otherwise(by_size, proportional(view["size"], view.present)))
        changed = own["closed"].any(axis=1, keepdims=True)
        return np.where(changed, proportional(chosen, view.present), shares)


_ROUNDING = 1e-6
"""Scores and thresholds arrive in single precision."""
