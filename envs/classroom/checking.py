"""Checks of arguments that several files of the room take."""

from typing import Any


def check_choice(name: str, value: str, choices: Any) -> None:
    """Refuse a name that is none of the choices, and list them."""
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}")


def check_counts(**counts: int) -> None:
    """Refuse a count below 1, by its name."""
    for name, value in counts.items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")
