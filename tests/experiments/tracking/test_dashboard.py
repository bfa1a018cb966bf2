"""The workspace is built from code; what its panels name is tested where runs are tracked."""

import importlib.util
import json

import pytest
import typer
from typer.testing import CliRunner

from lessonplan.experiments.cli.commands.dashboards import dashboard
from lessonplan.experiments.tracking.dashboard import BARS, LINES, MEDIA, TASKS, build_workspace

# wandb-workspaces has validators of an older pydantic.
pytestmark = pytest.mark.filterwarnings("ignore:Pydantic V1 style:DeprecationWarning")

app = typer.Typer()
app.command()(dashboard)


def test_the_command_writes_the_spec_of_every_section_without_a_server(tmp_path):
    file = tmp_path / "workspace.json"
    told = CliRunner().invoke(app, ["project", "--entity", "team", "--json", str(file)])
    assert told.exit_code == 0, told.output
    spec = json.loads(file.read_text())
    assert (spec["entity"], spec["project"]) == ("team", "project")
    sections = spec["spec"]["section"]["panelBankConfig"]["sections"]
    panels = {section["name"]: section["panels"] for section in sections}
    assert set(panels) == {*MEDIA, *LINES, *BARS, "Tasks", "Training of the teacher"}
    text = json.dumps(panels)
    named = [name for curves in LINES.values() for curve in curves for name in curve]
    named += [name for names in (*BARS.values(), *MEDIA.values()) for name in names]
    assert [name for name in named if f'"{name}"' not in text and f":{name}" not in text] == []
    assert len(panels["Tasks"]) == len(TASKS)
    assert "team/lessonplan-schedule" in text


def test_learning_curves_are_means_over_seeds_with_their_error_by_job_type():
    workspace = build_workspace("project")
    section = next(found for found in workspace.sections if found.name == "Learning curves")
    curve = section.panels[0]
    assert (curve.y, curve.x) == (["mean/test_score"], "decision")
    assert curve.groupby.name == "JobType"
    assert (curve.groupby_aggfunc, curve.groupby_rangefunc) == ("mean", "stderr")


@pytest.mark.parametrize("options", [[], ["--save", "--json", "file"]])
def test_it_must_be_said_where_the_workspace_goes(options):
    told = CliRunner().invoke(app, ["project", *options])
    assert isinstance(told.exception, ValueError)
    assert "--save for W&B, or --json FILE" in str(told.exception)


def test_to_save_one_must_say_whose_it_is():
    told = CliRunner().invoke(app, ["project", "--save"])
    assert "--entity" in str(told.exception)


def test_without_the_package_there_is_one_clear_sentence(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="pip install wandb-workspaces"):
        build_workspace("project")
