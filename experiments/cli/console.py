"""What commands share: where they print, how overrides are written, tables and complaints."""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

Override = Annotated[
    list[str] | None, typer.Option("-o", "--override", help="dotted.key=value, any number of times")
]


@cache
def terminal() -> "Console":
    """Where results are printed. Rich is loaded for the first of them, never for a complaint."""
    from rich.console import Console

    return Console()


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """The first row is the heading."""
    from rich.table import Table

    table = Table(*rows[0], box=None, pad_edge=False)
    for row in rows[1:]:
        table.add_row(*row)
    terminal().print(table)


def print_problem(sentence: str) -> None:
    """On standard error, in one line whatever a library wrote."""
    words = " ".join(sentence.split())
    typer.secho(f"lessonplan: {words}", fg="red", err=True)
