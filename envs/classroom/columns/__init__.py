"""Columns of the observation: what a teacher can be shown of each task, by name."""

from .observer import Observer, passes_of
from .requests import Request, parse_column
from .signals import PROGRESS_SIGNALS
from .table import COLUMNS, Column, student_key

__all__ = [
    "COLUMNS",
    "PROGRESS_SIGNALS",
    "Column",
    "Observer",
    "Request",
    "parse_column",
    "passes_of",
    "student_key",
]
