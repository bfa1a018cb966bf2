"""Reads a run directory back: what was recorded, as arrays padded to the whole budget.

Legend: s teacher seeds, m students, d decisions, k tasks, l lifetimes, w rows of the schedule.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..common.files import read_object
from .cards import TeacherCard, read_cards
from .layout import RunDir
from .schedule import ScheduleRows, read_rows


@dataclass(frozen=True)
class Lifetimes:
    """Every finished lifetime of one teacher; after its end a lifetime keeps its last values.

    Arrays of (s, m) are per lifetime, of (s, m, d) per decision, of (s, m, d, k) also per task.
    Compute is in training-example equivalents, probing included.
    """

    teacher_seeds: np.ndarray
    student_seeds: np.ndarray
    length: np.ndarray
    """Decisions that were really made, (s, m)."""
    terminated: np.ndarray
    diverged: np.ndarray
    student_steps: np.ndarray
    compute: np.ndarray
    probe_compute: np.ndarray
    tokens: np.ndarray
    task: np.ndarray
    """Task chosen, (s, m, d) int; -1 after the end."""
    probabilities: np.ndarray
    """What the task was drawn from, (s, m, d, k), once a decision or, by a teacher that mixes,
    for each training example. A deterministic learned teacher draws nothing: these are its
    policy's probabilities, and the likeliest task is taken."""
    test_score: np.ndarray
    calibration_error: np.ndarray
    stress_score: np.ndarray
    """(s, m, k); NaN where it was not measured."""
    wall_seconds: np.ndarray

    @property
    def taught(self) -> np.ndarray:
        """Whether the student was still being taught, (s, m, d) bool."""
        return np.asarray(np.arange(self.task.shape[2]) < self.length[:, :, None])

    def spent(self, unit: str) -> np.ndarray:
        """Cumulative cost in `steps`, `tokens` or `compute`, (s, m, d)."""
        by_unit = {"steps": self.student_steps, "tokens": self.tokens, "compute": self.compute}
        return by_unit[unit]


@dataclass(frozen=True)
class StoredRun:
    """One run directory. Teachers are sorted by kind, then name."""

    path: Path
    name: str
    config_text: str
    environment: dict[str, Any]
    teachers: dict[str, TeacherCard]
    lifetimes: dict[str, Lifetimes]
    """Of the teachers that have finished lifetimes."""
    problems: tuple[str, ...]
    """What is missing or could not be read, one sentence each; empty for a complete run."""

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
    def cost_unit(self) -> str:
        """The unit of `cost_to_mastery`: that of the budget, but compute where it is in steps.

        A budget in steps would let a teacher that probes more do so for nothing.
        """
        unit = str(self.budget["unit"])
        return "compute" if unit == "steps" else unit

    @property
    def mastery_streak(self) -> int:
        """Evaluations in a row that make a task mastered."""
        return int(self.environment.get("mastery_streak", 1))


def read_run(path: str | Path) -> StoredRun:
    """Read what is whole in a run directory.

    Raises:
        ValueError: if it is not a run directory.
    """
    files = RunDir(Path(path))
    files.see_that_it_has_begun()
    environment = read_object(files.environment)
    missing = [key for key in ("suite", "budget") if key not in environment]
    if missing:
        raise ValueError(f"{files.environment} has no {missing[0]!r}; write the run again")
    text = files.config.read_text(encoding="utf-8") if files.config.is_file() else ""
    name_line = re.search(r"^name:\s*['\"]?(.+?)['\"]?\s*$", text, flags=re.MULTILINE)
    teachers = read_cards(files.path)
    tasks = [task["name"] for task in environment["suite"]["tasks"]]
    rows, problems = read_rows(files.schedule, tasks, environment.get("belongs_to", {}))
    lifetimes: dict[str, Lifetimes] = {}
    for name in teachers:
        own, notes = _lifetimes(rows, name, int(environment["budget"]["decisions"]))
        problems += notes
        if own is not None:
            lifetimes[name] = own
    strangers = sorted(set(rows.teachers) - set(teachers))
    for name in strangers:
        card = files.card(name).relative_to(files.path)
        problems.append(f"the schedule has rows of {name}, which has no {card}; they are left out")
    problems += _uneven(lifetimes)
    problems += environment.get("missing", [])
    run_name = name_line[1] if name_line else files.path.resolve().name
    return StoredRun(files.path, run_name, text, environment, teachers, lifetimes, tuple(problems))


def _lifetimes(rows: ScheduleRows, name: str, decisions: int) -> tuple[Lifetimes | None, list[str]]:
    """The finished lifetimes of one teacher and what is missing."""
    starts, lengths = rows.lifetimes_of(name)
    if len(starts) == 0:
        return None, [f"{name} has not taught anybody yet"]
    last = starts + lengths - 1
    whole = rows.decision[last] == lengths
    finished = whole & (rows.terminated[last] | rows.truncated[last] | rows.diverged[last])
    usable = finished & ~rows.lost[last]
    problems = []
    if not finished.all():
        problems.append(f"{(~finished).sum()} of {len(starts)} lifetimes of {name} are unfinished")
    if rows.lost[last].any():
        problems.append(f"{rows.lost[last].sum()} lifetimes of {name} were lost with their worker")
    seeds = np.unique(rows.teacher_seed[last[usable]])
    students, under = np.unique(rows.student_seed[last[usable]], return_counts=True)
    everywhere = students[under == len(seeds)]
    if len(everywhere) == 0:
        return None, [*problems, f"no student has finished under every teacher seed of {name}"]
    in_grid = usable & np.isin(rows.student_seed[last], everywhere)
    if in_grid.sum() < usable.sum():
        problems.append(
            f"of {name} only the {len(everywhere)} students count that finished under each of its "
            f"{len(seeds)} teacher seeds"
        )
    # Rows are sorted by teacher seed, then student seed: the reshape needs no lookup.
    return _pad(rows, starts[in_grid], lengths[in_grid], seeds, everywhere, decisions), problems


def _pad(
    rows: ScheduleRows,
    starts: np.ndarray,
    lengths: np.ndarray,
    seeds: np.ndarray,
    students: np.ndarray,
    decisions: int,
) -> Lifetimes:
    grid = (len(seeds), len(students))
    d = max(decisions, int(lengths.max()))
    steps = np.arange(d)
    index = (starts[:, None] + np.minimum(steps, lengths[:, None] - 1)).reshape(*grid, d)
    last = index[:, :, -1]
    task = np.where(steps < lengths.reshape(*grid, 1), rows.task[index], -1)
    return Lifetimes(
        teacher_seeds=seeds,
        student_seeds=students,
        length=lengths.reshape(grid),
        terminated=rows.terminated[last],
        diverged=rows.diverged[last],
        student_steps=rows.student_steps[index],
        compute=rows.compute[index],
        probe_compute=rows.probe_compute[index],
        tokens=rows.tokens[index],
        task=task,
        probabilities=rows.probabilities[index],
        test_score=rows.test_score[index],
        calibration_error=rows.calibration_error[last],
        stress_score=rows.stress_score[last],
        wall_seconds=rows.wall_seconds[last],
    )


def _uneven(lifetimes: dict[str, Lifetimes]) -> list[str]:
    """Notes on teachers that have fewer students than others."""
    every = set().union(*(each.student_seeds.tolist() for each in lifetimes.values()))
    return [
        f"{name} has finished {len(each.student_seeds)} of {len(every)} students; "
        "comparisons use the students that both have"
        for name, each in lifetimes.items()
        if len(each.student_seeds) < len(every)
    ]
