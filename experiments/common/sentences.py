"""What a user is told while something runs."""

import sys


def say(sentence: str) -> None:
    """On standard error, at once."""
    print(f"lessonplan: {sentence}", file=sys.stderr, flush=True)
