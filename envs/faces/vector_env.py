"""A classroom as a Gymnasium vector environment, which is what `gymnasium.make_vec` gives.

Legend: n students, t task places, f columns.
"""

from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from ..classroom.classroom import Classroom
from .seeding import TRAINING_SEEDS, SeedStream, check_options


class CurriculumVectorEnv(VectorEnv[np.ndarray, np.ndarray, np.ndarray]):
    """n lifetimes side by side with same-step autoreset; row i is `CurriculumEnv` with seed + i.

    Args:
        room: the classroom; its n is the number of rows.
        student_seeds: half-open range that each row draws its next student from.
    """

    metadata = {"autoreset_mode": AutoresetMode.SAME_STEP, "render_modes": []}

    def __init__(self, room: Classroom, student_seeds: tuple[int, int] = TRAINING_SEEDS) -> None:
        self.room, self.columns, self.num_envs = room, room.observe, room.n
        self.single_observation_space = room.board.observation_space
        self.single_action_space = room.board.action_space
        self.observation_space = batch_space(self.single_observation_space, room.n)
        self.action_space = batch_space(self.single_action_space, room.n)
        self._streams = [SeedStream(student_seeds) for _ in range(room.n)]

    def reset(
        self,
        *,
        seed: int | list[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin a lifetime in every row; returns (n, t, f).

        Raises:
            ValueError: for options; students of rows follow from their seeds.
        """
        check_options(options or {})
        if not isinstance(seed, list):
            seed = [None if seed is None else seed + i for i in range(self.num_envs)]
        for stream, row_seed in zip(self._streams, seed, strict=True):
            if row_seed is not None:
                stream.seed(row_seed)
        students = np.array([stream.next() for stream in self._streams])
        return self.room.reset(np.arange(self.num_envs), students), {"student_seed": students}

    def step(
        self, actions: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Train, and begin the next lifetime in the rows that end."""
        lesson = self.room.step(self.room.decode(actions))
        observation, info = lesson.observation, {"task": lesson.task.copy()}
        done = lesson.terminated | lesson.truncated
        if done.any():
            rows = np.flatnonzero(done)
            last = np.full(self.num_envs, None, dtype=object)
            for row in rows:
                last[row] = observation[row].copy()
            info |= {"final_obs": last, "_final_obs": done.copy()}
            students = np.array([self._streams[row].next() for row in rows])
            observation[rows] = self.room.reset(rows, students)
        return observation, lesson.reward, lesson.terminated, lesson.truncated, info
