"""Curricula made by hand: stages along the true order, and reviews at growing intervals.

They see the true order: they are what a person would do who knows the suite. Axes: n students, k
tasks.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..choose import Floats, check_positive, check_within, otherwise, uniform
from ..estimate import MEASURED, measured_choice
from ..rules import Memory, View
from .plain import ROUNDING, InOrder


class _Stages(ABC):
    """Stages 1, 2, ... K along the true order, each with its mixture, and then uniform.

    A stage ends when the mean score of its mixture, what a batch of it would score, reaches the
    gate; the next one begins with the next decision, and none comes back.
    """

    gate: float

    kind: ClassVar[str] = "order"
    sees_order: ClassVar[bool] = True
    mixes: ClassVar[bool] = True
    published: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("order", "score")
    tuning: ClassVar[dict[str, tuple[Any, ...]]] = {"gate": (0.5, 0.7, 0.8, 0.9, 0.95, 0.99)}

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        check_within("gate", self.gate, 0, 1)

    def start(self, n: int, k: int) -> Memory:
        """The first ``stage``, 0, (n,)."""
        return {"stage": np.zeros(n, dtype=np.int64)}

    def observe(self, memory: Memory, view: View) -> Memory:
        """Go on to the next stage where this one is done."""
        stage, last = memory["stage"], view.present.sum(axis=1)
        score = (self.probabilities(memory, view) * view["score"]).sum(axis=1)
        at_end = (stage < last) & (score >= self.gate - ROUNDING)
        return {"stage": stage + at_end}

    def probabilities(self, memory: Memory, view: View) -> Floats:
        """The mixture of the stage, (n, k)."""
        stage = memory["stage"][:, None]
        shares = np.where(view.present, self._shares(_positions(view), stage), 0.0)
        last = view.present.sum(axis=1, keepdims=True)
        return np.where(stage < last, shares, uniform(view.present))

    @abstractmethod
    def _shares(self, position: NDArray[np.int64], stage: NDArray[np.int64]) -> Floats:
        """Shares of the tasks at each ``position`` (n, k) in a ``stage`` (n, 1), both from 0."""


@dataclass(frozen=True)
class HandNaive(_Stages):
    """One task after the other along the true order, then all of them (Matiisen et al. 2017).

    In stage i only task i is trained. A stage ends when its score reaches ``gate`` (published: when
    the training accuracy exceeds 0.99), and after the last one all tasks share equally.
    """

    gate: float = 0.99

    def _shares(self, position: NDArray[np.int64], stage: NDArray[np.int64]) -> Floats:
        return np.where(position == stage, 1.0, 0.0)


@dataclass(frozen=True)
class HandMixed(_Stages):
    """Uniform over the first i tasks of the true order in stage i (Matiisen et al. 2017).

    A stage ends when the mean score of these tasks reaches ``gate`` (published: when the training
    accuracy exceeds 0.99).
    """

    gate: float = 0.99

    def _shares(self, position: NDArray[np.int64], stage: NDArray[np.int64]) -> Floats:
        return (position <= stage) / (stage + 1.0)


@dataclass(frozen=True)
class HandCombined(_Stages):
    """Half on task i, half uniform over the first i tasks, in stage i (Matiisen et al. 2017).

    ``p_j = 1 / (2 i)`` for the tasks j < i of the true order and ``p_i = 1 / 2 + 1 / (2 i)``. A
    stage ends when the mean score under these shares reaches ``gate`` (published: when the
    training accuracy exceeds 0.99), and after the last one all tasks share equally.
    """

    gate: float = 0.99

    def _shares(self, position: NDArray[np.int64], stage: NDArray[np.int64]) -> Floats:
        so_far = (position <= stage) / (stage + 1.0)
        return 0.5 * np.where(position == stage, 1.0, 0.0) + 0.5 * so_far


@dataclass(frozen=True)
class SpacedReview:
    """The true order, with reviews of what is mastered at growing intervals (Leitner 1972).

    A task whose score reaches ``gate`` goes into box 0. From box b it is due again after ``first *
    growth^b`` further decisions. Due tasks come before everything else and share equally. A review
    after which the score still stands at the gate moves the task up one box; whenever its score is
    seen below the gate it leaves the boxes and starts again. Between reviews the lesson is that of
    `InOrder`. With ``growth=2`` the intervals are those of Leitner's boxes, opened every 2^b
    rounds, as used for training neural networks by Amiri, Miller and Savova (2017), and double as
    in the Leitner case of half-life regression (Settles and Meeder 2016).
    """

    gate: float = 0.9
    first: float = 1.0
    growth: float = 2.0

    kind: ClassVar[str] = "order"
    sees_order: ClassVar[bool] = True
    mixes: ClassVar[bool] = False
    published: ClassVar[bool] = False
    needs: ClassVar[tuple[str, ...]] = (*InOrder.needs, MEASURED)
    tuning: ClassVar[dict[str, tuple[Any, ...]]] = {
        "gate": (0.5, 0.7, 0.8, 0.9, 0.95),
        "first": (1.0, 2.0, 4.0),
        "growth": (1.5, 2.0, 3.0),
    }

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        check_within("gate", self.gate, 0, 1)
        check_positive("first", self.first)
        check_positive("growth", self.growth)
        check_within("growth", self.growth, 1)

    def start(self, n: int, k: int) -> Memory:
        """No task in a ``box`` (n, k), -1; none is ``due`` (n, k) before decision infinity."""
        return {"box": np.full((n, k), -1, dtype=np.int64), "due": np.full((n, k), np.inf)}

    def observe(self, memory: Memory, view: View) -> Memory:
        """Put tasks into boxes, and decide when they are due."""
        box, due = memory["box"], memory["due"]
        standing = view.present & (view["score"] >= self.gate - ROUNDING)
        was_review = measured_choice(view) & (due <= view.decision[:, None] - 1)
        moves = standing & ((box < 0) | was_review)
        box = np.where(standing, box + moves, -1)
        next_due = view.decision[:, None] + self.first * self.growth ** box.astype(np.float64)
        return {
            "box": box,
            "due": np.where(standing, np.where(moves, next_due, due), np.inf),
        }

    def probabilities(self, memory: Memory, view: View) -> Floats:
        """The reviews that are due, or else the lesson, (n, k)."""
        due = view.present & (memory["due"] <= view.decision[:, None])
        return otherwise(uniform(due), InOrder(gate=self.gate).probabilities({}, view))


def _positions(view: View) -> NDArray[np.int64]:
    """Position of each task among those present in the true order, from 0, (n, k)."""
    row, place = np.nonzero(view.present)
    order = view["order"][row, place].astype(np.int64)
    mask = np.zeros((len(view.last), 1 + int(order.max(initial=0))), dtype=np.int64)
    mask[row, order] = 1
    positions = np.zeros(view.present.shape, dtype=np.int64)
    positions[row, place] = (np.cumsum(mask, axis=1) - mask)[row, order]
    return positions
