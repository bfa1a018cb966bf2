"""What a run would take: decisions, compute and minutes."""

import math
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass

import numpy as np

from lessonplan.student import TaskSuite
from lessonplan.teacher import RULES

from ..analysis.wording import count
from ..assembly.build import decisions_in_budget
from ..assembly.courses import courses_of
from ..assembly.guarding import shown_to
from ..assembly.natures import mixes_tasks
from ..assembly.suite_facts import row_unit
from ..common.names import named
from ..config.config import (
    Config,
    Course,
    GuardedSection,
    LearnedSection,
    ReplaySection,
    RuleSection,
    Teacher,
)
from ..config.sections.course import Looking, looks_of
from ..trial.cards import reads_measured
from ..trial.tuning import most_lifetimes
from ..trial.units import Unit, plan
from .lives import Lasting, try_lives
from .memory import heaviest_step
from .speed import Sizes, Speed, measured, sizes_of

_FORWARD_PASSES = 3.0
"""Examples that are looked at for the compute of one that is trained on."""
_SLOWEST, _SLOWEST_TUNED = 2.0, 3.0
"""How many times longer than the mean the slowest of lifetimes lasts that are lived together; where
parameters are looked for, some are bad."""
_LONG = 3600.0
"""Seconds of a run from which on the ways to a shorter one are named."""


@dataclass(frozen=True)
class Price:
    """What a decision about a student of a course takes, and how many fill its budget."""

    decisions: int
    training: float
    """Training examples."""
    seconds: float
    """Of one student among many; NaN where measuring them would take too much memory."""
    together: float
    """Seconds of a decision about several students besides, however many they are."""


class Prices:
    """Prices of courses, each measured once.

    Args:
        config: whose course comes first.
        learned: teachers that may have courses of their own.
        seconds: for measuring all of them.
    """

    def __init__(self, config: Config, learned: Sequence[LearnedSection], seconds: float) -> None:
        self._end = time.perf_counter() + seconds
        courses = [config, *(course for teacher in learned for course in teacher.courses)]
        self._left = len({_key(course) for course in courses})
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
        sizes, speed = self._measured(course, suite)
        decisions = decisions_in_budget(course, suite)
        share = _tested_share(decisions, course.lifetime.test_every) if tested else 0.0
        seconds = speed.teaching + share * speed.testing
        return Price(decisions, sizes.training, seconds, speed.together)

    def own(self, course: Course, suite: TaskSuite, looking: Looking | None, used: bool) -> float:
        """What a decision takes of the probes of a teacher, in training-example equivalents.

        Args:
            course: suite, students and lifetimes.
            suite: of the course.
            looking: its section.
            used: whether it reads anything that is measured.
        """
        sizes, _ = self._measured(course, suite)
        looks = looks_of(course.lifetime, looking)
        return sizes.own_probing(looks, course.lifetime.check_every, used) / _FORWARD_PASSES

    def _measured(self, course: Course, suite: TaskSuite) -> tuple[Sizes, Speed]:
        key = _key(course)
        if key not in self._speeds:
            sizes = sizes_of(course, suite)
            seconds = (self._end - time.perf_counter()) / max(self._left, 1)
            speed = measured(course, suite, sizes, seconds) or Speed(math.nan, math.nan)
            self._speeds[key] = sizes, speed
            self._left -= 1
            if sentence := heaviest_step(course, suite):
                self.heaviest.append(sentence)
        return self._speeds[key]


def _key(course: Course) -> str:
    """The same text for the same course."""
    return "\n".join(
        section.model_dump_json() for section in (course.suite, course.student, course.lifetime)
    )


