"""When a line on work is due, where no terminal shows all the time how far it is."""

import time
from collections.abc import Callable

_EVERY_SECONDS, _LEAST_SECONDS = 30.0, 5.0


class Pace:
    """Lines on one piece of work: at each tenth of it, and wherever 30 seconds have passed.

    Args:
        clock: seconds from wherever it began.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last, self._tenth = clock(), 0

    def is_due(self, fraction: float) -> bool:
        """Whether to say now that this fraction is done; tenths that follow fast are left out."""
        seconds, tenth = self._clock() - self._last, int(fraction * 10 + 1e-9)
        if seconds < (_LEAST_SECONDS if tenth > self._tenth else _EVERY_SECONDS):
            return False
        self._last, self._tenth = self._clock(), tenth
        return True
