"""Environments as tasks: a suite for students that are reinforcement-learning agents.

A training example is `n_steps` steps of one environment, a test example one episode. Episodes are
named by seeds: those of `probe`, `test`, `stress` and training lie in four ranges that do not meet.

Legend: k tasks, e episodes.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from .lake import lake_tasks
from .loop import LoopCohort
from .streams import stream_key
from .tasks import SPLITS, Task, TaskSuite, blank_splits

_EPISODE = 511
_RANGE = 29
"""Bits of the seeds of one split; Gymnasium takes seeds below 2**31."""
_TASK_FIELDS = ("prerequisites", "skills", "difficulty", "category", "importance", "threshold")
EXTRA = "agents as students need it: pip install gymnasium stable-baselines3"


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


@dataclass(frozen=True)
class EnvironmentSuite(TaskSuite):
    """A suite whose tasks are environments with the same spaces, in the order of the tasks."""

    environments: tuple[Environment, ...] = ()
    n_steps: int = 32
    """Steps of one environment that count as a training example."""


def environments(
    tasks: Sequence[Mapping[str, Any]] | None = None,
    n_steps: int = 32,
    probe: int = 256,
    test: int = 256,
    stress: int = 256,
) -> EnvironmentSuite:
    """Gymnasium environments with the same spaces, as tasks for students of the cohort `rl`.

    Args:
        tasks: per task its `name`, the fields of `Environment` (`id`, `low` and `high` at least)
            and those of `Task` (`prerequisites`, `difficulty`, `threshold`, ...); by default a
            frozen lake, started from farther and farther away.
        n_steps: environment steps of a training example; also its cost, so that a budget in
            tokens counts environment steps.
        probe: different episodes to draw the students' evaluation sets from.
        test: the same for `test`.
        stress: the same for `stress`.

    Raises:
        ValueError: for fields that are unknown or missing, environments that can't be made, and
            spaces that differ.
    """
    if n_steps < 1:
        raise ValueError(f"n_steps must be at least 1, got {n_steps}")
    tasks = lake_tasks() if tasks is None else tasks
    if not tasks:
        raise ValueError("the suite 'environments' needs tasks: a list of name, id, low and high")
    splits = blank_splits(train=1000, probe=probe, test=test, stress=stress)
    made, places = [], []
    for given in tasks:
        own, place = _fields(given)
        places.append(place)
        own = {key: tuple(x) if isinstance(x, list) else x for key, x in own.items()}
        made.append(Task(splits=splits, cost=float(n_steps), endless=True, **own))
    suite = EnvironmentSuite(
        "environments",
        tuple(made),
        n_outputs=1,
        cohort="rl",
        environments=tuple(places),
        n_steps=n_steps,
    )
    _optional("gym_rows").check_spaces(suite)
    return suite


def _fields(given: Mapping[str, Any]) -> tuple[dict[str, Any], Environment]:
    """The fields of the task, and its environment."""
    if not isinstance(given, Mapping) or "name" not in given:
        raise ValueError(f"a task of environments needs a name, an id, low and high, got {given!r}")
    rest = {key: value for key, value in given.items() if key not in ("name", *_TASK_FIELDS)}
    known = {entry.name for entry in fields(Environment)}
    unknown, missing = set(rest) - known, {"id", "low", "high"} - set(rest)
    if unknown or missing:
        wrong = f"does not know {sorted(unknown)[0]!r}" if unknown else f"needs {min(missing)!r}"
        raise ValueError(
            f"task {given['name']!r} of environments {wrong}; its fields are "
            f"{', '.join(sorted({'name', *_TASK_FIELDS, *known}))}"
        )
    try:
        place = Environment(**rest)
    except (ValueError, TypeError) as error:
        raise ValueError(f"task {given['name']!r} of environments: {error}") from error
    return {key: value for key, value in given.items() if key not in rest}, place


def episode_seeds(split: str, *parts: Any) -> np.ndarray:
    """Seeds of episodes by what names them, in the range of their split; the parts broadcast."""
    bits = stream_key(_EPISODE, *parts) & np.uint64(2**_RANGE - 1)
    return np.asarray((SPLITS.index(split) << _RANGE) + bits.astype(np.int64))


class RLCohort(LoopCohort):
    """n agents of Stable-Baselines3, one after the other, in the environments of a suite.

    One student step is one update phase: `batch_size` environments, each on the task that was
    drawn for it, take `suite.n_steps` steps each, and the agent learns from them as its algorithm
    does. Episodes go on in the next step where the task stays. The losses are regrets: what was
    missing to a perfect return, in [0, 1]; those of a training are of the episodes that ended in
    its first and its last step. Agents run on the CPU and repeat to the bit, and resume by taking
    the actions of unfinished episodes again: environments must do the same after the same seed and
    actions, as Gymnasium asks.

    Args:
        suite: from `environments`.
        n: members.
        algorithm: of Stable-Baselines3, by name; another library's as `module:name`. None with a
            recurrent policy.
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
        rl = _optional("rl")
        made = rl.Agents(
            suite, rl.algorithm_named(algorithm), policy, batch_size, exploration_steps,
            dict(settings or {}),
        )  # fmt: skip
        super().__init__(
            suite,
            lambda: rl.Agent(made),
            n,
            batch_size=batch_size,
            evaluation_size=evaluation_size,
            remeasure=False,
        )


def _optional(module: str) -> Any:
    """A module of ours that needs Gymnasium or Stable-Baselines3, which take a second to import."""
    try:
        return importlib.import_module(f".{module}", __package__)
    except ImportError as error:
        raise ValueError(f"{error.name} is not installed; {EXTRA}") from error
