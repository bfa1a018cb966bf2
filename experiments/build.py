"""The one place where a config becomes objects."""

import importlib
import inspect
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from stable_baselines3 import PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.utils import LinearSchedule

from lessonplan.envs import Budget, Classroom, CurriculumVecEnv
from lessonplan.envs.seeding import TRAINING_SEEDS
from lessonplan.student import MODELS, SUITES, Adam, StackedCohort, TaskSuite
from lessonplan.teacher import RULES, LearnerStreams, Rule, RuleTeacher, taskwise_ppo

from .config import Course, LearnedTeacher

TRAIN_SEEDS = TRAINING_SEEDS
SELECT_SEEDS = 1_000_000
REPORT_SEEDS = 2_000_000
"""Student seeds for training a teacher, for tuning and selecting, and for reporting: disjoint."""


def named(kind: str, name: str, choices: Mapping[str, Any]) -> Any:
    """A thing by its registered name, or one's own as `module:name`.

    Raises:
        ValueError: naming the choices.
    """
    if name in choices:
        return choices[name]
    module, colon, attribute = name.partition(":")
    if not colon:
        raise ValueError(
            f"there is no {kind} {name!r}; choose one of {', '.join(choices)}, "
            f"or name your own as module:name"
        )
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"{kind} {name!r} can't be imported: {error}") from error


def build_suite(course: Course) -> TaskSuite:
    """The tasks of a course."""
    suite: TaskSuite = _call(
        "suite", course.suite.name, named("suite", course.suite.name, SUITES), course.suite.options
    )
    return suite


def build_room(
    course: Course,
    suite: TaskSuite,
    n: int,
    observe: Sequence[str] = ("progress",),
    *,
    end_after: int | None = None,
) -> Classroom:
    """A classroom of n students.

    Args:
        course: what the config says.
        suite: from `build_suite`, which a process makes once.
        n: students.
        observe: columns to show.
        end_after: as in `Classroom`; the config's by default.
    """
    student, lifetime = course.student, course.lifetime
    model = partial(named("model", student.model, MODELS), suite.input_shape, suite.n_outputs)
    cohort = StackedCohort(
        suite,
        partial(_call, "model", student.model, model, student.options),
        n,
        batch_size=student.batch_size,
        optimizer=Adam(
            student.learning_rate,
            weight_decay=student.weight_decay,
            clip_norm=student.clip_norm,
        ),
        evaluation_size=student.evaluation_size,
    )
    return Classroom(
        cohort,
        Budget.parse(lifetime.budget),
        steps_per_decision=lifetime.steps_per_decision,
        observe=observe,
        reward=lifetime.reward,
        feedback=lifetime.feedback,
        mastery_streak=lifetime.mastery_streak,
        end_after=end_after or lifetime.end_after,
        rehearsal=lifetime.rehearsal,
        shuffle_tasks=lifetime.shuffle_tasks,
    )


def build_rule(rule: str, parameters: Mapping[str, Any], course: Course) -> Rule:
    """A rule by name with its parameters; lists become tuples.

    A rule that has the parameter `feedback` is told the course's.
    """
    maker = named("rule", rule, RULES)
    plain = {
        key: tuple(value) if isinstance(value, list) else value for key, value in parameters.items()
    }
    if "feedback" in inspect.signature(maker).parameters:
        plain.setdefault("feedback", course.lifetime.feedback)
    built: Rule = _call("rule", rule, maker, plain)
    return built


def rule_teacher(
    rule: Rule, course: Course, suite: TaskSuite, n: int, seed: int
) -> tuple[BaseAlgorithm, Classroom]:
    """A rule as a teacher, and a classroom that shows it what it needs and nothing else."""
    columns = dict.fromkeys(("progress", *rule.needs, "key"))
    room = build_room(course, suite, n, tuple(columns))
    return RuleTeacher(rule, CurriculumVecEnv(room), seed=seed), room


def build_learner(
    teacher: LearnedTeacher, env: CurriculumVecEnv, streams: LearnerStreams, seed: int
) -> PPO:
    """A learned teacher before its training.

    Raises:
        ValueError: if the settings are not those of the algorithm.
    """
    settings = dict(teacher.settings)
    try:
        if teacher.anneal:
            settings["learning_rate"] = LinearSchedule(
                settings.get("learning_rate", 3e-4), 0.0, 1.0
            )
        with streams.running():
            return taskwise_ppo(env, seed=seed, width=teacher.width, **settings)
    except (TypeError, ValueError, AssertionError, RuntimeError, ArithmeticError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(
            f"teacher {teacher.name!r} can't be made with these settings of "
            f"{teacher.algorithm}: {reason}"
        ) from error


def _call(kind: str, name: str, maker: Any, options: Mapping[str, Any]) -> Any:
    try:
        return maker(**options)
    except (TypeError, RuntimeError, ArithmeticError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{kind} {name!r} does not take these arguments: {reason}") from error
