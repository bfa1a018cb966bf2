"""What a run would take, measured on a few decisions: `lessonplan run --dry-run`."""

import os
import time

import numpy as np

from lessonplan.envs import Classroom
from lessonplan.student import TaskSuite

from .build import build_room, build_suite
from .check import check
from .config import Config, Course, LearnedTeacher
from .tune import candidates
from .units import Unit, plan

_TRIED_STUDENTS, _TRIED_DECISIONS = 16, 4


def estimate(config: Config) -> str:
    """Upper bounds in words: decisions, time, compute and the share of probing.

    Every lifetime is taken to last for its whole budget; most end earlier, at mastery.
    """
    suite = check(config)
    room = build_room(config, suite, 1)
    units = plan(config)
    decisions, seconds = 0.0, 0.0
    price = _seconds_per_decision(config, suite, tested=True)
    for unit in units:
        here, each = _unit(unit, config, suite, room, price)
        decisions += here
        seconds += here * each
    workers = config.workers or os.cpu_count() or 1
    batch = config.lifetime.steps_per_decision * config.student.batch_size
    probes = np.minimum(suite.sizes("probe"), config.student.evaluation_size)
    probing = float(probes.sum() if config.lifetime.feedback == "full" else probes.mean()) / 3.0
    slowest = max(_unit(u, config, suite, room, price)[0] * price for u in units)
    return (
        f"{config.name}: {len(units)} units of work, {len(config.teachers)} teachers, "
        f"{config.seeds.report} reported students, suite {suite.name} with {len(suite)} tasks.\n"
        f"A lifetime is at most {room.decisions_in_budget} decisions of "
        f"{config.lifetime.steps_per_decision} student steps ({config.lifetime.budget}).\n"
        f"At most {decisions:,.0f} decisions and {decisions * (batch + probing):,.3g} training-"
        f"example equivalents, of which probing is {probing / (batch + probing):.0%}.\n"
        f"At most about {max(seconds / workers, slowest) / 60:.0f} minutes with {workers} "
        f"processes on this machine; lifetimes that end in mastery make it shorter."
    )


def _unit(
    unit: Unit, config: Config, suite: TaskSuite, room: Classroom, price: float
) -> tuple[float, float]:
    """Most decisions that a unit can take, and seconds for each."""
    whole = room.decisions_in_budget
    teacher = next((t for t in config.teachers if t.name == unit.teacher), None)
    if unit.kind == "train" and isinstance(teacher, LearnedTeacher):
        course: Course = teacher.course or config
        own = price
        if teacher.course:
            own = _seconds_per_decision(course, build_suite(course), tested=False)
        return teacher.decisions + teacher.candidates * config.seeds.select * whole, own
    if unit.kind == "tune" and teacher is not None and teacher.type == "rule":
        count = len(candidates(teacher, suite, config.tuning_candidates, 0))
        return count * config.seeds.select * whole, price
    return config.seeds.report * whole, price


def _seconds_per_decision(course: Course, suite: TaskSuite, *, tested: bool) -> float:
    """Seconds per decision and student, measured."""
    room = build_room(course, suite, _TRIED_STUDENTS)
    rows = np.arange(_TRIED_STUDENTS)
    room.reset(rows, rows)
    room.step(rows % len(suite))
    began = time.perf_counter()
    for turn in range(_TRIED_DECISIONS):
        going = np.flatnonzero(~room.finished)
        room.step((going + turn) % len(suite), going)
        if tested:
            room.cohort.evaluate("test", rows=going)
    return (time.perf_counter() - began) / (_TRIED_DECISIONS * _TRIED_STUDENTS)
