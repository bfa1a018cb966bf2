"""W&B: the one file that imports it, and only when something is logged."""

import contextlib
import importlib.util
import shutil
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..common.trust import is_strange, is_trusted
from ..config.config import Tracking
from ..store.layout import RunDir
from .chart import FIELDS, PRESET, PRESET_NAME
from .comparison import Comparison, report_id
from .endings import COLUMNS, Ending, ending
from .mode import keep_process_as_it_is
from .pair import TrackedPair, directory_key
from .tracker import UnsentError

if TYPE_CHECKING:
    import wandb

AXES = {
    "decision": (
        "schedule/*", "chosen/*", "progress/*", "probe_score/*", "test_score/*", "forgetting/*",
        "epochs/*", "cost/*", "students/*", "mean/*", "reward", "entropy", "window_share",
        "student_steps", "compute", "pictures/*", "tables/*",
    ),
    "training/decisions": ("training/*",),
}  # fmt: skip
"""Metrics that are drawn over an axis of their own."""
START_SECONDS = 30.0
"""The most that W&B may take to answer at first."""


def see_that_nobody_else_sets_wandb() -> None:
    """Refuse to send anything where W&B would take from a directory of strangers where to.

    It reads `wandb/settings` in the working directory, the address of the server among them.

    Raises:
        ValueError: naming the file.
    """
    settings = Path("wandb", "settings").absolute()
    if settings.exists() and is_strange(settings) and not is_trusted():
        raise ValueError(
            f"{settings} would tell W&B where to send the results, and lies in a directory that "
            "was handed in; stand elsewhere, or add --trust"
        )


def require_wandb() -> None:
    """See that wandb can be imported, without importing it.

    Raises:
        ModuleNotFoundError: if it is not installed.
    """
    if importlib.util.find_spec("wandb") is None:
        raise ModuleNotFoundError(
            "tracking needs the package wandb, which is not installed: pip install wandb, or run "
            "without --wandb"
        )


def register_preset(entity: str) -> str:
    """Keep the chart of schedules on the W&B server, for an entity; its name there.

    Raises:
        ValueError: if W&B can't be reached or doesn't want it.
    """
    require_wandb()
    import wandb

    name = f"{entity}/{PRESET_NAME}"
    try:
        return wandb.Api().create_custom_chart(
            entity=entity,
            name=PRESET_NAME,
            display_name="Schedule of a teacher",
            spec_type="vega2",
            access="private",
            spec=PRESET,
        )
    except Exception as error:
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        if "already exists" in reason:
            return name
        raise ValueError(
            f"the chart {name} can't be kept: {reason:.300}; see that there is an API key and that "
            "W&B can be reached"
        ) from error


class WandbService:
    """W&B's background process and the runs in it.

    Args:
        run_dir: of the trial.
        project: of W&B.
        mode: `online` or `offline`.
        told: group and entity, and what else W&B is told.
        patience: seconds that it may take at the end to send what is left, and at the start.
    """

    lasting = True
    _lock = threading.RLock()
    _users = 0
    """Services in use in this process, which share one background process."""

    def __init__(
        self, run_dir: Path, project: str, mode: str, told: Tracking, patience: float
    ) -> None:
        self.mode = "online" if mode == "online" else "offline"
        self._run_dir, self._project, self._told = run_dir, project, told
        self._patience = patience
        with self._lock:
            WandbService._users += 1

    def open(self, pair: TrackedPair) -> "WandbRun":
        """The W&B run of a pair, gone on with where there is one.

        Online W&B tells what it has, and the rest follows. Offline what nobody has sent yet is
        logged once more, from the run directory, into one file.
        """
        position, old_folders = pair.position, _unsent_folders(pair.folder, pair.id)
        first = position.first if old_folders else position.next
        # Kept before anything else is done: whatever ends from here on, these rows come again.
        position = pair.remember(
            position,
            first=first,
            next=first,
            alerted=position.alerted and not old_folders,
            ended=position.ended and not old_folders,
        )
        for folder in old_folders:
            shutil.rmtree(folder)
        description = pair.description()
        run = self._init(pair.id, pair.teacher, f"{pair.teacher}-{pair.seed}", description)
        run.summary.update({"environment": description["environment"]})
        for metric, step_metric in ((m, axis) for axis, ms in AXES.items() for m in ms):
            run.define_metric(metric, step_metric=step_metric)
        if self.mode == "online":
            there = run.starting_step
            pair.remember(position, first=there, next=there, partly=True)
        return WandbRun(run, self.guard, pair.folder)

    def report(self, comparisons: Sequence[Comparison]) -> None:
        """Log pictures of several teachers, a W&B run for each stored run."""
        import wandb

        for one in comparisons:
            identity = report_id(one.run, self._told.group, directory_key(self._run_dir))
            for folder in _unsent_folders(RunDir(self._run_dir).tracking, identity):
                shutil.rmtree(folder)
            run = self._init(identity, "report", f"report: {one.run.name}", {"name": one.run.name})
            with self.guard():
                folder = RunDir(self._run_dir).tracking
                images = [
                    wandb.Image(_store(folder / f"{identity}-{i}.png", png), caption=caption)
                    for i, (caption, png) in enumerate(one.differences.items())
                ]
                whole = wandb.Image(_store(folder / f"{identity}.png", one.schedules))
                table = wandb.Table(
                    columns=["teacher", "order_agreement"],
                    data=[[name, value] for name, value in one.agreement.items()],
                )
                run.log(
                    {"comparison/schedules": whole, "comparison/agreement": table}
                    | ({"comparison/differences": images} if images else {})
                )
            WandbRun(run, self.guard, folder).finish()

    @contextlib.contextmanager
    def guard(self) -> Iterator[None]:
        """Keep W&B's files in the run directory, one thread at a time."""
        with self._lock, keep_process_as_it_is(RunDir(self._run_dir).tracking):
            yield

    def _init(self, run_id: str, job_type: str, name: str, config: dict[str, Any]) -> "wandb.Run":
        import wandb

        see_that_nobody_else_sets_wandb()
        RunDir(self._run_dir).tracking.mkdir(parents=True, exist_ok=True)
        told, settings = self._told, self._settings()
        with self.guard():
            # The process that W&B starts takes its settings from here.
            wandb.setup(settings=settings)
            return wandb.init(
                entity=told.entity or None,
                project=self._project,
                dir=str(self._run_dir),
                id=run_id,
                name=f"{told.name} {name}".strip(),
                group=told.group,
                tags=told.tags or None,
                notes=told.notes or None,
                job_type=job_type,
                config=config,
                resume="allow",
                reinit="create_new",
                settings=settings,
                mode="online" if self.mode == "online" else "offline",
            )

    def _settings(self) -> "wandb.Settings":
        import wandb

        quiet = not self._told.statistics
        return wandb.Settings(
            silent=True,
            console="off",
            x_disable_stats=quiet,
            x_disable_meta=True,
            x_disable_machine_info=quiet,
            x_save_requirements=False,
            disable_git=True,
            disable_code=True,
            init_timeout=min(START_SECONDS, self._patience),
            finish_timeout=self._patience,
            finish_timeout_raises=True,
        )

    def close(self) -> None:
        """End the background process, unless somebody else in this process uses it."""
        with self._lock:
            WandbService._users -= 1
            wandb = sys.modules.get("wandb")
            if wandb is not None and WandbService._users == 0 and wandb.run is None:
                wandb.teardown()


