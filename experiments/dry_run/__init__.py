"""What a user looks at before a long run: `lessonplan run --dry-run`."""

from .page import preview, preview_parts

__all__ = ["preview", "preview_parts"]
