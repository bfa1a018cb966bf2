"""The command `lessonplan bench`."""

from typing import Annotated

import typer

from ..console import terminal


def bench(
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="fewer turns, a rough look")] = False,
) -> None:
    """Measure speed against the ways people do it today. It takes about five minutes."""
    from ...bench.bench import run_bench

    run_bench(terminal(), as_json, quick)
