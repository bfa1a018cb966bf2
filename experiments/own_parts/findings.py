"""The checks that ship, on a part of one's own that is called as a config calls it."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from lessonplan.envs import CurriculumVecEnv
from lessonplan.envs.classroom import REWARD_CHECKS
from lessonplan.student import TaskSuite
from lessonplan.student.contract import COHORT_CHECKS, SUITE_CHECKS, check_divergence
from lessonplan.teacher import teacher_checks

from ..assembly.build import build_reward, build_room, build_rule, build_suite
from ..assembly.students import build_cohort
from ..common.mistakes import where_and_why
from ..common.names import named
from ..config.config import Course, Lifetime, Student, Suite
from .kinds import KINDS, part_kind
from .scores import score_checks

Check = tuple[str, Callable[[], None]]
"""What is looked at, in a sentence, and what does it; a ValueError says what is wrong."""

_SUITES = {
    "numbers (suite parity)": Suite(name="parity", options={"n_tasks": 3, "n_signs": 8}),
    "tokens (suite addition)": Suite(name="addition", options={"n_digits": 2}),
}
"""Small suites of both kinds of inputs, for students."""
_LIFETIME = Lifetime(budget="400-steps")


@dataclass(frozen=True)
class Finding:
    """One check of a part.

    Attributes:
        about: what was looked at.
        problem: what is wrong, in a sentence; empty where nothing is.
    """

    about: str
    problem: str = ""


@dataclass(frozen=True)
class _Part:
    """What is checked, and how a config would name it."""

    name: str
    options: Mapping[str, Any]
    folders: Sequence[str]
    suite: str = ""
    can_diverge: bool = True

    def course(self, suite: Suite | None = None, **sections: Any) -> Course:
        """A small course that its folders go with."""
        named_suite = Suite(name=self.suite) if self.suite else _SUITES["numbers (suite parity)"]
        sections = {"suite": suite or named_suite} | sections
        return Course(lifetime=_LIFETIME, modules=list(self.folders)).model_copy(update=sections)


def check_own_part(
    name: str,
    options: Mapping[str, Any] | None = None,
    *,
    kind: str = "",
    suite: str = "",
    folders: Sequence[str] = (),
    can_diverge: bool = True,
) -> tuple[str, Iterator[Finding]]:
    """Check a part of one's own.

    Args:
        name: `module:name`, as in a config.
        options: its arguments, as in a config; of a score the columns of the row it is tried on.
        kind: one of `KINDS`; by default what it looks like.
        suite: a suite by name that students and rules are tried on; by default a small one.
        folders: where its module is looked for; the working directory by default.
        can_diverge: whether students can have a loss that is not finite.

    Returns:
        The kind, and what is found, check by check.

    Raises:
        ValueError: if there is no such part, or it looks like none.
    """
    if kind and kind not in KINDS:
        raise ValueError(f"there is no kind {kind!r}; choose one of {', '.join(KINDS)}")
    places = list(folders) or [os.getcwd()]
    own = named(kind or "part", name, {}, places)
    options = dict(options or {})
    kind = kind or part_kind(own, options)
    part = _Part(name, options, places, suite, can_diverge)
    return kind, _findings(_CHECKS[kind](part), places)


def _findings(checks: Iterator[Check], folders: Sequence[str]) -> Iterator[Finding]:
    """Do the checks; the first is what the others stand on."""
    number = 0
    while True:
        about = "It can be made" if number == 0 else "The checks go on"
        try:
            about, check = next(checks)
            check()
        except StopIteration:
            return
        except Exception as error:
            # Whatever somebody's code raises is what is wrong with it.
            yield Finding(about.rstrip("."), where_and_why(error, folders))
            if number == 0:
                return
        else:
            yield Finding(about.rstrip("."))
        number += 1


def _about(checks: Mapping[str, Callable[[Any], None]], thing: Any) -> Iterator[Check]:
    for check in checks.values():
        yield (check.__doc__ or "").partition("\n")[0], partial(check, thing)


def _rule_checks(part: _Part) -> Iterator[Check]:
    course = part.course()
    suite = build_suite(course)
    rule = build_rule(part.name, part.options, course, suite)
    columns = tuple(dict.fromkeys(("progress", *rule.needs, "key")))
    room = build_room(course, suite, 2, columns)
    yield from teacher_checks(rule, CurriculumVecEnv(room))


def _student_checks(part: _Part) -> Iterator[Check]:
    """Of models, students and cohorts: that they fit a suite, and what cohorts promise."""
    student = Student(model=part.name, options=dict(part.options), batch_size=8, evaluation_size=16)
    yield from _cohort_checks(part, student)


def _own_cohort_checks(part: _Part) -> Iterator[Check]:
    options = dict(part.options)
    student = Student(cohort=part.name, options=options, batch_size=8, evaluation_size=16)
    yield from _cohort_checks(part, student)


def _cohort_checks(part: _Part, student: Student) -> Iterator[Check]:
    choices = {part.suite: None} if part.suite else _SUITES
    misfits: dict[str, Exception] = {}
    for inputs, section in choices.items():
        course = part.course(section, student=student)
        suite = build_suite(course)
        try:
            _take_a_step(course, suite)
        except Exception as error:
            misfits[inputs] = error
            continue
        yield f"Students of it learn from {inputs}", partial(_take_a_step, course, suite)
        yield from _about(COHORT_CHECKS, partial(build_cohort, course, suite))
        if part.can_diverge:
            yield from _about({"": check_divergence}, partial(build_cohort, course, suite))
        return
    words = (f"{inputs}: {where_and_why(e, part.folders)}" for inputs, e in misfits.items())
    raise ValueError(f"students of it can't learn; from {'; from '.join(words)}")


def _take_a_step(course: Course, suite: TaskSuite) -> None:
    room = build_room(course, suite, 2)
    both = np.arange(2)
    room.reset(both, both)
    room.step(both)


def _suite_checks(part: _Part) -> Iterator[Check]:
    course = part.course(suite=Suite(name=part.name, options=dict(part.options)))
    suite = build_suite(course)
    yield "There are tasks to order", partial(_see_several_tasks, suite)
    yield from _about(SUITE_CHECKS, suite)


def _see_several_tasks(suite: TaskSuite) -> None:
    if len(suite) == 1:
        raise ValueError(f"it has one task, {suite.names[0]!r}, so there is nothing to order")


def _reward_checks(part: _Part) -> Iterator[Check]:
    course = part.course()
    lifetime = course.lifetime.model_copy(update={"reward": part.name})
    yield from _about(REWARD_CHECKS, build_reward(part.course(lifetime=lifetime)))


def _score_checks(part: _Part) -> Iterator[Check]:
    yield from score_checks(named("score", part.name, {}, part.folders), part.options)


_CHECKS: dict[str, Callable[[_Part], Iterator[Check]]] = {
    "rule": _rule_checks,
    "model": _student_checks,
    "student": _student_checks,
    "cohort": _own_cohort_checks,
    "suite": _suite_checks,
    "reward": _reward_checks,
    "score": _score_checks,
}
