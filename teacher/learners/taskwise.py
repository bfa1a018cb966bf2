"""A policy network that does not depend on the number or the order of tasks.

One small network reads the columns of each task; pooled over the tasks its output is the context,
and task and context together give the task's logit. Permuting the tasks permutes the logits, so a
teacher that was trained on one suite works on another.

Legend: b batch, k tasks, f columns, h width.
"""

from typing import TYPE_CHECKING, Any

import torch
from gymnasium import spaces
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.preprocessing import get_action_dim
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.type_aliases import Schedule
from torch import Tensor, nn

from ..mixture import TaskwiseGaussian
from ..pickles import NamedByFace

# sb3-contrib's maskable policy is not one of SB3's actor-critic policies, only like one.
if TYPE_CHECKING:
    _ActorCritic = ActorCriticPolicy
else:
    _ActorCritic = object

FAR_BELOW = -1e9
"""Logit or value of a task that does not exist: it is never chosen."""


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


class TaskwiseActor(nn.Module):
    """Columns to one latent vector per task, which knows its context."""

    def __init__(
        self, n_columns: int, width: int, present: int | None, activation_fn: type[nn.Module]
    ) -> None:
        super().__init__()
        check_place(present, n_columns)
        self.present, self.activation = present, activation_fn()
        self.latent_dim_pi = width + 1
        self.encoder = nn.Sequential(
            nn.Linear(n_columns, width), activation_fn(), nn.Linear(width, width), activation_fn()
        )
        self.actor = nn.Linear(width, width)
        self.actor_context = nn.Linear(2 * width, width, bias=False)

    def forward(self, columns: Tensor) -> Any:
        """(b, k, f) -> (b, k, h + 1), the last number tells who is there."""
        return self.forward_actor(columns)

    def forward_actor(self, columns: Tensor) -> Tensor:
        """(b, k, f) -> (b, k, h + 1)."""
        here = places_with_a_task(columns, self.present)
        tasks = self.encoder(columns)
        return self._actor(tasks, pooled(tasks, here, self.present), here)

    def _actor(self, tasks: Tensor, context: Tensor, here: Tensor) -> Tensor:
        # One layer over task and context together: the context's half is the same for all tasks.
        latent = self.activation(self.actor(tasks) + self.actor_context(context)[:, None])
        return torch.cat([latent, here], dim=2)


class TaskwiseNetwork(TaskwiseActor):
    """Columns to latent vectors: per task with context for the actor, pooled for the critic."""

    def __init__(
        self, n_columns: int, width: int, present: int | None, activation_fn: type[nn.Module]
    ) -> None:
        super().__init__(n_columns, width, present, activation_fn)
        self.latent_dim_vf = width
        self.critic = nn.Sequential(nn.Linear(2 * width, width), activation_fn())

    def forward(self, columns: Tensor) -> tuple[Tensor, Tensor]:
        """(b, k, f) -> actor (b, k, h + 1), the last number tells who is there; critic (b, h)."""
        here = places_with_a_task(columns, self.present)
        tasks = self.encoder(columns)
        context = pooled(tasks, here, self.present)
        return self._actor(tasks, context, here), self.critic(context)

    def forward_critic(self, columns: Tensor) -> Tensor:
        """(b, k, f) -> (b, h)."""
        here = places_with_a_task(columns, self.present)
        latent: Tensor = self.critic(pooled(self.encoder(columns), here, self.present))
        return latent


def check_place(present: int | None, n_columns: int, name: str = "present") -> None:
    """Refuse what is no place among columns, as a file may hold it that anybody wrote.

    Raises:
        ValueError: naming it.
    """
    if present is not None and not (type(present) is int and 0 <= present < n_columns):
        raise ValueError(
            f"{name} must be the place of a column, from 0 to {n_columns - 1}, or None, got "
            f"{present!r:.40}"
        )


def places_with_a_task(columns: Tensor, present: int | None) -> Tensor:
    """1 for tasks that exist by the column `present`, all without one; (b, k, f) -> (b, k, 1)."""
    if present is None:
        return torch.ones_like(columns[:, :, :1])
    return (columns[:, :, present : present + 1] > 0).to(columns.dtype)


def pooled(tasks: Tensor, here: Tensor, present: int | None) -> Tensor:
    """Mean and maximum over the tasks that exist, (b, k, h) and (b, k, 1) -> (b, 2 h)."""
    if present is None:
        # The same numbers with half the passes over memory.
        mean, highest = tasks.sum(dim=1) / tasks.shape[1], tasks.amax(dim=1)
        return torch.cat([mean, highest], dim=1)
    # Finite for a row without any task: sb3-contrib fills up short sequences with such rows.
    mean = (tasks * here).sum(dim=1) / here.sum(dim=1).clamp(min=1)
    highest = torch.where(here > 0, tasks, FAR_BELOW).amax(dim=1)
    return torch.cat([mean, highest], dim=1)


