"""The command `lessonplan pretrain`."""

from pathlib import Path
from typing import Annotated

import typer

from ..console import ConfigName, Override, place_to_write, print_table, terminal


def pretrain(
    config: ConfigName,
    out: Annotated[
        Path,
        typer.Option(
            parser=place_to_write, metavar="DIR", help="folder to write the base weights to"
        ),
    ],
    steps: Annotated[int, typer.Option(metavar="N", help="student steps")] = 1000,
    seed: Annotated[
        int, typer.Option(metavar="SEED", help="of the initial weights and the data")
    ] = 0,
    mixture: Annotated[
        list[str] | None,
        typer.Option(metavar="task=weight", help="may be repeated; by data size if none is given"),
    ] = None,
    override: Override = None,
) -> None:
    """Train one student on a mixture. Lifetimes start from it with -o student.base=DIR."""
    from ...config.loading import read_config
    from ...config.overrides import read_options

    weights = read_options(mixture or []) or None
    settings = read_config(config, override or [])
    from ..own_code import say_what_is_imported
    from ..status import at_work

    say_what_is_imported(settings.model_dump(mode="json"))

    with at_work(f"pretraining for {steps} steps") as tell:
        from ...pretraining import pretrain_base

        record = pretrain_base(settings, steps, seed, weights, out, tell)
    rows = [("task", "score before", "after")]
    for task, figures in record["tasks"].items():
        rows.append((task, f"{figures['score_before']:.2f}", f"{figures['score_after']:.2f}"))
    print_table(rows)
    terminal().print(f"\nBase weights: {out}", soft_wrap=True)
