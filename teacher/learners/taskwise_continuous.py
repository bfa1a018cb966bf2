"""Taskwise actors and critics of SAC, TD3 and DDPG, whose actions are mixtures.

Legend: b batch, k tasks, f columns, h width.
"""

from typing import TYPE_CHECKING, Any

import torch
from gymnasium import spaces
from stable_baselines3.common.policies import BasePolicy, ContinuousCritic
from stable_baselines3.common.preprocessing import get_action_dim
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.type_aliases import Schedule
from stable_baselines3.sac.policies import LOG_STD_MAX, LOG_STD_MIN, SACPolicy
from stable_baselines3.sac.policies import Actor as SACActor
from stable_baselines3.td3.policies import Actor as TD3Actor
from stable_baselines3.td3.policies import TD3Policy
from torch import Tensor, nn

from ..mixture import SquashedTaskwiseGaussian
from .taskwise import (
    TaskColumns,
    TaskOutputs,
    Taskwise,
    TaskwiseActor,
    check_place,
    initialize,
    initialize_actor,
    places_with_a_task,
    pooled,
)

# What stands in front of a policy is itself none.
if TYPE_CHECKING:
    _Policy = BasePolicy
else:
    _Policy = object


class TaskwiseSACActor(SACActor):
    """Mean and deviation of every task's logit before the tanh."""

    def __init__(self, *args: Any, width: int, present: int | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        actor = TaskwiseActor(self.features_dim, width, present, self.activation_fn)
        self.latent_pi: Any = actor
        self.mu = TaskOutputs(width, 0.0)
        self.log_std: Any = TaskOutputs(width, 0.0)
        self.action_dist: Any = SquashedTaskwiseGaussian(get_action_dim(self.action_space))
        _initialize_actor(self, actor, self.mu, self.log_std)

    def get_action_dist_params(self, obs: Any) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """Means, logarithms of the deviations, and which tasks exist, (b, k) each."""
        latent = self.latent_pi(self.extract_features(obs, self.features_extractor))
        spread = torch.clamp(self.log_std(latent), LOG_STD_MIN, LOG_STD_MAX)
        return self.mu(latent), spread, {"here": latent[:, :, -1]}


class TaskwiseTD3Actor(TD3Actor):
    """Logit of every task in (-1, 1)."""

    def __init__(self, *args: Any, width: int, present: int | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        actor = TaskwiseActor(self.features_dim, width, present, self.activation_fn)
        outputs = TaskOutputs(width, 0.0)
        self.mu = nn.Sequential(actor, outputs, nn.Tanh())
        _initialize_actor(self, actor, outputs)


def _initialize_actor(whole: nn.Module, actor: TaskwiseActor, *outputs: Any) -> None:
    initialize(whole)
    initialize_actor(actor)
    for output in outputs:
        nn.init.orthogonal_(output.linear.weight, gain=0.01)


class MixtureValue(nn.Module):
    """Value of a mixture: columns with shares (b, k, f + 1) to (b, 1)."""

    def __init__(
        self, n_columns: int, width: int, present: int | None, activation_fn: type[nn.Module]
    ) -> None:
        super().__init__()
        check_place(present, n_columns)
        self.present = present
        self.encoder = nn.Sequential(
            nn.Linear(n_columns, width), activation_fn(), nn.Linear(width, width), activation_fn()
        )
        self.value = nn.Sequential(
            nn.Linear(2 * width, width), activation_fn(), nn.Linear(width, 1)
        )
        initialize(self)

    def forward(self, columns: Tensor) -> Tensor:
        """One value per row."""
        here = places_with_a_task(columns, self.present)
        value: Tensor = self.value(pooled(self.encoder(columns), here, self.present))
        return value


class TaskwiseCritic(ContinuousCritic):
    """Values of a mixture by its shares, which are all that the environment goes by."""

    def __init__(self, *args: Any, width: int, present: int | None, **kwargs: Any) -> None:
        columns, activation_fn = kwargs["features_dim"], kwargs.get("activation_fn", nn.ReLU)
        super().__init__(*args, **kwargs)
        space: Any = self.action_space
        self.present, self.highest = present, float(space.high.max())
        self.q_networks = [
            MixtureValue(columns + 1, width, present, activation_fn) for _ in self.q_networks
        ]
        for i, network in enumerate(self.q_networks):
            self.add_module(f"qf{i}", network)

    def forward(self, obs: Tensor, actions: Tensor) -> tuple[Tensor, ...]:
        """Columns (b, k, f) and logits (b, k) as fractions of the highest to values (b, 1)."""
        columns = self._with_shares(obs, actions)
        return tuple(network(columns) for network in self.q_networks)

    def q1_forward(self, obs: Tensor, actions: Tensor) -> Tensor:
        """Values of the mixtures by the first critic, (b, 1)."""
        value: Tensor = self.q_networks[0](self._with_shares(obs, actions))
        return value

    def _with_shares(self, obs: Tensor, actions: Tensor) -> Tensor:
        columns = self.extract_features(obs, self.features_extractor)
        here = places_with_a_task(columns, self.present)
        logits = torch.where(here > 0, self.highest * actions[:, :, None], -torch.inf)
        # Times the number of tasks: even shares are 1 for any number of them.
        shares = torch.softmax(logits, dim=1) * here.sum(dim=1, keepdim=True)
        return torch.cat([columns, shares], dim=2)


class _TaskwiseMixture(Taskwise, _Policy):
    """What the policies of SAC and TD3 have in common; stands before them."""

    actor_class: type[nn.Module]
    actor_kwargs: dict[str, Any]
    critic_kwargs: dict[str, Any]

    def __init__(
        self,
        observation_space: spaces.Box,
        action_space: spaces.Box,
        lr_schedule: Schedule,
        width: int = 64,
        present: int | None = None,
        **kwargs: Any,
    ) -> None:
        if kwargs.get("use_sde"):
            raise ValueError("a taskwise policy has no state-dependent noise: leave out use_sde")
        self.width, self.present = width, present
        kwargs |= {"features_extractor_class": TaskColumns, "net_arch": []}
        super().__init__(observation_space, action_space, lr_schedule, **kwargs)

    def make_actor(self, features_extractor: BaseFeaturesExtractor | None = None) -> Any:
        """The actor, or its target."""
        return self._network(self.actor_class, self.actor_kwargs, features_extractor)

    def make_critic(self, features_extractor: BaseFeaturesExtractor | None = None) -> Any:
        """The critics, or their targets."""
        return self._network(TaskwiseCritic, self.critic_kwargs, features_extractor)

    def _network(self, maker: Any, options: dict[str, Any], extractor: Any) -> Any:
        arguments = self._update_features_extractor(options, extractor)
        return maker(width=self.width, present=self.present, **arguments).to(self.device)

    def _get_constructor_parameters(self) -> dict[str, Any]:
        data = super()._get_constructor_parameters()
        return data | {"width": self.width, "present": self.present}


class TaskwiseSACPolicy(_TaskwiseMixture, SACPolicy):
    """The policy of SAC over (k, f) observations and mixtures, for any k.

    Arguments are `width`, `present` and those of SB3's `SACPolicy`.
    """

    actor_class = TaskwiseSACActor


class TaskwiseTD3Policy(_TaskwiseMixture, TD3Policy):
    """The policy of TD3 and DDPG over (k, f) observations and mixtures, for any k.

    Arguments are `width`, `present` and those of SB3's `TD3Policy`.
    """

    actor_class = TaskwiseTD3Actor
