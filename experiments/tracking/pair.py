"""One pair as it is tracked: its name and id, what is new of it, and how far it has been logged."""

import hashlib
import json
import platform
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ..common.files import read_object, write_json, write_whole
from ..config.config import Config
from ..report.style import to_png
from ..report.training import draw_learned_schedules, learned_rows
from ..store.growing_schedule import GrowingSchedule
from ..store.layout import RunDir, SweepDir
from ..store.learned_schedules import read_learned_schedules
from ..store.training_log import read_training_log
from ..trial.units import Unit, plan
from .collapse import Collapse
from .rows import PairRows, read_facts

_LATER_KEYS = {
    "test_every": 1, "probe_every": 0, "probe_size": 0, "probe_uncertainty": 0.0, "half_life": 1.0,
    "check_every": 10,
}  # fmt: skip
"""Of a lifetime, with what they are where they are not set: the first versions had them not."""
_LATER_OF_TEACHERS: dict[str, Any] = {
    **dict.fromkeys(("feedback", "probe_every", "probe_size", "probe_uncertainty", "half_life")),
    "prior": "", "lean_on": [], "prior_row": True, "begin_at": "",
}  # fmt: skip
"""Of a teacher, likewise."""


@dataclass(frozen=True)
class Position:
    """How far a pair was logged; kept beside its W&B files.

    Attributes:
        first: step that the latest W&B file begins with; one that was not sent begins there again.
        next: step to go on with.
        partly: whether W&B has nobody here knows how much, because a run that was online did not
            end in order; then only W&B can tell where to go on.
        alerted: whether the alert was sent.
        ended: whether what belongs at the end was logged.
        mode: in which it was logged last, `online` or `offline`.
    """

    first: int = 0
    next: int = 0
    partly: bool = False
    alerted: bool = False
    ended: bool = False
    mode: str = ""


class TrackedPair:
    """A teacher of one seed with its students, as the run directory has it.

    Steps are counted the same way every time: first the lines of the training log, then the
    decisions that are reported.

    Args:
        config: of the trial.
        run_dir: of the trial.
        teacher: as reported.
        seed: of the teacher.
        share: as in `Collapse`.
        window: as in `Collapse`.
        lasting: whether its position is kept for the next process.
    """

    def __init__(
        self,
        config: Config,
        run_dir: Path,
        teacher: str,
        seed: int,
        share: float,
        window: int,
        lasting: bool = True,
    ) -> None:
        self.config, self.run_dir, self.teacher, self.seed = config, run_dir, teacher, seed
        self.id = run_id(config, run_dir, teacher, seed) if lasting else f"{teacher}-{seed}"
        files = RunDir(run_dir)
        self.folder, self._here = files.tracking, Position()
        self._position = files.position(self.id) if lasting else None
        own = config.teacher(teacher).name == teacher
        self._log = files.training_log(teacher, seed) if own else None
        self._schedules = files.learned_schedules(teacher, seed)
        self.log_lines = 0
        """Lines of the training log that were read."""
        facts = read_facts(config, run_dir, teacher)
        self.collapse = Collapse(facts.tasks, facts.decisions, share, window)
        schedule = GrowingSchedule(files.schedule, teacher, seed, facts.tasks)
        self.rows = PairRows(schedule, facts, self.collapse)

    @property
    def done(self) -> bool:
        """Whether all its students have lived their lifetimes."""
        return Unit("evaluate", self.teacher, self.seed).file(self.run_dir).exists()

    @property
    def steps(self) -> int:
        """Steps that were read so far."""
        return self.log_lines + self.rows.decision

    def news(self) -> list[tuple[int, dict[str, float]]]:
        """What was recorded since the last call, as (step, row) in order."""
        decisions = self.rows.news()
        # After the decisions: where there is one, the training is over and its log is whole.
        lines = read_training_log(self._log, self.log_lines) if self._log else []
        training = [
            (self.log_lines + i, {f"training/{name}": value for name, value in line.items()})
            for i, line in enumerate(lines)
        ]
        self.log_lines += len(lines)
        return training + [(self.log_lines + int(row["decision"]) - 1, row) for row in decisions]

    def pictures(self, row: dict[str, float]) -> dict[str, bytes]:
        """What belongs beside a row as PNG, by its name: the schedule as it was being learned."""
        if "training/watch/cost" not in row:
            return {}
        looks = read_learned_schedules(self._schedules)
        now = [look for look in looks if look.decisions == row["training/decisions"]]
        if not now:
            return {}
        suite = read_object(RunDir(self.run_dir).environment)["suite"]
        rows = learned_rows(now[0].tasks, suite)
        return {"training/schedule": to_png(draw_learned_schedules(now, rows))}

    def description(self) -> dict[str, Any]:
        """The resolved config of this pair alone, and `environment`: where it is made."""
        values = self.config.model_dump(mode="json")
        environment = read_object(RunDir(self.run_dir).environment)
        facts = ("versions", "machine", "git_commit", "git")
        teacher = self.config.teacher(self.teacher).model_dump(mode="json")
        return {
            "name": self.config.name,
            "pair": f"{self.teacher}-{self.seed}",
            "run_directory": self.run_dir.name,
            "teacher": teacher | {"reported_as": self.teacher},
            "teacher_seed": self.seed,
            **{key: values[key] for key in ("suite", "student", "lifetime", "seeds")},
            "environment": {key: environment.get(key) for key in facts} | {"host": platform.node()},
        }

    @property
    def position(self) -> Position:
        """How far it was logged; the beginning where that is not known."""
        return self._here if self._position is None else _read(self._position)

    def remember(self, position: Position, **changes: Any) -> Position:
        """Keep a position with some changes."""
        position = replace(position, **changes)
        self._here = position
        if self._position is not None:
            write_json(self._position, asdict(position))
        return position


