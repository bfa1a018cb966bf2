"""Adam for n students at once, each with its own step counter.

Legend: n students, p numbers in a student's row (parameters, padded).
"""

from dataclasses import dataclass

import torch
from torch import Tensor


class AdamState:
    """What Adam reads and writes of n students; all tensors are changed in place.

    Args:
        weights: (n, p).
        moments: first and second moment of the gradient, (n, p) each.
        taken: updates that each student has had before, (n,) float32.
    """

    def __init__(self, weights: Tensor, moments: tuple[Tensor, Tensor], taken: Tensor) -> None:
        self.weights, self.moments, self.taken = weights, moments, taken
        self.gradient = torch.zeros_like(weights)
        """Where the gradient of the next step is written, (n, p)."""
        parts = (weights, self.gradient, *moments, taken)
        self._rows = [list(part.unbind()) for part in parts]

    def rows(self, alive: Tensor) -> list[list[Tensor]]:
        """Weights, gradient, moments and counter of the living, one tensor for each of them."""
        if bool(alive.all()):
            return self._rows
        living = alive.nonzero()[:, 0].tolist()
        return [[rows[i] for i in living] for rows in self._rows]


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma and Ba 2015) with decoupled weight decay (Loshchilov and Hutter 2019).

    `torch.optim` keeps one counter for a stacked tensor, so a student that starts afresh among
    older ones would take early steps up to six times too large. Here the same fused kernel gets
    every student as a tensor of its own, with a counter of its own.

    Args:
        learning_rate: step size.
        betas: decay of the first and second moment.
        eps: added to the root of the second moment.
        weight_decay: fraction of the weights that each step takes off, times `learning_rate`.
        clip_norm: largest norm of a student's gradient; larger ones are scaled down to it.
    """

    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    clip_norm: float = 1.0

    def step(self, state: AdamState, alive: Tensor) -> None:
        """One update of the living by `state.gradient`, which is overwritten.

        Args:
            state: of n students; the counters of the living gain one.
            alive: (n,) bool; who has a gradient that is not finite is taken out of it, and is
                left as it was.
        """
        # Per student: one norm over all would let a diverging one shrink its neighbours' steps.
        norm = torch.linalg.vector_norm(state.gradient, dim=1)
        alive &= norm.isfinite()
        state.gradient.mul_((self.clip_norm / (norm + 1e-6)).clamp_(max=1.0)[:, None])
        weights, gradient, first, second, taken = state.rows(alive)
        if not weights:
            return
        state.taken += alive
        torch._fused_adamw_(
            weights,
            gradient,
            first,
            second,
            [],
            taken,
            lr=self.learning_rate,
            beta1=self.betas[0],
            beta2=self.betas[1],
            weight_decay=self.weight_decay,
            eps=self.eps,
            amsgrad=False,
            maximize=False,
        )
