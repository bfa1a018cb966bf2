"""Adam for n students at once, each with its own step counter and learning rate.

Legend: n students, p numbers in a student's row (parameters, padded).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress

import torch
from torch import Tensor

from .learning_rates import RateSchedule

TensorRows = list[list[Tensor]]
"""Weights, gradient, moments and counter of students, one tensor for each of them."""


class AdamState:
    """What Adam reads and writes of n students; all tensors are changed in place.

    Args:
        weights: (n, p).
        moments: first and second moment of the gradient, (n, p) each.
        updates: that each student has had before, (n,) float32.
    """

    def __init__(self, weights: Tensor, moments: tuple[Tensor, Tensor], updates: Tensor) -> None:
        self.weights, self.moments, self.updates = weights, moments, updates
        self.gradient = torch.zeros_like(weights)
        """Where the gradient of the next step is written, (n, p)."""
        parts = (weights, self.gradient, *moments, updates)
        self._rows = [list(part.unbind()) for part in parts]

    def rows(self, alive: Tensor) -> TensorRows:
        """What the kernel reads and writes of the living."""
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
        learning_rate: step size; the largest one where there is a schedule.
        betas: decay of the first and second moment.
        eps: added to the root of the second moment.
        weight_decay: fraction of the weights that each step takes off, times `learning_rate`.
        clip_norm: largest norm of a student's gradient; larger ones are scaled down to it.
        schedule: factor on the learning rate by each student's own counter; None leaves it.
    """

    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    clip_norm: float = 1.0
    schedule: RateSchedule | None = None

    def rates(self, updates: Tensor, steps: int) -> list[list[float] | None]:
        """Learning rates of the next updates, n of them a step; None where there is no schedule.

        Args:
            updates: that each student has had, (n,).
            steps: updates to come.
        """
        if self.schedule is None:
            return [None] * steps
        ahead = updates + torch.arange(steps, device=updates.device)[:, None]
        rates = self.learning_rate * self.schedule(ahead.flatten())
        if not bool((rates.isfinite() & (rates >= 0.0)).all()):
            raise ValueError(
                f"a schedule must give finite factors of at least 0, got the learning rates "
                f"{sorted(set(rates.tolist()))}"
            )
        by_step: list[list[float] | None] = rates.view(steps, -1).tolist()
        return by_step

    def step(self, state: AdamState, alive: Tensor, rates: Sequence[float] | None = None) -> Tensor:
        """One update of the living by `state.gradient`, which is overwritten.

        Args:
            state: of n students; the counters of the living gain one.
            alive: (n,) bool; who has a gradient that is not finite is taken out of it, and is
                left as it was.
            rates: of every student, as `rates` tells them for several steps at once.

        Returns:
            Norm of each gradient before clipping, (n,).
        """
        # Per student: one norm over all would let a diverging one shrink its neighbours' steps.
        norm: Tensor = torch.linalg.vector_norm(state.gradient, dim=1)
        alive &= norm.isfinite()
        state.gradient.mul_((self.clip_norm / (norm + 1e-6)).clamp_(max=1.0)[:, None])
        living = state.rows(alive)
        if self.schedule is not None and rates is None:
            rates = self.rates(state.updates, 1)[0]
        state.updates += alive
        if not living[0]:
            return norm
        if rates is None:
            self._update(self.learning_rate, living)
            return norm
        for rate, rows in _by_rate(list(compress(rates, alive.tolist())), living).items():
            self._update(rate, rows)
        return norm

    def _update(self, rate: float, rows: TensorRows) -> None:
        weights, gradient, first, second, updates = rows
        torch._fused_adamw_(
            weights,
            gradient,
            first,
            second,
            [],
            updates,
            lr=rate,
            beta1=self.betas[0],
            beta2=self.betas[1],
            weight_decay=self.weight_decay,
            eps=self.eps,
            amsgrad=False,
            maximize=False,
        )


def _by_rate(rates: Sequence[float], rows: TensorRows) -> dict[float, TensorRows]:
    """Students in groups of one learning rate; several where some began later."""
    places: dict[float, list[int]] = {}
    for place, rate in enumerate(rates):
        places.setdefault(rate, []).append(place)
    if len(places) == 1:
        return {rates[0]: rows}
    return {rate: [[part[i] for i in same] for part in rows] for rate, same in places.items()}
