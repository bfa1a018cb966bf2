"""Checks of arguments that several files of the room take."""

import os
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


def check_counts(**counts: int) -> None:
    """Refuse a count that is none, by its name."""
    for name, value in counts.items():
        if isinstance(value, bool) or not isinstance(value, int | np.integer):
            raise ValueError(f"{name} must be a whole number, got {value!r:.60}")
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")


def check_lesson(n: int, steps: int, batch_size: int) -> None:
    """Refuse decisions whose examples, drawn before the first step, would fill the memory."""
    # Which task, and which of its examples: two numbers of eight bytes, and a copy of each.
    size = 32 * n * steps * batch_size
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if size > memory / 2:
        raise ValueError(
            f"a decision of {steps:,} steps draws {steps * batch_size:,} examples for each of "
            f"{n:,} students, which takes {size / 1e9:,.0f} GB, and this machine has "
            f"{memory / 1e9:,.0f}; take fewer steps_per_decision"
        )
