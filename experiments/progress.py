"""How far a piece of work is: said by whoever works, shown by whoever watches."""

from collections.abc import Callable, Sequence

Report = Callable[[float, str], None]
"""Called with the fraction done, in [0, 1], and a few words."""


Watch = Callable[[str, float, str], None]
"""Told of a unit's name, the fraction of it that is done, and a few words."""


def all_of(watches: Sequence[Watch]) -> Watch:
    """Several that watch, as one."""

    def tell(unit: str, fraction: float, words: str) -> None:
        for watch in watches:
            watch(unit, fraction, words)

    return tell


def nowhere(*_: object) -> None:
    """Nobody watches."""
