"""Live progress of a trial in the terminal."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from .config import Config
from .progress import Watch
from .units import plan


@contextmanager
def watching(console: Console, config: Config, before: int = 0) -> Iterator[Watch]:
    """A bar for the whole trial and one for each unit that is being done.

    Where the output is not a terminal, a line for each unit that is done.

    Args:
        console: where it is shown.
        config: of the trial.
        before: units that were done before the trial was resumed.
    """
    units = plan(config)
    if not console.is_terminal:
        finished: set[str] = set()

        def line(unit: str, fraction: float, words: str) -> None:
            if words == "done":
                finished.add(unit)
                count = before + len(finished)
                console.print(f"done: {unit} ({count} of {len(units)})", highlight=False)

        yield line
        return
    columns = (
        TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(),
        TextColumn("{task.fields[words]}", style="dim"),
    )  # fmt: skip
    with Progress(*columns, console=console) as progress:
        words = f"of {len(units)} units"
        total = progress.add_task(config.name, total=len(units), completed=before, words=words)
        shown: dict[str, TaskID] = {}

        def bars(unit: str, fraction: float, words: str) -> None:
            if unit not in shown:
                shown[unit] = progress.add_task(f"  {unit}", total=1.0, words=words)
            progress.update(shown[unit], completed=fraction, words=words)
            if words == "done":
                progress.update(shown[unit], visible=False)
                progress.advance(total)

        yield bars
