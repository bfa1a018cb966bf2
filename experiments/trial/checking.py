"""Everything that a config names is built once before any work starts."""

import inspect
import re
import warnings

import numpy as np

from lessonplan.envs import JoinedVecEnv, check_reward
from lessonplan.envs.classroom import check_amounts
from lessonplan.student import Cohort, TaskSuite
from lessonplan.student.contract import Returning
from lessonplan.teacher import (
    ALGORITHMS,
    LearnerStreams,
    Rule,
    View,
    check_rollout,
    check_settings,
)
from lessonplan.teacher.learners import CMAES

from ..assembly.build import (
    build_learner,
    build_reward,
    build_room,
    build_rule,
    build_suite,
    decisions_in_budget,
    rule_teacher,
)
from ..assembly.courses import course_env, courses_of, most_tasks
from ..assembly.guarding import asked_by
from ..assembly.students import build_cohort
from ..assembly.taken_teachers import check_taken
from ..common.mistakes import is_from_outside, own_mistakes, where_and_why
from ..common.sentences import say
from ..common.watch import Progress, nowhere
from ..config.config import (
    Config,
    Course,
    GuardedSection,
    LearnedSection,
    ReplaySection,
    RuleSection,
)
from ..config.own_names import agreed_files
from ..config.sections.course import Lifetime, idle_looks, looks_of
from .tuning import begun_at, example_settings, space_of

_NEAR = 1e-5
"""Rounding that a sum of probabilities may have."""


def check(config: Config, progress: Progress = nowhere) -> TaskSuite:
    """Build one of everything that a config names, so that mistakes show before work starts.

    Args:
        config: the experiment.
        progress: told how far the loading of its suite is.

    Returns:
        The suite.

    Raises:
        ValueError: in one sentence.
    """
    agreed_files(config.model_dump(mode="json"))
    suite, cohorts = build_suite(config, progress), _Cohorts()
    _check_tasks(suite, of_files="path" in config.suite.options)
    build_room(config, suite, 1, cohort=cohorts.of(config, suite, 1), reads=())
    for teacher in config.teachers:
        if isinstance(teacher, RuleSection):
            _check_rule(teacher, config, suite, cohorts)
        elif isinstance(teacher, LearnedSection):
            _check_learned(teacher, config, suite, cohorts)
        elif isinstance(teacher, GuardedSection):
            _check_guards(teacher, suite, cohorts.of(config, suite, 1))
        else:
            _check_replay(teacher, config, suite)
    _say_what_is_idle(config)
    return suite


def _say_what_is_idle(config: Config) -> None:
    """Say which keys of how teachers look change nothing, of one teacher or of all."""
    looking = [one for one in config.teachers if isinstance(one, RuleSection | LearnedSection)]
    each = {one.name: idle_looks(looks_of(config.lifetime, one)) for one in looking}
    for teacher in looking:
        for key, reason in each[teacher.name].items():
            if getattr(teacher, key) is not None:
                say(f"{key} of teacher {teacher.name!r} changes nothing: {reason}")
    for key, reason in idle_looks(looks_of(config.lifetime)).items():
        is_default = getattr(config.lifetime, key) == Lifetime.model_fields[key].default
        if not is_default and all(key in idle for idle in each.values()):
            say(f"lifetime.{key} changes nothing: {reason}")


def _check_tasks(suite: TaskSuite, of_files: bool) -> None:
    """Refuse a suite with one task, with what there is to say of how it was read."""
    if len(suite) == 1:
        way = (
            "name the column that tells tasks apart (--task-column COLUMN, in a config "
            "suite.options.task_column), or give a folder with a file or a folder per task"
        )
        error = ValueError(
            f"suite {suite.name!r} has one task, {suite.names[0]!r}, so there is nothing to order; "
            f"{way if of_files else 'ask for more in suite.options'}"
        )
        for note in suite.notes:
            if re.search(r"\b(tasks?|columns|read)\b", note):
                error.add_note(note)
        raise error


class _Cohorts:
    """Students of courses, each kind made once: nobody teaches them, so they can be shared."""

    def __init__(self) -> None:
        self._cohorts: dict[tuple[str, str, int], Cohort] = {}

    def of(self, course: Course, suite: TaskSuite, n: int) -> Cohort:
        """N students of a course."""
        key = course.suite.model_dump_json(), course.student.model_dump_json(), n
        if key not in self._cohorts:
            student = course.student
            own = next((one for one in (student.cohort, student.model) if ":" in one), "")
            what = f"student {own!r}" if own else "student"
            with own_mistakes(what, course.modules, every=bool(own)):
                self._cohorts[key] = build_cohort(course, suite, n)
        return self._cohorts[key]


def _check_rule(section: RuleSection, config: Config, suite: TaskSuite, cohorts: _Cohorts) -> None:
    settings = [section.parameters]
    if section.tune:
        longest = decisions_in_budget(config, suite)
        space = space_of(section, suite, longest, config.modules)
        settings = example_settings(space)
        if space.is_single:
            say(
                f"teacher {section.name!r} has nothing to tune: {section.rule!r} has a single "
                "setting, so it is reported as a rule that is not tuned; give it a grid, or leave "
                "out tune"
            )
    cohort = cohorts.of(config, suite, 1)
    for parameters in settings:
        try:
            rule = build_rule(section.rule, parameters, config, suite)
            teacher, room = rule_teacher(rule, config, suite, 1, 0, section.action, cohort, section)
            # What does not fit the number of tasks shows at the first decision.
            shape = (1, room.board.n_places, len(room.observe))
            with own_mistakes(f"rule {section.rule!r}", config.modules):
                teacher.predict(np.zeros(shape, np.float32))
                if ":" in section.rule:
                    _say_what_it_sums_to(section, rule, room.observe, shape)
        except ValueError as error:
            raise ValueError(f"teacher {section.name!r}: {error}") from error
        except Exception as error:
            # A function of one's own that takes other arguments has no line of its own in it.
            if ":" not in section.rule or is_from_outside(error):
                raise
            words = where_and_why(error, config.modules)
            raise ValueError(
                f"teacher {section.name!r}: rule {section.rule!r}: {words}; "
                f"`lessonplan check {section.rule}` says more"
            ) from error


