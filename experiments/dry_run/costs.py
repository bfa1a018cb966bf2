"""What a run would take: decisions, compute and minutes, if no lifetime ended before its budget."""

import math
import os
import time
from dataclasses import dataclass

import numpy as np

from lessonplan.student import TaskSuite

from ..analysis.wording import count
from ..assembly.build import decisions_in_budget
from ..assembly.courses import courses_of
from ..assembly.suite_facts import row_unit
from ..config.config import Config, Course, LearnedSection, RuleSection
from ..trial.tuning import most_lifetimes
from ..trial.units import Unit, plan
from .memory import heaviest_step
from .speed import Sizes, Speed, measured, sizes_of

_FORWARD_PASSES = 3.0
"""Examples that are looked at for the compute of one that is trained on."""
_LONG = 3600.0
"""Seconds of a run from which on the ways to a shorter one are named."""


@dataclass(frozen=True)
class Price:
    """What a decision about one student of a course takes, and how many fill its budget."""

    decisions: int
    training: float
    """Training examples."""
    probing: float
    """In training-example equivalents."""
    seconds: float
    """NaN where measuring them would take too much memory."""


class Prices:
    """Prices of courses, each measured once.

    Args:
        courses: how many there are.
        seconds: for measuring all of them.
    """

    def __init__(self, courses: int, seconds: float) -> None:
        self._end = time.perf_counter() + seconds
        self._left = courses
        self._speeds: dict[str, tuple[Sizes, Speed]] = {}
        self.heaviest: list[str] = []
        """Of courses with steps that take much memory a sentence each."""

    def of(self, course: Course, suite: TaskSuite, *, tested: bool) -> Price:
        """The price of a decision: its seconds are measured, its compute is counted.

        Args:
            course: suite, students and lifetimes.
            suite: of the course.
            tested: whether `test` is evaluated, after as many decisions as the course says.
        """
        key = "\n".join(
            section.model_dump_json() for section in (course.suite, course.student, course.lifetime)
        )
        if key not in self._speeds:
            sizes = sizes_of(course, suite)
            seconds = (self._end - time.perf_counter()) / max(self._left, 1)
            speed = measured(course, suite, sizes, seconds) or Speed(math.nan, math.nan)
            self._speeds[key] = sizes, speed
            self._left -= 1
            if sentence := heaviest_step(course, suite):
                self.heaviest.append(sentence)
        sizes, speed = self._speeds[key]
        decisions = decisions_in_budget(course, suite)
        share = _tested_share(decisions, course.lifetime.test_every) if tested else 0.0
        return Price(
            decisions,
            sizes.training,
            sizes.probing / _FORWARD_PASSES,
            speed.teaching + share * speed.testing,
        )


def _tested_share(decisions: int, every: int) -> float:
    """Share of the decisions of a lifetime that are tested: the first, every so many, the last.

    >>> [_tested_share(decisions, 5) for decisions in (1, 2, 4, 10, 20)]
    [1.0, 1.0, 0.5, 0.3, 0.25]
    """
    ends = 2 if decisions % every else 1
    return min(decisions, decisions // every + ends) / decisions if every > 1 else 1.0


def cost(config: Config, suite: TaskSuite, seconds: float) -> list[str]:
    """Decisions, time, compute and the share of probing, in sentences.

    Every lifetime is taken to last for its whole budget; most end earlier, at mastery. What a
    learner's own updates, the stress split and the first look at a student take is left out.

    Args:
        config: the experiment.
        suite: of the config.
        seconds: about what measuring may take.
    """
    units = plan(config)
    learned = [one for one in config.teachers if isinstance(one, LearnedSection)]
    from_files = [teacher for teacher in learned if teacher.origin]
    learned = [teacher for teacher in learned if not teacher.origin]
    courses = {teacher.name: courses_of(config, teacher, suite) for teacher in learned}
    prices = Prices(1 + sum(len(teacher.courses) for teacher in learned), seconds)
    report_price = prices.of(config, suite, tested=True)
    work = [_unit(unit, config, suite, courses, prices) for unit in units]
    workers = config.workers or os.cpu_count() or 1
    decisions = sum(count for count, _ in work)
    probing = sum(count * price.probing for count, price in work)
    compute = probing + sum(count * price.training for count, price in work)
    parts = [count * price.seconds for count, price in work]
    whole = float(np.max([sum(parts) / workers, *parts]))
    return [
        f"{len(units)} units of work, {len(config.teachers)} teachers "
        f"({', '.join(teacher.name for teacher in config.teachers)}), "
        f"{config.seeds.report} reported students.",
        *(f"{one.name} is taken from {one.origin} and not trained." for one in from_files),
        f"A lifetime is about {count(report_price.decisions, 'decision')} of "
        f"{count(config.lifetime.steps_per_decision, 'student step')} ({config.lifetime.budget}).",
        f"About {decisions:,.0f} decisions and {compute:,.3g} training-example equivalents, of "
        f"which probing is {probing / compute:.0%}, if no lifetime ended before its budget.",
        *_times(whole, workers, prices.heaviest),
        *ways_out(whole, suite),
    ]


def _times(seconds: float, workers: int, heaviest: list[str]) -> list[str]:
    """How long it takes, and what takes much memory, in sentences."""
    if math.isnan(seconds):
        return [f"Its time is not measured: {sentence}" for sentence in heaviest]
    return [
        f"About {_duration(seconds)} with {workers} processes on this machine, an estimate from a "
        "few seconds of measuring; mastery makes it shorter, a learned teacher's own updates and "
        "other work on the machine make it longer.",
        *(f"Memory: {sentence}" for sentence in heaviest),
    ]


def ways_out(seconds: float, suite: TaskSuite) -> list[str]:
    """What makes a long run shorter, in a sentence; none for a short one or one not measured."""
    if not seconds > _LONG:
        return []
    ways = ["--budget", "-o 'teachers=[NAME, ...]'", "-o seeds.report=N"]
    ways += ["shorter rows"] if row_unit(suite) else []
    return [f"{', '.join(ways[:-1])} and {ways[-1]} make it shorter."]


def _unit(
    unit: Unit,
    config: Config,
    suite: TaskSuite,
    courses: dict[str, list[tuple[Course, TaskSuite]]],
    prices: Prices,
) -> tuple[float, Price]:
    """Decisions of a unit whose lifetimes last for the whole budget, and what each takes."""
    teacher = config.teacher(unit.teacher)
    if unit.kind == "train" and isinstance(teacher, LearnedSection):
        mine = courses[teacher.name]
        price = _mean([prices.of(course, suite, tested=False) for course, suite in mine])
        selecting = teacher.candidates * config.seeds.select * price.decisions * len(mine)
        return teacher.decisions + selecting, price
    if unit.kind == "tune" and isinstance(teacher, RuleSection):
        price = prices.of(config, suite, tested=False)
        return most_lifetimes(config, teacher, suite) * price.decisions, price
    report_price = prices.of(config, suite, tested=True)
    return config.seeds.report * report_price.decisions, report_price


def _mean(prices: list[Price]) -> Price:
    """What a decision takes where as many are made about students of each course."""
    means = [float(np.mean([getattr(p, name) for p in prices])) for name in Price.__annotations__]
    return Price(round(means[0]), *means[1:])


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    if seconds < 5400:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours"
