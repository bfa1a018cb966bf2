"""A policy network that does not depend on the number or the order of tasks.

One small network reads the columns of each task; pooled over the tasks its output is the context,
and task and context together give the task's logit. Permuting the tasks permutes the logits, so a
teacher that was trained on one suite works on another.

Legend: b batch, k tasks, f columns, h width.
"""

from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.type_aliases import Schedule
from torch import Tensor, nn

_FAR_BELOW = -1e9


class TaskColumns(BaseFeaturesExtractor):
    """Hands the observation on as it is, (b, k, f)."""

    def __init__(self, observation_space: spaces.Box) -> None:
        if len(observation_space.shape) != 2:
            raise ValueError(
                f"TaskwisePolicy reads observations of (k, f), got {observation_space.shape}"
            )
        super().__init__(observation_space, features_dim=observation_space.shape[1])

    def forward(self, observations: Tensor) -> Tensor:
        """(b, k, f) -> (b, k, f)."""
        return observations


class TaskwiseNetwork(nn.Module):
    """Columns to latent vectors: per task with context for the actor, pooled for the critic."""

    def __init__(self, n_columns: int, width: int, present: int | None) -> None:
        super().__init__()
        self.present = present
        self.latent_dim_pi, self.latent_dim_vf = width + 1, width
        self.encoder = nn.Sequential(
            nn.Linear(n_columns, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh()
        )
        self.actor = nn.Sequential(nn.Linear(3 * width, width), nn.Tanh())
        self.critic = nn.Sequential(nn.Linear(2 * width, width), nn.Tanh())

    def forward(self, columns: Tensor) -> tuple[Tensor, Tensor]:
        """(b, k, f) -> actor (b, k, h + 1), the last number tells who is there; critic (b, h)."""
        here = self._here(columns)
        tasks = self.encoder(columns)
        context = self._context(tasks, here)
        return self._actor(tasks, context, here), self.critic(context)

    def forward_actor(self, columns: Tensor) -> Tensor:
        """(b, k, f) -> (b, k, h + 1)."""
        here = self._here(columns)
        tasks = self.encoder(columns)
        return self._actor(tasks, self._context(tasks, here), here)

    def forward_critic(self, columns: Tensor) -> Tensor:
        """(b, k, f) -> (b, h)."""
        latent: Tensor = self.critic(self._context(self.encoder(columns), self._here(columns)))
        return latent

    def _here(self, columns: Tensor) -> Tensor:
        """1 for tasks that exist, (b, k, 1)."""
        if self.present is None:
            return torch.ones_like(columns[:, :, :1])
        return (columns[:, :, self.present : self.present + 1] > 0).to(columns.dtype)

    def _context(self, tasks: Tensor, here: Tensor) -> Tensor:
        """Mean and maximum over the tasks that exist, (b, 2 h)."""
        mean = (tasks * here).sum(dim=1) / here.sum(dim=1)
        highest = torch.where(here > 0, tasks, -1.0).amax(dim=1)
        return torch.cat([mean, highest], dim=1)

    def _actor(self, tasks: Tensor, context: Tensor, here: Tensor) -> Tensor:
        around = context[:, None].expand(-1, tasks.shape[1], -1)
        return torch.cat([self.actor(torch.cat([tasks, around], dim=2)), here], dim=2)


class TaskLogits(nn.Module):
    """(b, k, h + 1) -> logits (b, k); a task that does not exist is never chosen."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, 1)

    def forward(self, latent: Tensor) -> Tensor:
        """One logit per task."""
        logits = self.linear(latent[:, :, :-1])[:, :, 0]
        return torch.where(latent[:, :, -1] > 0, logits, _FAR_BELOW)


class TaskwisePolicy(ActorCriticPolicy):
    """Actor and critic over (k, f) observations for any k.

    Args:
        observation_space: `Box` (k, f).
        action_space: `Discrete(k)`.
        lr_schedule: learning rate by remaining progress.
        width: units of every layer.
        present: index of the `present` column where suites are padded.
        kwargs: those of SB3's `ActorCriticPolicy`.
    """

    def __init__(
        self,
        observation_space: spaces.Box,
        action_space: spaces.Discrete,
        lr_schedule: Schedule,
        width: int = 64,
        present: int | None = None,
        **kwargs: Any,
    ) -> None:
        self.width, self.present = width, present
        kwargs |= {"ortho_init": False, "features_extractor_class": TaskColumns}
        super().__init__(observation_space, action_space, lr_schedule, **kwargs)

    def _build_mlp_extractor(self) -> None:
        self.mlp_extractor = TaskwiseNetwork(self.features_dim, self.width, self.present)  # type: ignore[assignment]

    def _build(self, lr_schedule: Schedule) -> None:
        super()._build(lr_schedule)
        self.action_net = TaskLogits(self.width)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.orthogonal_(module.weight, gain=2.0**0.5)
                nn.init.zeros_(module.bias)
        nn.init.orthogonal_(self.action_net.linear.weight, gain=0.01)
        nn.init.orthogonal_(self.value_net.weight, gain=1.0)
        self.optimizer = self.optimizer_class(
            self.parameters(),
            lr=lr_schedule(1),  # type: ignore[call-arg]
            **self.optimizer_kwargs,
        )

    def _get_constructor_parameters(self) -> dict[str, Any]:
        data = super()._get_constructor_parameters()
        for settled in ("ortho_init", "features_extractor_class", "net_arch"):
            data.pop(settled, None)
        return data | {"width": self.width, "present": self.present}
