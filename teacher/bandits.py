"""Bandits: rules that learn within one lifetime which task pays.

Each keeps a table per student in its memory and knows nothing when a lifetime starts. Axes: n
students, k tasks, w the length of a window of past observations.

``feedback`` says which scores are fresh after a decision: ``"full"``, those of every task, or
``"bandit"``, only that of the task that was chosen; the others then keep their windows.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from .choose import (
    Bools,
    Floats,
    check_one_of,
    check_positive,
    check_within,
    epsilon_greedy,
    softmax,
    uniform,
)
from .estimate import FEEDBACK, chosen_task, fresh_tasks, push, rescale, slope
from .rules import Memory, View

CHANGE = "progress:difference"
"""The column that shows how much each score changed since the previous decision."""
THOMPSON_STREAM = 1


@dataclass(frozen=True)
class TSCLWindow:
    """Teacher-Student Curriculum Learning, Window algorithm (Matiisen et al. 2017).

    ``Q_k`` = least-squares slope of the last ``window`` scores of task k over the decisions after
    which they were measured, 1 for fewer than two scores; ``|Q_k|`` with ``absolute``, so that a
    task that is being forgotten is practised again. ``policy`` is ``"epsilon_greedy"``, ``(1 -
    epsilon) [k = argmax Q] + epsilon / K``, or ``"softmax"``, ``exp(Q_k / temperature)``. As
    published, a student's scores before its first training are not part of the window.
    """

    window: int = 10
    policy: str = "epsilon_greedy"
    epsilon: float = 0.1
    temperature: float = 4e-4
    absolute: bool = False
    feedback: str = "full"

    kind: ClassVar[str] = "bandit"
    sees_order: ClassVar[bool] = False
    published: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("score",)
    tuning: ClassVar[dict[str, tuple[Any, ...]]] = {
        "window": (5, 10, 20),
        "epsilon": (0.05, 0.1, 0.3),
        "absolute": (False, True),
    }

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        check_within("window", self.window, 2)
        check_one_of("policy", self.policy, ("epsilon_greedy", "softmax"))
        check_within("epsilon", self.epsilon, 0, 1)
        check_positive("temperature", self.temperature)
        check_one_of("feedback", self.feedback, FEEDBACK)

    def start(self, n: int, k: int) -> Memory:
        """Empty windows: ``scores`` and ``times`` (n, w, k), ``count`` (n, k)."""
        shape = (n, self.window, k)
        return {
            "scores": np.zeros(shape),
            "times": np.zeros(shape, dtype=np.int32),
            "count": np.zeros((n, k), dtype=np.int64),
        }

    def observe(self, memory: Memory, view: View) -> Memory:
        """Add the fresh scores and when they were measured."""
        fresh = fresh_tasks(view, self.feedback)
        count = memory["count"]
        times = np.broadcast_to(view.decision[:, None].astype(np.int32), count.shape)
        return {
            "scores": push(memory["scores"], count, view["score"], fresh),
            "times": push(memory["times"], count, times, fresh),
            "count": count + fresh,
        }

    def probabilities(self, memory: Memory, view: View) -> Floats:
        """The policy on the slopes, (n, k)."""
        value = slope(memory["scores"], memory["times"], memory["count"])
        value = np.abs(value) if self.absolute else value
        if self.policy == "softmax":
            return softmax(value, view.present, self.temperature)
        return epsilon_greedy(value, view.present, self.epsilon)


@dataclass(frozen=True)
class TSCLSampling:
    """Teacher-Student Curriculum Learning, Sampling algorithm (Matiisen et al. 2017).

    Each task keeps its last ``window`` changes of score ``d_k = x_k(t) - x_k(t - 1)``. With
    ``policy="thompson"`` one of them is drawn per task, uniformly, and epsilon-greedy acts on the
    draws; ``"epsilon_greedy"`` and ``"softmax"`` act on their means. A task without any counts as
    1; with ``absolute`` the size of a change counts, not its sign. The first change is taken from
    the score before training (published: from 0, the score of a student that knows nothing).
    """

    window: int = 10
    policy: str = "thompson"
    epsilon: float = 0.1
    temperature: float = 4e-4
    absolute: bool = False
    feedback: str = "full"

    kind: ClassVar[str] = "bandit"
    sees_order: ClassVar[bool] = False
    published: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = (CHANGE,)
    tuning: ClassVar[dict[str, tuple[Any, ...]]] = {
        "window": (5, 10, 20),
        "epsilon": (0.05, 0.1, 0.3),
        "absolute": (False, True),
    }

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        check_within("window", self.window, 1)
        check_one_of("policy", self.policy, ("thompson", "epsilon_greedy", "softmax"))
        check_within("epsilon", self.epsilon, 0, 1)
        check_positive("temperature", self.temperature)
        check_one_of("feedback", self.feedback, FEEDBACK)

    def start(self, n: int, k: int) -> Memory:
        """Empty windows: ``changes`` (n, w, k), ``count`` (n, k)."""
        return {
            "changes": np.zeros((n, self.window, k)),
            "count": np.zeros((n, k), dtype=np.int64),
        }

    def observe(self, memory: Memory, view: View) -> Memory:
        """Add the fresh changes of score."""
        fresh = fresh_tasks(view, self.feedback)
        count = memory["count"]
        return {
            "changes": push(memory["changes"], count, view[CHANGE], fresh),
            "count": count + fresh,
        }

    def probabilities(self, memory: Memory, view: View) -> Floats:
        """The policy on the drawn or mean changes, (n, k)."""
        value = self._values(memory, view)
        value = np.abs(value) if self.absolute else value
        if self.policy == "softmax":
            return softmax(value, view.present, self.temperature)
        return epsilon_greedy(value, view.present, self.epsilon)

    def _values(self, memory: Memory, view: View) -> Floats:
        """One stored change per task or their mean, (n, k); 1 where there is none."""
        changes: Floats = memory["changes"]
        filled = np.minimum(memory["count"], self.window)
        if self.policy == "thompson":
            drawn = (view.uniform(THOMPSON_STREAM) * filled).astype(np.int64)
            value = np.take_along_axis(changes, drawn[:, None, :], axis=1)[:, 0, :]
        else:
            value = changes.sum(axis=1) / np.maximum(filled, 1)
        return np.where(filled > 0, value, 1.0)


@dataclass(frozen=True)
class EXP3S:
    """EXP3.S on rescaled learning progress (Graves et al. 2017; Auer et al. 2002).

    ``pi_k = (1 - epsilon) softmax(w)_k + epsilon / K``. The chosen task's gain, its progress over
    its cost, is rescaled by the 20 % and 80 % quantiles of the gains so far, itself included:
    ``r = clip(2 (gain - q20) / (q80 - q20) - 1, -1, 1)``, and 0 while the two are equal. Then ``u_k
    = w_k + learning_rate (r [k = chosen] + beta) / pi_k`` and ``w_k = log((1 - a) exp(u_k) + a / (K
    - 1) sum_{j != k} exp(u_j))`` with ``a = 1 / t`` at the t-th choice. The published reservoir of
    gains is replaced by the last ``history`` of them; ``w`` is kept up to a constant per student.
    """

    learning_rate: float = 1e-3
    beta: float = 0.0
    epsilon: float = 0.05
    history: int = 256

    kind: ClassVar[str] = "bandit"
    sees_order: ClassVar[bool] = False
    published: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = (CHANGE, "cost")
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
        chosen = chosen_task(view)
        acted = chosen.any(axis=1)
        cost = np.where(chosen & (view["cost"] > 0.0), view["cost"], 1.0)
        gain = np.where(chosen, view[CHANGE] / cost, 0.0).sum(axis=1)
        count = memory["count"] + acted
        rows = np.flatnonzero(acted)
        gains = memory["gains"].copy()
        gains[rows, memory["count"][rows] % self.history] = gain[rows]
        reward = rescale(gain, gains, count)
        moved = self._move(memory, view, chosen, reward, count)
        log_weights = np.where(np.expand_dims(acted, 1), moved, memory["log_weights"])
        return {"log_weights": log_weights, "gains": gains, "count": count}

    def probabilities(self, memory: Memory, view: View) -> Floats:
        """Softmax of the weights, mixed with uniform, (n, k)."""
        share = softmax(memory["log_weights"], view.present)
        return (1.0 - self.epsilon) * share + self.epsilon * uniform(view.present)

    def _move(
        self, memory: Memory, view: View, chosen: Bools, reward: Floats, count: NDArray[np.int64]
    ) -> Floats:
        """The log weights after a choice, (n, k), 0 for absent tasks."""
        present: Bools = view.present
        pi = np.where(present, self.probabilities(memory, view), 1.0)
        step = (np.where(chosen, reward[:, None], 0.0) + self.beta) / pi
        u = np.where(present, memory["log_weights"] + self.learning_rate * step, -np.inf)
        weight = np.exp(u - u.max(axis=1, keepdims=True))
        tasks = present.sum(axis=1, keepdims=True)
        shared = np.where(tasks > 1, 1.0 / np.maximum(count, 1)[:, None], 0.0)
        others = (weight.sum(axis=1, keepdims=True) - weight) / np.maximum(tasks - 1, 1)
        mixed = (1.0 - shared) * weight + shared * others
        return np.where(present, np.log(np.maximum(mixed, np.finfo(np.float64).tiny)), 0.0)


@dataclass(frozen=True)
class SEC:
    """Self-Evolving Curriculum (Chen et al. 2025): TD(0) values per task, then a softmax.

    ``Q_k = (1 - learning_rate) Q_k + learning_rate r`` for the chosen task, from ``Q = 0``, and
    ``p_k ~ exp(Q_k / temperature)``. The published ``r`` is the mean absolute advantage, which has
    no meaning for a supervised student; its substitute is ``signal``: ``"learnability"``, ``2
    sqrt(p (1 - p))`` with the task's score p (twice the spread of a pass/fail reward, in [0, 1]),
    or ``"progress"``, the absolute change of its score.
    """

    learning_rate: float = 0.5
    temperature: float = 1.0
    signal: str = "learnability"

    kind: ClassVar[str] = "bandit"
    sees_order: ClassVar[bool] = False
    published: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("score", CHANGE)
    tuning: ClassVar[dict[str, tuple[Any, ...]]] = {
        "learning_rate": (0.1, 0.5),
        "temperature": (0.2, 0.4, 1.0),
        "signal": ("learnability", "progress"),
    }

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        check_within("learning_rate", self.learning_rate, 0, 1)
        check_positive("temperature", self.temperature)
        check_one_of("signal", self.signal, ("learnability", "progress"))

    def start(self, n: int, k: int) -> Memory:
        """Nothing is known to pay: ``value`` (n, k) zeros."""
        return {"value": np.zeros((n, k))}

    def observe(self, memory: Memory, view: View) -> Memory:
        """Move the chosen task's value towards what its choice brought."""
        if self.signal == "progress":
            reward = np.abs(view[CHANGE])
        else:
            score = np.clip(view["score"], 0.0, 1.0)
            reward = 2.0 * np.sqrt(score * (1.0 - score))
        value = memory["value"]
        step = self.learning_rate * (reward - value)
        return {"value": value + np.where(chosen_task(view), step, 0.0)}

    def probabilities(self, memory: Memory, view: View) -> Floats:
        """Softmax of the values, (n, k)."""
        return softmax(memory["value"], view.present, self.temperature)
