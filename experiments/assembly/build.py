"""Suites, classrooms and teachers from the sections of a config."""

import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from multiprocessing import parent_process
from pathlib import Path
from typing import Any

import numpy as np
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.utils import LinearSchedule
from stable_baselines3.common.vec_env import VecEnv

from lessonplan.envs import REWARDS, Budget, Classroom, CurriculumVecEnv, Outcome
from lessonplan.student import SUITES, Cohort, StackedCohort, TaskSuite
from lessonplan.teacher import (
    ALGORITHMS,
    RULES,
    LearnerStreams,
    Rule,
    RuleTeacher,
    Sampled,
    check_settings,
    load_teacher,
    make_learner,
)

from ..common.names import call, named
from ..common.nearest import did_you_mean
from ..common.own_modules import OWN_NAME
from ..common.sentences import in_config_words, say
from ..common.trust import is_trusted
from ..common.watch import Progress, nowhere
from ..config.config import Course, GuardSection, LearnedSection
from ..config.sections.course import LOOKS, Looking, Seeds, looks_of
from .agents import import_environments, see_that_settings_write_nothing
from .guarding import graph_of, with_guards
from .students import build_cohort, cohort_kind

SELECT_SEEDS = 1_000_000
REPORT_SEEDS = 2_000_000
WATCHED_SEEDS = 3_000_000
"""First student seeds for tuning and selecting, for reporting, and for watching a teacher while it
is trained. It is trained on those below, `lessonplan.envs.faces.seeding.TRAINING_SEEDS`: the ranges
are disjoint."""
_FRESH_SEEDS = 10_000_000
"""First student seed of the second fold of report students; each has a million."""


def report_students(seeds: Seeds) -> np.ndarray:
    """Student seeds that are reported, (s,)."""
    fold = seeds.report_fold
    first = _FRESH_SEEDS + 1_000_000 * (fold - 1) if fold else REPORT_SEEDS
    return first + np.arange(seeds.report)


def build_suite(course: Course, progress: Progress = nowhere) -> TaskSuite:
    """The tasks of a course.

    Args:
        course: whose suite it is.
        progress: told how far it is, by suites that have the argument `progress`.
    """
    name = course.suite.name
    maker = _worded(named("suite", name, SUITES, course.modules), name, progress)
    options = _with_scores(course.suite.options, course.modules)
    if name == "environments" or name not in SUITES:
        import_environments(options, course.modules)
    suite: TaskSuite = call("suite", name, maker, options, course.modules)
    if not isinstance(suite, TaskSuite):
        raise ValueError(
            f"suite {course.suite.name!r} must return a TaskSuite, got {type(suite).__name__}"
        )
    return suite


def _worded(maker: Callable[..., Any], suite_name: str, progress: Progress) -> Callable[..., Any]:
    """The maker of a suite, whose errors and notes are in the words of a config."""
    names = inspect.signature(maker).parameters
    watched = {"progress": progress} if "progress" in names else {}

    def make(**options: Any) -> Any:
        _check_options(suite_name, options, names)
        try:
            suite = maker(**options, **watched)
        except ValueError as error:
            raise ValueError(in_config_words(str(error), names)) from error
        if not (isinstance(suite, TaskSuite) and suite.notes):
            return suite
        return replace(suite, notes=tuple(in_config_words(note, names) for note in suite.notes))

    return make


def _check_options(
    suite: str, options: Mapping[str, Any], names: Mapping[str, inspect.Parameter]
) -> None:
    """Refuse an option that the maker does not have, with the nearest that it has."""
    if any(one.kind is one.VAR_KEYWORD for one in names.values()):
        return
    for option in sorted(options.keys() - names.keys()):
        hint = did_you_mean(option, names)
        own = ", ".join(name for name in names if name != "progress")
        raise ValueError(f"suite {suite!r} has no option {option!r}; {hint}there are {own}")


def _with_scores(options: Mapping[str, Any], folders: Sequence[str]) -> dict[str, Any]:
    """The options of a suite, in which functions stand for scores of one's own, `module:name`."""
    resolved = {key: _score(key, value, folders) for key, value in options.items()}
    table = resolved.get("tasks")
    if isinstance(table, Mapping):
        resolved["tasks"] = {
            task: {key: _score(key, value, folders) for key, value in values.items()}
            if isinstance(values, Mapping)
            else values
            for task, values in table.items()
        }
    return resolved


