"""The command `lessonplan sweep`."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...common.sentences import say
from ...common.trust import is_trusted, take_for_strange
from ...store.layout import SweepDir
from ..console import (
    ConfigName,
    Override,
    TensorBoard,
    Wandb,
    place_to_write,
    print_table,
    say_whose_project,
    terminal,
)

if TYPE_CHECKING:
    from ...config.sweeps import Sweep
    from ...sweep.pairs import Pair

Out = Annotated[
    Path | None, typer.Option(parser=place_to_write, metavar="DIR", help="sweep directory to write")
]
Resume = Annotated[Path | None, typer.Option(metavar="DIR", help="sweep directory to go on with")]
Address = Annotated[
    str,
    typer.Option(
        metavar="ADDRESS", help="a running Ray cluster: auto, HOST:PORT; else this machine"
    ),
]


def sweep(
    config: ConfigName = "",
    out: Out = None,
    override: Override = None,
    resume: Resume = None,
    address: Address = "",
    wandb: Wandb = "",
    tensorboard: TensorBoard = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only list the pairs")] = False,
) -> None:
    """Run student-teacher pairs side by side with Ray. One report is written over all."""
    wishes = {"wandb": wandb, "tensorboard": tensorboard}
    settings, folder = _settings(config, out, resume, wishes, override or [])
    pairs = _checked_pairs(settings, None if dry_run else folder, resume is not None)
    if dry_run:
        for line in (*(pair.name for pair in pairs), f"{settings.name}: {len(pairs)} pairs"):
            terminal().print(line, soft_wrap=True)
        return
    from ...sweep.sweep import run_sweep
    from ..bars import live_bars

    before = sum(SweepDir(folder).run_dir(pair.name).is_done for pair in pairs)
    then = "" if settings.purpose == "tune" else "writing the report"
    try:
        with live_bars(terminal(), settings.name, len(pairs), "pairs", before, then) as watch:
            summary = run_sweep(
                settings,
                folder,
                resume=resume is not None,
                address=address or None,
                watch=watch,
                checked=True,
            )
    except KeyboardInterrupt:
        more = f" --wandb {settings.wandb}" if settings.wandb else ""
        way = f"lessonplan sweep --resume {folder}{more}{' --trust' if is_trusted() else ''}"
        say(f"interrupted; what was finished is kept: {way} goes on")
        raise
    show = _print_best if settings.purpose == "tune" else _print_summary
    show(summary, folder)


def _checked_pairs(settings: "Sweep", folder: Path | None, resume: bool) -> list["Pair"]:
    """The pairs of a sweep that can be run, and written to the folder if there is one."""
    from ...sweep.pairs import check_pairs, pairs_of
    from ...sweep.sweep import see_that_sweep_fits
    from ..own_code import say_what_is_imported
    from ..status import loading_status

    say_what_is_imported(settings.model_dump(mode="json", exclude_none=True))
    pairs = pairs_of(settings)
    if folder is not None:
        see_that_sweep_fits(settings, folder.resolve(), resume)
    with loading_status() as progress:
        check_pairs(pairs, settings.resources.gpu, progress)
    return pairs


def _settings(
    config: str,
    out: Path | None,
    resume: Path | None,
    wishes: Mapping[str, Any],
    overrides: list[str],
) -> tuple["Sweep", Path]:
    """The sweep that the options ask for, and its directory."""
    from ...config.sweeps import read_stored_sweep, read_sweep

    if resume is not None:
        take_for_strange(resume)
        if config or out or overrides:
            raise ValueError("--resume goes on with a sweep as it was begun; give nothing else")
        stored, folder = read_stored_sweep(resume), resume
        settings = _sent_where_it_was_said(stored, folder, wishes)
    elif config:
        settings = read_sweep(config, overrides)
        folder = out or Path("runs") / settings.name
    else:
        raise ValueError("name a sweep (see `lessonplan list`), or give --resume")
    wished = {key: wish for key, wish in wishes.items() if wish}
    return settings.model_copy(update=wished), folder


def _sent_where_it_was_said(stored: "Sweep", folder: Path, wishes: Mapping[str, Any]) -> "Sweep":
    """The sweep without a W&B project that only the directory names, which may be anybody's."""
    project = wishes["wandb"] or (stored.wandb if is_trusted() else "")
    if project:
        say_whose_project(project, stored.base, folder)
    if project or not stored.wandb:
        return stored
    say(
        f"nothing is sent to the W&B project {stored.wandb!r} that {folder} names; add --wandb "
        f"{stored.wandb} if it should be"
    )
    return stored.model_copy(update={"wandb": ""})


def _print_summary(summary: dict[str, object], folder: Path) -> None:
    from ...analysis.summary import table_rows

    runs = summary.get("runs", {"": summary})
    assert isinstance(runs, dict)
    for name, one in runs.items():
        if name:
            terminal().print(f"\n{name}")
        print_table(table_rows(one))
    terminal().print(f"\n{summary['verdict']}\n")
    terminal().print(f"Report: {SweepDir(folder).report}", soft_wrap=True)


def _print_best(best: dict[str, object], folder: Path) -> None:
    terminal().print(str(best["yaml"]), soft_wrap=True)
    terminal().print(f"To paste into a config: {SweepDir(folder).best}", soft_wrap=True)
