"""One whole trial: its pieces of work, the processes that do them, and what they record.

The processes that do the work import files below; they must not wait for all that a whole
trial needs, so its name is imported when it is asked for.
"""

from typing import Any

__all__ = ["run_trial"]


def __getattr__(name: str) -> Any:
    if name != "run_trial":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .trial import run_trial

    return run_trial
