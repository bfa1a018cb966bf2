"""The schedule of a teacher as it is being learned: a few fixed students that it teaches meanwhile.

They are neither those that it learns from nor those that are selected by or reported. What they
take is written down and counted nowhere else: nothing of the training depends on them.

Legend: m pupils, k tasks, c columns.
"""

import numpy as np
from stable_baselines3.common.base_class import BaseAlgorithm

from lessonplan.student import TaskSuite
from lessonplan.teacher import LearnerStreams

from ...assembly.build import WATCHED_SEEDS, build_room
from ...config.config import Course, LearnedSection
from ...store.learned_schedules import MOST_COLUMNS, LearnedSchedule
from ..teaching import Teaching

PUPILS = 4
"""How many students a teacher is watched with."""


class Pupils:
    """Fixed students of a teacher's first course.

    Args:
        teacher: who is trained.
        course: of the students.
        suite: of the course.
        max_tasks: places that the teacher is shown.
        seed: of the teacher.
    """

    def __init__(
        self, teacher: LearnedSection, course: Course, suite: TaskSuite, max_tasks: int, seed: int
    ) -> None:
        self._streams = LearnerStreams(seed)
        self._seeds = WATCHED_SEEDS + np.arange(PUPILS)
        with self._streams.running():
            self._room = build_room(
                course,
                suite,
                PUPILS,
                teacher.observe,
                action=teacher.action,
                max_tasks=max_tasks,
                looking=teacher,
            )

    def taught(self, model: BaseAlgorithm) -> LearnedSchedule:
        """What a teacher gives them in a whole lifetime, as it is now.

        To be called at the boundary of a rollout. The streams that the training draws from are left
        as they are.
        """
        room, spending = self._room, self._room.facts.spending
        compute, steps = float(spending.ever_compute), int(spending.ever_steps)
        with self._streams.running():
            teaching = Teaching(model, room, self._seeds)
            probabilities = self._mean_schedule(teaching)
        return LearnedSchedule(
            decisions=int(model.num_timesteps),
            tasks=tuple(room.suite.names),
            probabilities=probabilities,
            length=room.decisions_in_budget,
            mastered=float(teaching.mastered.mean()),
            cost=float(teaching.cost.mean()),
            lifetimes=PUPILS,
            compute=float(spending.ever_compute) - compute,
            student_steps=int(spending.ever_steps) - steps,
        )

    def _mean_schedule(self, teaching: Teaching) -> np.ndarray:
        """Probabilities while the pupils live their lifetimes, (c, k)."""
        length = max(1, self._room.decisions_in_budget)
        columns = min(length, MOST_COLUMNS)
        sums, counts = np.zeros((columns, len(self._room.suite))), np.zeros(columns)
        step = 0
        while len(teaching.running):
            shares = teaching.step().probabilities
            column = min(step * columns // length, columns - 1)
            sums[column] += shares.sum(axis=0)
            counts[column] += len(shares)
            step += 1
        reached = int(np.flatnonzero(counts)[-1]) + 1
        return np.asarray(sums[:reached] / counts[:reached, None])
