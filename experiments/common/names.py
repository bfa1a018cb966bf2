"""Things by the names that configs give them."""

import importlib
import os
import sys
from collections.abc import Mapping
from typing import Any


def find_own_modules(*folders: str) -> None:
    """Let one's own `module:name` be found in folders, by default in the working directory."""
    for folder in folders or (os.getcwd(),):
        # At the end, where one's own modules hide nothing that is installed.
        if os.path.isdir(folder) and folder not in sys.path:
            sys.path.append(folder)


def named(kind: str, name: str, choices: Mapping[str, Any]) -> Any:
    """A thing by its registered name, or one's own as `module:name`.

    Raises:
        ValueError: naming the choices.
    """
    if name in choices:
        return choices[name]
    module, colon, attribute = name.partition(":")
    if not colon:
        raise ValueError(
            f"there is no {kind} {name!r}; choose one of {', '.join(choices)}, "
            f"or name your own as module:name"
        )
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"{kind} {name!r} can't be imported: {error}") from error


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
