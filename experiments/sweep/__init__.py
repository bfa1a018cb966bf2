"""Student-teacher pairs side by side with Ray Tune, each a run directory of its own.

The processes that do the work import files below; they must not wait for all that a whole
sweep needs, so its name is imported when it is asked for.
"""

from typing import Any

__all__ = ["run_sweep"]


def __getattr__(name: str) -> Any:
    if name != "run_sweep":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .sweep import run_sweep

    return run_sweep
