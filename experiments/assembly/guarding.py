"""Guards of a config around a rule."""

import inspect
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from lessonplan.student import TaskSuite
from lessonplan.teacher import GUARDS, Asks, Guard, Rule, Uniform, View

from ..common.names import call
from ..common.nearest import did_you_mean
from ..config.config import GuardSection


def guard_named(name: str) -> type[Guard]:
    """The class of a guard.

    Raises:
        ValueError: if there is none of this name.
    """
    if name not in GUARDS:
        raise ValueError(
            f"there is no guard {name!r}; {did_you_mean(name, GUARDS)}choose one of "
            f"{', '.join(GUARDS)}"
        )
    return GUARDS[name]


def shown_to(guards: Iterable[GuardSection]) -> tuple[str, ...]:
    """Columns that guards have to be shown besides those of the teacher that they are around."""
    return tuple(with_guards(Uniform(), guards).needs)


def see_the_order(guards: Iterable[GuardSection]) -> bool:
    """Whether any of them is told something of the true order."""
    return bool(getattr(with_guards(Uniform(), guards), "sees_order", False))


def asked_by(guards: Iterable[GuardSection], suite: TaskSuite) -> set[str]:
    """What guards may ask for besides choices, by the names of `lessonplan.teacher.Asks`."""
    rule, k = with_guards(Uniform(), guards, suite), len(suite)
    if not isinstance(rule, Asks):
        return set()
    columns = tuple(dict.fromkeys((*rule.needs, "key")))
    nothing = np.zeros((1, k, len(columns)))
    view = View(nothing, columns, np.full(1, -1), np.zeros(1, dtype=np.int64), 0)
    return set(rule.asks(rule.start(1, k), view))


def graph_of(suite: TaskSuite) -> tuple[tuple[int, ...], ...]:
    """Of each task the indices of those that it needs."""
    index = {name: i for i, name in enumerate(suite.names)}
    return tuple(tuple(index[name] for name in task.prerequisites) for task in suite.tasks)


def with_guards(rule: Rule, guards: Iterable[GuardSection], suite: TaskSuite | None = None) -> Rule:
    """A rule with guards around it, the first the innermost.

    Args:
        rule: the rule.
        guards: of a config.
        suite: which tasks there are and what each needs; without it only columns are right.

    Raises:
        ValueError: if there is no such guard, or it does not take these parameters.
    """
    for section in guards:
        maker = guard_named(section.guard)
        own = [name for name in inspect.signature(maker).parameters if name != "of"]
        for name in section.parameters:
            if name not in own:
                raise ValueError(
                    f"guard {section.guard!r} has no parameter {name!r}; "
                    f"{did_you_mean(name, own)}there are {', '.join(own)}"
                )
        parameters: dict[str, Any] = {"of": rule} | _of_suite(section, own, suite)
        try:
            rule = call("guard", section.guard, maker, parameters)
        except ValueError as error:
            raise ValueError(f"guard {section.guard!r}: {error}") from error
    return rule


def _of_suite(section: GuardSection, own: Sequence[str], suite: TaskSuite | None) -> dict[str, Any]:
    """Parameters of a guard, with what it takes from the suite where that is not written."""
    plain = {k: tuple(x) if isinstance(x, list) else x for k, x in section.parameters.items()}
    if "prerequisites" in own and suite is not None:
        plain.setdefault("prerequisites", graph_of(suite))
    if "names" in own:
        named = [name for value in plain.values() if isinstance(value, dict) for name in value]
        plain.setdefault("names", tuple(named) if suite is None else suite.names)
    return plain
