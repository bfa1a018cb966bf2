"""What a teacher is by its section: the rule that it names, and whether it mixes tasks."""

import inspect
from collections.abc import Mapping
from typing import Any

from lessonplan.teacher import RULES

from ..common.names import call, named
from ..config.config import (
    Config,
    GuardedSection,
    LearnedSection,
    ReplaySection,
    RuleSection,
    Teacher,
)


def described_rule(maker: Any, teacher: RuleSection, parameters: Mapping[str, Any]) -> Any:
    """What says what a rule is: its class, or a rule that is made where only such a one knows."""
    if isinstance(getattr(maker, "needs", None), tuple | list):
        return maker
    grid: Mapping[str, Any] = teacher.grid or getattr(maker, "tuning", {})
    options = {key: values[0] for key, values in grid.items()} | dict(parameters)
    if "prerequisites" in inspect.signature(maker).parameters:
        options.setdefault("prerequisites", ())
    return call("rule", teacher.rule, maker, options)


def mixes_tasks(teacher: Teacher, config: Config) -> bool:
    """Whether a teacher mixes tasks in each batch; replays and guards do as their original."""
    if isinstance(teacher, ReplaySection | GuardedSection):
        return mixes_tasks(config.teacher(teacher.of), config)
    if teacher.action == "mixture" or isinstance(teacher, LearnedSection):
        return teacher.action == "mixture"
    maker: Any = named("rule", teacher.rule, RULES, config.modules)
    return bool(getattr(described_rule(maker, teacher, teacher.parameters), "mixes", False))
