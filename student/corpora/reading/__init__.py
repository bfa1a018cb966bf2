"""Files and folders as people have them, read row by row into examples as they are written here."""

from .notices import Notices
from .places import BadRowError, Place

__all__ = ["BadRowError", "Notices", "Place"]
