"""Environments as tasks: what each is, and which episodes are played in it.

A training example is `n_steps` steps of one environment, a test example one episode. Episodes are
named by seeds: those of `probe`, `test`, `stress` and training lie in four ranges that do not meet.

Legend: k tasks, e episodes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...contract.streams import stream_key
from ...contract.tasks import SPLITS, TaskSuite

_EPISODE = 511
_RANGE = 29
"""Bits of the seeds of one split; Gymnasium takes seeds below 2**31."""


@dataclass(frozen=True)
class Environment:
    """What one task is: an environment and what counts as doing well there.

    Args:
        id: of Gymnasium's registry (`CartPole-v1`, `module:Mine-v0`), or what makes one.
        low: return of an episode that scores 0.
        high: return of an episode that scores 1; between them the score is linear.
        success: where given, the score is the share of episodes with at least this return; with
            `is_success`, that of the episodes whose last `info["is_success"]` is true.
        kwargs: arguments of the environment.
        options: those of its `reset`.
        horizon: steps after which an episode is cut off; that of the registry by default.
        stress: `kwargs` and `options` that the split `stress` adds or replaces.
    """

    id: str | Callable[..., Any]
    low: float
    high: float
    success: float | str | None = None
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    horizon: int | None = None
    stress: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not -np.inf < self.low < self.high < np.inf:
            raise ValueError(f"low must be below high, both finite, got {self.low}, {self.high}")
        if isinstance(self.success, str) and self.success != "is_success":
            raise ValueError(f"success must be a return or is_success, got {self.success!r}")
        if self.horizon is not None and self.horizon < 1:
            raise ValueError(f"horizon must be at least 1, got {self.horizon}")
        if set(self.stress) - {"kwargs", "options"}:
            raise ValueError(f"stress takes kwargs and options, got {', '.join(self.stress)}")

    def in_split(self, name: str, split: str) -> dict[str, Any]:
        """Its `kwargs` or `options` (`name`) in this split."""
        added = self.stress.get(name, {}) if split == "stress" else {}
        return {**getattr(self, name), **added}

    def regret(self, returns: np.ndarray) -> np.ndarray:
        """What is missing to a perfect episode, in [0, 1], for returns of any shape."""
        return np.asarray(((self.high - returns) / (self.high - self.low)).clip(0.0, 1.0))

    def credit(self, returns: np.ndarray, successes: np.ndarray) -> np.ndarray:
        """What each episode scores, in [0, 1], by its return and whether it was a success."""
        if self.success is None:
            return 1.0 - self.regret(returns)
        by_return = not isinstance(self.success, str)
        return np.asarray(returns >= self.success if by_return else successes, dtype=np.float64)


@dataclass(frozen=True)
class EnvironmentSuite(TaskSuite):
    """A suite whose tasks are environments with the same spaces, in the order of the tasks."""

    environments: tuple[Environment, ...] = ()
    n_steps: int = 32
    """Steps of one environment that count as a training example."""


def episode_seeds(split: str, *parts: Any) -> np.ndarray:
    """Seeds of episodes by what names them, in the range of their split; the parts broadcast."""
    bits = stream_key(_EPISODE, *parts) & np.uint64(2**_RANGE - 1)
    return np.asarray((SPLITS.index(split) << _RANGE) + bits.astype(np.int64))


def not_installed(error: ImportError) -> ValueError:
    """What is said where Gymnasium or Stable-Baselines3 is missing."""
    return ValueError(
        f"{error.name} is not installed; agents as students need it: pip install gymnasium "
        "stable-baselines3"
    )
