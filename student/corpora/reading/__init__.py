"""Files and folders as people have them, read row by row into examples as they are written here."""

from .columns import Columns
from .files import Source, rows, sources
from .notices import Notices
from .places import BadRowError, Place

__all__ = ["BadRowError", "Columns", "Notices", "Place", "Source", "rows", "sources"]
