"""Several candidates at once: each teaches the same students, all in one classroom.

A row of a cohort is what it would be alone, so nothing depends on who is beside whom. Training few
students at a time costs more a student; that is all that is won.

Legend: c candidates, s students, n rows (c times s), r rows whose lifetime goes on.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from lessonplan.envs import Classroom, CurriculumVecEnv
from lessonplan.student import TaskSuite
from lessonplan.teacher import Rule, RuleTeacher

from ...assembly.build import build_rule, rule_teacher
from ...assembly.guarding import with_guards
from ...config.config import Config, GuardSection, RuleSection
from ..teaching import Teaching, Worth
from .space import Setting

State = dict[str, np.ndarray]
"""What a teacher hands on, by name, with a leading axis of rows."""

_WHOSE = "candidate"


@dataclass(frozen=True)
class Lives:
    """What one candidate was worth to each student.

    Attributes:
        costs: compute until the first mastery by probe, of those that never got there that of the
            whole lifetime, (s,).
        areas: mean score after the decisions of the budget, a lifetime that ended early keeping its
            last, (s,).
        mastered: who mastered all tasks, (s,) bool.
    """

    costs: np.ndarray
    areas: np.ndarray
    mastered: np.ndarray

    @property
    def worth(self) -> Worth:
        """The means, and how many mastered."""
        return Worth(float(self.costs.mean()), float(self.areas.mean()), int(np.sum(self.mastered)))

    def of(self, rows: np.ndarray | slice) -> "Lives":
        """Those of some students."""
        return Lives(self.costs[rows], self.areas[rows], self.mastered[rows])

    def __add__(self, other: "Lives") -> "Lives":
        """With other students."""
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return Lives(*(np.concatenate(pair) for pair in pairs))


@dataclass(frozen=True)
class Took:
    """What lifetimes took: training-example equivalents, and student steps."""

    compute: float
    student_steps: int


class Crowd:
    """Rules that choose for so many rows each, as one teacher.

    Args:
        teachers: one for each candidate, who all see the same columns.
        students: rows of each.
    """

    def __init__(self, teachers: Sequence[RuleTeacher], students: int) -> None:
        self._teachers, self._students = teachers, students
        self.rule, self.action_space = teachers[0].rule, teachers[0].action_space

    def predict(
        self, observation: np.ndarray, state: State | None, start: np.ndarray, **options: Any
    ) -> tuple[np.ndarray, State]:
        """Actions of the rows, each by the rule that is theirs, and their memories."""
        whose = np.repeat(np.arange(len(self._teachers)), self._students)
        whose = whose if state is None else state[_WHOSE]
        actions: dict[int, np.ndarray] = {}
        joined: State = {_WHOSE: whose}
        for i in np.unique(whose):
            rows = whose == i
            own = None if state is None else _part(state, rows, int(i))
            teacher: Any = self._teachers[i]
            actions[i], after = teacher.predict(observation[rows], own, start[rows], **options)
            _put(joined, after, rows, int(i))
        chosen = np.zeros((len(whose), *next(iter(actions.values())).shape[1:]), np.float64)
        for i, values in actions.items():
            chosen[whose == i] = values
        return (chosen if chosen.ndim > 1 else chosen.astype(np.int64)), joined


def _part(state: State, rows: np.ndarray, i: int) -> State:
    """The state of one candidate's rows, under the names that its rule gave."""
    ends = f"@{i}"
    shared = {name: value for name, value in state.items() if "@" not in name and name != _WHOSE}
    own = {name.removesuffix(ends): value for name, value in state.items() if name.endswith(ends)}
    return {name: value[rows] for name, value in (shared | own).items()}


def _put(joined: State, after: State, rows: np.ndarray, i: int) -> None:
    """Lay down a candidate's state: shared where all have it alike, else under its own name."""
    for name, value in after.items():
        place = name if not name.startswith("memory.") else f"{name}@{i}"
        if place not in joined:
            joined[place] = np.zeros((len(rows), *value.shape[1:]), value.dtype)
        joined[place][rows] = value


def live(
    config: Config,
    section: RuleSection,
    suite: TaskSuite,
    settings: Sequence[Setting],
    students: np.ndarray,
    guards: Sequence[GuardSection] = (),
) -> Iterator[tuple[list[int], list[Lives], Took]]:
    """Let each setting of a rule teach all students, as many at a time as are reported together.

    Args:
        config: the experiment.
        section: of the rule.
        suite: its tasks.
        settings: parameters of the rule, c of them.
        students: student seeds, (s,).
        guards: around each, the innermost first.

    Yields:
        Which settings are done, what each was worth to the students, and what that took.
    """
    bare = [build_rule(section.rule, one, config, suite) for one in settings]
    rules = [with_guards(rule, guards, suite) for rule in bare]
    together = max(1, max(config.seeds.report, config.seeds.select) // len(students))
    # Rules that want other columns are shown another classroom.
    order = sorted(range(len(rules)), key=lambda i: (tuple(rules[i].needs), i))
    for _, group in groupby(order, key=lambda i: tuple(rules[i].needs)):
        same = list(group)
        for first in range(0, len(same), together):
            some = same[first : first + together]
            yield some, *_live([rules[i] for i in some], config, section, suite, students)


def _live(
    rules: Sequence[Rule],
    config: Config,
    section: RuleSection,
    suite: TaskSuite,
    students: np.ndarray,
) -> tuple[list[Lives], Took]:
    """Let rules that are shown the same teach the students, in one classroom."""
    count, seed = len(students), config.seeds.teacher
    teacher: Any
    teacher, room = rule_teacher(
        rules[0], config, suite, count * len(rules), seed, section.action, looking=section
    )
    if len(rules) > 1:
        env = CurriculumVecEnv(room)
        teacher = Crowd([RuleTeacher(rule, env, seed=seed) for rule in rules], count)
    # They are compared by their first mastery; what comes after it would only take time.
    room.end_after = 1
    lives = lives_of(Teaching(teacher, room, np.tile(students, len(rules))))
    spent = room.facts.spending
    took = Took(float(spent.compute.sum()), int(spent.steps.sum()))
    return [lives.of(slice(i * count, (i + 1) * count)) for i in range(len(rules))], took


def lives_of(teaching: Teaching) -> Lives:
    """Let the students of a classroom live to the end; what came of each."""
    room = teaching.room
    importance = np.array([task.importance for task in room.suite.tasks])
    sums = np.zeros(room.n)
    while len(rows := teaching.running):
        teaching.step()
        sums[rows] += np.average(_scores(room)[rows], axis=1, weights=importance)
    own = room.facts.decisions
    whole = np.maximum(own, room.decisions_in_budget)
    last = np.average(_scores(room), axis=1, weights=importance)
    areas = (sums + (whole - own) * last) / whole
    # Who is stopped before mastery costs what the whole budget would have, as in a report.
    spending, mastered = room.facts.spending, teaching.mastered
    stopped = ~mastered & ~spending.exhausted
    used = np.where(stopped, 1.0 - spending.remaining, 1.0)
    return Lives(teaching.cost / used, areas, mastered)


def _scores(room: Classroom) -> np.ndarray:
    """What the referee judges by, (n, k)."""
    return np.asarray(room.facts.judged)
