"""The learners that a teacher can be, by name."""

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from stable_baselines3 import A2C, DDPG, PPO, SAC, TD3
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.policies import BasePolicy

from .evolution import CMAES
from .leaning import LeaningPolicy
from .linear import LinearLeaningPolicy
from .taskwise import TaskwisePolicy
from .taskwise_continuous import TaskwiseSACPolicy, TaskwiseTD3Policy
from .taskwise_q import TaskwiseDQN, TaskwiseQPolicy

TASK, MIXTURE = ("task",), ("mixture",)
BOTH = TASK + MIXTURE
SMALL_BUFFER = {"buffer_size": 100_000}
"""SB3 would keep a million decisions, more than a teacher ever takes."""


@dataclass(frozen=True)
class Learner:
    """An SB3 algorithm with its taskwise policy."""

    algorithm: type[BaseAlgorithm]
    policy: type[BasePolicy]
    actions: tuple[str, ...]
    """What it can choose: the next `task`, a `mixture` of tasks."""
    summary: str
    """One line."""
    needs: tuple[str, ...] = ()
    """Columns that its policy must be shown."""
    leaning: type[BasePolicy] | None = None
    """Its policy where it leans on a prior; None where it can't."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Where its defaults differ from SB3's."""


ALGORITHMS: dict[str, Learner] = {
    "ppo": Learner(
        PPO, TaskwisePolicy, BOTH, "policy gradient with clipped steps", leaning=LeaningPolicy
    ),
    "a2c": Learner(
        A2C, TaskwisePolicy, BOTH, "policy gradient, one step per short rollout",
        leaning=LeaningPolicy,
    ),
    "cma_es": Learner(
        CMAES, LinearLeaningPolicy, MIXTURE,
        "a search over few weights, by whole lifetimes of the same students; needs a prior",
        leaning=LinearLeaningPolicy,
    ),
    "dqn": Learner(
        TaskwiseDQN, TaskwiseQPolicy, TASK, "values of tasks from replayed decisions",
        settings=SMALL_BUFFER,
    ),
    "sac": Learner(
        SAC, TaskwiseSACPolicy, MIXTURE, "mixtures from values and as much chance as pays",
        settings=SMALL_BUFFER,
    ),
    "td3": Learner(
        TD3, TaskwiseTD3Policy, MIXTURE, "mixtures from the lower of two values",
        settings=SMALL_BUFFER | {"action_noise": 0.1},
    ),
    "ddpg": Learner(
        DDPG, TaskwiseTD3Policy, MIXTURE, "mixtures from one value",
        settings=SMALL_BUFFER | {"action_noise": 0.1},
    ),
}  # fmt: skip
"""Learners by the names that configs use."""

CONTRIB = ("recurrent_ppo", "maskable_ppo", "qrdqn", "trpo")
"""Names of those that come with sb3-contrib."""


def _contrib_learners() -> dict[str, Learner]:
    """Those of `CONTRIB`; none where sb3-contrib is missing."""
    try:
        from . import contrib
    except ModuleNotFoundError as missing:
        if missing.name != "sb3_contrib":
            raise
        return {}
    return {
        "recurrent_ppo": Learner(
            contrib.RecurrentPPO, contrib.TaskwiseRecurrentPolicy, BOTH,
            "PPO with an LSTM that follows each task",
        ),
        "maskable_ppo": Learner(
            contrib.MasteryMaskedPPO, contrib.TaskwiseMaskedPolicy, TASK,
            "PPO that never chooses a mastered task", needs=("score", "threshold"),
        ),
        "qrdqn": Learner(
            contrib.TaskwiseQRDQN, contrib.TaskwiseQuantilePolicy, TASK,
            "DQN with quantiles of the values", settings=SMALL_BUFFER,
        ),
        "trpo": Learner(
            contrib.TRPO, TaskwisePolicy, BOTH, "policy gradient within a trust region",
            leaning=LeaningPolicy,
        ),
    }  # fmt: skip


ALGORITHMS |= _contrib_learners()


def learner_named(name: str) -> Learner:
    """The learner of this name.

    Raises:
        ValueError: if there is none, or sb3-contrib is missing.
    """
    if name in ALGORITHMS:
        return ALGORITHMS[name]
    if name in CONTRIB:
        raise ValueError(
            f"algorithm {name!r} comes with sb3-contrib, which is not installed; "
            'run pip install "sb3-contrib>=2.7,<3"'
        )
    choices = list(dict.fromkeys((*ALGORITHMS, *CONTRIB)))
    near = get_close_matches(str(name), choices, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise ValueError(f"there is no algorithm {name!r}; {hint}choose one of {', '.join(choices)}")
