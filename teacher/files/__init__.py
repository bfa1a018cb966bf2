"""Teachers in files: JSON and weights, and nothing that runs when it is read."""

from ..pickles import unpickled, unpickled_checkpoint
from .plain import MOST_COLUMNS
from .zips import (
    TeacherFile,
    read_teacher,
    read_values,
    save_teacher,
    see_that_methods_stay,
    write_values,
    zip_data,
)

__all__ = [
    "MOST_COLUMNS",
    "TeacherFile",
    "read_teacher",
    "read_values",
    "save_teacher",
    "see_that_methods_stay",
    "unpickled",
    "unpickled_checkpoint",
    "write_values",
    "zip_data",
]
