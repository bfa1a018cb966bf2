"""Reads a run directory back: what was recorded, as arrays padded to the whole budget.

Nothing that is long is kept: a teacher's lifetimes are read each time that they are asked for, and
their columns when they are first looked at.

Legend: s teacher seeds, m students, d decisions, k tasks, l lifetimes, w rows of the schedule.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..common.yaml_values import plain_values
from .cards import TeacherCard, read_cards
from .damage import RecordedUnits
from .environment import read_environment
from .layout import RunDir
from .recordings import GridRows, Recording, read_recordings
from .schedule import EQUAL
from .untested import fill_untested


@dataclass(frozen=True)
class Lifetimes:
    """Every finished lifetime of one teacher; after its end a lifetime keeps its last values.

    Arrays of (s, m) are per lifetime, of (s, m, d) per decision, of (s, m, d, k) also per task.
    Compute is in training-example equivalents, with the probing that the teacher used. What is per
    decision is read from the schedule when it is first looked at, in the precision in which it is
    stored.
    """

    teacher_seeds: np.ndarray
    student_seeds: np.ndarray
    length: np.ndarray
    """Decisions that were really made, (s, m)."""
    terminated: np.ndarray
    diverged: np.ndarray
    wall_seconds: np.ndarray
    rows: GridRows
    """Where all else is read from."""

    @cached_property
    def task(self) -> np.ndarray:
        """Task chosen, (s, m, d) int; -1 after the end."""
        (task,) = self.rows.padded("task")
        task[~self.taught] = -1
        return task

    @cached_property
    def probabilities(self) -> np.ndarray:
        """What the task was drawn from, (s, m, d, k) float32.

        Once a decision or, by a teacher that mixes, for each training example. A deterministic
        learned teacher draws nothing: these are its policy's probabilities, and the likeliest task
        is taken.
        """
        return self.rows.padded("probabilities")[0]

    @cached_property
    def test_score(self) -> np.ndarray:
        """(s, m, d, k) float32; between decisions that were tested, on the line between them."""
        return self._tests[0]

    @property
    def tested(self) -> np.ndarray:
        """Whether `test` was evaluated after a decision that was really made, (s, m, d) bool."""
        return np.asarray(self._tests[1] & self.taught)

    @cached_property
    def _tests(self) -> tuple[np.ndarray, np.ndarray]:
        (score,) = self.rows.padded("test_score")
        tested = fill_untested(score.reshape(-1, *score.shape[2:]))
        return score, tested.reshape(score.shape[:3])

    @cached_property
    def calibration_error(self) -> np.ndarray:
        """At the end, (s, m, k) float32."""
        return self.rows.last("test_calibration_error")

    @cached_property
    def stress_score(self) -> np.ndarray:
        """At the end, (s, m, k) float32; NaN where it was not measured."""
        return self.rows.last("stress_score")

    @property
    def student_steps(self) -> np.ndarray:
        """Taken so far, (s, m, d)."""
        return self._spending["student_steps"]

    @property
    def compute(self) -> np.ndarray:
        """Spent so far on training and on what the teacher looked at, (s, m, d).

        Where not `own_costs`, the version that recorded it charged every teacher for the probes of
        every task: it is then `equal_compute`.
        """
        return self._spending["compute"]

    @property
    def equal_compute(self) -> np.ndarray:
        """The same as if every task had been probed after each decision, (s, m, d)."""
        return self._spending[EQUAL]

    @property
    def own_costs(self) -> bool:
        """Whether it is known what was spent on the probes that the teacher itself used."""
        return self.rows.recording.own_costs

    @property
    def probe_compute(self) -> np.ndarray:
        """Part of it for probing, (s, m, d)."""
        return self._spending["probe_compute"]

    @property
    def tokens(self) -> np.ndarray:
        """Trained on so far, (s, m, d)."""
        return self._spending["tokens"]

    @cached_property
    def _spending(self) -> dict[str, np.ndarray]:
        names = ("student_steps", "compute", "probe_compute", EQUAL, "tokens")
        return dict(zip(names, self.rows.padded(*names), strict=True))

    @property
    def taught(self) -> np.ndarray:
        """Whether the student was still being taught, (s, m, d) bool."""
        return np.asarray(np.arange(self.rows.decisions) < self.length[:, :, None])

    def spent(self, unit: str) -> np.ndarray:
        """Cumulative cost in `steps`, `tokens`, `compute` or `equal_compute`, (s, m, d)."""
        columns = {"steps": "student_steps"}
        return self._spending[columns.get(unit, unit)]

    def of_seed(self, seed: int) -> "Lifetimes":
        """The same of one teacher seed alone."""
        at = self.teacher_seeds == seed
        names = ("teacher_seeds", "length", "terminated", "diverged", "wall_seconds")
        arrays = {name: getattr(self, name)[at] for name in names}
        return replace(self, rows=self.rows.of_seed(seed), **arrays)

    def unread(self) -> "Lifetimes":
        """The same without what was read of it so far, which takes memory."""
        return replace(self)


@dataclass(frozen=True, eq=False)
class StoredLifetimes(Mapping[str, Lifetimes]):
    """Lifetimes by teacher, anew each time that they are asked for; nothing that was read stays.

    Args:
        finished: lifetimes that nothing was read of.
    """

    finished: dict[str, Lifetimes]

    def __getitem__(self, teacher: str) -> Lifetimes:
        return self.finished[teacher].unread()

    def __iter__(self) -> Iterator[str]:
        return iter(self.finished)

    def __len__(self) -> int:
        return len(self.finished)


@dataclass(frozen=True)
class StoredRun:
    """One run directory. Teachers are sorted by kind, then name."""

    path: Path
    name: str
    config_text: str
    environment: dict[str, Any]
    teachers: dict[str, TeacherCard]
    lifetimes: Mapping[str, Lifetimes]
    """Of the teachers that have finished lifetimes."""
    problems: tuple[str, ...]
    """What is missing or could not be read, one sentence each; empty for a complete run."""
    damaged: tuple[str, ...] = ()
    """Those of the problems that are about what had been recorded whole."""

    @property
    def tasks(self) -> list[str]:
        """Task names in canonical order, k of them."""
        return [task["name"] for task in self.environment["suite"]["tasks"]]

    @property
    def order(self) -> list[int]:
        """The true order, k task indices."""
        return list(self.environment["suite"].get("order") or range(len(self.tasks)))

    def task_values(self, key: str, default: float) -> np.ndarray:
        """A number of every task (`importance`, `threshold`), (k,) float64."""
        tasks = self.environment["suite"]["tasks"]
        return np.array([task.get(key, default) for task in tasks], dtype=np.float64)

    @property
    def budget(self) -> dict[str, Any]:
        """`amount`, `unit`, `decisions` (nominal, in all of it) and `steps_per_decision`."""
        return dict(self.environment["budget"])

    @property
    def mastery_streak(self) -> int:
        """Evaluations in a row that make a task mastered."""
        return int(self.environment.get("mastery_streak", 1))

    @property
    def test_every(self) -> int:
        """Decisions from one evaluation of `test` to the next."""
        return int(self.environment.get("test_every", 1))


def read_run(path: str | Path) -> StoredRun:
    """Read what is whole in a run directory.

    Raises:
        ValueError: if it is not a run directory, or its facts are none.
    """
    files = RunDir(Path(path))
    files.see_that_it_has_begun()
    environment = read_environment(files.environment)
    text = files.config.read_text(encoding="utf-8") if files.config.is_file() else ""
    teachers = read_cards(files.path)
    tasks = [task["name"] for task in environment["suite"]["tasks"]]
    belongs_to = environment.get("belongs_to", {})
    # Before the parts are listed: a run that goes on adds to both.
    units = RecordedUnits(files, teachers)
    recordings, damaged = read_recordings(files.schedule, tasks, belongs_to)
    problems: list[str] = []
    finished: dict[str, Lifetimes] = {}
    for name in teachers:
        recording = recordings.get(name)
        keys = recording.keys() if recording else {}
        own, notes = _lifetimes(recording, keys, name, int(environment["budget"]["decisions"]))
        problems += notes
        damaged += units.losses(name, keys.get("teacher_seed", ()))
        if own is not None:
            finished[name] = own
    strangers = sorted(set(recordings) - set(teachers))
    for name in strangers:
        card = files.card(name).relative_to(files.path)
        problems.append(f"the schedule has rows of {name}, which has no {card}; they are left out")
    problems += _uneven(finished)
    problems += environment.get("missing", [])
    return StoredRun(
        path=files.path,
        name=_name_in(text) or files.path.resolve().name,
        config_text=text,
        environment=environment,
        teachers=teachers,
        lifetimes=StoredLifetimes(finished),
        problems=(*damaged, *problems),
        damaged=tuple(damaged),
    )


def _name_in(config: str) -> str:
    """What a stored config calls its run; empty where it can't be read."""
    try:
        values = plain_values(config, "config", stored=True)
    except ValueError:
        return ""
    return str(values.get("name") or "") if isinstance(values, dict) else ""


