"""The command `lessonplan`: its commands, and how it ends where one of them fails."""

import gc
import os
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from ..common.own_modules import find_own_modules
from ..common.sentences import say
from ..common.watch import WorkFailedError
from .commands.checks import check_part
from .commands.configs import config
from .commands.dashboards import dashboard
from .commands.jobs import fetch, follow, resume, status, stop, submit
from .commands.listings import list_all
from .commands.reports import report
from .commands.runs import run
from .commands.speed import bench
from .commands.suites import suite
from .commands.sweeps import sweep
from .commands.weights import pretrain
from .console import Debug, print_problem, with_debug

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    # Rich would take longer to load than a wrong option to find.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
jobs = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

COMMANDS: tuple[Callable[..., None], ...] = (
    run, config, report, suite, pretrain, sweep, submit, dashboard, bench,
)  # fmt: skip
for command in COMMANDS:
    app.command()(with_debug(command))
app.command("list")(with_debug(list_all))
app.command("check")(with_debug(check_part))
VERBS: tuple[Callable[..., None], ...] = (status, follow, stop, fetch, resume)
for command in VERBS:
    jobs.command()(with_debug(command))
app.add_typer(jobs, name="jobs")


@jobs.callback()
def _jobs(debug: Debug = False) -> None:
    """Look at jobs of a Ray cluster. Follow, stop, fetch and resume them."""


def _print_version(wish: bool) -> None:
    if wish:
        from importlib.metadata import version

        typer.echo(f"lessonplan {version('lessonplan')}")
        raise typer.Exit


@app.callback()
def _lessonplan(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="show the version"),
    ] = False,
    debug: Debug = False,
) -> None:
    """A teacher that learns in which order a model should be taught."""


def main() -> None:
    """Run the command; bad input is one sentence and exit status 2, `--debug` shows where."""
    # Nearly all that is loaded stays; to look through it after every 700 objects takes long.
    gc.set_threshold(10_000)
    find_own_modules()
    # To look for plugins Pydantic reads the files of every installed package; none is needed here.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")
    wishes: dict[str, bool] = {}
    try:
        app(args=sys.argv[1:], prog_name="lessonplan", obj=wishes)
    except SystemExit:
        if "torch" not in sys.modules:
            # A page or a complaint: a walk through all that was imported takes a fifth of its time.
            gc.freeze()
        raise
    except (ValueError, ImportError, WorkFailedError, OSError) as error:
        if wishes.get("debug"):
            raise
        for note in getattr(error, "__notes__", ()):
            say(note)
        print_problem(str(error))
        gc.freeze()
        sys.exit(1 if isinstance(error, WorkFailedError) else 2)
