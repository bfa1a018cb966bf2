"""Milestones: tasks that are closed when they are done, and opened again when they fall.

Axes: n students, k tasks.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..choose import Floats, check_within
from ..estimate import MEASURED, measured_tasks
from ..rules import STOP, Memory, Rule, View
from .guard import Guard, check_count, passed, without


@dataclass(frozen=True)
class Milestones(Guard):
    """A task is closed when it is certain that it is mastered, or its loss stands still.

    Certain is what has ``score - errors uncertainty >= threshold`` at ``streak`` measurements in a
    row; what was not measured since the last decision stays as it is. With a ``plateau`` above 0 a
    task is closed too when after ``streak`` decisions in a row in which it had any share its loss
    was not below ``(1 - plateau)`` of its lowest before. One that is closed gets nothing, and is
    opened again when its score is ``reopen`` below what it was closed at, by more than ``errors``
    standard errors of it now. Where all are closed the lifetime ends; without ``stop`` it goes on
    with the data's shares.
    """

    of: Rule
    errors: float = 2.0
    streak: int = 3
    reopen: float = 0.05
    plateau: float = 0.0
    stop: bool = True

    sees: ClassVar[tuple[str, ...]] = (
        "score", "uncertainty", "threshold", "loss", "last_share", "size", MEASURED,
    )  # fmt: skip

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        check_within("errors", self.errors, 0)
        check_count("streak", self.streak)
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
        score, doubt, measured = view["score"], view["uncertainty"], measured_tasks(view)
        certain = passed(view, self.errors * doubt)
        passes = np.where(measured, np.where(certain, own["passes"] + 1, 0), own["passes"])
        trained = measured & (view["last_share"] > 0.0)
        falls = measured & (view["loss"] < (1.0 - self.plateau) * own["lowest"])
        still = np.where(trained, np.where(falls, 0, own["still"] + 1), own["still"])
        done = passes >= self.streak
        if self.plateau:
            done |= still >= self.streak
        fallen = measured & (score + self.errors * doubt < own["closed_at"] - self.reopen)
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
        return without(own["closed"], shares, view)

    def asks_for(self, own: Memory, view: View) -> dict[str, np.ndarray]:
        """That lifetimes end that have met all milestones, if they are to."""
        met = np.logical_or(own["closed"], ~view.present)
        return {STOP: np.asarray(met.all(axis=1))} if self.stop else {}
