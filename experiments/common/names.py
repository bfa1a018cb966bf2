"""Things by the names that configs give them."""

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from .mistakes import own_mistakes
from .nearest import did_you_mean
from .own_modules import OWN_NAME, own_part

_MOST = 160
"""Characters of a list of choices that a sentence has room for."""


def named(kind: str, name: str, choices: Mapping[str, Any], folders: Sequence[str] = ()) -> Any:
    """A thing by its registered name, or one's own as `module:name`.

    Args:
        kind: of thing, for errors: `rule`, `suite`, ...
        name: registered or `module:name`.
        choices: what is registered.
        folders: where one's own modules are looked for, in this order; by default the working
            directory. What is installed comes after them.

    Raises:
        ValueError: naming the choices, or where one's own was looked for.
    """
    if name in choices:
        return choices[name]
    match = OWN_NAME.fullmatch(name)
    if match is None or match[1].endswith(".py"):
        raise ValueError(f"there is no {kind} {name!r}; {_way_out(name, choices)}")
    try:
        return own_part(match[1], match[2], list(folders) or [os.getcwd()])
    except ValueError as error:
        raise ValueError(f"{kind} {name!r}: {error}") from error


def _way_out(name: str, choices: Mapping[str, Any]) -> str:
    """What can be written instead of a name that there is not."""
    if of_file := re.fullmatch(r"(?:.*[/\\])?(\w+)\.py:(\w+)", name):
        return f"write {of_file[1]}:{of_file[2]}, without the folder and .py"
    own = "name your own as module:name"
    if not choices:
        return own
    every = ", ".join(choices)
    way = f"choose one of {every}" if len(every) <= _MOST else "`lessonplan list` has all"
    return f"{did_you_mean(name, choices)}{way}, or {own}"


def call(
    kind: str, name: str, maker: Any, options: Mapping[str, Any], folders: Sequence[str] = ()
) -> Any:
    """Make it with these arguments.

    Args:
        kind: of thing, for errors.
        name: of it, for errors.
        maker: its class or function.
        options: its arguments.
        folders: of one's own modules.

    Raises:
        ValueError: if it does not take them, or if one's own code has a mistake.
    """
    try:
        with own_mistakes(f"{kind} {name!r}", folders):
            return maker(**options)
    except (TypeError, AttributeError, LookupError, RuntimeError, ArithmeticError) as error:
        reason = " ".join(str(error).split())
        arguments = ", ".join(f"{key}={value!r:.60}" for key, value in options.items()) or "none"
        raise ValueError(
            f"{kind} {name!r} does not take these arguments: {reason}; got {arguments}"
        ) from error
