"""`lessonplan dashboard`: the W&B workspace of a project, built from code.

wandb-workspaces is imported here alone, when a workspace is built. Panels name what the tracker
logs; what W&B can't compute (differences of schedules, agreement with the true order) is logged.
"""

import contextlib
import importlib
import importlib.util
import io
from typing import TYPE_CHECKING, Any

from .chart import FIELDS, PRESET_NAME

if TYPE_CHECKING:
    from wandb_workspaces.workspaces import Section, Workspace

LINES: dict[str, tuple[tuple[str, str], ...]] = {
    "Learning curves": (
        ("mean/test_score", "decision"), ("mean/test_score", "student_steps"),
        ("mean/test_score", "compute"), ("students/mastered", "decision"),
        ("mean/probe_score", "decision"), ("mean/forgetting", "decision"),
        ("reward", "decision"), ("students/running", "decision"),
    ),
    "What the schedule is like": (
        ("entropy", "decision"), ("window_share", "decision"), ("mean/progress", "decision"),
    ),
    "Cost": (
        ("cost/compute", "decision"), ("cost/probe_compute", "decision"),
        ("cost/equal_compute", "decision"), ("cost/tokens", "decision"),
    ),
    "Training of the teacher": tuple(
        (f"training/{name}", "training/decisions")
        for name in (
            "rollout/ep_rew_mean", "rollout/ep_len_mean", "rollout/success_rate",
            "selection/cost", "watch/mastered", "watch/cost",
        )
    ),
}  # fmt: skip
"""Curves by job type: a mean over teacher seeds with its standard error."""
TASKS = (
    ("schedule", "probability of each task"), ("chosen", "share of students given each task"),
    ("test_score", "test score of each task"), ("progress", "progress of each task"),
    ("forgetting", "forgetting of each task"), ("epochs", "epochs seen of each task"),
)  # fmt: skip
"""Curves of every task: of KIND/TASK."""
BARS: dict[str, tuple[str, ...]] = {
    "Learning curves": ("result/area/iqm", "result/mastered", "result/final_score/iqm"),
    "Comparison with the true order": ("result/order_agreement",),
    "Cost": ("result/compute_to_mastery/iqm", "result/steps_to_mastery/iqm"),
}
"""Numbers of the summary by job type."""
MEDIA: dict[str, tuple[str, ...]] = {
    "Schedules side by side": ("pictures/schedule",),
    "Difference between two schedules": ("comparison/differences",),
    "Comparison with the true order": ("comparison/schedules",),
    "Training of the teacher": ("training/schedule",),
}
"""Pictures, those of `comparison` from `track_report`."""
TABLES = ("tables/schedule",)
TRAINING = "training/train/.*"


def build_workspace(project: str, entity: str = "", name: str = "Schedules") -> "Workspace":
    """The workspace of a project, not saved.

    Args:
        project: of W&B.
        entity: user or team; can be empty for a workspace that is only written to a file.
        name: of the workspace.

    Raises:
        ModuleNotFoundError: if wandb-workspaces is not installed.
    """
    if importlib.util.find_spec("wandb_workspaces") is None:
        raise ModuleNotFoundError(
            "a dashboard needs the package wandb-workspaces, which is not installed: "
            "pip install wandb-workspaces"
        )
    import wandb_workspaces.workspaces as ws

    return ws.Workspace(
        entity=entity,
        project=project,
        name=name,
        sections=_sections(entity),
        settings=ws.WorkspaceSettings(x_axis="decision", max_runs=100),
        runset_settings=ws.RunsetSettings(groupby=[ws.Metric("Group"), ws.Metric("JobType")]),
    )


def _sections(entity: str) -> list["Section"]:
    import wandb_workspaces.workspaces as ws

    wr = _panels()
    training = "Training of the teacher"
    titles = [*MEDIA, *LINES, *BARS, "Tasks"]
    titles = [*dict.fromkeys(title for title in titles if title != training), training]
    panels: dict[str, list[Any]] = {title: [] for title in titles}
    for title, keys in MEDIA.items():
        panels[title].append(wr.MediaBrowser(media_keys=list(keys), num_columns=3))
    if entity:
        chart = wr.CustomChart(
            query={"summaryTable": {"tableKey": TABLES[0]}},
            chart_name=f"{entity}/{PRESET_NAME}",
            chart_fields=dict(FIELDS),
        )
        panels["Schedules side by side"].append(chart)
    for title, curves in LINES.items():
        panels[title] += [_curve(y, x) for y, x in curves]
    for title, bars in BARS.items():
        panels[title] += [_bar(key) for key in bars]
    for kind, words in TASKS:
        panels["Tasks"].append(
            wr.LinePlot(title=words, x="decision", metric_regex=f"^{kind}/.*", max_runs_to_show=20)
        )
    panels[training].append(
        wr.LinePlot(title="SB3's metrics", x="training/decisions", metric_regex=f"^{TRAINING}")
    )
    return [ws.Section(name=title, panels=plots, is_open=True) for title, plots in panels.items()]


def _panels() -> Any:
    """The module of panels, which declares none of its names."""
    return importlib.import_module("wandb_workspaces.reports.v2")


def _curve(y: str, x: str) -> Any:
    wr = _panels()
    return wr.LinePlot(
        title=f"{y} by {x}",
        x=x,
        y=[y],
        groupby=wr.Metric("JobType"),
        groupby_aggfunc="mean",
        groupby_rangefunc="stderr",
        max_runs_to_show=100,
    )


def _bar(key: str) -> Any:
    wr = _panels()
    return wr.BarPlot(
        title=key,
        metrics=[wr.SummaryMetric(key)],
        groupby=wr.Metric("JobType"),
        groupby_aggfunc="mean",
        groupby_rangefunc="stderr",
    )


def workspace_spec(workspace: "Workspace") -> dict[str, Any]:
    """What W&B keeps of a workspace, as plain values."""
    spec: dict[str, Any] = workspace._to_model().model_dump(mode="json", by_alias=True)
    return spec


def save_workspace(workspace: "Workspace") -> str:
    """Save a workspace to W&B; its address.

    Raises:
        ValueError: if W&B can't be reached or doesn't want it.
    """
    output = io.StringIO()
    try:
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            # It has no annotations.
            unchecked: Any = workspace
            unchecked.save()
            return str(workspace.url)
    except Exception as error:
        # What wandb raises when there is no server has no common base.
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise ValueError(
            f"the workspace can't be saved: {reason:.300}; see that there is an API key and that "
            "W&B can be reached, or write it to a file with --json"
        ) from error
