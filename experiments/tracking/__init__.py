"""Learned schedules in W&B, logged beside a trial from what it has recorded."""

from .follow import track_report, tracking

__all__ = ["track_report", "tracking"]
