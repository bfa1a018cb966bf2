"""Things by the names that configs give them."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

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
    if match is None:
        every = ", ".join(choices)
        way = f"choose one of {every}" if len(every) <= _MOST else "`lessonplan list` has all"
        raise ValueError(
            f"there is no {kind} {name!r}; {did_you_mean(name, choices)}{way}, or name your own "
            "as module:name"
        )
    try:
        return own_part(match[1], match[2], list(folders) or [os.getcwd()])
    except ValueError as error:
        raise ValueError(f"{kind} {name!r}: {error}") from error


def call(kind: str, name: str, maker: Any, options: Mapping[str, Any]) -> Any:
    """Make it with these arguments.

    Raises:
        ValueError: if it does not take them.
    """
    try:
        return maker(**options)
    except (TypeError, AttributeError, LookupError, RuntimeError, ArithmeticError) as error:
        reason = " ".join(str(error).split())
        arguments = ", ".join(f"{key}={value!r:.60}" for key, value in options.items()) or "none"
        raise ValueError(
            f"{kind} {name!r} does not take these arguments: {reason}; got {arguments}"
        ) from error
