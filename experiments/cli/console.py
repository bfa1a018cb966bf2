"""What commands share: words of their options, where they print, tables and complaints."""

import inspect
import os
from collections.abc import Callable, Sequence
from functools import cache, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..common.own_modules import find_own_modules
from ..common.printable import plain_line, plain_text
from ..common.sentences import say
from ..common.trust import trusting

if TYPE_CHECKING:
    from rich.console import Console

    from ..config.config import Config

_WIDE = 1_000_000
"""Columns of what is no terminal: a line is as long as what it says."""


def _wish_debug(context: typer.Context, wish: bool) -> bool:
    """Keep for `main`, beside the options of all commands before it, that a traceback is wanted."""
    if wish:
        context.ensure_object(dict)["debug"] = True
    return wish


def place_to_write(text: str) -> Path:
    """The path of a folder or a file as it was typed, if there can be one.

    Raises:
        BadParameter: if not.
    """
    if not text:
        raise typer.BadParameter("it is empty; name a folder or file, . for this one")
    if plain_line(text) != text:
        raise typer.BadParameter(f"{plain_line(text)} has letters that can't be seen")
    if longest := next((part for part in Path(text).parts if len(os.fsencode(part)) > 255), ""):
        raise typer.BadParameter(f"{longest:.40}... is longer than the 255 bytes of a name")
    return Path(text)


ConfigName = Annotated[
    str, typer.Argument(metavar="CONFIG", help="a name from `lessonplan list`, or a .yaml")
]
Override = Annotated[
    list[str] | None,
    typer.Option("-o", "--override", metavar="key=value", help="dotted.key=value; may be repeated"),
]
Wandb = Annotated[str, typer.Option(metavar="PROJECT", help="W&B project to log to")]
TensorBoard = Annotated[
    bool, typer.Option("--tensorboard", help="log for TensorBoard, in the run directory")
]
Debug = Annotated[
    bool,
    typer.Option("--debug", callback=_wish_debug, help="show where an error comes from"),
]

Trust = Annotated[
    bool,
    typer.Option("--trust", help="run code and open pickles that come with what is named"),
]


def with_debug(command: Callable[..., None]) -> Callable[..., None]:
    """The same command with the option `--debug`, which `main` acts upon."""

    @wraps(command)
    def debuggable(*arguments: Any, debug: bool = False, **options: Any) -> None:
        command(*arguments, **options)

    return _with_flag(debuggable, command, "debug", Debug)


def with_trust(command: Callable[..., None]) -> Callable[..., None]:
    """The same command with the option `--trust`, for all that it does."""

    @wraps(command)
    def trusted(*arguments: Any, trust: bool = False, **options: Any) -> None:
        with trusting(trust):
            if trust:
                # What is unpickled may be of modules in the working directory.
                find_own_modules([os.getcwd()])
            command(*arguments, **options)

    return _with_flag(trusted, command, "trust", Trust)


def _with_flag(
    wrapper: Callable[..., None], command: Callable[..., None], name: str, annotation: Any
) -> Callable[..., None]:
    """The wrapper of a command, which says that it takes a flag besides what the command takes."""
    flag = inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=annotation
    )
    signature = inspect.signature(command)
    parameters = [*signature.parameters.values(), flag]
    vars(wrapper)["__signature__"] = signature.replace(parameters=parameters)
    wrapper.__annotations__ = {**command.__annotations__, name: annotation}
    return wrapper


@cache
def terminal() -> "Console":
    """Where results are printed. Rich is loaded for the first of them, never for a complaint.

    Text is printed as it is. What goes to a file or a pipe is as wide as it is.
    """
    from .plain_console import PlainConsole

    console = PlainConsole(markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = _WIDE
    return console


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """The first row is the heading. A terminal that is too narrow breaks words, and cuts none."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in rows[0]:
        table.add_column(plain_line(heading), overflow="fold")
    for row in rows[1:]:
        table.add_row(*map(plain_line, row))
    terminal().print(table)


def print_text(text: str, end: str = "\n") -> None:
    """Print lines to standard output as they are, without Rich, at once."""
    typer.echo(f"{plain_text(text)}{end}", nl=False)


def print_problem(sentence: str) -> None:
    """On standard error, in one line whatever a library wrote."""
    words = plain_line(" ".join(sentence.split()))
    typer.secho(f"lessonplan: {words}", fg="red", err=True)


def say_whose_project(project: str, config: "Config", folder: Path) -> None:
    """Of results that are sent for a directory which says to whom; nothing where it does not.

    Args:
        project: of W&B, that was typed.
        config: that the directory holds.
        folder: the directory.
    """
    if entity := config.tracking.entity:
        say(f"W&B is sent the project {project!r} of {entity!r}, whom {folder} names")
