"""Checks of arguments that several files of the room take."""

from collections.abc import Collection
from difflib import get_close_matches

import numpy as np


def check_choice(name: str, value: str, choices: Collection[str]) -> None:
    """Refuse a name that is none of the choices; list them, and say which is nearest."""
    if value not in choices:
        near = nearest_name(value, choices)
        hint = f"; did you mean {near!r}?" if near else ""
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}{hint}")


def nearest_name(name: str, choices: Collection[str]) -> str:
    """The choice that a name is most like; empty where none is."""
    return next(iter(get_close_matches(str(name), choices, n=1)), "")


def check_counts(*, least: int = 1, **counts: int) -> None:
    """Refuse a count that is none, or is less than it may be, by its name."""
    for name, value in counts.items():
        if isinstance(value, bool) or not isinstance(value, int | np.integer):
            raise ValueError(f"{name} must be a whole number, got {value!r:.60}")
        if value < least:
            raise ValueError(f"{name} must be at least {least}, got {value}")