def _tested_share(decisions: int, every: int) -> float:
    """Share of the decisions of a lifetime that are tested: the first, every so many, the last.

    >>> [_tested_share(decisions, 5) for decisions in (1, 2, 4, 10, 20)]
    [1.0, 1.0, 0.5, 0.3, 0.25]
    """
    ends = 2 if decisions % every else 1
    return min(decisions, decisions // every + ends) / decisions if every > 1 else 1.0


@dataclass(frozen=True)
class Work:
    """What a unit takes, or several do."""

    decisions: float
    compute: float
    """Training-example equivalents, with the probes that teachers use."""
    probing: float
    """Part of it."""
    seconds: float
    """Of one process; NaN where they were not measured."""

    @staticmethod
    def together(works: Sequence["Work"]) -> "Work":
        """All of several pieces."""
        return Work(*np.sum([astuple(one) for one in works] or [(0.0,) * 4], axis=0).tolist())


@dataclass(frozen=True)
class Estimate:
    """What units of a trial take."""

    units: Mapping[Unit, Work]
    lifetime: int
    """Decisions in the budget of a lifetime."""
    lasting: Lasting
    heaviest: tuple[str, ...]
    """Of courses with steps that take much memory a sentence each."""

    @property
    def whole(self) -> Work:
        """All units."""
        return Work.together(list(self.units.values()))

    def kind(self, kind: str) -> Work:
        """Those that tune, select, train or evaluate."""
        return Work.together([work for unit, work in self.units.items() if unit.kind == kind])

    def wall_seconds(self, workers: int) -> float:
        """With so many processes; NaN where the time was not measured.

        At least what the longest row of units takes each of which waits for the one before.
        """
        parts = {unit.name: work.seconds for unit, work in self.units.items()}
        waits = {unit.name: unit.after for unit in self.units}

        def until(name: str) -> float:
            before = [until(one) for one in waits[name] if one in waits]
            return parts[name] + max(before, default=0.0)

        return float(np.max([sum(parts.values()) / workers, *map(until, parts), 0.0]))


def estimate(config: Config, suite: TaskSuite, seconds: float, units: Sequence[Unit]) -> Estimate:
    """What units would take.

    Lifetimes are taken to last as long as those of a few students under teachers that see nothing;
    where there is no time to try that, for their whole budgets. What a learner's own updates, the
    stress split and the first look at a student take is left out.

    Args:
        config: the experiment.
        suite: of the config.
        seconds: about what measuring may take.
        units: of its plan.
    """
    learned = [one for one in config.teachers if isinstance(one, LearnedSection) and not one.origin]
    courses = {teacher.name: courses_of(config, teacher, suite) for teacher in learned}
    prices = Prices(config, learned, seconds / 2)
    price = prices.of(config, suite, tested=True)
    lasts = try_lives(config, suite, seconds / 2, price.seconds)
    works = {unit: _unit(unit, config, suite, courses, prices, lasts) for unit in units}
    return Estimate(works, price.decisions, lasts, tuple(prices.heaviest))


def cost(config: Config, suite: TaskSuite, seconds: float) -> list[str]:
    """Decisions, time, compute and the share of probing, in sentences.

    Args:
        config: the experiment.
        suite: of the config.
        seconds: about what measuring may take.
    """
    units = plan(config)
    taken = [one for one in config.teachers if isinstance(one, LearnedSection) and one.origin]
    found = estimate(config, suite, seconds, units)
    workers, whole = config.workers or os.cpu_count() or 1, found.whole
    tried = found.lasting.tried
    return [
        f"{len(units)} units of work, {len(config.teachers)} teachers "
        f"({', '.join(teacher.name for teacher in config.teachers)}), "
        f"{config.seeds.report} reported students.",
        *(f"{one.name} is taken from {one.origin} and not trained." for one in taken),
        f"A lifetime is about {count(found.lifetime, 'decision')} of "
        f"{count(config.lifetime.steps_per_decision, 'student step')} ({config.lifetime.budget})"
        + (f"; {_lasted(found)}." if tried else "."),
        f"About {whole.decisions:,.0f} decisions and {whole.compute:,.3g} training-example "
        f"equivalents, of which probing is {whole.probing / whole.compute:.0%}, if "
        + ("lifetimes last so long." if tried else "no lifetime ended before its budget."),
        f"{_parts(found)}.",
        *_times(found.wall_seconds(workers), workers, found.heaviest),
        *ways_out(found.wall_seconds(workers), suite),
    ]


def _lasted(found: Estimate) -> str:
    """How long the lifetimes of a few students lasted."""
    mixed, single = (
        count(round(share * found.lifetime), "decision")
        for share in (found.lasting.mixed, found.lasting.single)
    )
    return f"a few students needed {mixed} shuffled, {single} with one task each"


def _parts(found: Estimate) -> str:
    """What each kind of unit takes of all decisions."""
    kinds = {
        "train": "training", "tune": "tuning", "select": "selecting", "evaluate": "reporting",
    }  # fmt: skip
    shares = {
        words: found.kind(kind).decisions / found.whole.decisions for kind, words in kinds.items()
    }
    said = [f"{words} {share:.0%}" for words, share in shares.items() if share]
    return f"Of the decisions {', '.join(said)}"


def _times(seconds: float, workers: int, heaviest: Sequence[str]) -> list[str]:
    """How long it takes, and what takes much memory, in sentences."""
    if math.isnan(seconds):
        return [f"Its time is not measured: {sentence}" for sentence in heaviest]
    return [
        f"About {duration(seconds)} with {workers} processes on this machine, an estimate from a "
        "few seconds of measuring; a tuning that ends early makes it shorter, a learned teacher's "
        "own updates and other work on the machine make it longer.",
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
    lasts: Lasting,
) -> Work:
    """What a unit takes."""
    teacher = config.teacher(unit.teacher)
    taught = config.teacher(teacher.of) if isinstance(teacher, GuardedSection) else teacher
    looking = None if isinstance(taught, ReplaySection | GuardedSection) else taught
    reads, mixes = _nature(teacher, config)
    share, students = lasts.of(teacher.name, mixes), config.seeds
    if unit.kind == "train" and isinstance(teacher, LearnedSection):
        mine = courses[teacher.name]
        price = _mean([prices.of(one, own, tested=False) for one, own in mine])
        probing = float(np.mean([prices.own(one, own, looking, reads) for one, own in mine]))
        tries = teacher.candidates * len(mine)
        selecting = _Living(tries * students.select, students.select, price, share)
        work = _work(selecting.decisions, selecting.rounds(_SLOWEST), price, probing)
        own = _work(teacher.decisions, teacher.decisions / teacher.students, price, probing)
        return Work.together([own, work])
    price = prices.of(config, suite, tested=unit.kind == "evaluate")
    probing = prices.own(config, suite, looking, reads)
    if unit.kind == "tune" and isinstance(teacher, RuleSection):
        together = max(students.report, students.select)
        living = _Living(most_lifetimes(config, teacher, suite), together, price, share)
        return _work(living.decisions, living.rounds(_SLOWEST_TUNED), price, probing)
    count = students.report if unit.kind == "evaluate" else students.select
    living = _Living(count, count, price, share)
    return _work(living.decisions, living.rounds(_SLOWEST), price, probing)


@dataclass(frozen=True)
class _Living:
    """Lifetimes that are lived so many together, each for a share of the budget."""

    lifetimes: float
    together: int
    price: Price
    share: float

    @property
    def decisions(self) -> float:
        """About single students."""
        return self.lifetimes * self.price.decisions * self.share

    def rounds(self, slowest: float) -> float:
        """Decisions about those that live together: as many as the slowest of them needs."""
        longest = self.price.decisions * min(1.0, slowest * self.share)
        return longest * max(1.0, self.lifetimes / self.together)


def _work(decisions: float, rounds: float, price: Price, probing: float) -> Work:
    seconds = decisions * price.seconds + rounds * price.together
    compute = decisions * (price.training + probing)
    return Work(decisions, compute, decisions * probing, seconds)


def _nature(teacher: Teacher, config: Config) -> tuple[bool, bool]:
    """Whether a teacher reads what is measured of students, and whether it mixes tasks in batches.

    A rule whose class does not say what it needs is taken to read it.
    """
    if isinstance(teacher, ReplaySection):
        return False, mixes_tasks(teacher, config)
    if isinstance(teacher, GuardedSection):
        reads, mixes = _nature(config.teacher(teacher.of), config)
        return reads or reads_measured(shown_to(teacher.guards)), mixes
    mixes = teacher.action == "mixture"
    if isinstance(teacher, LearnedSection):
        return reads_measured(teacher.observe), mixes
    rule = named("rule", teacher.rule, RULES, config.modules)
    needs = getattr(rule, "needs", None)
    reads = reads_measured(needs) if isinstance(needs, tuple | list) else True
    return reads, mixes or bool(getattr(rule, "mixes", False))


def _mean(prices: list[Price]) -> Price:
    """What a decision takes where as many are made about students of each course."""
    means = [float(np.mean([getattr(p, name) for p in prices])) for name in Price.__annotations__]
    return Price(round(means[0]), *means[1:])


def duration(seconds: float) -> str:
    """Seconds in words, in the unit that fits."""
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    if seconds < 5400:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours"
