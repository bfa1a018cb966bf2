"""Drop what overfits, and go back to before it did. Axes: n students, k tasks."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..choose import Bools, Floats, check_within
from ..estimate import MEASURED, measured_tasks
from ..rules import GO_BACK, KEEP, STOP, Memory, Rule, View
from .guard import Guard, check_count, without


@dataclass(frozen=True)
class AgainstOverfitting(Guard):
    """A task whose held-out loss rises while it is trained is dropped, and the student goes back.

    A task overfits when its loss was not below its lowest at ``patience`` measurements in a row
    after decisions in which it had any share, and is above it by the factor ``1 + rise`` now. It
    gets nothing from then on. With ``go_back`` the student returns to what it was when that loss
    was lowest, and of the other tasks what is lowest is learned anew. When all are dropped the
    lifetime ends. To leave out the first task that overfits, and to go on from where it was at its
    best, is mSFT (Koh et al. 2026, arXiv 2603.21606); when a task counts as such is ours. It goes
    by the loss that is shown, which is held out where it comes from probes (`full` and `bandit`
    feedback); training examples show no overfitting.
    """

    of: Rule
    patience: int = 3
    rise: float = 0.02
    go_back: bool = True

    sees: ClassVar[tuple[str, ...]] = ("loss", "last_share", "size", MEASURED)

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        check_count("patience", self.patience)
        check_within("rise", self.rise, 0, 1e6)

    def begin(self, n: int, k: int) -> Memory:
        """Each task's ``lowest`` loss, how long it was ``still`` there, and if it is ``dropped``.

        And what is asked for with this decision: to keep the student for a task (``fell``), and the
        place to go ``back`` to, -1 for nobody.
        """
        return {
            "lowest": np.full((n, k), np.inf),
            "still": np.zeros((n, k), dtype=np.int64),
            "dropped": np.zeros((n, k), dtype=bool),
            "fell": np.zeros((n, k), dtype=bool),
            "back": np.full(n, -1, dtype=np.int64),
        }

    def see(self, own: Memory, view: View) -> Memory:
        """What is dropped after what is shown now."""
        measured, loss = measured_tasks(view) & ~own["dropped"], view["loss"]
        fell = measured & (loss < own["lowest"])
        lowest = np.where(fell, loss, own["lowest"])
        waits = measured & ~fell & (view["last_share"] > 0.0)
        still = np.where(fell, 0, own["still"] + waits)
        over = waits & (still >= self.patience) & (loss > (1.0 + self.rise) * lowest)
        returns: Bools = np.logical_and(self.go_back, over.any(axis=1))
        # Of several the one that is the longest above its lowest: before it none had overfitted.
        longest = np.where(over, still, -1).argmax(axis=1)
        # The student will be another one, whose losses nobody has measured yet.
        anew = returns[:, None] & view.present
        return {
            "lowest": np.where(anew, np.inf, lowest),
            "still": np.where(anew, 0, still),
            "dropped": own["dropped"] | over,
            "fell": fell & ~anew,
            "back": np.where(returns, longest, -1),
        }

    def guarded(self, shares: Floats, own: Memory, view: View) -> Floats:
        """Shares of what is left, by size where the rule left it out or all is gone, (n, k)."""
        return without(own["dropped"], shares, view)

    def asks_for(self, own: Memory, view: View) -> dict[str, np.ndarray]:
        """To keep students at their best, to have them go back, and to end."""
        over = np.logical_or(own["dropped"], ~view.present)
        asked: dict[str, np.ndarray] = {STOP: np.asarray(over.all(axis=1))}
        if self.go_back:
            asked |= {KEEP: np.pad(own["fell"], ((0, 0), (0, 1))), GO_BACK: own["back"]}
        return asked
