"""Student-teacher pairs side by side with Ray Tune, each a run directory of its own.

The processes that do the work import files below; they must not wait for all that a whole
sweep needs, so its names are imported when they are asked for.
"""

from typing import Any

__all__ = ["run_dirs_of", "run_sweep"]


def __getattr__(name: str) -> Any:
    match name:
        case "run_dirs_of":
            from .merge import run_dirs_of

            return run_dirs_of
        case "run_sweep":
            from .sweep import run_sweep

            return run_sweep
        case _:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
