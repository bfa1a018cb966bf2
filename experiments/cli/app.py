"""The command `lessonplan`."""

import gc
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from ..common.names import find_own_modules
from ..common.sentences import say
from ..common.watch import WorkFailedError
from ..store.layout import RunDir, SweepDir
from .commands.dashboards import dashboard
from .commands.jobs import submit
from .commands.runs import run
from .commands.sweeps import sweep
from .console import Override, print_problem, print_table, terminal

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    # Rich would take longer to load than a wrong option to find.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="A teacher that learns in which order a model should be taught.",
)


app.command()(run)


@app.command()
def report(
    runs: Annotated[list[Path], typer.Argument(help="run directories")],
    out: Annotated[Path | None, typer.Option(help="folder to write; the run's own")] = None,
) -> None:
    """Write the report of stored runs again; several are compared."""
    for path in runs:
        if not SweepDir(path).sweep.exists():
            RunDir(path).see_that_it_has_begun()
    from ..report.report import write_report
    from ..sweep.merge import run_dirs_of

    folder = out or (runs[0] if len(runs) == 1 else Path("report"))
    summary = write_report([one for run in runs for one in run_dirs_of(run)], folder)
    for one in summary.get("runs", {"": summary}).values():
        for problem in one["problems"]:
            print_problem(f"{problem}; see the report")
    terminal().print(f"\n{summary['verdict']}\n")
    terminal().print(f"Report: {RunDir(folder).report}", soft_wrap=True)


@app.command("list")
def list_all() -> None:
    """Show suites, teachers, students and configs, a line each."""
    from .listing import print_catalog

    print_catalog(terminal())


@app.command()
def suite(
    name: Annotated[str, typer.Argument(help="a suite from `lessonplan list`")],
    out: Annotated[Path, typer.Option(help="PNG to write")],
    option: Annotated[
        list[str] | None, typer.Option("-o", "--option", help="key=value of the suite")
    ] = None,
) -> None:
    """Draw a suite: what needs what, and how it is learned. Once in order, once shuffled."""
    from ..config.overrides import read_options

    options = read_options(option or [])
    from ..suite_picture import write_suite_figure

    with terminal().status(f"teaching {name}") as status:

        def say(share: float, words: str) -> None:
            status.update(f"{share:4.0%} {words}")

        taught = write_suite_figure(name, out, options, tell=say)
    for one in taught:
        terminal().print(one.verdict, highlight=False, soft_wrap=True)
    terminal().print(f"Picture: {out}", soft_wrap=True)


@app.command()
def pretrain(
    config: Annotated[str, typer.Argument(help="a name from `lessonplan list`, or a .yaml")],
    out: Annotated[Path, typer.Option(help="folder to write the base weights to")],
    steps: Annotated[int, typer.Option(help="student steps")] = 1000,
    seed: Annotated[int, typer.Option(help="of the initial weights and the data")] = 0,
    mixture: Annotated[
        list[str] | None, typer.Option(help="task=weight; by data size if none is given")
    ] = None,
    override: Override = None,
) -> None:
    """Train one student on a mixture. Lifetimes start from it with -o student.base=DIR."""
    from ..config.loading import read_config
    from ..config.overrides import read_options

    weights = read_options(mixture or []) or None
    settings = read_config(config, override or [])
    from ..pretraining import pretrain_base

    with terminal().status(f"pretraining for {steps} steps"):
        record = pretrain_base(settings, steps, seed, weights, out)
    rows = [("task", "score before", "after")]
    for task, figures in record["tasks"].items():
        rows.append((task, f"{figures['score_before']:.2f}", f"{figures['score_after']:.2f}"))
    print_table(rows)
    terminal().print(f"\nBase weights: {out}", soft_wrap=True)


for command in (sweep, submit, dashboard):
    app.command()(command)


@app.command()
def bench(
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="fewer turns, a rough look")] = False,
) -> None:
    """Measure speed against the ways people do it today. It takes about five minutes."""
    from ..bench.bench import run_bench

    run_bench(terminal(), as_json, quick)


def main() -> None:
    """Run the command; bad input is one sentence and exit status 2, `--debug` shows where."""
    debug = "--debug" in sys.argv
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    # Nearly all that is loaded stays; to look through it after every 700 objects takes long.
    gc.set_threshold(10_000)
    find_own_modules()
    # To look for plugins Pydantic reads the files of every installed package; none is needed here.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")
    try:
        app(args=arguments, prog_name="lessonplan")
    except SystemExit:
        if "torch" not in sys.modules:
            # A page or a complaint: a walk through all that was imported takes a fifth of its time.
            gc.freeze()
        raise
    except (ValueError, ImportError, WorkFailedError, OSError) as error:
        if debug:
            raise
        for note in getattr(error, "__notes__", ()):
            say(note)
        print_problem(str(error))
        gc.freeze()
        sys.exit(1 if isinstance(error, WorkFailedError) else 2)