def _score(key: str, value: Any, folders: Sequence[str]) -> Any:
    own = key == "score" and isinstance(value, str) and ":" in value
    return named("score", value, {}, folders) if own else value


def build_reward(course: Course) -> str | Callable[[Outcome], np.ndarray]:
    """What a learning teacher is paid: the name of a reward that ships, or one's own function."""
    name = course.lifetime.reward
    if name in REWARDS or OWN_NAME.fullmatch(name) is None:
        # What is none of both is refused where it is used.
        return name
    own = named("reward", name, REWARDS, course.modules)
    reward: Callable[[Outcome], np.ndarray] = (
        call("reward", name, own, {}) if isinstance(own, type) else own
    )
    return reward


def build_room(
    course: Course,
    suite: TaskSuite,
    n: int,
    observe: Sequence[str] = ("progress",),
    *,
    end_after: int | None = None,
    action: str = "task",
    max_tasks: int | None = None,
    cohort: Cohort | None = None,
    looking: Looking | None = None,
    reads: Sequence[str] | None = None,
) -> Classroom:
    """A classroom of n students.

    Args:
        course: what the config says.
        suite: from `build_suite`, which a process makes once.
        n: students.
        observe: columns to show.
        end_after: as in `Classroom`; the config's by default.
        action: what a learner chooses, `task` or `mixture`.
        max_tasks: places to show; as many as there are tasks by default.
        cohort: the students, where they are there already.
        looking: the section of a teacher that may look at students otherwise than the lifetime.
        reads: columns that the teacher reads; all that are shown by default.
    """
    lifetime = course.lifetime
    cohort = build_cohort(course, suite, n) if cohort is None else cohort
    with _looking_in_config_words():
        return Classroom(
            cohort,
            Budget.parse(lifetime.budget),
            steps_per_decision=lifetime.steps_per_decision,
            observe=observe,
            action=action,
            reward=build_reward(course),
            targets=lifetime.targets,
            forgetting_penalty=lifetime.forgetting_penalty,
            **looks_of(lifetime, looking),
            check_every=lifetime.check_every,
            reads=reads,
            mastery_streak=lifetime.mastery_streak,
            end_after=end_after or lifetime.end_after,
            rehearsal=lifetime.rehearsal,
            shuffle_tasks=lifetime.shuffle_tasks,
            max_tasks=max_tasks,
        )


