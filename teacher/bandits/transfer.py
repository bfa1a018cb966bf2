"""Bandits that learn how training on one task moves the others.

Axes: n students, k tasks.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..choose import Floats, check_one_of, check_positive, check_within, explore, softmax
from ..estimate import (
    ADVANTAGE_SIGNALS,
    CHANGE,
    MEASURED,
    advantage_substitute,
    measured_tasks,
)
from ..rules import Memory, View

LAST_SHARE = "last_share"
"""The column that shows which share of the last decision each task had."""


@dataclass(frozen=True)
class TAC:
    """Transfer-aware curriculum: learnability times transfer to the other tasks (Yang et al. 2026).

    ``p ~ exp(a_k (1 + weight t_k) / temperature)``, of which ``epsilon`` goes to uniform.
    Learnability ``a_k`` stands for the published mean absolute advantage: ``signal``,
    ``"learnability"``, ``2 sqrt(s (1 - s))`` with the score s, or ``"progress"``, the size of its
    last change. Transfer ``t_k = sum_{j != k} S_kj / sum_j |S_kj|``, in [-1, 1], stands for the
    published mean cosine between the gradient of a task and those of the others, which a rule
    cannot see.

    ``S_kj``, how much a decision on k alone moves the score of j, is estimated by recursive least
    squares from ``change_j = sum_k share_k S_kj``: ``g = P x / (1 + x' P x)``, ``S <- S + g (change
    - x' S)'``, ``P <- (1 - forgetting) (P - g x' P) + forgetting prior I``, with the shares x of
    the last decision, from ``S = 0`` and ``P = prior I``. Drawing P back towards its beginning is a
    forgetting that stays bounded while the shares hardly change. What moves a score that nobody
    measured stays as it was.

    The paper is known here by its abstract and by summaries: the estimate of transfer, its scale
    and all defaults are ours.
    """

    weight: float = 1.0
    temperature: float = 0.3
    epsilon: float = 0.1
    forgetting: float = 0.05
    prior: float = 10.0
    signal: str = "learnability"

    kind: ClassVar[str] = "bandit"
    sees_order: ClassVar[bool] = False
    mixes: ClassVar[bool] = True
    published: ClassVar[bool] = False
    needs: ClassVar[tuple[str, ...]] = ("score", CHANGE, LAST_SHARE, MEASURED)
    tuning: ClassVar[dict[str, tuple[Any, ...]]] = {
        "weight": (0.0, 1.0, 3.0),
        "temperature": (0.05, 0.3, 1.0),
        "epsilon": (0.0, 0.1, 0.3),
        "forgetting": (0.0, 0.05, 0.2),
        "signal": ADVANTAGE_SIGNALS,
    }

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        check_within("weight", self.weight, 0, 1e6)
        check_positive("temperature", self.temperature)
        check_within("epsilon", self.epsilon, 0, 1)
        check_within("forgetting", self.forgetting, 0, 1)
        check_positive("prior", self.prior)
        check_one_of("signal", self.signal, ADVANTAGE_SIGNALS)

    def start(self, n: int, k: int) -> Memory:
        """No influence is known: ``influence`` S and ``doubt`` P, (n, k, k) each."""
        doubt = np.broadcast_to(self.prior * np.eye(k), (n, k, k)).copy()
        return {"influence": np.zeros((n, k, k)), "doubt": doubt}

    def observe(self, memory: Memory, view: View) -> Memory:
        """Learn from how the scores that were measured changed."""
        influence, doubt = memory["influence"], memory["doubt"]
        measured = measured_tasks(view)
        x = np.where(view.present, view[LAST_SHARE], 0.0)
        reach = (doubt @ x[:, :, None])[:, :, 0]
        gain = reach / (1.0 + (x * reach).sum(axis=1, keepdims=True))
        error = view[CHANGE] - (x[:, None, :] @ influence)[:, 0]
        error = np.where(measured, error, 0.0)
        rest = doubt - gain[:, :, None] * reach[:, None, :]
        again = self.forgetting * self.prior * np.eye(doubt.shape[1])
        heard = np.expand_dims(measured.any(axis=1), (1, 2))
        return {
            "influence": influence + gain[:, :, None] * error[:, None, :],
            "doubt": np.where(heard, (1.0 - self.forgetting) * rest + again, doubt),
        }

    def probabilities(self, memory: Memory, view: View) -> Floats:
        """Softmax of learnability times transfer, mixed with uniform, (n, k)."""
        present = view.present
        influence = np.where(present[:, None, :], memory["influence"], 0.0)
        own = np.diagonal(influence, axis1=1, axis2=2)
        size = np.abs(influence).sum(axis=2)
        transfer = (influence.sum(axis=2) - own) / np.where(size > 0.0, size, 1.0)
        able = advantage_substitute(view, self.signal)
        worth = able * (1.0 + self.weight * transfer)
        return explore(softmax(worth, present, self.temperature), present, self.epsilon)
