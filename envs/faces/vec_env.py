"""A classroom as a Stable-Baselines3 `VecEnv`: one row per student, same-step autoreset.

Legend: n students, t task places, f columns.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvStepReturn

from ..classroom.classroom import Classroom
from .seeding import TRAINING_SEEDS, SeedStream, check_options


class SharedVecEnv(VecEnv):
    """The part of SB3's interface that is the same wherever the rows are one object."""

    def close(self) -> None:
        """Nothing is held open."""

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """The attribute once per row; rows share the classroom."""
        return [getattr(self, attr_name) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Set an attribute of all rows; they share the classroom, so `indices` must be None."""
        if indices is not None:
            raise ValueError("the rows share one classroom: set_attr works on all of them only")
        setattr(self, attr_name, value)

    def env_method(
        self,
        method_name: str,
        *method_args: Any,
        indices: VecEnvIndices = None,
        **method_kwargs: Any,
    ) -> list[Any]:
        """Call a method of the environment once and hand its result to each row."""
        result = getattr(self, method_name)(*method_args, **method_kwargs)
        return [result for _ in self._get_indices(indices)]

    def env_is_wrapped(self, wrapper_class: type, indices: VecEnvIndices = None) -> list[bool]:
        """Rows are never wrapped one by one."""
        return [False for _ in self._get_indices(indices)]

    def get_images(self) -> Sequence[np.ndarray | None]:
        """No images: render a `CurriculumEnv`."""
        return [None] * self.num_envs


class CurriculumVecEnv(SharedVecEnv):
    """n lifetimes side by side; row i is `CurriculumEnv` with seed + i.

    A row that ends begins its next lifetime in the same step: its last observation is in
    `infos[i]["terminal_observation"]`, `infos[i]["TimeLimit.truncated"]` tells a spent budget
    from mastery.

    Options, as `set_options` takes them, are for the next lifetime of a row, whether `reset` or the
    end of the one before begins it: `{"student_seed": 7}` names its student, and with
    `{"rest": True}` none begins. A row that rests trains nobody, whatever its action is, until the
    next `reset`; what is seen of it is 0, and `infos` say so.

    Args:
        room: the classroom; its n is the number of rows.
        student_seeds: half-open range that each row draws its next student from.
    """

    def __init__(self, room: Classroom, student_seeds: tuple[int, int] = TRAINING_SEEDS) -> None:
        self.room, self.columns = room, room.observe
        self.render_mode: str | None = None
        self.student_seeds = student_seeds
        self._streams = [SeedStream(student_seeds) for _ in range(room.n)]
        self._rests = np.zeros(room.n, dtype=bool)
        self._actions = np.zeros(room.n, dtype=np.int64)
        super().__init__(room.n, room.board.observation_space, room.board.action_space)

    def set_options(self, options: list[dict[str, Any]] | dict[str, Any] | None = None) -> None:
        """Options for the next lifetime, of all rows or a list with those of each.

        Raises:
            ValueError: for what is none of them.
        """
        every = options if isinstance(options, list) else [options or {}] * self.num_envs
        if len(every) != self.num_envs:
            raise ValueError(f"options must be of {self.num_envs} rows, got {len(every)}")
        for one in every:
            check_options(one, "student_seed", "rest")
        super().set_options(options)

    def reset(self) -> np.ndarray:
        """Begin a lifetime in every row; returns (n, t, f)."""
        for stream, seed in zip(self._streams, self._seeds, strict=True):
            if seed is not None:
                stream.seed(seed)
        self._reset_seeds()
        self.reset_infos = [{} for _ in range(self.num_envs)]
        observation = self._nothing()
        self._begin(np.arange(self.num_envs), observation)
        self._reset_options()
        return observation

    def step_async(self, actions: np.ndarray) -> None:
        """Remember the places to train, (n,), or the logits of mixtures, (n, t)."""
        self._actions = np.asarray(actions)

    def step_wait(self) -> VecEnvStepReturn:
        """Train, and begin the next lifetime in the rows that end."""
        if len(self._actions) != self.num_envs:
            raise ValueError(
                f"actions must be of {self.num_envs} rows, got an array {self._actions.shape}"
            )
        rows = np.flatnonzero(~self._rests)
        observation, reward = self._nothing(), np.zeros(self.num_envs, np.float32)
        done = np.zeros(self.num_envs, dtype=bool)
        infos: list[dict[str, Any]] = [{"resting": True} if rests else {} for rests in self._rests]
        if not len(rows):
            return observation, reward, done, infos
        lesson = self.room.step(self.room.decode(self._actions[rows], rows), rows)
        observation[rows], reward[rows] = lesson.observation, lesson.reward
        done[rows] = lesson.terminated | lesson.truncated
        ended = np.flatnonzero(done)
        if len(ended):
            facts, truncated = self.room.facts, dict(zip(rows, lesson.truncated, strict=True))
            for row in ended:
                infos[row] = {
                    "terminal_observation": observation[row].copy(),
                    "TimeLimit.truncated": bool(truncated[row]),
                    "student_seed": int(facts.student_seed[row]),
                    "decisions": int(facts.decisions[row]),
                }
            self._begin(ended, observation)
        return observation, reward, done, infos

    def _begin(self, rows: np.ndarray, observation: np.ndarray) -> None:
        """Begin the next lifetimes of rows, as their options say, and enter what is seen first."""
        self._rests[rows] = [bool(self._options[row].get("rest")) for row in rows]
        observation[rows] = 0.0
        begun = rows[~self._rests[rows]]
        if len(begun):
            seeds = np.array([self._next_student(row) for row in begun])
            observation[begun] = self.room.reset(begun, seeds)
        for row in rows:
            self._options[row] = {}

    def _next_student(self, row: int) -> int:
        """The one that is named, or else the next that the row draws."""
        named = self._options[row].get("student_seed")
        return self._streams[row].next() if named is None else int(named)

    def _nothing(self) -> np.ndarray:
        """What is seen of rows that rest, (n, t, f)."""
        return np.zeros((self.num_envs, *(self.observation_space.shape or ())), np.float32)

    def spent(self) -> dict[str, float]:
        """`lifetimes`, `compute` and `student_steps` of all lifetimes so far."""
        spending = self.room.facts.spending
        return {
            "lifetimes": int(spending.lifetimes[0]),
            "compute": float(spending.ever_compute),
            "student_steps": int(spending.ever_steps),
        }

    def state_dict(self) -> dict[str, Any]:
        """The classroom and the rows' generators."""
        generators = [stream.generator.bit_generator.state for stream in self._streams]
        return {
            "room": self.room.state_dict(),
            "generators": generators,
            "rests": self._rests.copy(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state of an environment that was built alike."""
        # SB3 calls seed() when it loads a model: the next reset must not begin with that.
        self._reset_seeds()
        self._reset_options()
        self.room.load_state_dict(state["room"])
        # Earlier versions had no rows that rest.
        self._rests[:] = state.get("rests", False)
        for stream, generator in zip(self._streams, state["generators"], strict=True):
            stream.generator.bit_generator.state = generator
