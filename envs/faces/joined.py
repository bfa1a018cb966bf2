"""Several environments of one teacher as a single `VecEnv`: rows of the first, then of the next.

Legend: n students of all parts, t task places, f columns.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.vec_env.base_vec_env import VecEnvStepReturn

from .vec_env import SharedVecEnv


class Part(Protocol):
    """What can be joined: `CurriculumVecEnv`, here or in another process."""

    num_envs: int
    columns: tuple[str, ...]
    observation_space: spaces.Space[Any]
    action_space: spaces.Space[Any]

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Row i starts over with seed + i at the next reset."""

    def reset(self) -> np.ndarray:
        """Begin a lifetime in every row."""

    def step_async(self, actions: np.ndarray) -> None:
        """Begin a decision; all parts are told before any is waited for."""

    def step_wait(self) -> VecEnvStepReturn:
        """What came of it."""

    def spent(self) -> dict[str, float]:
        """`lifetimes`, `compute` and `student_steps` of all lifetimes so far."""

    def state_dict(self) -> dict[str, Any]:
        """What to go on from."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""

    def close(self) -> None:
        """Give back what is held."""


class JoinedVecEnv(SharedVecEnv):
    """One teacher, students in several places or of several suites.

    Row i is what it would be in one environment of all students of a suite, to the bit: a student
    does not notice its neighbours.

    Args:
        parts: environments that show the same columns of the same number of task places (see
            `max_tasks` of `Classroom` for suites of unequal size) and take the same actions.

    Raises:
        ValueError: if there are none, or they differ in what they show or take.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        if not parts:
            raise ValueError("there are no environments to join; give at least one")
        first = parts[0]
        for i, part in enumerate(parts):
            _check_alike("columns", i, part.columns, first.columns)
            for what in ("observation_space", "action_space"):
                _check_alike(what, i, getattr(part, what), getattr(first, what))
        self.parts, self.columns = list(parts), first.columns
        self.render_mode: str | None = None
        sizes = [part.num_envs for part in parts]
        self._ends = np.cumsum(sizes)[:-1]
        super().__init__(sum(sizes), first.observation_space, first.action_space)

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Row i starts over with seed + i at the next reset, whichever part it is in."""
        seeds = super().seed(seed)
        for part, own in zip(self.parts, np.split(np.array(seeds), self._ends), strict=True):
            part.seed(int(own[0]))
        return seeds

    def set_options(self, options: list[dict[str, Any]] | dict[str, Any] | None = None) -> None:
        """Options of each row for its next lifetime, whichever part it is in.

        Parts in other processes take none.
        """
        super().set_options(options)
        ends = [0, *(int(end) for end in self._ends), self.num_envs]
        parts: list[Any] = self.parts
        for part, first, last in zip(parts, ends[:-1], ends[1:], strict=True):
            part.set_options(self._options[first:last])

    @property
    def student_seeds(self) -> tuple[int, int]:
        """Half-open range that rows draw their students from, as the first part has it."""
        first: Any = self.parts[0]
        seeds: tuple[int, int] = first.student_seeds
        return seeds

    def reset(self) -> np.ndarray:
        """Begin a lifetime in every row; returns (n, t, f)."""
        self._reset_seeds()
        self._reset_options()
        self.reset_infos = [{} for _ in range(self.num_envs)]
        return np.concatenate([part.reset() for part in self.parts])

    def step_async(self, actions: np.ndarray) -> None:
        """Hand every part its rows of the actions."""
        for part, own in zip(self.parts, np.split(np.asarray(actions), self._ends), strict=True):
            part.step_async(own)

    def step_wait(self) -> VecEnvStepReturn:
        """Wait for all parts."""
        observations, rewards, dones, infos = zip(
            *(part.step_wait() for part in self.parts), strict=True
        )
        return (
            np.concatenate(observations),
            np.concatenate(rewards),
            np.concatenate(dones),
            [info for part in infos for info in part],
        )

    def spent(self) -> dict[str, float]:
        """`lifetimes`, `compute` and `student_steps` of all lifetimes so far."""
        every = [part.spent() for part in self.parts]
        return {name: sum(spent[name] for spent in every) for name in every[0]}

    def close(self) -> None:
        """Close the parts."""
        for part in self.parts:
            part.close()

    def state_dict(self) -> dict[str, Any]:
        """The states of the parts."""
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state of an environment that was joined alike."""
        self._reset_seeds()
        self._reset_options()
        for part, own in zip(self.parts, state["parts"], strict=True):
            part.load_state_dict(own)


def _check_alike(what: str, i: int, own: object, first: object) -> None:
    if own != first:
        raise ValueError(
            f"joined environments must have the same {what.replace('_', ' ')}: the first has "
            f"{first}, number {i + 1} has {own}; build them with the same observe, action and "
            "max_tasks, and with the column present where suites have unequal numbers of tasks"
        )
