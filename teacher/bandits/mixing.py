"""Bandits over the mixture of a batch that follow losses from decision to decision.

Each was made for the data of large language models, and each is fed here with the losses that are
shown. Axes: n students, k tasks, K of which are present.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..choose import Bools, Floats, check_positive, check_within, explore, softmax
from ..estimate import MEASURED, measured_tasks
from ..rules import Memory, View

LEAST_LOSS = 1e-8
"""Added to a loss before it divides, in nats."""
HIGHEST_LOSS = 100.0
"""Above this, in nats, a loss counts as no more."""


@dataclass(frozen=True)
class DynamixSFT:
    """DynamixSFT: prior-scaled Boltzmann exploration by how much losses fall (Shin et al. 2025).

    ``p_k = (1 - epsilon) w_k / sum(w) + epsilon / K`` with ``w_k = size_k exp(sharpness Q_k)``,
    and ``Q_k <- smoothing Q_k + (1 - smoothing) r_k``, from 0, for the tasks that were measured.
    The reward is the relative fall of a task's loss, ``(before - now) / before``, brought to [0, 1]
    by the lowest and the highest among the tasks that were measured (all 0 where these are equal,
    or where it is one task). Published are epsilon 0.3, smoothing 0.95 and sharpness 4, an update
    every 50 steps, and a look ahead: a virtual step on each dataset alone. Nobody looks ahead here:
    what is compared is the loss before and after the decision, whatever else was in its batches.
    """

    sharpness: float = 4.0
    smoothing: float = 0.95
    epsilon: float = 0.3

    kind: ClassVar[str] = "bandit"
    sees_order: ClassVar[bool] = False
    mixes: ClassVar[bool] = True
    published: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("loss", "size", MEASURED)
    tuning: ClassVar[dict[str, tuple[Any, ...]]] = {
        "sharpness": (1.0, 4.0, 8.0, 16.0),
        "smoothing": (0.2, 0.5, 0.8, 0.95),
        "epsilon": (0.05, 0.15, 0.3, 0.5),
    }

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        check_within("sharpness", self.sharpness, 0, 1e6)
        check_within("smoothing", self.smoothing, 0, 1)
        check_within("epsilon", self.epsilon, 0, 1)

    def start(self, n: int, k: int) -> Memory:
        """Nothing is known: ``value`` (n, k), ``before`` (n, k) losses, ``known`` (n, k) which."""
        return {"value": np.zeros((n, k))} | start_losses(n, k)

    def look(self, memory: Memory, view: View) -> Memory:
        """Keep the losses that are shown, those before the first decision too."""
        return memory | keep_losses(memory, view)

    def observe(self, memory: Memory, view: View) -> Memory:
        """Move the values of the tasks whose loss is known before and after."""
        measured = measured_tasks(view) & memory["known"]
        fall = (memory["before"] - view["loss"]) / (memory["before"] + LEAST_LOSS)
        step = (1.0 - self.smoothing) * (_between(fall, measured) - memory["value"])
        value = memory["value"] + np.where(measured, step, 0.0)
        return {"value": value} | keep_losses(memory, view)

    def probabilities(self, memory: Memory, view: View) -> Floats:
        """Data shares scaled by the exponential of the values, mixed with uniform, (n, k)."""
        size = np.where(view.present, np.maximum(view["size"], 0.0), 0.0)
        # Where no task has a size, all have the same.
        prior = np.where(size.any(axis=1, keepdims=True), size, 1.0)
        with np.errstate(divide="ignore"):
            heights = self.sharpness * memory["value"] + np.log(prior)
        return explore(softmax(heights, view.present), view.present, self.epsilon)


@dataclass(frozen=True)
class DoReMi:
    """DoReMi: more of what exceeds a reference loss, by exponentiated gradient (Xie et al. 2023).

    ``log w_k <- log w_k + learning_rate max(loss_k - reference_k, 0)`` after each decision, with
    the last loss that was measured, then ``w`` is brought to sum 1 and ``p_k = (1 - epsilon) w_k +
    epsilon / K`` is both the next mixture and the next w. Published are learning rate 1 and epsilon
    1e-3, a reference model that was trained on uniform shares, and a run of its own of which the
    mean mixture is then fixed for the real one. Here there is no reference model and no second run:
    ``reference_k = goal first_k`` stands for it, a part of the first loss that was measured, and
    the mixture is used as it moves.
    """

    learning_rate: float = 1.0
    epsilon: float = 1e-3
    goal: float = 0.1

    kind: ClassVar[str] = "bandit"
    sees_order: ClassVar[bool] = False
    mixes: ClassVar[bool] = True
    # A reference model is part of what was published.
    published: ClassVar[bool] = False
    needs: ClassVar[tuple[str, ...]] = ("loss", MEASURED)
    tuning: ClassVar[dict[str, tuple[Any, ...]]] = {
        "learning_rate": (0.01, 0.1, 1.0, 3.0),
        "epsilon": (1e-3, 1e-2, 1e-1, 3e-1),
        "goal": (0.0, 0.1, 0.3, 0.6),
    }

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        check_positive("learning_rate", self.learning_rate)
        check_within("learning_rate", self.learning_rate, 0, 1e6)
        # Without it a weight that fell to 0 stays there.
        check_positive("epsilon", self.epsilon)
        check_within("epsilon", self.epsilon, 0, 1)
        check_within("goal", self.goal, 0, 1)

    def start(self, n: int, k: int) -> Memory:
        """Equal weights: ``log_weights`` (n, k), and ``first`` (n, k) beside the losses."""
        return {name: np.zeros((n, k)) for name in ("log_weights", "first")} | start_losses(n, k)

    def look(self, memory: Memory, view: View) -> Memory:
        """Keep the losses that are shown, and the first of each task."""
        new = measured_tasks(view) & ~memory["known"]
        first = np.where(new, view["loss"], memory["first"])
        return memory | {"first": first} | keep_losses(memory, view)

    def observe(self, memory: Memory, view: View) -> Memory:
        """Raise the weights of the tasks whose loss is above its reference."""
        seen = self.look(memory, view)
        excess = np.where(seen["known"], seen["before"] - self.goal * seen["first"], 0.0)
        step = self.learning_rate * np.minimum(np.maximum(excess, 0.0), HIGHEST_LOSS)
        weights = softmax(memory["log_weights"] + step, view.present)
        moved = explore(weights, view.present, self.epsilon)
        # A task that comes later begins at an even share.
        tasks = np.maximum(view.present.sum(axis=1, keepdims=True), 1)
        log_weights = np.log(np.where(view.present, moved, 1.0 / tasks))
        taught = measured_tasks(view).any(axis=1, keepdims=True)
        log_weights = np.where(taught, log_weights, memory["log_weights"])
        return seen | {"log_weights": log_weights}

    def probabilities(self, memory: Memory, view: View) -> Floats:
        """Shares of the weights, (n, k)."""
        return softmax(memory["log_weights"], view.present)


def start_losses(n: int, k: int) -> Memory:
    """No loss was measured yet: ``before`` (n, k) in nats, ``known`` (n, k) which of them count."""
    return {"before": np.zeros((n, k)), "known": np.zeros((n, k), dtype=bool)}


def keep_losses(memory: Memory, view: View) -> Memory:
    """The last loss of each task that was measured, and which were."""
    measured = measured_tasks(view)
    return {
        "before": np.where(measured, view["loss"], memory["before"]),
        "known": memory["known"] | measured,
    }


def _between(values: Floats, among: Bools) -> Floats:
    """Where each value lies between the lowest and the highest ``among`` them, (n, k) in [0, 1]."""
    low = np.where(among, values, np.inf).min(axis=1, keepdims=True)
    span = np.where(among, values, -np.inf).max(axis=1, keepdims=True) - low
    some = np.isfinite(span) & (span > 0.0)
    place: Floats = np.where(some & among, values - np.where(some, low, 0.0), 0.0)
    return place / np.where(some, span, 1.0)
