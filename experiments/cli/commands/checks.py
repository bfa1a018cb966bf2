"""The command `lessonplan check`."""

from pathlib import Path
from typing import Annotated

import typer

from ...common.trust import agree_to
from ..console import terminal

Name = Annotated[str, typer.Argument(metavar="MODULE:NAME", help="a class or function of your own")]
Kind = Annotated[
    str,
    typer.Option(
        metavar="KIND",
        help="rule, model, student, cohort, suite, reward or score; by default what it looks like",
    ),
]
Options = Annotated[
    list[str] | None,
    typer.Option("-o", "--option", metavar="key=value", help="argument of it; column for a score"),
]
SuiteName = Annotated[
    str, typer.Option(metavar="NAME", help="suite to try it on; by default a small one")
]
NeverDiverges = Annotated[
    bool, typer.Option("--never-diverges", help="of students whose loss is always finite")
]
Folder = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="folder to look in before the working directory"),
]


def check_part(
    name: Name,
    kind: Kind = "",
    option: Options = None,
    suite: SuiteName = "",
    never_diverges: NeverDiverges = False,
    folder: Folder = None,
) -> None:
    """Check a part of your own, called as a config calls it. Says what is wrong with it."""
    from ...config.overrides import read_options

    options = read_options(option or [])
    from ...own_parts import check_own_part

    if folder is not None:
        agree_to(folder)
    folders = [str(place.resolve()) for place in (folder, Path.cwd()) if place is not None]
    kind, findings = check_own_part(
        name, options, kind=kind, suite=suite, folders=folders, can_diverge=not never_diverges
    )
    terminal().print(f"{name} is a {kind}", soft_wrap=True)
    wrong = 0
    for finding in findings:
        wrong += bool(finding.problem)
        words = f"wrong  {finding.about}: {finding.problem}"
        terminal().print(words if finding.problem else f"right  {finding.about}", soft_wrap=True)
    if wrong:
        raise typer.Exit(1)
