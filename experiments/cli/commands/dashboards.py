"""`lessonplan dashboard` on the command line."""

from pathlib import Path
from typing import Annotated

import typer

from ..console import place_to_write, terminal


def dashboard(
    project: Annotated[str, typer.Argument(metavar="PROJECT", help="W&B project")],
    entity: Annotated[str, typer.Option(metavar="NAME", help="user or team of W&B")] = "",
    save: Annotated[bool, typer.Option("--save", help="save it to W&B")] = False,
    json_file: Annotated[
        Path | None,
        typer.Option(
            "--json",
            parser=place_to_write,
            metavar="FILE",
            help="to write its spec to; needs no server",
        ),
    ] = None,
) -> None:
    """Build the W&B workspace of a project. It shows schedules, curves, comparisons and cost."""
    if save == (json_file is not None):
        raise ValueError("say where the workspace goes: --save for W&B, or --json FILE")
    if save and not entity:
        raise ValueError("to save a workspace, name the user or team it belongs to with --entity")
    from ...common.files import write_json
    from ...tracking.dashboard import build_workspace, save_workspace, workspace_spec
    from ...tracking.service import register_preset

    workspace = build_workspace(project, entity)
    if json_file is not None:
        write_json(json_file, workspace_spec(workspace))
        terminal().print(f"Workspace: {json_file}", soft_wrap=True)
        return
    register_preset(entity)
    terminal().print(f"Workspace: {save_workspace(workspace)}", soft_wrap=True)