@contextmanager
def _looking_in_config_words() -> Iterator[None]:
    """Errors and warnings of a classroom about how it is looked at, in the words of a config."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        try:
            yield
        except ValueError as error:
            raise ValueError(_in_words(str(error))) from error
    for one in found:
        _say_once(_in_words(str(one.message)))


def _in_words(message: str) -> str:
    return in_config_words(message, LOOKS, "lifetime")


@cache
def _say_once(sentence: str) -> None:
    """Say it for all classrooms of a run; its processes have heard it."""
    if parent_process() is None:
        say(sentence)


def decisions_in_budget(course: Course, suite: TaskSuite) -> int:
    """Decisions that the budget of a lifetime buys on a task of mean cost; at least 1."""
    if cohort_kind(course, suite) is not StackedCohort:
        # Students of other kinds may have batches and evaluations of sizes of their own.
        return build_room(course, suite, 1).decisions_in_budget
    student, lifetime = course.student, course.lifetime
    return Budget.parse(lifetime.budget).decisions(
        suite,
        steps_per_decision=lifetime.steps_per_decision,
        batch_size=student.batch_size,
        evaluation_size=student.evaluation_size,
        feedback=lifetime.feedback,
        probe_every=lifetime.probe_every,
        probe_size=lifetime.probe_size,
        check_every=lifetime.check_every,
    )


def build_rule(rule: str, parameters: Mapping[str, Any], course: Course, suite: TaskSuite) -> Rule:
    """A rule by name with its parameters; lists become tuples.

    One that has `prerequisites` is given those of the suite, as task indices.
    """
    if rule in ALGORITHMS:
        raise ValueError(
            f"{rule!r} is a learner and no rule; write {{name: NAME, type: learned, "
            f"algorithm: {rule}}}, or take one that was trained with {{name: NAME, from: DIR}}"
        )
    maker = named("rule", rule, RULES, course.modules)
    plain = {
        key: tuple(value) if isinstance(value, list) else value for key, value in parameters.items()
    }
    names = inspect.signature(maker).parameters
    if "prerequisites" in names:
        plain.setdefault("prerequisites", graph_of(suite))
    instance: Rule = call("rule", rule, maker, plain, course.modules)
    if not isinstance(instance, Rule):
        raise ValueError(
            f"rule {rule!r} must have needs, start, observe and probabilities, got a "
            f"{type(instance).__name__} without"
        )
    return instance


def rule_teacher(
    rule: Rule,
    course: Course,
    suite: TaskSuite,
    n: int,
    seed: int,
    action: str = "task",
    cohort: Cohort | None = None,
    looking: Looking | None = None,
    reads: Sequence[str] | None = None,
) -> tuple[BaseAlgorithm, Classroom]:
    """A rule as a teacher, and a classroom that shows it what it needs and nothing else.

    Its `action` is to draw a `task` from its probabilities, or to train on them as a `mixture`.
    The `cohort` is made where it is not there already. It looks at students as its section says,
    `looking`, and pays for what it reads alone, which is what it needs where nothing is said.
    """
    columns = tuple(dict.fromkeys(("progress", *rule.needs, "key")))
    room = build_room(
        course, suite, n, columns,
        action=action, cohort=cohort, looking=looking, reads=reads or tuple(rule.needs),
    )  # fmt: skip
    return RuleTeacher(rule, CurriculumVecEnv(room), seed=seed), room


def learned_teacher(
    teacher: LearnedSection,
    path: Path,
    course: Course,
    suite: TaskSuite,
    n: int,
    seed: int,
    *,
    deterministic: bool,
    learned_part: bool = True,
    guards: Sequence[GuardSection] = (),
) -> tuple[BaseAlgorithm, Classroom]:
    """A trained teacher from its file, and a classroom of n that shows it what it was trained on.

    It plays its likeliest task, or where `deterministic` is false draws from its probabilities in
    streams of `seed`. Without its `learned_part` one with a prior is that rule, and reads and pays
    for what the rule does. With `guards` around it, it is a rule.
    """
    reads = None if learned_part else (f"log_{teacher.prior}",)
    room = build_room(
        course, suite, n, teacher.observe, action=teacher.action, looking=teacher, reads=reads
    )
    learner = load_teacher(path, CurriculumVecEnv(room), trust=is_trusted())
    if not learned_part:
        policy: Any = learner.policy
        policy.learned_part = False
    if deterministic and not guards:
        return learner, room
    sampled = Sampled(learner, tuple(teacher.observe), likeliest=deterministic)
    rule = with_guards(sampled, guards, suite)
    return rule_teacher(rule, course, suite, n, seed, teacher.action, looking=teacher, reads=reads)


def build_learner(
    teacher: LearnedSection, env: VecEnv, streams: LearnerStreams, seed: int
) -> BaseAlgorithm:
    """A learned teacher before its training.

    Raises:
        ValueError: if the settings are not those of the algorithm.
    """
    settings = dict(teacher.settings)
    try:
        see_that_settings_write_nothing(settings)
        check_settings(teacher.algorithm, settings)
        if teacher.anneal:
            if teacher.algorithm == "cma_es":
                raise ValueError("it has no learning rate that could fall; leave out anneal")
            settings["learning_rate"] = LinearSchedule(
                settings.get("learning_rate", 3e-4), 0.0, 1.0
            )
        with streams.running():
            return make_learner(
                teacher.algorithm,
                env,
                seed=seed,
                width=teacher.width,
                deterministic=teacher.deterministic,
                prior=teacher.prior,
                lean_on=teacher.lean_on,
                **settings,
            )
    except (
        TypeError, ValueError, AssertionError, RuntimeError, ArithmeticError, MemoryError
    ) as error:  # fmt: skip
        reason = " ".join(str(error).split())
        raise ValueError(
            f"teacher {teacher.name!r} can't be made with these settings of "
            f"{teacher.algorithm}: {reason}"
        ) from error
