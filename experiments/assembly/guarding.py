"""Guards of a config around a rule."""

import inspect
from collections.abc import Iterable
from typing import Any

from lessonplan.teacher import GUARDS, Guard, Rule

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


def with_guards(rule: Rule, guards: Iterable[GuardSection]) -> Rule:
    """A rule with guards around it, the first the innermost.

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
        parameters: dict[str, Any] = {"of": rule} | section.parameters
        try:
            rule = call("guard", section.guard, maker, parameters)
        except ValueError as error:
            raise ValueError(f"guard {section.guard!r}: {error}") from error
    return rule
