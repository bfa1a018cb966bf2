"""Where everything lies in a run directory and in a sweep directory: no other file knows the names.

    RUN/      config.yaml  environment.json  summary.json  summary.csv  report.html  figures/
              schedule/    parts of what was recorded, see `schedule.py`
              teachers/    a card per reported teacher, and what was trained
              training/    the log of each training, and schedules as they were being learned
              checkpoint/  what is done, and what a resumed run goes on from
              wandb/       what is logged to W&B, and how far; tensorboard/ event files
    SWEEP/    sweep.yaml  best.yaml  summary.json  summary.csv  report.html
              pairs/       a run directory per pair, `merged/` those that are compared
              checkpoint/  the config of each pair
              ray/         Ray Tune's own; `ray-messages.log` what Ray says of what died

A folder of pairs holds run directories like any other.
"""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..common.files import LOCK, read_json, see_that_nothing_leads_out
from ..common.folder_names import folder_name

_LOG, _LOOKS = ".jsonl", ".schedules.jsonl"
"""Endings of the log of a training, and of its schedules as they were being learned."""

_TRACKING, _MADE_ASIDE = "wandb", ".tmp"
_OURS = frozenset({
    "config.yaml", "environment.json", "summary.json", "summary.csv", "report.html", "figures",
    "schedule", "teachers", "training", "checkpoint", "tried.json", _TRACKING, "tensorboard",
    "sweep.yaml", "best.yaml", "pairs", "merged", "ray", "ray-messages.log", "key", "staged",
})  # fmt: skip
"""All that is written to a run or sweep directory, and what is ours among W&B's files."""


def unit_name(kind: str, teacher: str, seed: int) -> str:
    """Name of a piece of work (`tune`, `train` or `evaluate`) and of its files."""
    return f"{kind}-{teacher}-{seed}"


def resume_job(job_id: str) -> str:
    """What goes on with a job of a cluster, as a command."""
    return f"lessonplan jobs resume {job_id} --address URL"


@dataclass(frozen=True)
class _Directory:
    """What a run and a sweep have both."""

    path: Path

    @property
    def checkpoints(self) -> Path:
        """Folder of what is done, and of what a resumed run or sweep goes on from."""
        return self.path / "checkpoint"

    @property
    def lock(self) -> Path:
        """File that a process holds while it works on the directory."""
        return self.path / LOCK

    @property
    def fetched_from(self) -> Path:
        """File with the ID of the job that the directory was fetched from, if it was."""
        return self.path / ".fetched-from"

    @property
    def job(self) -> str:
        """ID of the job that the directory was fetched from; empty where it was not."""
        if not self.fetched_from.is_file():
            return ""
        with suppress(ValueError, OSError), self.fetched_from.open(encoding="utf-8") as file:
            return folder_name(file.read(1000).strip())
        return ""

    @property
    def summary(self) -> Path:
        """File of the numbers of the report."""
        return self.path / "summary.json"

    @property
    def summary_csv(self) -> Path:
        """File of the same as a table, a row per teacher."""
        return self.path / "summary.csv"

    @property
    def report(self) -> Path:
        """File of the report as a page of HTML."""
        return self.path / "report.html"

    @property
    def figures(self) -> Path:
        """Folder of the pictures."""
        return self.path / "figures"

    def see_that_nothing_leads_out(self) -> None:
        """Refuse a directory of anybody's through which something else would be changed.

        Raises:
            ValueError: naming a link of it that leads out, or what is neither a file nor a folder.
        """
        see_that_nothing_leads_out(self.path, _is_ours, apart=_TRACKING)


