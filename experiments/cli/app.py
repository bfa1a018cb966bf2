"""The command `lessonplan`: its commands, and how it ends where one of them fails."""

import errno
import gc
import os
import sys
import warnings
from collections.abc import Callable
from typing import Annotated

import typer

from ..common.mistakes import is_own, where_and_why, words_of
from ..common.printable import plain_text
from ..common.sentences import say
from ..common.trust import agreed_folders
from ..common.watch import WorkFailedError
from .console import Debug, print_problem, with_debug, with_trust

COMMANDS = (
    "run", "config", "report", "suite", "pretrain", "sweep", "submit", "dashboard", "bench",
    "list", "check", "jobs",
)  # fmt: skip

_TRUSTING = {"run", "config", "report", "suite", "pretrain", "sweep", "submit", "check"}
"""Commands that name a config, a directory or code, with the option `--trust`."""

_SAID = (ValueError, ImportError, WorkFailedError, OSError)
"""Errors that are sentences as they are."""
_python_warning = warnings.formatwarning
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def _function(name: str) -> Callable[..., None]:
    """What a command does. Only the file of the command that was typed is loaded."""
    function: Callable[..., None]
    match name:
        case "run":
            from .commands.runs import run as function
        case "config":
            from .commands.configs import config as function
        case "report":
            from .commands.reports import report as function
        case "suite":
            from .commands.suites import suite as function
        case "pretrain":
            from .commands.weights import pretrain as function
        case "sweep":
            from .commands.sweeps import sweep as function
        case "submit":
            from .commands.jobs import submit as function
        case "dashboard":
            from .commands.dashboards import dashboard as function
        case "bench":
            from .commands.speed import bench as function
        case "list":
            from .commands.listings import list_all as function
        case _:
            from .commands.checks import check_part as function
    return function


def _jobs() -> typer.Typer:
    from .commands.jobs import fetch, follow, resume, status, stop

    jobs = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    verbs: tuple[Callable[..., None], ...] = (status, follow, stop, fetch, resume)
    for verb in verbs:
        jobs.command()(with_debug(with_trust(verb) if verb is resume else verb))

    @jobs.callback()
    def about(debug: Debug = False) -> None:
        """Look at jobs of a Ray cluster. Follow, stop, fetch and resume them."""

    return jobs


def command_line(*names: str) -> typer.Typer:
    """The command with these commands of its own, all by default."""
    app = typer.Typer(
        add_completion=False,
        no_args_is_help=True,
        # Rich would take longer to load than a wrong option to find.
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_lessonplan)
    for name in names or COMMANDS:
        if name == "jobs":
            app.add_typer(_jobs(), name=name)
        else:
            function = _function(name)
            app.command(name)(with_debug(with_trust(function) if name in _TRUSTING else function))
    return app


def _print_version(wish: bool) -> None:
    if wish:
        from importlib.metadata import version

        typer.echo(f"lessonplan {version('lessonplan')}")
        raise typer.Exit


def _lessonplan(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="show the version"),
    ] = False,
    debug: Debug = False,
) -> None:
    """A teacher that learns in which order a model should be taught."""


def _end_at_once() -> None:
    """Spare a page or a complaint the last walk through all that was imported, a fifth of its time.

    Where torch is there, there was work, and the walk may have something to end.
    """
    if "torch" not in sys.modules:
        gc.freeze()


def _sentence(error: Exception) -> str:
    """What is wrong, with the way out where it is the disk, whoever was writing."""
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        return (
            f"{error.filename or 'a file'} can't be written: {error.strerror}; make room or "
            "another folder for it (what is done is kept, and a run or a sweep goes on with "
            "--resume)"
        )
    if _is_of_memory(error):
        return (
            f"the memory of this machine is full: {words_of(error):.200}; take fewer or smaller "
            "students, batches or networks (what is done is kept, and a run goes on with --resume)"
        )
    if isinstance(error, _SAID):
        return words_of(error)
    return where_and_why(error, agreed_folders())


def _is_said(error: Exception) -> bool:
    """Whether it is said in one sentence: what we refuse, and what is a fault of one's own code."""
    return isinstance(error, _SAID) or _is_of_memory(error) or is_own(error, agreed_folders())


def _is_of_memory(error: Exception) -> bool:
    """Torch has errors of its own where memory is full."""
    if isinstance(error, MemoryError):
        return True
    words = words_of(error).lower() if isinstance(error, RuntimeError) else ""
    return "out of memory" in words or "can't allocate memory" in words


def _plain_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    line: str | None = None,
) -> str:
    """A warning as Python words it; names in it, which may be anybody's, steer no terminal."""
    return plain_text(_python_warning(message, category, filename, lineno, line))


def main() -> None:
    """Run the command; bad input is one sentence and exit status 2, `--debug` shows where."""
    # Nearly all that is loaded stays; to look through it after every 700 objects takes long.
    gc.set_threshold(10_000)
    # To look for plugins Pydantic reads the files of every installed package; none is needed here.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")
    warnings.formatwarning = _plain_warning
    wishes: dict[str, bool] = {}
    name = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    app = command_line(*[name] if name in COMMANDS else [])
    try:
        app(args=sys.argv[1:], prog_name="lessonplan", obj=wishes)
    except SystemExit:
        _end_at_once()
        raise
    except Exception as error:
        if wishes.get("debug") or not _is_said(error):
            raise
        for note in getattr(error, "__notes__", ()):
            say(note)
        print_problem(_sentence(error))
        _end_at_once()
        sys.exit(1 if isinstance(error, WorkFailedError) else 2)
