"""Student-teacher pairs side by side with Ray Tune, each a run directory of its own."""

from .sweep import run_sweep

__all__ = ["run_sweep"]
