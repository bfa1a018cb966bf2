"""How long lifetimes last, tried with a few students; most end before their budget, at mastery."""

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from lessonplan.student import TaskSuite

from ..assembly.build import SELECT_SEEDS, build_rule, rule_teacher
from ..config.config import Config, RuleSection
from ..trial.teaching import Teaching
from .speed import one_thread

_STUDENTS = 4
_LEAST = 10
"""Decisions that there must be time for, so that it is tried at all."""
_PATIENCE = 5.0
"""How many times longer it may take where other work has the cores."""


@dataclass(frozen=True)
class Lasting:
    """Share of their budgets that lifetimes last, in (0, 1]; 1 also where it was not tried."""

    mixed: float = 1.0
    """With all tasks in each batch, by size."""
    single: float = 1.0
    """With one task after the other, each as often."""
    tuned: Mapping[str, float] = field(default_factory=dict)
    """With tuned rules before they are tuned, by the names of teachers."""

    def of(self, teacher: str, mixes: bool) -> float:
        """That of a teacher, who mixes tasks in batches or does not."""
        return self.tuned.get(teacher, self.mixed if mixes else self.single)

    @property
    def tried(self) -> bool:
        """Whether it is known of any that they end earlier."""
        return min(self.mixed, self.single, *self.tuned.values(), 1.0) < 1.0


def try_lives(config: Config, suite: TaskSuite, seconds: float, decision_seconds: float) -> Lasting:
    """Let a few students live under two teachers that see nothing, and under rules to be tuned.

    Args:
        config: the experiment.
        suite: of the config.
        seconds: that it may take; who has not mastered by then counts with the whole budget.
        decision_seconds: of a decision about one student; NaN where it was not measured.
    """
    tuned = [one for one in config.teachers if isinstance(one, RuleSection) and one.tune]
    each = seconds / (2 + len(tuned))
    if not decision_seconds * _STUDENTS * _LEAST < each:
        return Lasting()
    shares: dict[str, float] = {}
    with one_thread():
        mixed, single = (
            _share(RuleSection(name=rule, rule=rule), config, suite, each)
            for rule in ("proportional", "uniform")
        )
        for teacher in tuned:
            # What can't be made before it is tuned lasts like others.
            with suppress(ValueError, TypeError):
                shares[teacher.name] = _share(teacher, config, suite, each)
    return Lasting(mixed, single, shares)


def _share(teacher: RuleSection, config: Config, suite: TaskSuite, seconds: float) -> float:
    began, own = time.perf_counter(), time.process_time()
    students = SELECT_SEEDS + np.arange(_STUDENTS)
    rule = build_rule(teacher.rule, teacher.parameters, config, suite)
    teaching = Teaching(
        *rule_teacher(rule, config, suite, _STUDENTS, 0, teacher.action, looking=teacher), students
    )
    while len(teaching.running) and (
        time.process_time() - own < seconds and time.perf_counter() - began < _PATIENCE * seconds
    ):
        teaching.step()
    room = teaching.room
    shares = np.minimum(room.facts.decisions / room.decisions_in_budget, 1.0)
    return float(np.where(room.finished, shares, 1.0).mean())
