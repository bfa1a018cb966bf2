"""What is shown while one thing is being done, where that takes longer than a moment."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from rich.console import Console
from rich.markup import escape

from ..common.printable import plain_line
from ..common.sentences import say
from ..common.watch import Progress, Tell
from .pace import Pace

_EVERY_SECONDS = 15.0
"""Between lines, where the output is not a terminal."""


@contextmanager
def loading_status(after: float = 2.0, console: Console | None = None) -> Iterator[Progress]:
    """How far loading is, on standard error: a status in a terminal, now and then a line elsewhere.

    Args:
        after: seconds before anything is shown.
        console: where it is shown; that of standard error by default.
    """
    console = console or Console(stderr=True)
    following = time.monotonic() + after
    with ExitStack() as stack:
        status = console.status("") if console.is_terminal else None
        running = False

        def progress(words: str, count: int) -> None:
            nonlocal following, running
            if not running and time.monotonic() < following:
                return
            text = f"{words}: {count:,}"
            if status is None:
                following = time.monotonic() + _EVERY_SECONDS
                say(text)
                return
            if not running:
                stack.enter_context(status)
                running = True
            status.update(escape(plain_line(text)))

        yield progress


@contextmanager
def at_work(title: str, console: Console | None = None) -> Iterator[Tell]:
    """What is being done and how far it is, on standard error: a status in a terminal, else lines.

    Args:
        title: what is being done.
        console: where it is shown; that of standard error by default.
    """
    console = console or Console(stderr=True)
    if console.is_terminal:
        with console.status(escape(plain_line(title))) as status:
            yield lambda fraction, words: status.update(
                escape(plain_line(f"{fraction:4.0%} {words}"))
            )
        return
    pace, titles = Pace(), [title]

    def tell(fraction: float, words: str) -> None:
        # Not before there is progress: what is refused before is one sentence.
        while titles:
            say(titles.pop())
        if pace.is_due(fraction):
            say(f"{fraction:.0%}, {words}")

    yield tell