class WandbRun:
    """One W&B run of a pair; `guard` is the service's, `folder` where pictures wait."""

    def __init__(
        self,
        run: "wandb.Run",
        guard: Callable[[], contextlib.AbstractContextManager[None]],
        folder: Path,
    ) -> None:
        self._run, self._guard, self._folder = run, guard, folder

    def log(self, row: dict[str, float], step: int, pictures: dict[str, bytes]) -> None:
        """Add the numbers of one step, and pictures of it."""
        self._run.log(row | self._images(pictures, step), step=step)

    def _images(self, pictures: dict[str, bytes], step: int) -> dict[str, Any]:
        if not pictures:
            return {}
        import wandb

        with self._guard():
            return {
                name: wandb.Image(_store(self._folder / f"{self._run.id}-{step}.png", content))
                for name, content in pictures.items()
            }

    def alert(self, collapse: dict[str, Any]) -> None:
        """Tell people that the schedule collapsed, and write it into the summary."""
        self._run.summary.update({f"collapse/{name}": value for name, value in collapse.items()})
        self._run.alert(
            title="the schedule collapsed onto one task",
            text=f"{collapse['task']} had {collapse['share']:.0%} of the decisions up to decision "
            f"{collapse['decision']}, while other tasks are not mastered",
            level="WARN",
        )

    def end(self, pair: TrackedPair, step: int) -> None:
        """Add pictures, the table, the numbers of the summary, and the artifacts."""
        import wandb

        last: Ending = ending(pair)
        picture = _store(pair.folder / f"schedule-{pair.id}.png", last.picture)
        with self._guard():
            table = wandb.Table(columns=list(COLUMNS), data=last.rows)
            row = {
                "decision": pair.rows.decision,
                "pictures/schedule": wandb.Image(picture, caption=last.caption),
                "pictures/schedule_page": wandb.Html(last.page, inject=False),
                "tables/schedule": table,
            }
            if self._run.entity and not self._run.offline:
                preset = f"{self._run.entity}/{PRESET_NAME}"
                row["schedule_chart"] = wandb.plot_table(preset, table, dict(FIELDS))
            self._run.log(row, step=step)
            self._run.summary.update(last.numbers)
            for kind, files in last.files.items():
                name = f"{kind}-{pair.teacher}-{pair.seed}-{pair.id[:6]}"
                artifact = wandb.Artifact(name, type=kind)
                for file in files:
                    artifact.add_file(str(file), name=file.name, policy="immutable")
                self._run.log_artifact(artifact)

    def finish(self) -> None:
        """Wait until all is sent, as long as W&B may take.

        Raises:
            UnsentError: if it takes longer.
        """
        try:
            self._run.finish()
        except TimeoutError as error:
            raise UnsentError(str(error)) from error


def _unsent_folders(folder: Path, run_id: str) -> list[Path]:
    """What earlier offline runs of an id wrote and nobody sent."""
    return [
        old
        for old in folder.glob(f"offline-run-*-{run_id}")
        if not (old / f"run-{run_id}.wandb.synced").exists()
    ]


def _store(file: Path, content: bytes) -> str:
    file.write_bytes(content)
    return str(file)