class TaskOutputs(nn.Module):
    """(b, k, h + 1) -> numbers (b, k), a fixed one where there is no task."""

    def __init__(self, width: int, absent: float) -> None:
        super().__init__()
        self.linear, self.absent = nn.Linear(width, 1), absent

    def forward(self, latent: Tensor) -> Tensor:
        """One number per task."""
        outputs = self.linear(latent[:, :, :-1])[:, :, 0]
        return torch.where(latent[:, :, -1] > 0, outputs, self.absent)


def initialize(module: nn.Module) -> None:
    """Orthogonal weights and no biases in every linear layer."""
    for layer in module.modules():
        if isinstance(layer, nn.Linear):
            nn.init.orthogonal_(layer.weight, gain=2.0**0.5)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def initialize_actor(network: TaskwiseActor) -> None:
    """Orthogonal weights in the layer of three widths that task and context enter together."""
    nn.init.orthogonal_(network.actor.weight, gain=(2.0 / 3.0) ** 0.5)
    nn.init.orthogonal_(network.actor_context.weight, gain=(4.0 / 3.0) ** 0.5)


class Taskwise(metaclass=NamedByFace):
    """Marks the policies that have the same weights for any number and order of tasks."""


class TaskwiseActorCritic(Taskwise, _ActorCritic):
    """Makes an SB3 actor-critic policy taskwise; stands before it among the bases.

    Args:
        observation_space: `Box` (k, f).
        action_space: `Discrete(k)`, or `Box` (k,) for the logits of a mixture: then the policy is
            Gaussian, with a mean per task and one standard deviation for all.
        lr_schedule: learning rate by remaining progress.
        width: units of every layer.
        present: index of the `present` column where suites are padded.
        activation_fn: between the layers.
        kwargs: those of SB3's policy.
    """

    def __init__(
        self,
        observation_space: spaces.Box,
        action_space: spaces.Discrete | spaces.Box,
        lr_schedule: Schedule,
        width: int = 64,
        present: int | None = None,
        activation_fn: type[nn.Module] = nn.ReLU,
        **kwargs: Any,
    ) -> None:
        if kwargs.get("use_sde"):
            raise ValueError("a taskwise policy has no state-dependent noise: leave out use_sde")
        self.width, self.present = width, present
        if "optimizer_class" not in kwargs:
            kwargs.setdefault("optimizer_kwargs", {"eps": 1e-5, "fused": True})
        kwargs |= {"ortho_init": False, "features_extractor_class": TaskColumns}
        super().__init__(
            observation_space, action_space, lr_schedule, activation_fn=activation_fn, **kwargs
        )

    def _n_columns(self) -> int:
        """Numbers per task that the network reads."""
        return int(self.features_dim)

    def _build_mlp_extractor(self) -> None:
        self.mlp_extractor: Any = TaskwiseNetwork(
            self._n_columns(), self.width, self.present, self.activation_fn
        )

    def _build(self, lr_schedule: Schedule) -> None:
        mixes = isinstance(self.action_space, spaces.Box)
        if mixes:
            self.action_dist = TaskwiseGaussian(get_action_dim(self.action_space))
        super()._build(lr_schedule)
        self.action_net: Any = self._outputs(0.0 if mixes else FAR_BELOW)
        if mixes:
            self.log_std = nn.Parameter(torch.full((1,), float(self.log_std_init)))
        initialize(self)
        initialize_actor(self.mlp_extractor)
        self._initialize_outputs()
        nn.init.orthogonal_(self.value_net.weight, gain=1.0)
        self._new_optimizer(lr_schedule)

    def _outputs(self, absent: float) -> TaskOutputs:
        """The last layer, which gives each task a logit."""
        return TaskOutputs(self.width, absent)

    def _initialize_outputs(self) -> None:
        nn.init.orthogonal_(self.action_net.linear.weight, gain=0.01)

    def _log_deviations(self, latent: Tensor) -> Tensor:
        """Logarithms of the deviations of a mixture's logits, (1,) or (b, k)."""
        return self.log_std

    def _new_optimizer(self, lr_schedule: Schedule) -> None:
        self.optimizer = self.optimizer_class(
            self.parameters(),
            lr=lr_schedule(1),  # type: ignore[call-arg]  # SB3 says Optimizer, which takes no lr
            **self.optimizer_kwargs,
        )

    def _get_action_dist_from_latent(self, latent_pi: Tensor) -> Any:
        if not isinstance(self.action_dist, TaskwiseGaussian):
            return super()._get_action_dist_from_latent(latent_pi)
        means, here = self.action_net(latent_pi), latent_pi[:, :, -1]
        return self.action_dist.proba_distribution(means, self._log_deviations(latent_pi), here)

    def _get_constructor_parameters(self) -> dict[str, Any]:
        data = super()._get_constructor_parameters()
        for settled in ("ortho_init", "features_extractor_class", "net_arch"):
            data.pop(settled, None)
        return data | {"width": self.width, "present": self.present}


class TaskwisePolicy(TaskwiseActorCritic, ActorCriticPolicy):
    """Actor and critic over (k, f) observations for any k; arguments of `TaskwiseActorCritic`."""
