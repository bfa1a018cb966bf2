"""When a line on work is due, where no terminal shows all the time how far it is."""

from time import monotonic

_EVERY_SECONDS, _LEAST_SECONDS = 30.0, 10.0


class Pace:
    """Lines on one piece of work: at each tenth of it, and wherever 30 seconds have passed."""

    def __init__(self) -> None:
        self._last, self._tenth = monotonic(), 0

    def is_due(self, fraction: float) -> bool:
        """Whether to say now that this fraction is done; tenths that follow fast are left out."""
        seconds, tenth = monotonic() - self._last, int(fraction * 10 + 1e-9)
        if seconds < (_LEAST_SECONDS if tenth > self._tenth else _EVERY_SECONDS):
            return False
        self._last, self._tenth = monotonic(), tenth
        return True
