"""What a user is told while something runs."""

import sys


def say(sentence: str) -> None:
    """Print a sentence to standard error, at once."""
    print(f"lessonplan: {sentence}", file=sys.stderr, flush=True)
