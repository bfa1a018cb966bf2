"""How far a piece of work is, or that it failed: said by whoever works, shown by who watches."""

from collections.abc import Callable, Sequence

Tell = Callable[[float, str], None]
"""Called with the fraction done, in [0, 1], and a few words."""


Watch = Callable[[str, float, str], None]
"""Told of a unit's name, the fraction of it that is done, and a few words."""


Progress = Callable[[str, int], None]
"""Told what is being done to data, such as `rows read`, and to how many; often, so it is quick."""


def all_of(watches: Sequence[Watch]) -> Watch:
    """Several that watch, as one."""

    def tell(unit: str, fraction: float, words: str) -> None:
        for watch in watches:
            watch(unit, fraction, words)

    return tell


def nowhere(*_: object) -> None:
    """Take whatever is told, and show it to nobody."""


class WorkFailedError(RuntimeError):
    """A piece of work failed; what is done is kept, and the run or sweep can be resumed."""