def _check_guards(section: GuardedSection, suite: TaskSuite, cohort: Cohort) -> None:
    """Refuse guards that there are not, or that ask what students can't do."""
    try:
        asked = asked_by(section.guards, suite)
    except ValueError as error:
        raise ValueError(f"teacher {section.name!r}: {error}") from error
    if asked - {"stop"} and not isinstance(cohort, Returning):
        raise ValueError(
            f"teacher {section.name!r}: its guards have students go back to what they were, which "
            f"{type(cohort).__name__} can't (it has no keep, go_back and restart); write go_back: "
            "false, or leave the guard out"
        )


def _check_replay(section: ReplaySection, config: Config, suite: TaskSuite) -> None:
    """Refuse a replay of what is more than choices."""
    original = config.teacher(section.of)
    if isinstance(original, GuardedSection) and (asked := asked_by(original.guards, suite)):
        raise ValueError(
            f"teacher {section.name!r} replays {section.of!r}, whose guards ask for more than "
            f"choices ({', '.join(sorted(asked))}), which a replay does not have; replay the "
            "teacher that they are around, or leave it out"
        )


def _say_what_it_sums_to(
    section: RuleSection, rule: Rule, columns: tuple[str, ...], shape: tuple[int, int, int]
) -> None:
    """Probabilities of a rule of one's own are scaled to a sum of 1; it may not know."""
    shown = np.zeros(shape, np.float32)
    shown[:, :, [name == "present" for name in columns]] = 1.0
    n, k, _ = shape
    view = View(shown, columns, np.full(n, -1), np.zeros(n, dtype=np.int64), 0)
    look, memory = getattr(rule, "look", None), rule.start(n, k)
    memory = look(memory, view) if look else memory
    total = float(np.sum(rule.probabilities(memory, view)))
    if abs(total - 1.0) > _NEAR:
        say(
            f"teacher {section.name!r}: probabilities of {section.rule!r} sum to {total:.3g} in a "
            f"row, and are scaled to 1; `lessonplan check {section.rule}` says what else is wrong"
        )


def _check_learned(
    section: LearnedSection, config: Config, suite: TaskSuite, cohorts: _Cohorts
) -> None:
    if section.origin:
        check_taken(section, config, suite, cohorts.of(config, suite, 1))
        return
    courses = courses_of(config, section, suite)
    for course, _ in courses:
        _check_reward(course)
    # Two, because with one a rollout of a single decision is refused.
    n = min(section.students, 2)
    most = most_tasks(courses)
    envs = [
        course_env(section, course, suite, n, most, cohorts.of(course, suite, n))
        for course, suite in courses
    ]
    with warnings.catch_warnings():
        # Batches that do not fit the rollout of two students may fit that of all.
        warnings.simplefilter("ignore", UserWarning)
        env = JoinedVecEnv(envs)
        _check_rollout(section, env)
        _check_lifetimes(section, len(courses))
        if section.begin_at:
            rule = config.teacher(section.begin_at)
            assert isinstance(rule, RuleSection)
            longest = decisions_in_budget(config, suite)
            space = space_of(rule, suite, longest, config.modules)
            section = begun_at(section, rule.parameters | example_settings(space)[0])
        build_learner(section, env, LearnerStreams(0), 0)


def _check_rollout(section: LearnedSection, env: JoinedVecEnv) -> None:
    """Refuse a rollout that can't be of all of a teacher's students; say what is odd about it."""
    try:
        check_settings(section.algorithm, section.settings)
        shape = env.observation_space.shape or ()
        note = check_rollout(section.algorithm, section.settings, section.students, shape)
    except ValueError as error:
        raise ValueError(
            f"teacher {section.name!r} can't be made with these settings of "
            f"{section.algorithm}: {error}"
        ) from error
    if note:
        say(f"teacher {section.name!r}: {note}")


def _check_lifetimes(section: LearnedSection, courses: int) -> None:
    """Refuse a search by whole lifetimes whose candidates would not all live in the same way."""
    if ALGORITHMS[section.algorithm].algorithm is not CMAES:
        return
    if section.actors:
        raise ValueError(
            f"teacher {section.name!r}: {section.algorithm} names the students of each row, which "
            "Ray actors do not take; write actors: 0"
        )
    default = inspect.signature(CMAES).parameters["n_eval_episodes"].default
    episodes = int(section.settings.get("n_eval_episodes", default))
    if episodes % courses:
        raise ValueError(
            f"teacher {section.name!r}: n_eval_episodes must be a multiple of its {courses} "
            f"courses, so that every candidate has as many students of each, got {episodes}"
        )


def _check_reward(course: Course) -> None:
    """Refuse a reward of one's own that is none, and say where it pays for unfinished students."""
    reward = build_reward(course)
    if isinstance(reward, str):
        return
    with own_mistakes(f"reward {course.lifetime.reward!r}", course.modules, every=True):
        check_amounts(reward)
    try:
        check_reward(reward)
    except ValueError as error:
        say(f"reward {course.lifetime.reward!r}: {error}")
