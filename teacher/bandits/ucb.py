"""Stochastic bandits: optimism and posterior draws, on the progress of the chosen task.

Axes: n students, k tasks.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..choose import Floats, check_positive, check_within, greedy
from ..estimate import CHANGE, MEASURED, change, measured_choice
from ..rules import Memory, View

NORMAL_STREAMS = (1, 2)


@dataclass(frozen=True)
class UCB1:
    """UCB1 on learning progress (Auer, Cesa-Bianchi, Fischer 2002).

    The task with the highest ``mean_k + exploration sqrt(2 ln t / n_k)``, where ``n_k`` of the t
    choices so far were task k and ``mean_k`` is what they paid; tasks that were never chosen come
    first. It is made for rewards in [0, 1]: the size of the change of the chosen task's score, or,
    without ``absolute``, the change itself. As published it explores for changes of order 1; real
    ones are smaller, so ``exploration`` wants to be tuned.
    """

    exploration: float = 1.0
    absolute: bool = True

    kind: ClassVar[str] = "bandit"
    sees_order: ClassVar[bool] = False
    mixes: ClassVar[bool] = False
    published: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = (CHANGE, MEASURED)
    tuning: ClassVar[dict[str, tuple[Any, ...]]] = {
        "exploration": (0.01, 0.03, 0.1, 0.3, 1.0),
        "absolute": (False, True),
    }

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        check_positive("exploration", self.exploration)

    def start(self, n: int, k: int) -> Memory:
        """Nothing was tried: ``total`` (n, k) of the rewards, ``count`` (n, k) of the choices."""
        return _untried(n, k)

    def observe(self, memory: Memory, view: View) -> Memory:
        """Add what the chosen task paid."""
        return _add_reward(memory, view, self.absolute)

    def probabilities(self, memory: Memory, view: View) -> Floats:
        """All on the highest bound, (n, k); equal bounds share."""
        bonus = self.exploration * _width(memory, view, 2.0)
        return greedy(_mean(memory) + bonus, view.present)


@dataclass(frozen=True)
class DiscountedUCB:
    """Discounted UCB on learning progress (Kocsis, Szepesvari 2006; Garivier, Moulines 2011).

    As `UCB1`, but what was paid j choices ago counts ``discount ^ j``: the highest ``mean_k + 2
    bound sqrt(xi ln n / n_k)`` with the discounted counts ``n_k``, their sum n over the tasks, and
    the discounted mean. ``bound`` is the largest reward. The published discount is ``1 - 1 / (4
    sqrt(T))`` for T choices: 0.99 is that of a lifetime of 625 decisions.
    """

    discount: float = 0.99
    xi: float = 0.6
    bound: float = 1.0
    absolute: bool = True

    kind: ClassVar[str] = "bandit"
    sees_order: ClassVar[bool] = False
    mixes: ClassVar[bool] = False
    published: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = (CHANGE, MEASURED)
    tuning: ClassVar[dict[str, tuple[Any, ...]]] = {
        "discount": (0.9, 0.97, 0.99),
        "bound": (0.01, 0.03, 0.1, 0.3, 1.0),
        "absolute": (False, True),
    }

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        check_positive("discount", self.discount)
        check_within("discount", self.discount, 0, 1)
        check_positive("xi", self.xi)
        check_positive("bound", self.bound)

    def start(self, n: int, k: int) -> Memory:
        """Nothing was tried: discounted ``total`` (n, k) of the rewards, ``count`` (n, k)."""
        return _untried(n, k)

    def observe(self, memory: Memory, view: View) -> Memory:
        """Forget a little, and add what the chosen task paid."""
        return _add_reward(memory, view, self.absolute, self.discount)

    def probabilities(self, memory: Memory, view: View) -> Floats:
        """All on the highest bound, (n, k); equal bounds share."""
        bonus = 2.0 * self.bound * _width(memory, view, self.xi)
        return greedy(_mean(memory) + bonus, view.present)


@dataclass(frozen=True)
class Thompson:
    """Thompson sampling with Gaussian priors on learning progress (Agrawal, Goyal 2013).

    For each task a mean is drawn, ``theta_k ~ N(S_k / (n_k + 1), scale^2 / (n_k + 1))``, where
    ``n_k`` choices of it paid ``S_k`` together, and the highest is chosen: the posterior of rewards
    with standard deviation ``scale`` under the prior N(0, scale^2). The reward is the change of the
    chosen task's score, or its size with ``absolute``. As published ``scale`` is 1, far above real
    changes: it wants to be tuned. With a ``discount`` below 1 (not published) older choices fade.
    """

    scale: float = 1.0
    discount: float = 1.0
    absolute: bool = False

    kind: ClassVar[str] = "bandit"
    sees_order: ClassVar[bool] = False
    mixes: ClassVar[bool] = False
    published: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = (CHANGE, MEASURED)
    tuning: ClassVar[dict[str, tuple[Any, ...]]] = {
        "scale": (0.01, 0.03, 0.1, 0.3, 1.0),
        "discount": (0.9, 0.97, 1.0),
        "absolute": (False, True),
    }

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        check_positive("scale", self.scale)
        check_positive("discount", self.discount)
        check_within("discount", self.discount, 0, 1)

    def start(self, n: int, k: int) -> Memory:
        """Nothing was tried: ``total`` (n, k) of the rewards, ``count`` (n, k) of the choices."""
        return _untried(n, k)

    def observe(self, memory: Memory, view: View) -> Memory:
        """Add what the chosen task paid."""
        return _add_reward(memory, view, self.absolute, self.discount)

    def probabilities(self, memory: Memory, view: View) -> Floats:
        """All on the highest draw of this decision, (n, k)."""
        trials = memory["count"] + 1.0
        draw = memory["total"] / trials + self.scale / np.sqrt(trials) * _normal(view)
        return greedy(draw, view.present)


def _untried(n: int, k: int) -> Memory:
    return {"total": np.zeros((n, k)), "count": np.zeros((n, k))}


def _add_reward(memory: Memory, view: View, absolute: bool, discount: float = 1.0) -> Memory:
    """Sums after one more measured choice, what came before times ``discount``."""
    choice = measured_choice(view)
    fading = np.where(choice.any(axis=1, keepdims=True), discount, 1.0)
    reward = np.where(choice, change(view, absolute), 0.0)
    return {"total": fading * memory["total"] + reward, "count": fading * memory["count"] + choice}


def _mean(memory: Memory) -> Floats:
    """Mean reward of each task, (n, k), 0 where it was never chosen."""
    mean: Floats = memory["total"] / np.where(memory["count"] > 0.0, memory["count"], 1.0)
    return mean


def _width(memory: Memory, view: View, factor: float) -> Floats:
    """``sqrt(factor ln n / n_k)``, (n, k), infinite for a task that was never chosen."""
    count = np.where(view.present, memory["count"], 0.0)
    choices = np.maximum(count.sum(axis=1, keepdims=True), 1.0)
    has_choices = count > 0.0
    width = np.sqrt(factor * np.log(choices) / np.where(has_choices, count, 1.0))
    return np.where(has_choices, width, np.inf)


def _normal(view: View) -> Floats:
    """Standard normal numbers of this decision, (n, k) (Box, Muller 1958)."""
    first, second = (view.uniform(stream) for stream in NORMAL_STREAMS)
    normal: Floats = np.sqrt(-2.0 * np.log1p(-first)) * np.cos(2.0 * np.pi * second)
    return normal
