"""Candidates of a training: what each is worth to the selection students, and which is kept."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import numpy as np

from lessonplan.student import TaskSuite

from ..assembly.build import SELECT_SEEDS, learned_teacher
from ..config.config import Config, Course, LearnedSection
from .teaching import Teaching
from .tuning import Lives, lives_of


class Judge:
    """Lets candidates teach the selection students of each course.

    Args:
        config: the experiment.
        teacher: whose candidates they are.
        seed: of the teacher.
        courses: that it is trained on.
        expenses: `lifetimes`, `compute` and `student_steps`, to which what it takes is added.
    """

    def __init__(
        self,
        config: Config,
        teacher: LearnedSection,
        seed: int,
        courses: Sequence[tuple[Course, TaskSuite]],
        expenses: dict[str, float],
    ) -> None:
        self.config, self.teacher, self.seed, self.courses = config, teacher, seed, courses
        self.expenses = expenses

    def lives(self, file: Path, learned_part: bool = True) -> Lives:
        """What a candidate is worth to each student of every course.

        With several courses costs are shares of the training that their budgets buy.

        Args:
            file: of the candidate.
            learned_part: whether what it has learned counts, or it is its prior.
        """
        each = [self._try(file, *one, learned_part=learned_part) for one in self.courses]
        if len(each) == 1:
            return each[0][0]
        shares = [replace(lives, costs=lives.costs / whole) for lives, whole in each]
        return reduce(add, shares)

    def _try(
        self, file: Path, course: Course, suite: TaskSuite, learned_part: bool
    ) -> tuple[Lives, float]:
        """What it is worth on one course, and the training examples that the budget buys."""
        students = SELECT_SEEDS + np.arange(self.config.seeds.select)
        teacher, room = learned_teacher(
            self.teacher,
            file,
            course,
            suite,
            len(students),
            self.seed,
            deterministic=self.teacher.deterministic,
            learned_part=learned_part,
        )
        # As opponents live there: what comes after the first mastery decides nothing.
        room.end_after = 1
        lives = lives_of(Teaching(teacher, room, students))
        self.expenses["lifetimes"] += len(students)
        self.expenses["compute"] += float(room.facts.spending.compute.sum())
        self.expenses["student_steps"] += int(room.facts.spending.steps.sum())
        examples = room.steps_per_decision * room.cohort.batch_size
        return lives, float(room.decisions_in_budget * examples)


def select_prior(
    config: Config, teacher: LearnedSection, seed: int, suite: TaskSuite, file: Path
) -> dict[str, Any]:
    """Let the prior of a trained teacher teach all selection students of the experiment once.

    Args:
        config: the experiment.
        teacher: with a prior.
        seed: of the teacher.
        suite: its tasks.
        file: of the teacher.

    Returns:
        What `tuning.select` does of a rule.
    """
    began = time.perf_counter()
    spent = dict.fromkeys(("lifetimes", "compute", "student_steps"), 0.0)
    judge = Judge(config, teacher, seed, [(config, suite)], spent)
    worth = judge.lives(file, learned_part=False).worth
    return {
        "selection_cost": worth.cost,
        "selection_area": worth.area,
        "selection_mastered": worth.mastered,
        **spent,
        "wall_seconds": time.perf_counter() - began,
    }


def best_candidate(result: Mapping[str, Any]) -> int:
    """Which of the candidates of a training was kept, by what the training returned.

    Earlier versions kept that of the lowest cost, the first of several.
    """
    costs = result["selection"]
    return int(result.get("best", costs.index(min(costs))))
