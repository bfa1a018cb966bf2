"""Columns of the observation: what a teacher can be shown of each task, by name."""

from .observer import Observer
from .table import COLUMNS, PROGRESS_SIGNALS, Column, Request, parse_column, student_key

__all__ = [
    "COLUMNS",
    "PROGRESS_SIGNALS",
    "Column",
    "Observer",
    "Request",
    "parse_column",
    "student_key",
]
