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

    def __init__(
        self, n_columns: int, width: int, present: int | None, activation_fn: type[nn.Module]
    ) -> None:
        super().__init__()
        self.present, self.activation = present, activation_fn()
        self.latent_dim_pi, self.latent_dim_vf = width + 1, width
        self.encoder = nn.Sequential(
            nn.Linear(n_columns, width), activation_fn(), nn.Linear(width, width), activation_fn()
        )
        self.actor = nn.Linear(width, width)
        self.actor_context = nn.Linear(2 * width, width, bias=False)
        self.critic = nn.Sequential(nn.Linear(2 * width, width), activation_fn())

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
        highest = torch.where(here > 0, tasks, -torch.inf).amax(dim=1)
        return torch.cat([mean, highest], dim=1)

    def _actor(self, tasks: Tensor, context: Tensor, here: Tensor) -> Tensor:
        # One layer over task and context together: the context's half is the same for all tasks.
        latent = self.activation(self.actor(tasks) + self.actor_context(context)[:, None])
        return torch.cat([latent, here], dim=2)


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
        activation_fn: between the layers.
        kwargs: those of SB3's `ActorCriticPolicy`.
    """

    def __init__(
        self,
        observation_space: spaces.Box,
        action_space: spaces.Discrete,
        lr_schedule: Schedule,
        width: int = 64,
        present: int | None = None,
        activation_fn: type[nn.Module] = nn.ReLU,
        **kwargs: Any,
    ) -> None:
        self.width, self.present = width, present
        kwargs.setdefault("optimizer_kwargs", {"eps": 1e-5, "fused": True})
        kwargs |= {"ortho_init": False, "features_extractor_class": TaskColumns}
        super().__init__(
            observation_space, action_space, lr_schedule, activation_fn=activation_fn, **kwargs
        )

    def _build_mlp_extractor(self) -> None:
        self.mlp_extractor = TaskwiseNetwork(  # type: ignore[assignment]
            self.features_dim, self.width, self.present, self.activation_fn
        )

    def _build(self, lr_schedule: Schedule) -> None:
        super()._build(lr_schedule)
        self.action_net = TaskLogits(self.width)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.orthogonal_(module.weight, gain=2.0**0.5)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        # Task and context enter one layer of three widths.
        nn.init.orthogonal_(self.mlp_extractor.actor.weight, gain=(2.0 / 3.0) ** 0.5)
        nn.init.orthogonal_(self.mlp_extractor.actor_context.weight, gain=(4.0 / 3.0) ** 0.5)
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
