"""Learned schedules in W&B and TensorBoard, logged beside a trial from what it has recorded."""

from .event_files import tensorboard
from .follow import track_report, tracking

__all__ = ["tensorboard", "track_report", "tracking"]
