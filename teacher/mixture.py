"""Mixtures of tasks as actions: logits with Gaussian noise, and the shares that they stand for.

Legend: b batch, k tasks.
"""

from typing import Any

import numpy as np
import torch
from stable_baselines3.common.distributions import DiagGaussianDistribution
from torch import Tensor


def mixture_shares(logits: np.ndarray, present: np.ndarray | None = None) -> np.ndarray:
    """Softmax over the tasks that exist, rows sum to 1, (b, k) float64.

    Args:
        logits: what a policy chose, (b, k).
        present: which tasks exist, (b, k) bool; all by default.
    """
    there = np.ones(logits.shape, bool) if present is None else present
    heights = np.where(there, np.asarray(logits, dtype=np.float64), -np.inf)
    weights = np.exp(heights - heights.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def mixture_logits(shares: np.ndarray, highest: float = 10.0) -> np.ndarray:
    """Logits in [-highest, highest] of which `mixture_shares` makes these shares, (b, k) float32.

    A share more than exp(2 highest) times smaller than the largest becomes that much smaller.
    """
    heights = np.log(np.maximum(shares, 1e-30) / shares.max(axis=1, keepdims=True))
    return np.asarray(np.clip(heights + highest, -highest, highest), dtype=np.float32)


class TaskwiseGaussian(DiagGaussianDistribution):
    """Independent noise on the logit of each task that exists; the others stay at their mean.

    Sums are over the tasks that exist, so padding changes neither likelihood nor entropy.
    """

    here: Tensor

    def proba_distribution(  # type: ignore[override]  # SB3 has no `here`
        self, mean_actions: Tensor, log_std: Tensor, here: Tensor
    ) -> "TaskwiseGaussian":
        """The distribution of means (b, k), deviations (1,) or (b, k), and existence (b, k)."""
        super().proba_distribution(mean_actions, log_std)
        self.here = here
        return self

    def log_prob(self, actions: Tensor) -> Tensor:
        """Log-likelihood of each row of actions, (b, k) -> (b,)."""
        normal: Any = self.distribution
        density: Tensor = normal.log_prob(actions)
        return (density * self.here).sum(dim=1)

    def entropy(self) -> Tensor:
        """Entropy of each row, (b,)."""
        normal: Any = self.distribution
        entropy: Tensor = normal.entropy()
        return (entropy * self.here).sum(dim=1)

    def sample(self) -> Tensor:
        """Noisy logits, (b, k)."""
        return torch.where(self.here > 0, super().sample(), self.distribution.mean)


class SquashedTaskwiseGaussian(TaskwiseGaussian):
    """The same noise before a tanh, as the actor of SAC has it (Haarnoja et al. 2018, app. C)."""

    def actions_from_params(  # type: ignore[override]  # SB3 has no `here`
        self, mean_actions: Tensor, log_std: Tensor, here: Tensor, deterministic: bool = False
    ) -> Tensor:
        """Sampled or most likely actions in (-1, 1), (b, k)."""
        self.proba_distribution(mean_actions, log_std, here)
        return torch.tanh(self.get_actions(deterministic=deterministic))

    def log_prob_from_params(  # type: ignore[override]  # SB3 has no `here`
        self, mean_actions: Tensor, log_std: Tensor, here: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Sampled actions in (-1, 1), (b, k), and their log-likelihood, (b,)."""
        gaussian = self.proba_distribution(mean_actions, log_std, here).sample()
        actions = torch.tanh(gaussian)
        stretch = torch.log(1.0 - actions**2 + 1e-6)
        return actions, self.log_prob(gaussian) - (stretch * here).sum(dim=1)
