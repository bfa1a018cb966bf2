"""What a user looks at before a long run: `lessonplan run --dry-run`."""

from .page import preview

__all__ = ["preview"]
