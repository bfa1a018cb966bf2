"""Logs trials to W&B, from their run directories alone.

Nothing of a trial depends on it. W&B runs continue where a resumed trial goes on:

- online, with the first row that W&B does not have, as W&B says;
- offline, from the beginning of what is not sent yet: the files of an earlier offline run that
  were not synced are written anew from the run directory, which has all of it, so that each
  decision is in them once however the run before ended. How far it is known to be sent is kept in
  `wandb/position-ID.json`. What an online run that broke off has sent nobody knows but W&B, so it
  can only be gone on with online.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ..common.sentences import say
from ..common.watch import Watch, nowhere
from ..config.config import Config, Tracking
from ..store.runs import read_run
from .collapse import Collapse
from .comparison import compare
from .mode import chosen_mode
from .pair import ended_offline
from .service import WandbService, require_wandb
from .tracker import Tracker, problem, sync_command


@contextlib.contextmanager
def tracking(
    config: Config,
    run_dir: str | Path,
    project: str,
    *,
    group: str = "",
    entity: str = "",
    every: float = 5.0,
    alert_share: float = 0.95,
    alert_decisions: int = 0,
    patience: float = 60.0,
    say: Callable[[str], None] = say,
) -> Iterator[Watch]:
    """Log a trial to W&B while it runs: a W&B run for each pair of a teacher and a teacher seed.

    Offline where `WANDB_MODE` says so or there is no API key. If W&B fails in any way the trial
    goes on, and one sentence says so.

    Args:
        config: of the trial.
        run_dir: of the trial; W&B's files go into its folder `wandb`.
        project: of W&B.
        group: that the runs belong to; by default what the config says, or its name.
        entity: user or team of W&B; by default what the config says, or that of the key.
        every: seconds between looks at the run directory.
        alert_share: share of one task above which a schedule counts as collapsed.
        alert_decisions: window of decisions for that, see `Collapse`.
        patience: seconds that W&B may take at the end to send what is left; at the start half a
            minute at most.
        say: told what a user should know, one sentence each; prints to standard error by default.

    Yields:
        What a trial tells how far it is, the `watch` of `run_trial`.

    Raises:
        ModuleNotFoundError: if wandb is not installed.
        ValueError: if `project` is empty, or the share or the window can't be one.
    """
    Collapse(("any", "other"), 1, alert_share, alert_decisions)
    mode = _mode(project)
    if mode == "disabled":
        yield nowhere
        return
    folder = Path(run_dir).resolve()

    told = _told(config.tracking, group or config.tracking.group or config.name, entity)

    def service(mode: str) -> WandbService:
        return WandbService(folder, project, mode, told, patience)

    alarm = (alert_share, alert_decisions)
    tracker = Tracker(config, folder, service, (mode, "offline"), every, alarm, say)
    finished = False
    try:
        yield tracker.watch
        finished = True
    finally:
        tracker.close(finished)
        if tracker.unsent:
            say(f"W&B: the runs are on disk; send them with: {sync_command(Path(run_dir))}")
        if tracker.partly:
            say(
                "W&B: not everything was sent, and nothing is lost: once W&B can be reached, "
                "--resume with --wandb sends the rest"
            )


def track_report(
    run_dir: str | Path,
    project: str,
    group: str,
    *,
    runs: Sequence[str | Path] = (),
    entity: str = "",
    told: Tracking | None = None,
    patience: float = 60.0,
    say: Callable[[str], None] = say,
) -> None:
    """Log what is seen of several teachers together, from stored runs: schedules side by side.

    Differences between schedules and the agreement with the true order, which W&B can't compute,
    go into a W&B run of job type `report`. It is offline where pairs ended so, or not all of them
    was sent in time. If W&B fails one sentence says so.

    Args:
        run_dir: a run directory, or that of a sweep; W&B's files go into its folder `wandb`.
        project: of W&B.
        group: that the runs of the pairs belong to.
        runs: the run directories, of a sweep those that
            `lessonplan.experiments.sweep.run_dirs_of` gives; by default the one above.
        entity: user or team of W&B.
        told: section `tracking` of the config, for what is not said by `group` and `entity`.
        patience: as in `tracking`.
        say: as in `tracking`.

    Raises:
        ModuleNotFoundError: if wandb is not installed.
        ValueError: if the directory can't be read, or `project` is empty.
    """
    mode = _mode(project)
    if mode == "disabled":
        return
    folder = Path(run_dir).resolve()
    stored_runs = [read_run(Path(run)) for run in runs or [folder]]
    comparisons = [compare(run) for run in stored_runs if run.lifetimes]
    if ended_offline(folder):
        mode = "offline"
    options = _told(told or Tracking(), group, entity)
    for attempt in (mode, "offline"):
        service = WandbService(folder, project, attempt, options, patience)
        try:
            service.report(comparisons)
        except Exception as error:
            # Whatever goes wrong in W&B must not touch what is stored.
            say(problem(error, "offline" if attempt == "online" else None))
            continue
        finally:
            service.close()
        if attempt == "offline":
            say(f"W&B: the report is on disk; send it with: {sync_command(Path(run_dir))}")
        return


def _told(section: Tracking, group: str, entity: str) -> Tracking:
    """What a config says, with a group and, where one is given, an entity."""
    changes = {"group": group, "entity": entity or section.entity}
    return section.model_copy(update=changes)


def _mode(project: str) -> str:
    """The mode, once it is clear that there can be one."""
    if not project:
        raise ValueError("tracking needs the name of a W&B project, got an empty one")
    mode = chosen_mode()
    if mode != "disabled":
        require_wandb()
    return mode
