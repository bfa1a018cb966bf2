"""What teachers and bookkeeping cost beside the students: shares of the wall time."""

import inspect
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from lessonplan.envs import CurriculumVecEnv
from lessonplan.envs.faces import TRAINING_SEEDS
from lessonplan.student import Cohort, StackedCohort, TaskSuite
from lessonplan.teacher import RULES, decision_seconds, make_learner

from ..assembly.build import build_room, build_rule, build_suite, rule_teacher
from ..config.config import Config, Course, LearnedSection, Lifetime, Suite
from ..trial.teaching import Teaching
from .cohort import STEPS, alternate, mlp_kind


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
    """The rule whose decisions take longest, and what they take of the training they decide about.

    Rules with a task graph get layers of ten tasks, each of which needs all of the layer before.

    Args:
        n: students, perceptrons that are trained for 20 steps.
        k: tasks.
        turns: shares that are measured, each of a decision and of a training.
    """
    starts = [task // 10 * 10 for task in range(k)]
    layers = tuple(tuple(range(max(0, start - 10), start)) for start in starts)
    values: dict[str, Any] = {"weights": (1.0,) * k, "prerequisites": layers, "horizon": 10.0}
    rules: dict[str, Any] = {}
    for name, maker in RULES.items():
        names = set(values) & set(inspect.signature(maker).parameters)
        arguments = {parameter: values[parameter] for parameter in names}
        if "horizon" in names:
            # Those of a schedule are weights at each of its knots.
            arguments["weights"] = (values["weights"],) * 2
        rules[name] = maker(**arguments)
    slowest = max(rules, key=lambda name: _decision(rules[name], n, k))
    suite, build, batch_size = mlp_kind()
    cohort = StackedCohort(suite, build, n, batch_size=batch_size)
    mixture = np.full((n, len(suite)), 1.0 / len(suite))
    training = alternate([lambda: cohort.train(mixture, STEPS)], turns)[:, 0]
    return slowest, [_decision(rules[slowest], n, k) / seconds for seconds in training]


def _decision(rule: Any, n: int, k: int) -> float:
    return float(np.median(decision_seconds(rule, n, k)))


def simulated_speed(rule: str, n: int, decisions: int, turns: int) -> list[float]:
    """How many times as fast a decision about a simulated student is as one about a perceptron.

    Args:
        rule: who decides about both.
        n: simulated students; there are an eighth as many perceptrons.
        decisions: of each turn about the simulated students, at least one about the others.
        turns: ratios that are measured.
    """
    few, once = max(1, n // 8), max(1, decisions // 16)
    times = alternate(
        [
            _lessons("simulated", rule, n, decisions, turns + 2),
            _lessons("parity", rule, few, once, turns + 2),
        ],
        turns,
    ) / np.array([n * decisions, few * once])  # fmt: skip
    return [float(ratio) for ratio in times[:, 1] / times[:, 0]]


def _lessons(suite: str, rule: str, n: int, decisions: int, turns: int) -> Callable[[], None]:
    """What makes so many decisions about n students of a suite, who stay for so many turns."""
    most = (decisions + 1) * turns
    course = Course(
        suite=Suite(name=suite),
        lifetime=Lifetime(budget=f"{20 * most}-steps", end_after=most),
    )
    built = build_suite(course)
    teacher, room = rule_teacher(build_rule(rule, {}, course, built), course, built, n, 0)
    teaching = Teaching(teacher, room, np.arange(n))

    def work() -> None:
        for _ in range(decisions):
            teaching.step()

    return work


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
