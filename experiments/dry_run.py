"""What a run would take, measured on a few decisions: `lessonplan run --dry-run`."""

import os
import time
from dataclasses import dataclass

import numpy as np

from lessonplan.student import TaskSuite

from .assembly.build import build_room, decisions_in_budget
from .assembly.courses import courses_of
from .config.config import Config, Course, LearnedSection, RuleSection
from .trial.checking import check
from .trial.tuning import candidates
from .trial.units import Unit, plan

_TRIED_STUDENTS, _TRIED_DECISIONS = 16, 4


@dataclass(frozen=True)
class _Price:
    """What a decision about one student of a course takes, and how many fill its budget."""

    decisions: int
    training: float
    """Training examples."""
    probing: float
    """In training-example equivalents."""
    seconds: float


def estimate(config: Config) -> str:
    """Decisions, time, compute and the share of probing, in words.

    Every lifetime is taken to last for its whole budget; most end earlier, at mastery. What a
    learner's own updates, the stress split and the first look at a student take is left out.
    """
    suite = check(config)
    units = plan(config)
    report_price = _price(config, suite, tested=True)
    work = [_unit(unit, config, suite, report_price) for unit in units]
    workers = config.workers or os.cpu_count() or 1
    decisions = sum(count for count, _ in work)
    probing = sum(count * price.probing for count, price in work)
    compute = probing + sum(count * price.training for count, price in work)
    seconds = [count * price.seconds for count, price in work]
    minutes = max(sum(seconds) / workers, *seconds) / 60
    return (
        f"{config.name}: {len(units)} units of work, {len(config.teachers)} teachers, "
        f"{config.seeds.report} reported students, suite {suite.name} with {len(suite)} tasks.\n"
        f"A lifetime is about {report_price.decisions} decisions of "
        f"{config.lifetime.steps_per_decision} student steps ({config.lifetime.budget}).\n"
        f"About {decisions:,.0f} decisions and {compute:,.3g} training-example equivalents, of "
        f"which probing is {probing / compute:.0%}, if no lifetime ended before its budget.\n"
        f"About {minutes:.0f} minutes with {workers} processes on this machine; mastery makes it "
        f"shorter, a learned teacher's own updates make it longer."
    )


def _unit(
    unit: Unit, config: Config, suite: TaskSuite, report_price: _Price
) -> tuple[float, _Price]:
    """Decisions of a unit whose lifetimes last for the whole budget, and what each takes."""
    teacher = config.teacher(unit.teacher)
    if unit.kind == "train" and isinstance(teacher, LearnedSection):
        courses = courses_of(config, teacher, suite)
        price = _mean([_price(course, suite, tested=False) for course, suite in courses])
        selecting = teacher.candidates * config.seeds.select * price.decisions * len(courses)
        return teacher.decisions + selecting, price
    if unit.kind == "tune" and isinstance(teacher, RuleSection):
        count = len(candidates(teacher, suite, config.tuning_candidates, 0))
        return count * config.seeds.select * report_price.decisions, report_price
    return config.seeds.report * report_price.decisions, report_price


def _mean(prices: list[_Price]) -> _Price:
    """What a decision takes where as many are made about students of each course."""
    means = [float(np.mean([getattr(p, name) for p in prices])) for name in _Price.__annotations__]
    return _Price(round(means[0]), *means[1:])


def _price(course: Course, suite: TaskSuite, *, tested: bool) -> _Price:
    """The price of a decision: its seconds are measured, its compute is counted."""
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
    seconds = (time.perf_counter() - began) / (_TRIED_DECISIONS * _TRIED_STUDENTS)
    probes = np.minimum(suite.sizes("probe"), course.student.evaluation_size)
    looked_at = probes.sum() if course.lifetime.feedback == "full" else probes.mean()
    training = course.lifetime.steps_per_decision * course.student.batch_size
    return _Price(decisions_in_budget(course, suite), training, float(looked_at) / 3.0, seconds)
