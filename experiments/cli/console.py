"""What commands share: where they print, how overrides are written, tables and complaints."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console

console = Console()

Override = Annotated[
    list[str] | None, typer.Option("-o", "--override", help="dotted.key=value, any number of times")
]


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """The first row is the heading."""
    from rich.table import Table

    table = Table(*rows[0], box=None, pad_edge=False)
    for row in rows[1:]:
        table.add_row(*row)
    console.print(table)


def print_problem(sentence: str) -> None:
    """On standard error, in one line whatever a library wrote."""
    words = " ".join(sentence.split())
    Console(stderr=True).print(f"lessonplan: {words}", style="red", markup=False, soft_wrap=True)
