"""The command `lessonplan suite`."""

from pathlib import Path
from typing import Annotated

import typer

from ..console import place_to_write, terminal


def suite(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="a suite from `lessonplan list`, or module:name")
    ],
    out: Annotated[Path, typer.Option(parser=place_to_write, metavar="FILE", help="PNG to write")],
    option: Annotated[
        list[str] | None,
        typer.Option("-o", "--option", metavar="key=value", help="of the suite; may be repeated"),
    ] = None,
) -> None:
    """Draw a suite: what needs what, and how it is learned. Once in order, once shuffled."""
    from ...config.overrides import read_options

    options = read_options(option or [])
    from ..status import at_work

    with at_work(f"teaching {name}") as tell:
        from ...suite_picture import write_suite_figure

        taught = write_suite_figure(name, out, options, tell=tell)
    for one in taught:
        terminal().print(one.verdict, soft_wrap=True)
    terminal().print(f"Picture: {out}", soft_wrap=True)
