"""The command `lessonplan report`."""

from pathlib import Path
from typing import Annotated

import typer

from ...common.trust import take_for_strange
from ...store.layout import RunDir, SweepDir
from ..console import place_to_write, print_problem, terminal


def report(
    runs: Annotated[list[Path], typer.Argument(metavar="DIR", help="run or sweep directories")],
    out: Annotated[
        Path | None,
        typer.Option(parser=place_to_write, metavar="DIR", help="folder to write; the run's own"),
    ] = None,
) -> None:
    """Write the report of stored runs again; several are compared."""
    for path in runs:
        take_for_strange(path)
        if not SweepDir(path).sweep.exists():
            RunDir(path).see_that_it_has_begun()
    from ..status import at_work

    folder = out or (runs[0] if len(runs) == 1 else Path("report"))
    with at_work("writing the report"):
        from ...report.report import write_report
        from ...sweep.merge import run_dirs_of

        summary = write_report([one for run in runs for one in run_dirs_of(run)], folder)
    for one in summary.get("runs", {"": summary}).values():
        for problem in one["problems"]:
            print_problem(f"{problem}; see the report")
    terminal().print(f"\n{summary['verdict']}\n")
    terminal().print(f"Report: {RunDir(folder).report}", soft_wrap=True)