@dataclass(frozen=True)
class RunDir(_Directory):
    """The files of one run.

    Args:
        path: of the run directory.
    """

    @property
    def config(self) -> Path:
        """The resolved config; written last, it makes a folder a run directory."""
        return self.path / "config.yaml"

    @property
    def environment(self) -> Path:
        """Versions, machine, and the facts of suite and budget."""
        return self.path / "environment.json"

    @property
    def first_config(self) -> Path:
        """The config that the run was begun with."""
        return self.checkpoints / "begun.yaml"

    @property
    def schedule(self) -> Path:
        """Folder of the recorded parts."""
        return self.path / "schedule"

    @property
    def teachers(self) -> Path:
        """Folder of cards and trained teachers."""
        return self.path / "teachers"

    def teacher_zip(self, name: str, seed: int) -> Path:
        """SB3 file of a trained teacher."""
        return self.teachers / f"{name}-{seed}.zip"

    def card(self, name: str) -> Path:
        """What is known of a teacher as reported."""
        return self.teachers / f"{name}.json"

    def cards(self) -> list[Path]:
        """All cards that are there, by name."""
        return sorted(self.teachers.glob("*.json"))

    @property
    def training(self) -> Path:
        """Folder of the logs of trainings."""
        return self.path / "training"

    def training_log(self, name: str, seed: int) -> Path:
        """Metrics of the training of a teacher."""
        return self.training / f"{name}-{seed}{_LOG}"

    def learned_schedules(self, name: str, seed: int) -> Path:
        """Schedules of a teacher as they were being learned."""
        return self.training / f"{name}-{seed}{_LOOKS}"

    def trainings(self) -> list[tuple[str, Path, Path]]:
        """NAME-SEED of each training that has logged something, its log, and its schedules."""
        logs = [
            log for log in sorted(self.training.glob(f"*{_LOG}")) if not log.name.endswith(_LOOKS)
        ]
        names = [log.name.removesuffix(_LOG) for log in logs]
        looks = [self.training / f"{name}{_LOOKS}" for name in names]
        return list(zip(names, logs, looks, strict=True))

    def unit(self, name: str) -> Path:
        """What is there when a unit is done."""
        return self.checkpoints / f"{name}.json"

    def seeds_of_unit(self, kind: str, teacher: str) -> list[int]:
        """Teacher seeds of which a unit is done, ascending."""
        stem = self.unit(unit_name(kind, teacher, 0)).stem[:-1]
        ends = (
            file.stem.removeprefix(stem)
            for file in self.checkpoints.glob("*.json")
            if file.stem.startswith(stem)
        )
        return sorted(int(end) for end in ends if end.isdecimal())

    def checkpoint(self, name: str) -> Path:
        """What a unit that was interrupted goes on from."""
        return self.checkpoints / f"{name}.pt"

    def candidate(self, name: str, decisions: int) -> Path:
        """The teacher that a unit of training had after so many decisions."""
        return self.checkpoints / f"{name}-after-{decisions}.zip"

    def worker_log(self, index: int) -> Path:
        """What a process that does units prints."""
        return self.checkpoints / f"worker-{index}.log"

    @property
    def earlier_suite(self) -> Path:
        """An encoded suite that an earlier version left when it was killed."""
        return self.checkpoints / "suite.bin"

    @property
    def candidate_result(self) -> Path:
        """What is known of a candidate of a tuning by a sweep."""
        return self.path / "tried.json"

    @property
    def tracking(self) -> Path:
        """Folder of W&B's files."""
        return self.path / _TRACKING

    @property
    def tracking_key(self) -> Path:
        """What tells the run from all others in W&B."""
        return self.tracking / "key"

    def events(self, pair: str) -> Path:
        """Folder of TensorBoard's files of a pair, or of each with `*`."""
        return self.path / "tensorboard" / pair

    def position(self, run_id: str) -> Path:
        """How far a pair was logged."""
        return self.tracking / f"position-{run_id}.json"

    def positions(self) -> list[Path]:
        """How far each pair was logged that was."""
        return sorted(self.tracking.glob(self.position("*").name))

    @property
    def is_new(self) -> bool:
        """Whether nothing is there, or only what was made before a kill, `config` still missing."""
        return _holds_only(
            self.path, self.environment, self.checkpoints, self.lock, self.first_config
        )

    @property
    def has_begun(self) -> bool:
        """Whether the facts of suite and budget are known."""
        return self.environment.exists()

    def see_that_it_has_begun(self) -> None:
        """Refuse a directory that is none of a run, or of which something leads out.

        Raises:
            ValueError: if it holds no facts of suite and budget, or it has such a link or a pipe.
        """
        if not self.has_begun and self.job:
            raise ValueError(
                f"{self.path} was fetched before its run had begun; go on with "
                f"{resume_job(self.job)}"
            )
        if not self.has_begun:
            raise ValueError(
                f"{self.path} is not a run directory: it has no {self.environment.name}; "
                "name a directory that `lessonplan run` has written"
            )
        self.see_that_nothing_leads_out()

    @property
    def is_done(self) -> bool:
        """Whether everything was done, the report included."""
        return read_json(self.summary).get("complete") is True

    def results(self) -> list[Path]:
        """Trained teachers, logs of trainings, and what is there of units that are done."""
        return [
            *self.teachers.glob("*.zip"),
            *self.training.glob("*.jsonl"),
            *self.checkpoints.glob("*.json"),
        ]


@dataclass(frozen=True)
class SweepDir(_Directory):
    """The files of one sweep.

    Args:
        path: of the sweep directory.
    """

    @property
    def sweep(self) -> Path:
        """What the sweep is; it makes a folder a sweep directory."""
        return self.path / "sweep.yaml"

    @property
    def best(self) -> Path:
        """The best parameters that a tuning found."""
        return self.path / "best.yaml"

    @property
    def ray(self) -> Path:
        """Folder that Ray Tune writes to."""
        return self.path / "ray"

    @property
    def ray_log(self) -> Path:
        """What Ray says about nodes and processes that die."""
        return self.path / "ray-messages.log"

    @property
    def pairs(self) -> Path:
        """Folder of the run directories of the pairs."""
        return self.path / "pairs"

    def run_dir(self, pair: str) -> RunDir:
        """Run directory of a pair, by its name."""
        return RunDir(self.pairs / pair)

    def pair_config(self, pair: str) -> Path:
        """Config of the run of a pair, for the process that does it."""
        return self.checkpoints / f"{pair}.json"

    @property
    def mark(self) -> Path:
        """By which a node of a cluster knows that it sees this directory."""
        return self.checkpoints / "mark"

    def merged_run(self, name: str) -> RunDir:
        """Run directory that those of compared pairs are merged into."""
        return RunDir(self.path / "merged" / name)

    @property
    def is_new(self) -> bool:
        """Whether nothing is there, or only what was made before a kill."""
        return _holds_only(self.path, self.checkpoints, self.lock, self.ray_log)


def _holds_only(folder: Path, *paths: Path) -> bool:
    """Whether nothing but these, and what was being written, is in a folder that need not exist."""
    if not folder.exists():
        return True
    return folder.is_dir() and all(
        path in paths or path.match(".*.tmp") for path in folder.rglob("*")
    )


def _is_ours(name: str) -> bool:
    """Whether something in a directory, by its name, is written or read by us."""
    return name in _OURS or name.startswith("position-") or name.endswith(_MADE_ASIDE)
