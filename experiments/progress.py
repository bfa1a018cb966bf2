"""How far a piece of work is: said by whoever works, shown by whoever watches."""

from collections.abc import Callable

Report = Callable[[float, str], None]
"""Called with the fraction done, in [0, 1], and a few words."""


def nowhere(*_: object) -> None:
    """Nobody watches."""
