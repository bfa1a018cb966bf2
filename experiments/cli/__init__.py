"""The command `lessonplan`: a file for each command, and what all of them print with."""

from .app import main

__all__ = ["main"]
