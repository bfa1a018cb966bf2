"""Which student comes next: each row draws student seeds from its own generator."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.utils import seeding

TRAINING_SEEDS = (0, 1_000_000)
"""Half-open range of student seeds that a teacher is trained on unless one says otherwise."""


class SeedStream:
    """Student seeds of one row, drawn from a range by the row's own generator."""

    def __init__(self, student_seeds: tuple[int, int] = TRAINING_SEEDS) -> None:
        low, high = student_seeds
        if not 0 <= low < high:
            raise ValueError(f"student_seeds must be a range (low, high), got {student_seeds}")
        self.student_seeds = (low, high)
        self.generator, _ = seeding.np_random()

    def seed(self, seed: int | None) -> None:
        """Start the generator over, from the system's entropy for None."""
        self.generator, _ = seeding.np_random(seed)

    def next(self) -> int:
        """The next student seed."""
        return int(self.generator.integers(*self.student_seeds))


def check_options(options: Mapping[str, Any], *known: str) -> None:
    """Refuse options of a next lifetime that are none.

    Args:
        options: by name.
        known: those that there are; none where students are not named.

    Raises:
        ValueError: naming what is wrong.
    """
    for key, value in options.items():
        if key not in known:
            there = f"there {'is' if len(known) == 1 else 'are'} {' and '.join(known)}"
            raise ValueError(
                f"there is no option {key!r}; {there if known else 'reset takes none here'}"
            )
        if key == "student_seed" and value is not None and not _is_seed(value):
            raise ValueError(f"student_seed must be a whole number of at least 0, got {value!r}")


def _is_seed(value: Any) -> bool:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    return bool(whole and value >= 0)
