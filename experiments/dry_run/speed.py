"""How long a decision about a student takes, measured for a limited time.

It is first measured on next to nothing, and on more where that is quick: one student and one
example, more and more examples, many students.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from lessonplan.envs import Classroom
from lessonplan.student import StackedCohort, TaskSuite

from ..assembly.build import build_room
from ..assembly.students import cohort_kind
from ..config.config import Course, Student
from .memory import evaluated_together, fits

_STUDENTS, _TURNS = (1, 4, 16, 64), 4
_FACTOR = 8
"""From one size of a step to the next."""
_NEVER, _ENOUGH = 10**9, "1e9-steps"
"""Decisions at mastery and a budget that end no lifetime while it is measured."""


@dataclass(frozen=True)
class Speed:
    """Seconds of a decision of a course, of one student among many."""

    teaching: float
    """Training and probing."""
    testing: float
    """Evaluating `test` afterwards, as is done where a teacher is reported."""
    together: float = 0.0
    """What a decision about several students takes besides, however many they are."""

    @property
    def total(self) -> float:
        """Both."""
        return self.teaching + self.testing


@dataclass(frozen=True)
class Sizes:
    """Examples that a decision about one student takes."""

    training: float
    probing: float
    """That are judged by `probe`, whatever the teacher sees."""
    testing: float
    probes: np.ndarray
    """Of the whole probe set of each task, (k,)."""

    def own_probing(self, looks: Mapping[str, Any], check_every: int, used: bool) -> float:
        """What a teacher that looks so pays for in the long run, checks included.

        Args:
            looks: as `looks_of` has it.
            check_every: decisions from one check to the next.
            used: whether it reads anything that a probe tells.
        """
        size = np.minimum(self.probes, looks["probe_size"] or self.probes)
        looked_at = float(size.mean() if looks["feedback"] == "bandit" else size.sum())
        checked, hears = float(self.probes.sum()), looks["feedback"] == "training"
        every = (looks["probe_every"] or (0 if hears else 1)) if used else 0
        if not every:
            return checked / check_every
        both = min(looked_at, checked) / math.lcm(every, check_every)
        return looked_at / every + checked / check_every - both


def sizes_of(course: Course, suite: TaskSuite) -> Sizes:
    """Examples of a decision, counted."""
    batch, most = course.student.batch_size, course.student.evaluation_size
    if cohort_kind(course, suite) is not StackedCohort:
        # Students of other kinds may have batches and evaluations of sizes of their own.
        cohort = build_room(course, suite, 1, reads=()).cohort
        batch, most = cohort.batch_size, cohort.evaluation_size
    probes = np.minimum(suite.sizes("probe"), most)
    probing = probes.mean() if course.lifetime.feedback == "bandit" else probes.sum()
    testing = np.minimum(suite.sizes("test"), most).sum()
    training = course.lifetime.steps_per_decision * batch
    return Sizes(training, float(probing), float(testing), probes)


def measured(course: Course, suite: TaskSuite, sizes: Sizes, seconds: float) -> Speed | None:
    """The speed of a course's students with one thread, as a run computes them.

    What would take too much of the machine's memory is not tried; None if that is everything.

    Args:
        course: suite, students and lifetimes.
        suite: of the course.
        sizes: examples of a decision.
        seconds: about what the measuring may take. One training step on one example and the
            evaluation of one are done whatever they take.
    """
    if not fits(course, suite, 1, 1):
        return None
    batch, most = course.student.batch_size, course.student.evaluation_size
    together = fits(course, suite, batch, evaluated_together(course, suite))
    watch = _Stopwatch(seconds, own_time=course.student.device == "cpu")
    with one_thread():
        pace = _pace(_with_sizes(course, 1), suite, watch)
        # What a step takes besides its examples is most of a small one, and part of a pace.
        for size in _growing(max(batch, most)):
            larger = _with_sizes(course, size)
            sizes_fit = fits(course, suite, min(size, batch), min(size, most))
            seconds = pace.building + 2 * pace.turn(larger.student, suite)
            if not (sizes_fit and watch.fits(seconds)):
                break
            pace = _pace(larger, suite, watch)
        speed = Speed(
            pace.training * sizes.training + pace.judging * sizes.probing,
            pace.judging * sizes.testing,
        )
        calls: list[tuple[int, float]] = []
        for n in _STUDENTS:
            # The first look at students, a first decision, which is slow, and one that counts.
            if not (together and watch.fits(3 * n * speed.total)):
                break
            speed = _on_decisions(_lasting(course), suite, n, watch)
            calls.append((n, n * speed.teaching))
    return _split(speed, calls)


def _split(speed: Speed, calls: Sequence[tuple[int, float]]) -> Speed:
    """What grows with the students, and what does not, of decisions about few and about many.

    Args:
        speed: of one of the many.
        calls: numbers of students, ascending, with the seconds of a decision about them.

    >>> _split(Speed(3.0, 1.0), [(1, 10.0), (4, 16.0), (16, 40.0)])
    Speed(teaching=2.0, testing=1.0, together=8.0)
    """
    if len(calls) < 2:
        return speed
    (few, short), (many, long) = calls[0], calls[-1]
    each = min(max((long - short) / (many - few), 0.0), long / many)
    return Speed(each, speed.testing, long - each * many)


class _Stopwatch:
    """Measures pieces of work, as long as there is time.

    Args:
        seconds: that all of it may take.
        own_time: whether what other processes take of the cores is left out of what is measured.
    """

    def __init__(self, seconds: float, own_time: bool) -> None:
        self._clock = time.process_time if own_time else time.perf_counter
        self._end = time.perf_counter() + seconds
        self._own, self._wall = 0.0, 0.0

    def seconds(self, work: Callable[[], object]) -> float:
        """What the work takes."""
        began, wall = self._clock(), time.perf_counter()
        work()
        taken = max(self._clock() - began, 1e-9)
        self._own += taken
        self._wall += time.perf_counter() - wall
        return taken

    def fits(self, seconds: float) -> bool:
        """Whether there is time for work of so many seconds, as slow as the work before."""
        slowness = self._wall / self._own if self._own else 1.0
        return time.perf_counter() + seconds * slowness < self._end


@dataclass(frozen=True)
class _Pace:
    """Seconds of one student for a single example."""

    training: float
    judging: float
    building: float = 0.0
    """What the student takes to be there."""

    def turn(self, student: Student, suite: TaskSuite) -> float:
        """Seconds of a step and of evaluating a task of each kind, if not faster together."""
        judging = self.judging * len(_typical_tasks(suite)) * student.evaluation_size
        return 2 * self.training * student.batch_size + judging


def _growing(most: int) -> Iterator[int]:
    """Sizes above 1, each some times the one before, and the largest.

    >>> list(_growing(100)), list(_growing(1))
    ([8, 64, 100], [])
    """
    size = 1
    while size < most:
        size = min(_FACTOR * size, most)
        yield size


def _with_sizes(course: Course, most: int) -> Course:
    """The same course with batches and evaluations of at most so many examples."""
    student = course.student
    sizes = {key: min(most, getattr(student, key)) for key in ("batch_size", "evaluation_size")}
    few = student.model_copy(update=sizes)
    return course.model_copy(update={"student": few})


def _pace(course: Course, suite: TaskSuite, watch: _Stopwatch) -> _Pace:
    """From single steps, and evaluations of single tasks, of one student."""
    rooms: list[Classroom] = []
    building = watch.seconds(lambda: rooms.append(build_room(course, suite, 1, reads=())))
    cohort, tasks = rooms[0].cohort, _typical_tasks(suite)
    training, judging = [], []
    for turn in range(_TURNS):
        mixture = np.zeros((1, len(suite)))
        mixture[0, tasks[turn % len(tasks)]] = 1.0
        training.append(watch.seconds(partial(cohort.train, mixture, 1)))
        if not watch.fits(2 * training[-1]):
            break
    for task in tasks:
        judged = min(cohort.evaluation_size, suite.sizes("probe")[task])
        judging.append(watch.seconds(partial(cohort.evaluate, "probe", np.array([task]))) / judged)
    # The first step is slower than those that follow.
    step = float(np.mean(training[1:] or training)) / cohort.batch_size
    return _Pace(step, float(np.mean(judging)), building)


def _typical_tasks(suite: TaskSuite) -> list[int]:
    """Of every way to judge the task whose rows are nearest to the mean in length."""
    costs = suite.values("cost")
    by_grader: dict[type, list[int]] = {}
    for i, task in enumerate(suite.tasks):
        by_grader.setdefault(type(task.grader), []).append(i)
    return [
        tasks[int(np.argmin(np.abs(costs[tasks] - costs[tasks].mean())))]
        for tasks in by_grader.values()
    ]


def _on_decisions(course: Course, suite: TaskSuite, n: int, watch: _Stopwatch) -> Speed:
    """From whole decisions about n students."""
    room, rows = build_room(course, suite, n, reads=()), np.arange(n)
    room.reset(rows, rows)
    _decide(room, 0, watch)
    turns = []
    for turn in range(1, _TURNS + 1):
        turns.append(_decide(room, turn, watch))
        if not watch.fits(sum(turns[-1])):
            break
    teaching, testing = np.mean(turns, axis=0) / n
    return Speed(float(teaching), float(testing))


def _decide(room: Classroom, turn: int, watch: _Stopwatch) -> tuple[float, float]:
    """Seconds of a decision about every student, and of evaluating `test`."""
    tasks = (np.arange(room.n) + turn) % len(room.suite)
    return watch.seconds(partial(room.step, tasks)), watch.seconds(
        partial(room.cohort.evaluate, "test")
    )


def _lasting(course: Course) -> Course:
    """The same course with lifetimes that do not end."""
    lifetime = course.lifetime.model_copy(update={"budget": _ENOUGH, "end_after": _NEVER})
    return course.model_copy(update={"lifetime": lifetime})


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute with one thread, as a run does."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
