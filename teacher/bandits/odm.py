"""Online Data Mixing: train on what has the highest loss (Albalak et al. 2023).

The rules of the released code (alon-albalak/online-data-mixing). Their exploration shrinks with the
decisions t of a lifetime: ``eps_t = min(1 / K, sqrt(ln K / (K t)))``, ``eps_0 = 1 / K``, so that
they stay uniform for the first ``K ln K`` decisions. The published reward is the training loss of a
domain; here it is the loss on the task's ``probe`` split. Axes: n students, k tasks, K of which are
present.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..choose import Bools, Floats, check_positive, check_within, explore, proportional, softmax
from ..estimate import MEASURED, Counts, chosen_task, measured_choice, measured_tasks
from ..rules import Memory, View


@dataclass(frozen=True)
class ODM:
    """Online Data Mixing, one task a decision, with smoothed rewards.

    ``R_k <- smoothing R_k + (1 - smoothing) exp(loss_k)`` for the chosen task, from 0, and ``p_k =
    (1 - K eps_t) exp(eps_{t-1} R_k) / sum_j exp(eps_{t-1} R_j) + eps_t``.
    """

    smoothing: float = 0.9

    kind: ClassVar[str] = "bandit"
    sees_order: ClassVar[bool] = False
    mixes: ClassVar[bool] = False
    published: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("loss", MEASURED)
    tuning: ClassVar[dict[str, tuple[Any, ...]]] = {"smoothing": (0.0, 0.5, 0.9, 0.99)}

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        check_within("smoothing", self.smoothing, 0, 1)

    def start(self, n: int, k: int) -> Memory:
        """Nothing is known: ``reward`` (n, k) zeros, ``count`` (n,) decisions."""
        return _no_rewards(n, k)

    def observe(self, memory: Memory, view: View) -> Memory:
        """Add the loss of the chosen task."""
        return _smooth(memory, view, measured_choice(view), self.smoothing)

    def probabilities(self, memory: Memory, view: View) -> Floats:
        """Gibbs distribution of the rewards with shrinking exploration, (n, k)."""
        return _gibbs(memory, view.present)


@dataclass(frozen=True)
class ODMMixed(ODM):
    """Online Data Mixing with several tasks in each batch (the released group update).

    As `ODM`, but the rewards of all tasks that were measured move at once, and without the
    exponential: ``p_k = (1 - K eps_t) R_k / sum(R) + eps_t`` is the mixture of the next batches.
    """

    mixes: ClassVar[bool] = True

    def observe(self, memory: Memory, view: View) -> Memory:
        """Add the losses of all tasks that were measured."""
        return _smooth(memory, view, measured_tasks(view), self.smoothing)

    def probabilities(self, memory: Memory, view: View) -> Floats:
        """Shares of the rewards with shrinking exploration, (n, k)."""
        tasks, epsilon = _exploration(memory["count"], view.present)
        return explore(proportional(memory["reward"], view.present), view.present, tasks * epsilon)


@dataclass(frozen=True)
class ODMExp3:
    """Online Data Mixing with importance-weighted rewards (the released EXP3 updater).

    ``R_k <- R_k + loss_k / (scale p_k)`` for the chosen task, from 0, with the probability ``p_k``
    it was chosen with; the probabilities follow as in `ODM`.
    """

    scale: float = 10.0

    kind: ClassVar[str] = "bandit"
    sees_order: ClassVar[bool] = False
    mixes: ClassVar[bool] = False
    published: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("loss", MEASURED)
    tuning: ClassVar[dict[str, tuple[Any, ...]]] = {"scale": (1.0, 3.0, 10.0, 30.0)}

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        check_positive("scale", self.scale)

    def start(self, n: int, k: int) -> Memory:
        """Nothing is known: ``reward`` (n, k) zeros, ``count`` (n,) decisions."""
        return _no_rewards(n, k)

    def observe(self, memory: Memory, view: View) -> Memory:
        """Add the loss of the chosen task over its probability."""
        choice = measured_choice(view)
        chance = np.where(choice, self.probabilities(memory, view), 1.0)
        step = np.where(choice, view["loss"] / (self.scale * chance), 0.0)
        return {"reward": memory["reward"] + step, "count": _count(memory, view)}

    def probabilities(self, memory: Memory, view: View) -> Floats:
        """Gibbs distribution of the rewards with shrinking exploration, (n, k)."""
        return _gibbs(memory, view.present)


def _no_rewards(n: int, k: int) -> Memory:
    return {"reward": np.zeros((n, k)), "count": np.zeros(n, dtype=np.int64)}


def _count(memory: Memory, view: View) -> Counts:
    """One more decision where there was one, (n,)."""
    count: Counts = memory["count"] + chosen_task(view).any(axis=1)
    return count


def _smooth(memory: Memory, view: View, measured: Bools, smoothing: float) -> Memory:
    """Rewards of the `measured` (n, k) tasks moved towards exp(loss), and one more decision."""
    reward = memory["reward"]
    step = (1.0 - smoothing) * (np.exp(view["loss"]) - reward)
    return {"reward": reward + np.where(measured, step, 0.0), "count": _count(memory, view)}


def _exploration(count: Counts, present: Bools) -> tuple[Floats, Floats]:
    """K and ``eps_t`` after t = ``count`` (n,) decisions, both (n, 1)."""
    tasks = np.maximum(present.sum(axis=1), 1).astype(np.float64)
    shrinking = np.sqrt(np.log(tasks) / (tasks * np.maximum(count, 1)))
    epsilon = np.where(count > 0, np.minimum(1.0 / tasks, shrinking), 1.0 / tasks)
    return tasks[:, None], epsilon[:, None]


def _gibbs(memory: Memory, present: Bools) -> Floats:
    """``(1 - K eps_t) softmax(eps_{t-1} R) + eps_t``, (n, k)."""
    count = memory["count"]
    tasks, epsilon = _exploration(count, present)
    _, before = _exploration(np.maximum(count - 1, 0), present)
    return explore(softmax(before * memory["reward"], present), present, tasks * epsilon)
