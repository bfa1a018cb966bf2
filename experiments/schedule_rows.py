"""Reads `schedule/part-*.parquet` into sorted numpy columns.

Legend: w rows (one per decision and lifetime), k tasks.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

_SCALARS = {
    "teacher_seed": np.int64,
    "student_seed": np.int64,
    "decision": np.int64,
    "student_steps": np.float64,
    "compute": np.float64,
    "probe_compute": np.float64,
    "tokens": np.float64,
    "terminated": np.bool_,
    "truncated": np.bool_,
    "diverged": np.bool_,
    "wall_seconds": np.float64,
}
_PER_TASK = {
    "probabilities": "probabilities",
    "test_score": "test_score",
    "test_calibration_error": "calibration_error",
    "stress_score": "stress_score",
}
_COLUMNS = ("teacher", "task", *_SCALARS, *_PER_TASK)


@dataclass(frozen=True)
class Rows:
    """All rows, sorted by teacher, teacher seed, student seed and decision; arrays are (w, ...)."""

    teachers: tuple[str, ...]
    """Names of the teachers that have rows."""
    teacher: np.ndarray
    """Index into `teachers`, (w,)."""
    task: np.ndarray
    """Task index, (w,)."""
    teacher_seed: np.ndarray
    student_seed: np.ndarray
    decision: np.ndarray
    student_steps: np.ndarray
    compute: np.ndarray
    probe_compute: np.ndarray
    tokens: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    diverged: np.ndarray
    lost: np.ndarray
    wall_seconds: np.ndarray
    probabilities: np.ndarray
    """(w, k), as are the next three; a stress score that was not measured is NaN."""
    test_score: np.ndarray
    calibration_error: np.ndarray
    stress_score: np.ndarray

    def lifetimes_of(self, teacher: str) -> tuple[np.ndarray, np.ndarray]:
        """First row and number of rows of each lifetime of a teacher."""
        if teacher not in self.teachers:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
        mine = np.flatnonzero(self.teacher == self.teachers.index(teacher))
        keys = np.stack([self.teacher_seed[mine], self.student_seed[mine]], axis=1)
        new = np.concatenate([[True], (keys[1:] != keys[:-1]).any(axis=1)])
        starts = mine[new]
        return starts, np.diff(np.concatenate([starts, [mine[-1] + 1]]))


def read_rows(folder: Path, tasks: list[str]) -> tuple[Rows, list[str]]:
    """Rows of every part that is whole, and a sentence for each that is not.

    A decision that occurs twice counts as the later part has it.

    Raises:
        ValueError: for a part with a missing column, an unknown task or another number of tasks.
    """
    tables, problems = [], []
    for file in sorted(folder.glob("part-*.parquet")):
        try:
            table = pq.read_table(file, partitioning=None)
        except (pa.ArrowInvalid, OSError) as error:
            reason = str(error).splitlines()[0]
            problems.append(f"{file.name} cannot be read and is left out ({reason})")
            continue
        missing = [name for name in _COLUMNS if name not in table.column_names]
        if missing:
            raise ValueError(f"{file} has no column {missing[0]!r}, which every schedule has")
        if len(table):
            tables.append(_columns(table, tasks, file))
    if not tables:
        return _empty(len(tasks)), problems
    joined = {name: np.concatenate([part[name] for part in tables]) for name in tables[0]}
    return _sorted(joined), problems


def _columns(table: pa.Table, tasks: list[str], file: Path) -> dict[str, np.ndarray]:
    columns: dict[str, np.ndarray] = {
        "teacher": np.asarray(table["teacher"].to_pylist(), dtype=np.str_),
        "task": _task_indices(table["task"], tasks, file),
    }
    for name, dtype in _SCALARS.items():
        columns[name] = table[name].to_numpy().astype(dtype)
    columns["lost"] = (
        table["lost"].to_numpy().astype(np.bool_)
        if "lost" in table.column_names
        else np.zeros(len(table), dtype=np.bool_)
    )
    for source, name in _PER_TASK.items():
        columns[name] = _per_task(table[source], len(tasks), f"{source} in {file}")
    return columns


def _task_indices(column: pa.ChunkedArray, tasks: list[str], file: Path) -> np.ndarray:
    coded = column.combine_chunks().dictionary_encode()
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.combine_chunks()
    names = coded.dictionary.to_pylist()
    unknown = [name for name in names if name not in tasks]
    if unknown:
        raise ValueError(
            f"{file} has the task {unknown[0]!r}, which is not in environment.json; "
            f"its tasks are {', '.join(tasks)}"
        )
    lookup = np.array([tasks.index(name) for name in names], dtype=np.int64)
    return np.asarray(lookup[coded.indices.to_numpy()])


def _per_task(column: pa.ChunkedArray, k: int, where: str) -> np.ndarray:
    """(w, k) float64; a null becomes a row of NaN."""
    values = np.full((len(column), k), np.nan)
    given = ~column.is_null().to_numpy()
    flat = column.drop_null().combine_chunks().flatten().to_numpy(zero_copy_only=False)
    if flat.size != given.sum() * k:
        raise ValueError(f"{where} must have {k} values in each row, one per task")
    values[given] = flat.reshape(-1, k)
    return values


def _sorted(columns: dict[str, np.ndarray]) -> Rows:
    teachers, teacher = np.unique(columns.pop("teacher"), return_inverse=True)
    columns["teacher"] = teacher
    keys = ("decision", "student_seed", "teacher_seed", "teacher")
    order = np.lexsort([columns[key] for key in keys])
    table = np.stack([columns[key][order] for key in keys], axis=1)
    # The sort is stable: of equal rows the one that was read last stands last.
    last = np.concatenate([(table[1:] != table[:-1]).any(axis=1), [True]])
    kept = {name: values[order][last] for name, values in columns.items()}
    return Rows(teachers=tuple(teachers.tolist()), **kept)


def _empty(k: int) -> Rows:
    scalars: dict[str, Any] = {name: np.zeros(0, dtype=dtype) for name, dtype in _SCALARS.items()}
    matrices = {name: np.zeros((0, k)) for name in _PER_TASK.values()}
    whole = np.zeros(0, dtype=np.int64)
    lost = np.zeros(0, dtype=np.bool_)
    return Rows((), teacher=whole, task=whole, lost=lost, **scalars, **matrices)
