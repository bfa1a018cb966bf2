"""The run directory: the only place that knows its names and formats."""

from .layout import RunDir, SweepDir

__all__ = ["RunDir", "SweepDir"]
