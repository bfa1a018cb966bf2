"""Everything that a config names is built once before any work starts."""

import warnings

import numpy as np

from lessonplan.envs import JoinedVecEnv
from lessonplan.student import TaskSuite
from lessonplan.teacher import RULES, LearnerStreams

from .build import build_learner, build_room, build_rule, build_suite, rule_teacher
from .config import Config, LearnedTeacher, ReplayTeacher, RuleTeacher
from .courses import courses_of, most_tasks, training_room
from .named import named
from .tune import candidates


def check(config: Config) -> TaskSuite:
    """Build one of everything that a config names, so that mistakes show before work starts.

    Returns:
        The suite.

    Raises:
        ValueError: in one sentence.
    """
    suite = build_suite(config)
    build_room(config, suite, 1)
    for teacher in config.teachers:
        if isinstance(teacher, RuleTeacher):
            _check_rule(teacher, config, suite)
        elif isinstance(teacher, LearnedTeacher):
            _check_learned(teacher, config, suite)
        else:
            _check_replay(teacher, config)
    return suite


def _check_rule(teacher: RuleTeacher, config: Config, suite: TaskSuite) -> None:
    settings = [teacher.parameters]
    if teacher.tune:
        settings = candidates(teacher, suite, config.tuning_candidates, 0)
    for parameters in settings:
        try:
            rule = build_rule(teacher.rule, parameters, config, suite)
            algorithm, room = rule_teacher(rule, config, suite, 1, 0, teacher.action)
            # What does not fit the number of tasks shows at the first decision.
            shape = (1, room.board.n_places, len(room.observe))
            algorithm.predict(np.zeros(shape, np.float32))
        except ValueError as error:
            raise ValueError(f"teacher {teacher.name!r}: {error}") from error


def _check_learned(teacher: LearnedTeacher, config: Config, suite: TaskSuite) -> None:
    courses = courses_of(config, teacher, suite)
    # Two, because with one a rollout of a single decision is refused.
    n = min(teacher.students, 2)
    most = most_tasks(courses)
    envs = [training_room(teacher, course, suite, n, most) for course, suite in courses]
    with warnings.catch_warnings():
        # Batches that do not fit the rollout of two students may fit that of all.
        warnings.simplefilter("ignore", UserWarning)
        build_learner(teacher, JoinedVecEnv(envs), LearnerStreams(0), 0)


def _check_replay(teacher: ReplayTeacher, config: Config) -> None:
    played = config.teacher(teacher.of)
    mixes = not isinstance(played, ReplayTeacher) and played.action == "mixture"
    if isinstance(played, RuleTeacher):
        mixes = mixes or getattr(named("rule", played.rule, RULES), "mixes", False)
    if mixes:
        raise ValueError(
            f"teacher {teacher.name!r} replays {played.name!r}, which mixes several tasks in each "
            "batch, so no decision has one task to play back; replay another teacher"
        )
