"""The command `lessonplan report`."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from ...common.sentences import say
from ...common.trust import take_for_strange
from ...store.layout import RunDir, SweepDir
from ..console import place_to_write, print_problem, terminal

SECONDS_BETWEEN, SHARE_OF_TIME = 10.0, 0.1
"""A report that takes long is followed by a long pause."""


def report(
    runs: Annotated[list[Path], typer.Argument(metavar="DIR", help="run or sweep directories")],
    out: Annotated[
        Path | None,
        typer.Option(parser=place_to_write, metavar="DIR", help="folder to write; the run's own"),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="of a run that goes on: write it again and again")
    ] = False,
) -> None:
    """Write the report of stored runs again; several are compared."""
    if follow and (len(runs) > 1 or SweepDir(runs[0]).sweep.exists()):
        raise ValueError(
            "--follow shows one run directory as it grows; name one (of a sweep one in its pairs/)"
        )
    for path in runs:
        take_for_strange(path)
        if not SweepDir(path).sweep.exists():
            RunDir(path).see_that_it_has_begun()
    from ..status import at_work

    folder = out or (runs[0] if len(runs) == 1 else Path("report"))
    if follow:
        with _of_anybody(runs):
            _follow(runs[0], folder)
    with at_work("writing the report"), _of_anybody(runs):
        from ...report.report import write_report
        from ...sweep.merge import run_dirs_of

        summary = write_report([one for run in runs for one in run_dirs_of(run)], folder)
    for one in summary.get("runs", {"": summary}).values():
        for problem in one["problems"]:
            print_problem(f"{problem}; see the report")
    terminal().print(f"\n{summary['verdict']}\n")
    terminal().print(f"Report: {RunDir(folder).report}", soft_wrap=True)


@contextmanager
def _of_anybody(runs: Sequence[Path]) -> Iterator[None]:
    """Say in a sentence that directories hold what no run writes, whatever that breaks.

    What a run writes is checked as it is read; this is for what nobody has thought of.
    """
    try:
        yield
    except (ValueError, OSError, ImportError, MemoryError, NameError):
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise ValueError(
            f"no report can be made of {', '.join(map(str, runs))} ({reason:.200}): it holds "
            "something that no run writes, or lessonplan has a fault; if it is your own run and "
            "nobody changed it, tell us"
        ) from error


def _follow(run_dir: Path, folder: Path) -> None:
    """Write the report of a run until the run is done; its page loads itself again meanwhile.

    Whoever works on the run is not disturbed: it is read, and looking has a small share of the
    time.
    """
    from ...report.report import write_report

    page = RunDir(folder).report
    told = False
    while not RunDir(run_dir).is_done:
        began = time.perf_counter()
        write_report([run_dir], folder, refresh=int(SECONDS_BETWEEN))
        if not told:
            say(f"{page} is written again until the run is done; open it in a browser")
            told = True
        took = time.perf_counter() - began
        time.sleep(max(SECONDS_BETWEEN, took / SHARE_OF_TIME - took))
