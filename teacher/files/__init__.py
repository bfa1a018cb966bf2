"""Teachers in files: JSON and weights, and nothing that runs when it is read."""

from ..pickles import unpickled, unpickled_checkpoint
from .zips import (
    TeacherFile,
    read_teacher,
    read_values,
    save_teacher,
    write_values,
    zip_data,
)

__all__ = [
    "TeacherFile",
    "read_teacher",
    "read_values",
    "save_teacher",
    "unpickled",
    "unpickled_checkpoint",
    "write_values",
    "zip_data",
]
