"""Gymnasium environments that are tasks: to be tested in, and to train in side by side.

Legend: k tasks.
"""

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np

from .tasks import EnvironmentSuite, episode_seeds


def make_environment(suite: EnvironmentSuite, task: int, split: str) -> gym.Env[Any, Any]:
    """The environment of a task, as it is in this split.

    Raises:
        ValueError: if it can't be made, or has no end.
    """
    place, name = suite.environments[task], suite.names[task]
    kwargs = place.in_split("kwargs", split)
    try:
        if isinstance(place.id, str):
            limit = {} if place.horizon is None else {"max_episode_steps": place.horizon}
            env = gym.make(place.id, disable_env_checker=True, **limit, **kwargs)
        else:
            env = place.id(**kwargs)
            if place.horizon is not None:
                env = gym.wrappers.TimeLimit(env, place.horizon)
    except (gym.error.Error, ImportError, TypeError, ValueError) as error:
        raise ValueError(
            f"the environment of task {name!r} can't be made: {' '.join(str(error).split())}"
        ) from error
    if env.spec is not None and env.spec.max_episode_steps is not None:
        return env
    if place.horizon is None:
        raise ValueError(f"episodes of task {name!r} may never end: give it a horizon")
    return env


def check_spaces(suite: EnvironmentSuite) -> None:
    """Refuse environments whose spaces differ, or are not arrays.

    Raises:
        ValueError: naming the task and its space.
    """
    for split in ("train", "stress"):
        for i, name in enumerate(suite.names):
            env = make_environment(suite, i, split)
            env.close()
            if split == "train" and not i:
                first = env
            for kind in ("observation_space", "action_space"):
                mine, other = getattr(env, kind), getattr(first, kind)
                if mine != other:
                    raise ValueError(
                        f"tasks {suite.names[0]!r} and {name!r} ({split}) differ in their {kind}, "
                        f"{other} and {mine}; one agent can't act in both"
                    )
            if isinstance(env.observation_space, gym.spaces.Dict | gym.spaces.Tuple):
                raise ValueError(
                    f"task {name!r} has the observation space {env.observation_space}; flatten "
                    "it with gymnasium.wrappers.FlattenObservation"
                )


class Row(gym.Env[Any, Any]):
    """One of the environments to train in: now one task's, now another's.

    Every episode begins with a seed of its own, named by student, row, task and how many there were
    before it. So what is going on follows from that number and the actions since.
    """

    def __init__(self, suite: EnvironmentSuite, row: int) -> None:
        self.suite, self.row = suite, row
        self._envs: dict[int, gym.Env[Any, Any]] = {}
        self.begin(0)
        any_env = self._envs[0] = make_environment(suite, 0, "train")
        self.observation_space, self.action_space = any_env.observation_space, any_env.action_space

    def begin(self, seed: int) -> None:
        """A new lifetime, on no task yet."""
        self.student_seed, self.task = seed, -1
        self.episodes = np.zeros(len(self.suite), dtype=np.int64)
        """Episodes begun of each task, (k,)."""
        self.actions: list[np.ndarray] = []
        """Actions since this episode began."""
        self.total = 0.0
        """Rewards since then."""
        self.ended: list[tuple[int, float, float]] = []
        """Task, credit and regret of each episode that has ended since this list was emptied."""

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin the task's next episode; its seed is the row's own."""
        self.episodes[self.task] += 1
        return self._restart()

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """See `gymnasium.Env.step`."""
        self.actions.append(np.array(action))
        observation, reward, terminated, truncated, info = self._env().step(action)
        self.total += float(reward)
        if terminated or truncated:
            place, total = self.suite.environments[self.task], np.array(self.total)
            credit = place.credit(total, np.array(info.get("is_success", False)))
            self.ended.append((self.task, float(credit), float(place.regret(total))))
        return observation, float(reward), terminated, truncated, info

    def state_dict(self) -> dict[str, Any]:
        """What `replay` needs."""
        return {
            "student_seed": self.student_seed,
            "task": self.task,
            "episodes": self.episodes.copy(),
            "actions": np.array(self.actions),
        }

    def replay(self, state: Mapping[str, Any]) -> Any:
        """Take the actions of a saved episode again; returns its last observation, if any."""
        self.student_seed, self.task = state["student_seed"], state["task"]
        self.episodes = np.array(state["episodes"])
        if self.task < 0:
            return None
        observation, _ = self._restart()
        for action in state["actions"]:
            observation, *_ = self.step(action)
        return observation

    def _restart(self) -> tuple[Any, dict[str, Any]]:
        self.actions, self.total = [], 0.0
        named = self.student_seed, self.row, self.task, self.episodes[self.task]
        options = self.suite.environments[self.task].in_split("options", "train")
        return self._env().reset(seed=int(episode_seeds("train", *named)[0]), options=options)

    def _env(self) -> gym.Env[Any, Any]:
        if self.task not in self._envs:
            self._envs[self.task] = make_environment(self.suite, self.task, "train")
        return self._envs[self.task]
