"""Live progress in the terminal: of the units of a trial, or of the pairs of a sweep."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from ..common.watch import Watch

_ENDS = ("done", "failed", "stopped")


@contextmanager
def live_bars(
    console: Console, title: str, count: int, kind: str, before: int = 0
) -> Iterator[Watch]:
    """A bar for the whole and one for each part that is being done.

    Where the output is not a terminal, a line for each part that ends.

    Args:
        console: where it is shown.
        title: of the whole.
        count: parts.
        kind: what the parts are, in the plural.
        before: parts that were done before the whole was resumed.
    """
    ended: set[str] = set()
    if not console.is_terminal:

        def line(part: str, fraction: float, words: str) -> None:
            if words in _ENDS and part not in ended:
                ended.add(part)
                text = f"{words}: {part} ({before + len(ended)} of {count})"
                console.print(text, highlight=False, markup=False, soft_wrap=True)

        yield line
        return
    columns = (
        TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(),
        TextColumn("{task.fields[words]}", style="dim"),
    )  # fmt: skip
    with Progress(*columns, console=console) as progress:
        whole = progress.add_task(title, total=count, completed=before, words=f"of {count} {kind}")
        bars: dict[str, TaskID] = {}

        def bar(part: str, fraction: float, words: str) -> None:
            if part not in bars:
                bars[part] = progress.add_task(f"  {part}", total=1.0, words=words)
            progress.update(bars[part], completed=fraction, words=words)
            if words in _ENDS and part not in ended:
                ended.add(part)
                progress.update(bars[part], visible=False)
                progress.advance(whole)

        yield bar
