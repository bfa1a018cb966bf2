"""Learning-rate schedules: each student's rate by its own step counter.

A schedule is called with the updates that students have had so far and gives the factor on the
learning rate of their next update, as `torch.optim.lr_scheduler` does for one optimizer.

Legend: c students.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

RateSchedule = Callable[[Tensor], Tensor]
"""Updates so far (c,) to factors on the learning rate (c,) float64."""


@dataclass(frozen=True)
class Constant:
    """The learning rate as it is."""

    def __call__(self, updates: Tensor) -> Tensor:
        """Factors, (c,)."""
        return torch.ones_like(updates, dtype=torch.float64)


@dataclass(frozen=True)
class Cosine:
    """Half a cosine from 1 down to `floor`, which then stays (Loshchilov and Hutter 2017).

    Args:
        total_steps: updates of one lifetime.
        floor: last factor, in [0, 1].
    """

    total_steps: int
    floor: float = 0.0

    def __post_init__(self) -> None:
        _check_steps("Cosine", total_steps=self.total_steps)
        _check_floor("Cosine", self.floor)

    def __call__(self, updates: Tensor) -> Tensor:
        """Factors, (c,)."""
        done = (updates.double() / self.total_steps).clamp(max=1.0)
        return self.floor + (1.0 - self.floor) * (1.0 + torch.cos(math.pi * done)) / 2.0


@dataclass(frozen=True)
class Cyclical:
    """From `floor` up to 1 and down again in straight lines, for ever (Smith 2017).

    Args:
        period: updates of one cycle, at least 2; the factor is 1 in the middle.
        floor: lowest factor, in [0, 1]; that of the first update.
    """

    period: int
    floor: float = 0.1

    def __post_init__(self) -> None:
        _check_steps("Cyclical", least=2, period=self.period)
        _check_floor("Cyclical", self.floor)

    def __call__(self, updates: Tensor) -> Tensor:
        """Factors, (c,)."""
        place = updates.double() % self.period / self.period
        return self.floor + (1.0 - self.floor) * (1.0 - (2.0 * place - 1.0).abs())


@dataclass(frozen=True)
class WarmUp:
    """A straight line up to 1 over the first updates (Goyal et al. 2017), then another schedule.

    Args:
        steps: updates; the first has the factor 1 / steps, so that it is not lost.
        then: the schedule from there on, which counts from the end of the warm-up.
    """

    steps: int
    then: RateSchedule = Constant()

    def __post_init__(self) -> None:
        _check_steps("WarmUp", steps=self.steps)
        if not callable(self.then):
            raise ValueError(f"then of WarmUp must be another schedule, got {self.then!r}")

    def __call__(self, updates: Tensor) -> Tensor:
        """Factors, (c,)."""
        rising = (updates.double() + 1.0) / self.steps
        after = self.then((updates - self.steps).clamp(min=0.0))
        return torch.where(updates < self.steps, rising, after)


def _check_steps(schedule: str, least: int = 1, **counts: int) -> None:
    for name, value in counts.items():
        if value < least:
            raise ValueError(f"{name} of {schedule} must be at least {least}, got {value}")


def _check_floor(schedule: str, floor: float) -> None:
    if not 0.0 <= floor <= 1.0:
        raise ValueError(f"floor of {schedule} is a share in [0, 1] of the rate, got {floor}")


LEARNING_RATES: dict[str, Callable[..., RateSchedule]] = {
    "constant": Constant,
    "cosine": Cosine,
    "cyclical": Cyclical,
    "warm_up": WarmUp,
}
"""Schedules of the learning rate by the names that configs use."""
