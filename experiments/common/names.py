"""Things by the names that configs give them."""

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from .mistakes import own_mistakes, words_of
from .nearest import did_you_mean
from .own_code.looks import LOOKS, home_of, is_open, looks_like
from .own_code.places import Place, is_ours, place_of, why_not
from .own_modules import OWN_NAME, own_part
from .trust import is_module_agreed

_MOST = 160
"""Characters of a list of choices that a sentence has room for."""
_MOST_REASON = 300
"""Characters of what a maker says of its arguments."""


def named(kind: str, name: str, choices: Mapping[str, Any], folders: Sequence[str] = ()) -> Any:
    """A thing by its registered name, or one's own as `module:name`.

    Args:
        kind: of thing, for errors: `rule`, `suite`, ...
        name: registered or `module:name`.
        choices: what is registered.
        folders: where one's own modules are looked for, in this order; by default the working
            directory. What is installed comes after them.

    What is one's own is imported only where that was agreed to, and given only where it looks like
    what it is named for.

    Raises:
        ValueError: naming the choices, or where one's own was looked for, or why it can't be taken.
    """
    if name in choices:
        return choices[name]
    match = OWN_NAME.fullmatch(name)
    if match is None or match[1].endswith(".py"):
        raise ValueError(f"there is no {kind} {name!r}; {_way_out(name, choices)}")
    places = list(folders) or [os.getcwd()]
    try:
        part = own_part(match[1], match[2], places)
        see_that_it_is_one(kind, part, match[1], places)
    except ValueError as error:
        raise ValueError(f"{kind} {name!r}: {error}") from error
    return part


def see_that_it_is_one(kind: str, part: Any, module: str, folders: Sequence[str]) -> None:
    """Refuse a part that is not what it is named for, or not of the module that it is named in.

    What a module merely imports may be used only where it could have been named itself.

    Args:
        kind: of part.
        part: what the module has.
        module: that was named.
        folders: of one's own modules.

    Raises:
        ValueError: in one sentence; nothing of the part was called.
    """
    if not looks_like(kind, part):
        what = f"class {part.__name__}" if isinstance(part, type) else type(part).__name__
        raise ValueError(f"it is a {what}, and a {kind} is {LOOKS[kind]}; it was not called")
    home = home_of(part)
    if is_ours(home) and callable(part):
        if not (is_module_agreed(home) or is_open(kind, part)):
            raise ValueError(
                f"it is of {home}, a module of ours, and no {kind} that a config may name; it was "
                "not called; name one that `lessonplan list` shows"
            )
        return
    # A plain value, of which nothing can be called, is of no module.
    if home == module or not callable(part):
        return
    if reason := why_not(home, place_of(home, folders) or Place("")):
        raise ValueError(f"it is imported there from {home}: {reason}")


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
    except (
        TypeError, AttributeError, LookupError, RuntimeError, ArithmeticError, MemoryError
    ) as error:  # fmt: skip
        reason = words_of(error)
        reason = reason if len(reason) <= _MOST_REASON else f"{reason[:_MOST_REASON]}..."
        arguments = ", ".join(f"{key}={value!r:.60}" for key, value in options.items()) or "none"
        raise ValueError(
            f"{kind} {name!r} does not take these arguments: {reason}; got {arguments}"
        ) from error
