"""Teaching the students of a suite, in order and by shuffling, to see what it is like.

Legend: m students, k tasks, d decisions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lessonplan.student import TaskSuite

from .assembly.build import REPORT_SEEDS, build_rule, build_suite, rule_teacher
from .common.watch import Tell, nowhere
from .config.config import Course, Lifetime, Student, Suite
from .trial.teaching import Teaching

RULES = {"in_order": "in order", "proportional": "shuffled"}
"""The two rules that a suite is shown with."""

_STEPS, _STUDENTS = 1200, 12
_SLOW_STUDENTS = 4
"""Of suites whose students read text."""
_NEVER = 10**9


def _course(
    name: str, steps: int, student: Student | None = None, every: int = 20, **options: Any
) -> Course:
    """A small run on a suite whose lifetimes go on after mastery, to the end of the budget."""
    return Course(
        suite=Suite(name=name, options=options),
        student=student or Student(options={"hidden": [64, 64]}),
        lifetime=Lifetime(
            budget=f"{steps}-steps",
            steps_per_decision=every,
            end_after=_NEVER,
            shuffle_tasks=False,
        ),
    )


COURSES: dict[str, Course] = {
    "parity": _course("parity", 1600),
    "addition": _course(
        "addition", 2000, Student(model="decoder"), every=50, n_digits=3, reversed_answer=True
    ),
    "simulated": _course("simulated", 4000, Student()),
    "interference": _course("interference", 2000),
    "distractors": _course("distractors", 1600),
    "graph": _course("graph", 2000),
    "flat": _course("flat", 480),
    "finite": _course("finite", 800),
    "chain": _course(
        "chain",
        6000,
        Student(options={"hidden": [256]}, learning_rate=5e-3, batch_size=128),
    ),
}
"""What a suite is shown with; others get a perceptron or a decoder and 1,200 steps."""


@dataclass(frozen=True)
class TeachingResult:
    """What came of teaching m students by one rule."""

    title: str
    score: np.ndarray
    """Mean test score of the students at the start and after each decision, (d + 1, k)."""
    steps: int
    """Student steps of a lifetime."""
    cost: np.ndarray
    """Student steps to mastery by `probe`, those of the lifetime where there was none, (m,)."""

    @property
    def verdict(self) -> str:
        """How many mastered all tasks, and the median of their cost."""
        mastered = self.cost < self.steps
        within = f", median {np.median(self.cost):,.0f}" if mastered.any() else ""
        return f"{self.title}: {mastered.sum()} of {len(mastered)} mastered{within}"


def teach_suite(
    name: str,
    options: Mapping[str, Any] | None = None,
    students: int | None = None,
    tell: Tell = nowhere,
) -> tuple[TaskSuite, list[TeachingResult]]:
    """Teach a suite in order and by shuffling.

    Args:
        name: of a suite, or one's own as `module:name`.
        options: arguments of the suite, besides those that it is shown with.
        students: m, of each rule; 12 by default, 4 that read text.
        tell: told of every decision.

    Returns:
        The suite, and what came of each rule in `RULES`.

    Raises:
        ValueError: if the suite cannot be made.
    """
    course = COURSES.get(name) or _course(name, _STEPS)
    section = Suite(name=name, options=course.suite.options | dict(options or {}))
    course = course.model_copy(update={"suite": section})
    suite = build_suite(course)
    if name not in COURSES and suite.tokens:
        course = course.model_copy(update={"student": Student(model="decoder")})
    m = students or (_SLOW_STUDENTS if suite.tokens else _STUDENTS)
    return suite, [teach(course, suite, rule, m, tell) for rule in RULES]


def teach(
    course: Course, suite: TaskSuite, rule: str, students: int, tell: Tell = nowhere
) -> TeachingResult:
    """Whole lifetimes of some students under a rule."""
    teacher, room = rule_teacher(build_rule(rule, {}, course, suite), course, suite, students, 0)
    teaching = Teaching(teacher, room, REPORT_SEEDS + np.arange(students))
    scores = [room.cohort.evaluate("test").score.mean(axis=0)]
    while len(teaching.running):
        teaching.step()
        scores.append(room.cohort.evaluate("test").score.mean(axis=0))
        tell((len(scores) - 1) / room.decisions_in_budget, f"{suite.name}, {RULES[rule]}")
    return TeachingResult(RULES[rule], np.stack(scores), int(room.budget.amount), teaching.steps)
