"""One whole trial: its pieces of work, the processes that do them, and what they record."""

from .trial import run_trial

__all__ = ["run_trial"]