def _lifetimes(
    recording: Recording | None, keys: Mapping[str, np.ndarray], name: str, decisions: int
) -> tuple[Lifetimes | None, list[str]]:
    """The finished lifetimes of one teacher and what is missing."""
    if recording is None or not len(keys["decision"]):
        return None, [f"{name} has not taught anybody yet"]
    starts, lengths = _spans(keys)
    last = {key: values[starts + lengths - 1] for key, values in keys.items()}
    whole = last["decision"] == lengths
    finished = whole & (last["terminated"] | last["truncated"] | last["diverged"])
    usable = finished & ~last["lost"]
    problems = []
    if not finished.all():
        problems.append(f"{(~finished).sum()} of {len(starts)} lifetimes of {name} are unfinished")
    if last["lost"].any():
        problems.append(f"{last['lost'].sum()} lifetimes of {name} were lost with their worker")
    seeds = np.unique(last["teacher_seed"][usable])
    students, under = np.unique(last["student_seed"][usable], return_counts=True)
    everywhere = students[under == len(seeds)]
    if len(everywhere) == 0:
        return None, [*problems, f"no student has finished under every teacher seed of {name}"]
    in_grid = usable & np.isin(last["student_seed"], everywhere)
    if in_grid.sum() < usable.sum():
        problems.append(
            f"of {name} only the {len(everywhere)} students count that finished under each of its "
            f"{len(seeds)} teacher seeds"
        )
    # Rows are sorted by teacher seed, then student seed: the reshape needs no lookup.
    grid = (len(seeds), len(everywhere))
    length = lengths[in_grid].reshape(grid)
    d = max(decisions, int(length.max()))
    ends = {key: values[in_grid].reshape(grid) for key, values in last.items()}
    return Lifetimes(
        teacher_seeds=seeds,
        student_seeds=everywhere,
        length=length,
        terminated=ends["terminated"],
        diverged=ends["diverged"],
        wall_seconds=ends["wall_seconds"],
        rows=GridRows(recording, seeds, everywhere, length, d),
    ), problems


def _spans(keys: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """First row and number of rows of each lifetime, (l,) each."""
    table = np.stack([keys["teacher_seed"], keys["student_seed"]], axis=1)
    new = np.concatenate([[True], (table[1:] != table[:-1]).any(axis=1)])
    starts = np.flatnonzero(new)
    return starts, np.diff(np.concatenate([starts, [len(table)]]))


def _uneven(lifetimes: dict[str, Lifetimes]) -> list[str]:
    """Notes on teachers that have fewer students than others."""
    every = set().union(*(each.student_seeds.tolist() for each in lifetimes.values()))
    return [
        f"{name} has finished {len(each.student_seeds)} of {len(every)} students; "
        "comparisons use the students that both have"
        for name, each in lifetimes.items()
        if len(each.student_seeds) < len(every)
    ]
