"""The taskwise policies of sb3-contrib's learners; needs sb3-contrib.

Legend: n students, b batch, k tasks, f columns, h width.
"""

from typing import Any

import torch
from gymnasium import spaces
from sb3_contrib import QRDQN, TRPO, MaskablePPO, RecurrentPPO
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from sb3_contrib.common.recurrent.policies import RecurrentActorCriticPolicy
from sb3_contrib.qrdqn.policies import QRDQNPolicy, QuantileNetwork
from stable_baselines3.common.type_aliases import Schedule
from torch import Tensor

from .recurrent import TaskwiseLSTM
from .taskwise import TaskwiseActorCritic, places_with_a_task
from .taskwise_q import ExploresWhatExists, TaskValues, TaskwiseValuePolicy

__all__ = [
    "TRPO",
    "MasteryMaskedPPO",
    "RecurrentPPO",
    "TaskwiseMaskedPolicy",
    "TaskwiseQRDQN",
    "TaskwiseQuantilePolicy",
    "TaskwiseRecurrentPolicy",
]


class TaskwiseRecurrentPolicy(TaskwiseActorCritic, RecurrentActorCriticPolicy):
    """The policy of `RecurrentPPO` with a memory per task, for any k.

    Actor and critic have an LSTM each; arguments are those of `TaskwiseActorCritic`. The state of
    `predict` is that of sb3-contrib: hidden and cell, (1, n, k h) each.
    """

    def __init__(
        self,
        observation_space: spaces.Box,
        action_space: spaces.Discrete | spaces.Box,
        lr_schedule: Schedule,
        width: int = 64,
        present: int | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs |= {"lstm_hidden_size": width}
        super().__init__(observation_space, action_space, lr_schedule, width, present, **kwargs)
        n_tasks, n_columns = observation_space.shape
        self.lstm_actor: Any = TaskwiseLSTM(n_tasks, n_columns, width)
        self.lstm_critic: Any = TaskwiseLSTM(n_tasks, n_columns, width)
        self.lstm_hidden_state_shape = (1, 1, n_tasks * width)
        self._new_optimizer(lr_schedule)

    def _n_columns(self) -> int:
        return int(self.features_dim) + self.width

    def distribution_after(self, observation: Tensor, state: Any) -> Any:
        """What the last action was chosen from, given the state that was left afterwards.

        Args:
            observation: what was seen, (n, k, f).
            state: what `predict` returned.
        """
        hidden = torch.as_tensor(state[0][-1], dtype=torch.float32, device=self.device)
        columns = self.lstm_actor.beside(observation, hidden)
        return self._get_action_dist_from_latent(self.mlp_extractor.forward_actor(columns))


class TaskwiseMaskedPolicy(  # type: ignore[misc]  # two policies that are alike, not akin
    TaskwiseActorCritic, MaskableActorCriticPolicy
):
    """The policy of `MaskablePPO` that never chooses a mastered task while there are others.

    It finds them in what it is shown: a task is mastered where its score has reached its threshold.
    A mask that is handed to it is heeded too.

    Args:
        args: those of `TaskwiseActorCritic`.
        score: index of the column `score`.
        threshold: index of the column `threshold`.
        kwargs: those of `TaskwiseActorCritic`.
    """

    def __init__(self, *args: Any, score: int, threshold: int, **kwargs: Any) -> None:
        self.score, self.threshold = score, threshold
        super().__init__(*args, **kwargs)

    def forward(
        self, obs: Any, deterministic: bool = False, action_masks: Any = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Actions, values and log-likelihoods."""
        return super().forward(  # type: ignore[call-arg]  # SB3's own has no masks
            obs, deterministic, action_masks=self._mask(obs, action_masks)
        )

    def get_distribution(self, obs: Any, action_masks: Any = None) -> Any:
        """The distribution over the tasks that may be chosen."""
        return super().get_distribution(  # type: ignore[call-arg]  # SB3's own has no masks
            obs, action_masks=self._mask(obs, action_masks)
        )

    def evaluate_actions(
        self, obs: Any, actions: Tensor, action_masks: Any = None
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Values, log-likelihoods and entropies."""
        return super().evaluate_actions(  # type: ignore[call-arg]  # SB3's own has no masks
            obs, actions, action_masks=self._mask(obs, action_masks)
        )

    def _mask(self, observation: Tensor, mask: Any) -> Tensor:
        """Present, unmastered tasks, or all that are present where none is left, (b, k) bool."""
        present = places_with_a_task(observation, self.present)[:, :, 0] > 0
        if mask is not None:
            present = present & torch.as_tensor(mask, dtype=torch.bool).reshape(present.shape)
        unmastered = present & (observation[:, :, self.score] < observation[:, :, self.threshold])
        return torch.where(unmastered.any(dim=1, keepdim=True), unmastered, present)

    def _get_constructor_parameters(self) -> dict[str, Any]:
        data = super()._get_constructor_parameters()
        return data | {"score": self.score, "threshold": self.threshold}


class MasteryMaskedPPO(MaskablePPO):
    """sb3-contrib's `MaskablePPO`; its policy finds the masks in what it is shown."""

    def learn(
        self, total_timesteps: int, *args: Any, use_masking: bool = False, **kwargs: Any
    ) -> "MasteryMaskedPPO":
        """As in sb3-contrib; `use_masking` asks the environment for masks of its own besides."""
        return super().learn(total_timesteps, *args, **(kwargs | {"use_masking": use_masking}))


class _Quantiles(QuantileNetwork):
    """Quantiles of the value of each task, (b, quantiles, k)."""

    def __init__(self, *args: Any, width: int, present: int | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.quantile_net: Any = TaskValues(
            self.features_dim, width, present, self.activation_fn, self.n_quantiles
        )

    def forward(self, obs: Any) -> Tensor:
        """(b, k, f) -> (b, quantiles, k)."""
        columns = self.extract_features(obs, self.features_extractor)
        values: Tensor = self.quantile_net(columns)
        return values.transpose(1, 2)


class TaskwiseQuantilePolicy(TaskwiseValuePolicy, QRDQNPolicy):
    """The policy of QRDQN over (k, f) observations; arguments of `TaskwiseValuePolicy`."""

    def make_quantile_net(self) -> QuantileNetwork:
        """One network; there are two, of which one is the target."""
        arguments = self._update_features_extractor(self.net_args, features_extractor=None)
        return _Quantiles(width=self.width, present=self.present, **arguments).to(self.device)


class TaskwiseQRDQN(ExploresWhatExists, QRDQN):
    """sb3-contrib's `QRDQN`, which explores only tasks that exist."""
