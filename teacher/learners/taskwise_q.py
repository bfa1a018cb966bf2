"""Values of tasks instead of probabilities: the taskwise networks of DQN and its relatives.

The value of a task is that of the situation plus the task's own advantage, as in a dueling network
(Wang et al. 2016), both from the taskwise network.

Legend: n students, b batch, k tasks, f columns, h width.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3 import DQN
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.type_aliases import Schedule
from stable_baselines3.dqn.policies import DQNPolicy, QNetwork
from torch import Tensor, nn

from .taskwise import (
    FAR_BELOW,
    TaskColumns,
    Taskwise,
    TaskwiseNetwork,
    initialize,
    initialize_actor,
)

# sb3-contrib's quantile policy is not one of DQN's, only like one.
if TYPE_CHECKING:
    _ValuePolicy = BasePolicy
    _Learner = OffPolicyAlgorithm
else:
    _ValuePolicy = _Learner = object


class TaskValues(nn.Module):
    """Columns (b, k, f) to `outputs` values of each task, (b, k, outputs)."""

    def __init__(
        self,
        n_columns: int,
        width: int,
        present: int | None,
        activation_fn: type[nn.Module],
        outputs: int = 1,
    ) -> None:
        super().__init__()
        self.network = TaskwiseNetwork(n_columns, width, present, activation_fn)
        self.value, self.advantage = nn.Linear(width, outputs), nn.Linear(width, outputs)
        initialize(self)
        initialize_actor(self.network)
        for last in (self.value, self.advantage):
            nn.init.orthogonal_(last.weight, gain=0.1)

    def forward(self, columns: Tensor) -> Tensor:
        """A task that does not exist has a value far below the others."""
        actor, critic = self.network(columns)
        here = actor[:, :, -1:]
        advantage = self.advantage(actor[:, :, :-1])
        mean = (advantage * here).sum(dim=1, keepdim=True) / here.sum(dim=1, keepdim=True)
        values = self.value(critic)[:, None] + advantage - mean
        return torch.where(here > 0, values, FAR_BELOW)


class TaskwiseQNetwork(QNetwork):
    """Value of each task, (b, k)."""

    def __init__(self, *args: Any, width: int, present: int | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.q_net: Any = TaskValues(self.features_dim, width, present, self.activation_fn)

    def forward(self, obs: Any) -> Tensor:
        """(b, k, f) -> (b, k)."""
        values: Tensor = super().forward(obs)[:, :, 0]
        return values


class TaskwiseValuePolicy(Taskwise, _ValuePolicy):
    """Makes a value-based policy of SB3 taskwise, for any k; stands before it among the bases.

    Args:
        observation_space: `Box` (k, f).
        action_space: `Discrete(k)`.
        lr_schedule: learning rate by remaining progress.
        width: units of every layer.
        present: index of the `present` column where suites are padded.
        kwargs: those of SB3's policy.
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
        kwargs |= {"features_extractor_class": TaskColumns, "net_arch": []}
        super().__init__(observation_space, action_space, lr_schedule, **kwargs)

    def _get_constructor_parameters(self) -> dict[str, Any]:
        data = super()._get_constructor_parameters()
        return data | {"width": self.width, "present": self.present}


class TaskwiseQPolicy(TaskwiseValuePolicy, DQNPolicy):
    """The policy of DQN over (k, f) observations; arguments of `TaskwiseValuePolicy`."""

    def make_q_net(self) -> QNetwork:
        """One network; there are two, of which one is the target."""
        arguments = self._update_features_extractor(self.net_args, features_extractor=None)
        return TaskwiseQNetwork(width=self.width, present=self.present, **arguments).to(self.device)


class ExploresWhatExists(_Learner):
    """Makes a value-based learner of SB3 explore no place without a task; stands before it.

    SB3 explores by drawing from all places. Where suites are padded, a draw that hit a place
    without a task is replaced by one of those that have one.
    """

    def predict(
        self,
        observation: Any,
        state: Any = None,
        episode_start: np.ndarray | None = None,
        deterministic: bool = False,
    ) -> tuple[np.ndarray, Any]:
        """As in SB3, but no place without a task is chosen."""
        actions, state = super().predict(observation, state, episode_start, deterministic)
        return self._existing(actions, observation), state

    def _sample_action(self, *args: Any, **kwargs: Any) -> tuple[np.ndarray, np.ndarray]:
        actions, _ = super()._sample_action(*args, **kwargs)
        actions = self._existing(actions, self._last_obs)
        return actions, actions

    def _existing(self, actions: np.ndarray, observation: Any) -> np.ndarray:
        present = self.policy_kwargs.get("present")
        if present is None:
            return actions
        here = np.asarray(observation)[..., present] > 0
        exists = np.take_along_axis(here, np.asarray(actions)[..., None], axis=-1)[..., 0]
        lots = self.action_space.np_random.random(here.shape) * here
        return np.asarray(np.where(exists, actions, lots.argmax(axis=-1)))


class TaskwiseDQN(ExploresWhatExists, DQN):
    """SB3's `DQN`, which explores only tasks that exist."""
