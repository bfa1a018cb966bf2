"""Live progress in the terminal: of the units of a trial, or of the pairs of a sweep."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..common.printable import plain_line
from ..common.watch import Watch
from .pace import Pace

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID

_ENDS = ("done", "failed", "stopped")


@contextmanager
def live_bars(
    console: "Console",
    title: str,
    count: int,
    kind: str,
    before: int = 0,
    then: str = "writing the report",
) -> Iterator[Watch]:
    """A bar for the whole and one for each part that is being done.

    Where the output is not a terminal, a line for each part that ends, and now and then one for a
    part that takes long.

    Args:
        console: where it is shown.
        title: of the whole.
        count: parts.
        kind: what the parts are, in the plural.
        before: parts that were done before the whole was resumed.
        then: what comes when all parts have ended.
    """
    shown = _bars if console.is_terminal else _lines
    with shown(console, title, _Count(count, kind, before, then)) as watch:
        yield watch


class _Count:
    """How many parts have ended, and what comes when all have."""

    def __init__(self, count: int, kind: str, before: int, then: str) -> None:
        self.count, self.ended, self._kind, self._then = count, before, kind, then
        self._names: set[str] = set()

    def add(self, part: str) -> bool:
        """Whether the end of a part is news."""
        if part in self._names:
            return False
        self._names.add(part)
        self.ended += 1
        return True

    @property
    def next(self) -> str:
        """What is done once all have ended; empty until then."""
        return self._then if self.ended == self.count else ""

    def __str__(self) -> str:
        return self.next or f"{self.ended} of {self.count} {self._kind}"


@contextmanager
def _lines(console: "Console", title: str, ends: _Count) -> Iterator[Watch]:
    paces: dict[str, Pace] = {}

    def line(text: str) -> None:
        console.print(plain_line(text), highlight=False, markup=False, soft_wrap=True)

    def watch(part: str, fraction: float, words: str) -> None:
        pace = paces.setdefault(part, Pace())
        if words in _ENDS:
            if ends.add(part):
                line(f"{words}: {part} ({ends.ended} of {ends.count})")
                if ends.next:
                    line(ends.next)
        elif pace.is_due(fraction):
            line(f"{part}: {fraction:.0%}, {words}")

    if ends.next:
        line(ends.next)
    yield watch


@contextmanager
def _bars(console: "Console", title: str, ends: _Count) -> Iterator[Watch]:
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    # The clock stands alone at the end: beside a count it would read like one.
    columns = (
        TextColumn("{task.description}", markup=False), BarColumn(),
        TextColumn("{task.fields[words]}", style="dim", markup=False), TimeElapsedColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console) as progress:
        whole = progress.add_task(
            plain_line(title), total=ends.count, completed=ends.ended, words=str(ends)
        )
        bars: dict[str, TaskID] = {}

        def watch(part: str, fraction: float, words: str) -> None:
            shown_words = plain_line(words)
            if part not in bars:
                title = plain_line(f"  {part}")
                bars[part] = progress.add_task(title, total=1.0, words=shown_words)
            progress.update(bars[part], completed=fraction, words=shown_words)
            if words in _ENDS and ends.add(part):
                progress.update(bars[part], visible=False)
                progress.update(whole, completed=ends.ended, words=str(ends))

        yield watch
