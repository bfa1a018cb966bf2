"""Aioli: try mixtures out while training, fit how they move the losses, follow the fit.

Axes: n students, k tasks, K of which are present.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..choose import Bools, Floats, check_positive, check_within, softmax
from ..estimate import MEASURED, Counts, measured_tasks
from ..rules import Memory, View
from .mixing import keep_losses, start_losses

ORDER_STREAM = 0


@dataclass(frozen=True)
class Aioli:
    """Aioli: a linear mixing law, fitted by trying each task out in turn (Chen et al. 2024).

    A cycle begins with ``rounds`` sweeps: each task in turn gets a share ``focus`` of a decision,
    the others the rest evenly, and ``G_ij`` sums up how much the loss of i fell while j was tried,
    divided by ``rounds``. ``A`` solves ``G_i = W A_i`` for each row, with the K tried mixtures as
    the rows of W. It is shifted so that none of it is negative and divided by its sum, averaged as
    ``A <- (1 - ema) A + ema A_before``, and ``p_j ~ exp(learning_rate sum_i A_ij)`` holds for
    ``hold`` decisions. Then the next cycle begins.

    Defaults are those of the released script of seven domains (HazyResearch/aioli), where a try
    takes 10 steps and 60 of 200 steps remain for what was learned. Left out: its other form without
    an average, which goes on from the weights before, and its start from the proportions of another
    method. Tasks are tried in an order that is drawn once for a lifetime, not for each sweep. A
    loss that nobody measured counts as unchanged, and its fall is that of the try after which it is
    measured: it wants ``feedback: full`` or ``training``.
    """

    learning_rate: float = 1.0
    rounds: int = 2
    focus: float = 0.75
    ema: float = 0.1
    hold: int = 6

    kind: ClassVar[str] = "bandit"
    sees_order: ClassVar[bool] = False
    mixes: ClassVar[bool] = True
    published: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("loss", MEASURED)
    tuning: ClassVar[dict[str, tuple[Any, ...]]] = {
        "learning_rate": (0.1, 0.2, 0.5, 1.0, 4.0, 16.0),
        "rounds": (1, 2, 4),
        "focus": (0.5, 0.625, 0.75, 0.9),
        "ema": (0.0, 0.1, 0.5),
        "hold": (6, 12, 24),
    }

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        check_positive("learning_rate", self.learning_rate)
        check_within("rounds", self.rounds, 1, 1000)
        # At an even share a try tells nothing; an even share is at most 1/2.
        check_within("focus", self.focus, 0.5, 1)
        check_within("ema", self.ema, 0, 1)
        check_within("hold", self.hold, 0, 1e6)

    def start(self, n: int, k: int) -> Memory:
        """A cycle begins: ``step`` (n,) in it, ``fall`` and ``law`` (n, k, k), ``fits`` (n,)."""
        table = {name: np.zeros((n, k, k)) for name in ("fall", "law")}
        count = {name: np.zeros(n, dtype=np.int64) for name in ("step", "fits")}
        return table | count | start_losses(n, k)

    def look(self, memory: Memory, view: View) -> Memory:
        """Keep the losses that are shown, those before the first try too."""
        return memory | keep_losses(memory, view)

    def observe(self, memory: Memory, view: View) -> Memory:
        """Enter the losses after a try; after the last of a cycle's tries, fit the law."""
        tried = self._tried(memory, view)
        known = measured_tasks(view) & memory["known"]
        fell = np.where(known, memory["before"] - view["loss"], 0.0) / self.rounds
        fall = memory["fall"] + fell[:, :, None] * tried[:, None, :]
        step = memory["step"] + 1
        tasks = view.present.sum(axis=1)
        ripe = step == self.rounds * tasks
        law = memory["law"]
        if ripe.any():
            share = np.where(memory["fits"] > 0, self.ema, 0.0)[:, None, None]
            fitted = (1.0 - share) * self._fit(fall, view.present) + share * law
            law = np.where(ripe[:, None, None], fitted, law)
        over = step >= self.rounds * tasks + self.hold
        return {
            "fall": np.where(over[:, None, None], 0.0, fall),
            "law": law,
            "step": np.where(over, 0, step),
            "fits": memory["fits"] + ripe,
        } | keep_losses(memory, view)

    def probabilities(self, memory: Memory, view: View) -> Floats:
        """The mixture that is tried, or that which the law tells, (n, k)."""
        present: Bools = view.present
        tried = self._tried(memory, view)
        tasks = present.sum(axis=1, keepdims=True)
        rest = np.where(tasks > 1, (1.0 - self.focus) / np.maximum(tasks - 1, 1), 1.0)
        trial = np.where(tried, np.where(tasks > 1, self.focus, 1.0), np.where(present, rest, 0.0))
        learned = softmax(self.learning_rate * memory["law"].sum(axis=1), present)
        share: Floats = np.where(tried.any(axis=1, keepdims=True), trial, learned)
        return share

    def _tried(self, memory: Memory, view: View) -> Bools:
        """Which task is tried out at this step of the cycle, (n, k); none after the sweeps."""
        tasks = view.present.sum(axis=1)
        place = _places(view)
        step: Counts = memory["step"]
        turn = np.where(step < self.rounds * tasks, step % np.maximum(tasks, 1), -1)
        chosen: Bools = view.present & (place == turn[:, None])
        return chosen

    def _fit(self, fall: Floats, present: Bools) -> Floats:
        """The law of losses that fell so in the tries, none negative and of sum 1, (n, k, k)."""
        tasks = np.maximum(present.sum(axis=1), 1)[:, None, None]
        rest = np.where(tasks > 1, (1.0 - self.focus) / np.maximum(tasks - 1, 1), 0.0)
        own = np.where(tasks > 1, self.focus, 1.0)
        # W is (own - rest) I + rest everywhere, and its rows sum to 1: so its inverse is known.
        spread = np.where(own > rest, own - rest, 1.0)
        law = (fall - rest * fall.sum(axis=2, keepdims=True)) / spread
        there = present[:, :, None] & present[:, None, :]
        lowest = np.where(there, law, 0.0).min(axis=(1, 2), keepdims=True)
        law = np.where(there, law - lowest, 0.0)
        total = law.sum(axis=(1, 2), keepdims=True)
        fitted: Floats = law / np.where(total > 0.0, total, 1.0)
        return fitted


def _places(view: View) -> NDArray[np.int64]:
    """When each task has its turn in this lifetime, from 0, (n, k); absent ones come last."""
    drawn = view.lifetime_uniform(ORDER_STREAM, view.present.shape[1])
    order = np.argsort(np.where(view.present, drawn, np.inf), axis=1, kind="stable")
    return np.argsort(order, axis=1, kind="stable")
