"""What teachers and bookkeeping cost beside the students: shares of the wall time."""

import inspect
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from lessonplan.envs import CurriculumVecEnv
from lessonplan.envs.faces import TRAINING_SEEDS
from lessonplan.student import Cohort, TaskSuite
from lessonplan.teacher import RULES, decision_seconds, make_learner

from ..assembly.build import build_room, build_rule, build_suite, rule_teacher
from ..config.config import Config, Course, LearnedSection, Lifetime, Suite
from ..trial.teaching import Teaching


class Stopwatch:
    """Time that a cohort spends in training and evaluating."""

    def __init__(self, cohort: Cohort) -> None:
        self.seconds = 0.0
        for verb in ("train", "evaluate", "reset"):
            setattr(cohort, verb, self._timed(getattr(cohort, verb)))

    def _timed(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            began = time.perf_counter()
            try:
                return method(*args, **kwargs)
            finally:
                self.seconds += time.perf_counter() - began

        return timed


def rule_share(config: Config, suite: TaskSuite, rule: str, n: int, decisions: int) -> float:
    """Share of the wall time of `decisions` decisions that is not the students' own."""
    teacher, room = rule_teacher(build_rule(rule, {}, config, suite), config, suite, n, 0)
    teaching = Teaching(teacher, room, np.arange(n))
    teaching.step()
    watch = Stopwatch(room.cohort)
    began = time.perf_counter()
    for _ in range(decisions):
        teaching.step()
    return 1.0 - watch.seconds / (time.perf_counter() - began)


def slowest_rule(n: int, k: int, turns: int) -> tuple[str, list[float]]:
    """The rule whose decisions take longest, and its milliseconds per decision, a median a turn.

    Rules with a task graph get layers of ten tasks, each of which needs all of the layer before.
    """
    starts = [task // 10 * 10 for task in range(k)]
    layers = tuple(tuple(range(max(0, start - 10), start)) for start in starts)
    values = {"weights": (1.0,) * k, "prerequisites": layers}
    times: dict[str, list[float]] = {}
    for name, maker in RULES.items():
        names = set(values) & set(inspect.signature(maker).parameters)
        rule: Any = maker(**{parameter: values[parameter] for parameter in names})
        times[name] = [1e3 * float(np.median(decision_seconds(rule, n, k))) for _ in range(turns)]
    slowest = max(times, key=lambda name: float(np.median(times[name])))
    return slowest, times[slowest]


def simulated_rate(rule: str, n: int, decisions: int) -> float:
    """Member-decisions a minute of n simulated students under a bandit, in one process."""
    course = Course(
        suite=Suite(name="simulated"),
        lifetime=Lifetime(budget=f"{20 * (decisions + 2)}-steps", end_after=decisions + 2),
    )
    suite = build_suite(course)
    bandit = build_rule(rule, {}, course, suite)
    teacher, room = rule_teacher(bandit, course, suite, n, 0)
    teaching = Teaching(teacher, room, np.arange(n))
    teaching.step()
    began = time.perf_counter()
    for _ in range(decisions):
        teaching.step()
    return 60.0 * n * decisions / (time.perf_counter() - began)


def ppo_share(config: Config, suite: TaskSuite, teacher: LearnedSection, rollouts: int) -> float:
    """Share of the wall time of PPO's training that is not the students' own."""
    room = build_room(config, suite, teacher.students, teacher.observe, end_after=1)
    env = CurriculumVecEnv(room, TRAINING_SEEDS)
    model: Any = make_learner(
        teacher.algorithm, env, seed=0, width=teacher.width, **teacher.settings
    )
    watch = Stopwatch(room.cohort)
    began = time.perf_counter()
    model.learn(rollouts * int(model.n_steps) * teacher.students)
    return 1.0 - watch.seconds / (time.perf_counter() - began)