def partly_sent(run_dir: Path) -> bool:
    """Whether W&B has only a part of a pair that was online, of any in a run directory."""
    return any(_read(file).partly for file in RunDir(run_dir).positions())


def has_events(config: Config, run_dir: Path) -> bool:
    """Whether TensorBoard has files of every pair of a trial."""
    folders = [RunDir(run_dir).events(f"{name}-{seed}") for name, seed in tracked_pairs(config)]
    return all(any(folder.glob("events.*")) for folder in folders)


def ended_offline(folder: Path) -> bool:
    """Whether W&B was not, or not in time, there for a pair of a run directory or of a sweep."""
    run_dirs = [folder, *SweepDir(folder).pairs.glob("*")]
    positions = [_read(file) for path in run_dirs for file in RunDir(path).positions()]
    return any(position.mode == "offline" or position.partly for position in positions)


def _read(file: Path) -> Position:
    try:
        return Position(**json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return Position()


def directory_key(run_dir: Path) -> str:
    """What tells a run directory from all others, made when it is first asked for.

    It is in `wandb/key`, so that it moves with the directory, and a new run in a place where there
    was another one is another run in W&B.
    """
    path = RunDir(run_dir).tracking_key
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, lambda aside: aside.write_text(secrets.token_hex(8), encoding="utf-8"))
    return path.read_text(encoding="utf-8")


def run_id(config: Config, run_dir: Path, teacher: str, seed: int) -> str:
    """The same for the same run directory, config, teacher and seed; 16 letters and digits."""
    values = [directory_key(run_dir), teacher, seed, _identity(config)]
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def _identity(config: Config) -> dict[str, Any]:
    """What of a config tells runs apart: nothing that only says how they are looked at.

    Keys that earlier versions did not have count where they are set, so that a run which was begun
    by one of these goes on as the same run.
    """
    values = config.model_dump(mode="json", exclude={"tracking"})
    if config.earlier_candidates is not None:
        del values["tuning"]
    for teacher in values["teachers"]:
        teacher.pop("watch", None)
        for key, unset in _LATER_OF_TEACHERS.items():
            if teacher.get(key, unset) == unset:
                teacher.pop(key, None)
    if not values["seeds"]["report_fold"]:
        del values["seeds"]["report_fold"]
    courses = [course for teacher in values["teachers"] for course in teacher.get("courses", ())]
    for lifetime in [values["lifetime"], *(course["lifetime"] for course in courses)]:
        for key, unset in _LATER_KEYS.items():
            if lifetime[key] == unset:
                del lifetime[key]
    return values


def tracked_pairs(config: Config) -> Sequence[tuple[str, int]]:
    """Teacher and seed of every pair of a trial, in the order of the config."""
    names = [(unit.teacher, unit.seed) for unit in plan(config) if unit.kind == "evaluate"]
    order = {teacher.name: i for i, teacher in enumerate(config.teachers)}
    return sorted(names, key=lambda pair: (order[config.teacher(pair[0]).name], *pair))
