"""The command `lessonplan run`."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from ...common.sentences import say
from ...common.trust import is_trusted, take_for_strange
from ...common.watch import all_of
from ...store.layout import RunDir
from ..console import (
    ConfigName,
    Override,
    TensorBoard,
    Wandb,
    place_to_write,
    print_table,
    print_text,
    say_whose_project,
    terminal,
)

if TYPE_CHECKING:
    from lessonplan.student import TaskSuite

    from ...config.config import Config

Data = Annotated[
    str,
    typer.Option(
        metavar="PATH",
        help="your rows: a .jsonl, .json, .csv, .tsv, .parquet or .arrow file (also .gz), a folder "
        "of them, or a saved dataset",
    ),
]
TaskColumn = Annotated[
    str, typer.Option(metavar="COLUMN", help="column of --data that names each row's task")
]
Columns = Annotated[
    str, typer.Option(metavar="key=COLUMN,...", help="of --data: prompt=question,answer=final")
]
Model = Annotated[
    str,
    typer.Option(
        metavar="NAME", help="model to fine-tune on --data: smollm2, minilm, a folder, a hub id"
    ),
]


class Own(NamedTuple):
    """Options about one's own data, as they were typed."""

    data: str = ""
    model: str = ""
    task_column: str = ""
    columns: str = ""


def run(
    config: ConfigName = "",
    out: Annotated[
        Path | None,
        typer.Option(parser=place_to_write, metavar="DIR", help="run directory to write"),
    ] = None,
    override: Override = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="DIR", help="run directory to go on with")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="only show what is read and what it would cost")
    ] = False,
    data: Data = "",
    task_column: TaskColumn = "",
    columns: Columns = "",
    model: Model = "",
    budget: Annotated[
        str, typer.Option(metavar="BUDGET", help="of one lifetime: 4000-steps, 5M-tokens, ...")
    ] = "",
    wandb: Wandb = "",
    tensorboard: TensorBoard = False,
) -> None:
    """Run an experiment: teachers x students, a table and a report."""
    own = Own(data, model, task_column, columns)
    settings, folder = settings_of(config, out, override or [], resume, own, budget)
    from ..own_code import say_what_is_imported

    say_what_is_imported(settings.model_dump(mode="json"))
    if dry_run:
        _print_preview(settings)
        return
    suite = _checked_suite(settings, folder, resume is not None)
    trackers = Trackers(wandb, tensorboard)
    try:
        summary = _watched(settings, suite, folder, resume is not None, trackers)
    except KeyboardInterrupt:
        way = f"lessonplan run --resume {folder}{' --trust' if is_trusted() else ''}"
        say(f"interrupted; what was finished is kept: {way} goes on")
        raise
    _print_summary(summary, folder)


def _print_summary(summary: dict[str, Any], folder: Path) -> None:
    from ...analysis.summary import table_rows

    print_table(table_rows(summary))
    terminal().print(f"\n{summary['verdict']}\n")
    terminal().print(f"Report: {RunDir(folder).report}", soft_wrap=True)


def _print_preview(settings: "Config") -> None:
    from ...dry_run import preview_parts
    from ..status import loading_status

    with loading_status() as progress:
        parts = preview_parts(settings, progress=progress)
        # Written, and flushed by `echo`, before anything is measured.
        page = next(parts)
    print_text(page)
    for part in parts:
        print_text(f"\n{part}")


def _checked_suite(settings: "Config", folder: Path, resume: bool) -> "TaskSuite":
    """The suite of a trial that can be run; what there is to say of it is said."""
    from ...trial.checking import check
    from ...trial.trial import see_that_it_fits
    from ..status import loading_status

    see_that_it_fits(settings, folder.resolve(), resume)
    with loading_status() as progress:
        suite = check(settings, progress)
    for note in suite.notes:
        say(note)
    return suite


class Trackers(NamedTuple):
    """Where a run is to be seen beside the terminal: a W&B project, TensorBoard."""

    wandb: str = ""
    tensorboard: bool = False


def _watched(
    settings: "Config", suite: "TaskSuite", folder: Path, resume: bool, trackers: Trackers
) -> dict[str, Any]:
    """Run a trial with live progress in the terminal, and in the trackers that were named."""
    from ...trial.trial import run_trial
    from ...trial.units import plan
    from ..bars import live_bars

    if trackers.wandb and resume:
        say_whose_project(trackers.wandb, settings, folder)
    units = plan(settings)
    before = sum(unit.is_done(folder) for unit in units) if resume else 0
    bars = live_bars(terminal(), settings.name, len(units), "units", before)
    with ExitStack() as stack:
        watches = [stack.enter_context(bars)]
        if trackers.wandb:
            from ...tracking.follow import tracking

            watches.append(stack.enter_context(tracking(settings, folder, trackers.wandb)))
        if trackers.tensorboard:
            from ...tracking.event_files import tensorboard

            watches.append(stack.enter_context(tensorboard(settings, folder)))
        summary = run_trial(settings, folder, resume=resume, watch=all_of(watches), suite=suite)
    if trackers.wandb:
        from ...tracking.follow import track_report

        told = settings.tracking
        track_report(folder, trackers.wandb, told.group or settings.name, told=told)
    return summary


def settings_of(
    config: str,
    out: Path | None,
    override: Sequence[str],
    resume: Path | None,
    own: Own,
    budget: str,
) -> tuple["Config", Path]:
    """The config that the options of `run` ask for, and its run directory."""
    from ...config.loading import read_config

    overrides = [*override, *([f"lifetime.budget={budget}"] if budget else [])]
    for handed_in in (resume, Path(own.data) if own.data else None):
        if handed_in is not None and handed_in.is_dir():
            take_for_strange(handed_in)
    if resume is not None:
        if config or any(own) or overrides:
            raise ValueError("--resume goes on with a run as it was begun; give nothing else")
        if out is not None:
            raise ValueError("--resume goes on in the run directory it names; leave out --out")
        RunDir(resume).see_that_nothing_leads_out()
        return read_config(RunDir(resume).config, begun=True), resume
    if own.model and not own.data:
        raise ValueError("--model fine-tunes a model on --data; give both, or name a config")
    if any(own) and not own.data:
        raise ValueError(
            "--task-column and --columns are for --data; in a config they are "
            "suite.options.task_column and suite.options.columns"
        )
    if own.data:
        settings = _on_own_data(config, own, overrides)
    elif config:
        settings = read_config(config, overrides)
    else:
        raise ValueError("name a config (see `lessonplan list`), or give --data or --resume")
    return settings, out or Path("runs") / settings.name


def _on_own_data(config: str, own: Own, overrides: Sequence[str]) -> "Config":
    from ...config.data_config import own_data, read_columns
    from ...config.loading import make_config

    options: dict[str, Any] = {}
    if own.task_column:
        options["task_column"] = own.task_column
    if own.columns:
        options["columns"] = read_columns(own.columns)
    values, sentence = own_data(config, own.data, own.model, options, overrides)
    if sentence:
        say(sentence)
    return make_config(values, overrides)
