"""Exponential weights: bandits that make no assumption about how rewards change.

A task's weight grows exponentially with what it paid, divided by how likely it was to be chosen.
Axes: n students, k tasks, K of which are present.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..choose import Bools, Floats, check_positive, check_within, explore, softmax
from ..estimate import CHANGE, MEASURED, Counts, change, measured_choice, rescale
from ..rules import Memory, View


@dataclass(frozen=True)
class EXP3:
    """EXP3 on learning progress (Auer, Cesa-Bianchi, Freund, Schapire 2002).

    ``p_k = (1 - epsilon) w_k / sum(w) + epsilon / K``, and after a choice ``w_k <- w_k exp(epsilon
    r [k = chosen] / (p_k K))``, from ``w = 1``. The published rewards lie in [0, 1]; here ``r =
    clip(scale d, -1, 1)`` with the change d of the chosen task's score, or its size with
    ``absolute``. ``1 / scale`` is the change that counts as a full reward. ``epsilon`` = 0.2 as in
    Feryal/jeju_project, which chooses tasks by this rule; Auer et al. derive it from the horizon.
    """

    epsilon: float = 0.2
    scale: float = 1.0
    absolute: bool = False

    kind: ClassVar[str] = "bandit"
    sees_order: ClassVar[bool] = False
    mixes: ClassVar[bool] = False
    published: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = (CHANGE, MEASURED)
    tuning: ClassVar[dict[str, tuple[Any, ...]]] = {
        "epsilon": (0.05, 0.1, 0.2, 0.4),
        "scale": (1.0, 4.0, 16.0),
        "absolute": (False, True),
    }

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        # Without exploration p reaches 0, and the update divides by it.
        check_positive("epsilon", self.epsilon)
        check_within("epsilon", self.epsilon, 0, 1)
        check_positive("scale", self.scale)

    def start(self, n: int, k: int) -> Memory:
        """Equal weights: ``log_weights`` (n, k)."""
        return {"log_weights": np.zeros((n, k))}

    def observe(self, memory: Memory, view: View) -> Memory:
        """Raise the weight of the chosen task by what it paid."""
        choice = measured_choice(view)
        tasks = view.present.sum(axis=1, keepdims=True)
        chance = np.where(choice, self.probabilities(memory, view), 1.0)
        reward = np.clip(self.scale * change(view, self.absolute), -1.0, 1.0)
        step = self.epsilon * reward / (chance * np.maximum(tasks, 1))
        return {"log_weights": memory["log_weights"] + np.where(choice, step, 0.0)}

    def probabilities(self, memory: Memory, view: View) -> Floats:
        """Shares of the weights, mixed with uniform, (n, k)."""
        return explore(softmax(memory["log_weights"], view.present), view.present, self.epsilon)


@dataclass(frozen=True)
class EXP3S:
    """EXP3.S on rescaled learning progress (Graves et al. 2017; Auer et al. 2002).

    ``pi_k = (1 - epsilon) softmax(w)_k + epsilon / K``. The chosen task's gain, its progress over
    its cost, is rescaled by the 20 % and 80 % quantiles of the gains so far, itself included:
    ``r = clip(2 (gain - q20) / (q80 - q20) - 1, -1, 1)``; while the two are equal, -1 below them, 1
    above and 0 for a gain that is neither. Then ``u_k = w_k + learning_rate (r [k = chosen] + beta)
    / pi_k`` and ``w_k = log((1 - a) exp(u_k) + a / (K - 1) sum_{j != k} exp(u_j))`` with ``a = 1 /
    t`` at the t-th choice. The published reservoir of gains is replaced by the last ``history`` of
    them; ``w`` is kept up to a constant per student.
    """

    learning_rate: float = 1e-3
    beta: float = 0.0
    epsilon: float = 0.05
    history: int = 256

    kind: ClassVar[str] = "bandit"
    sees_order: ClassVar[bool] = False
    mixes: ClassVar[bool] = False
    published: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = (CHANGE, "cost", MEASURED)
    tuning: ClassVar[dict[str, tuple[Any, ...]]] = {
        "learning_rate": (1e-3, 1e-2, 1e-1, 3e-1),
        "epsilon": (0.05, 0.2),
    }

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        check_positive("learning_rate", self.learning_rate)
        check_within("beta", self.beta, 0)
        # Without exploration pi reaches 0, and the update divides by it.
        check_positive("epsilon", self.epsilon)
        check_within("epsilon", self.epsilon, 0, 1)
        check_within("history", self.history, 1)

    def start(self, n: int, k: int) -> Memory:
        """Equal weights: ``log_weights`` (n, k), ``gains`` (n, history), ``count`` (n,)."""
        return {
            "log_weights": np.zeros((n, k)),
            "gains": np.zeros((n, self.history)),
            "count": np.zeros(n, dtype=np.int64),
        }

    def observe(self, memory: Memory, view: View) -> Memory:
        """Rescale the gain of the chosen task and move its weight."""
        choice = measured_choice(view)
        has_choice = choice.any(axis=1)
        cost = np.where(choice & (view["cost"] > 0.0), view["cost"], 1.0)
        gain = np.where(choice, view[CHANGE] / cost, 0.0).sum(axis=1)
        count = memory["count"] + has_choice
        rows = np.flatnonzero(has_choice)
        gains = memory["gains"].copy()
        gains[rows, memory["count"][rows] % self.history] = gain[rows]
        reward = rescale(gain, gains, count)
        next_weights = self._move(memory, view, choice, reward, count)
        log_weights = np.where(np.expand_dims(has_choice, 1), next_weights, memory["log_weights"])
        return {"log_weights": log_weights, "gains": gains, "count": count}

    def probabilities(self, memory: Memory, view: View) -> Floats:
        """Softmax of the weights, mixed with uniform, (n, k)."""
        return explore(softmax(memory["log_weights"], view.present), view.present, self.epsilon)

    def _move(
        self, memory: Memory, view: View, choice: Bools, reward: Floats, count: Counts
    ) -> Floats:
        """The log weights after a choice, (n, k), 0 for absent tasks."""
        present: Bools = view.present
        pi = np.where(present, self.probabilities(memory, view), 1.0)
        step = (np.where(choice, reward[:, None], 0.0) + self.beta) / pi
        u = np.where(present, memory["log_weights"] + self.learning_rate * step, -np.inf)
        weight = np.exp(u - u.max(axis=1, keepdims=True))
        tasks = present.sum(axis=1, keepdims=True)
        mixing = np.where(tasks > 1, 1.0 / np.maximum(count, 1)[:, None], 0.0)
        others = (weight.sum(axis=1, keepdims=True) - weight) / np.maximum(tasks - 1, 1)
        mixture = (1.0 - mixing) * weight + mixing * others
        return np.where(present, np.log(np.maximum(mixture, np.finfo(np.float64).tiny)), 0.0)
