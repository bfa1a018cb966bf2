"""The cohort of agents: n students of Stable-Baselines3 in a suite of environments."""

from collections.abc import Mapping
from typing import Any

from ...contract.tasks import TaskSuite
from ..loop import LoopCohort
from .tasks import EnvironmentSuite, not_installed


class RLCohort(LoopCohort):
    """n agents of Stable-Baselines3, one after the other, in the environments of a suite.

    One student step is one update phase: `batch_size` environments, each on the task that was
    drawn for it, take `suite.n_steps` steps each, and the agent learns from them as its algorithm
    does. Episodes go on in the next step where the task stays. The losses are regrets: what was
    missing to a perfect return, in [0, 1]; those of a training are of the episodes that ended in
    its first and its last step. What the examples of a task showed are its episodes that ended in
    the training, and what they score, played as the algorithm explores. Agents run on the CPU and
    repeat to the bit, and resume by taking the actions of unfinished episodes again: environments
    must do the same after the same seed and actions, as Gymnasium asks.

    Args:
        suite: from `environments`.
        n: members.
        algorithm: of Stable-Baselines3, by name; another library's as `module:name`, whose
            class names in `counters` what it counts besides SB3's. None with a recurrent policy.
        policy: by SB3's name.
        batch_size: environments that run side by side.
        evaluation_size: episodes per task and split that a student is evaluated on, with its most
            likely actions; which ones is fixed by its seed.
        exploration_steps: environment steps over which SB3's exploration schedules run.
        settings: arguments of the algorithm, plain numbers instead of schedules.
    """

    def __init__(
        self,
        suite: TaskSuite,
        n: int,
        *,
        algorithm: str = "PPO",
        policy: str = "MlpPolicy",
        batch_size: int = 8,
        evaluation_size: int = 16,
        exploration_steps: int = 20_000,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        if not isinstance(suite, EnvironmentSuite):
            raise ValueError(
                f"agents learn in a suite of environments, and {suite.name!r} is none; make one "
                "with lessonplan.student.environments"
            )
        try:
            # It takes a second to import what agents are made of.
            from .agent import Agent, Agents, algorithm_named
        except ImportError as error:
            raise not_installed(error) from error
        common = Agents(
            suite=suite,
            algorithm=algorithm_named(algorithm),
            policy=policy,
            n_rows=batch_size,
            exploration_steps=exploration_steps,
            settings=dict(settings or {}),
        )
        super().__init__(
            suite,
            lambda: Agent(common),
            n,
            batch_size=batch_size,
            evaluation_size=evaluation_size,
            remeasure=False,
        )
