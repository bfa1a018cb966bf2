"""The schedule of a run, `schedule/part-TEACHER-SEED-NUMBER.parquet`: written and read here alone.

It has a row per decision and student. Parts are always whole; a recorder that goes on from its
checkpoint drops those that came after it and writes them again.

Legend: w rows (one per decision and lifetime), r rows of one decision, k tasks, m students,
d decisions.
"""

import glob
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..common.files import write_whole
from .layout import RunDir, unit_name

_LISTS = (
    "probabilities", "observation", "probe_score", "probe_loss", "test_score", "test_loss",
    "test_calibration_error", "stress_score",
)  # fmt: skip
SCHEMA = pa.schema(
    [
        ("teacher", pa.string()), ("teacher_seed", pa.int64()), ("student_seed", pa.int64()),
        ("decision", pa.int64()), ("student_steps", pa.int64()), ("compute", pa.float64()),
        ("probe_compute", pa.float64()), ("tokens", pa.float64()), ("task", pa.string()),
        ("reward", pa.float64()), ("training_loss_before", pa.float32()),
        ("training_loss_after", pa.float32()), ("terminated", pa.bool_()),
        ("truncated", pa.bool_()), ("diverged", pa.bool_()), ("wall_seconds", pa.float64()),
        *[(name, pa.list_(pa.float32())) for name in _LISTS],
    ]
)  # fmt: skip
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
_BELONGS_TO = b"belongs_to"
"""Key of the fingerprint in the metadata of a part."""
_COLUMNS = ("teacher", "task", *_SCALARS, *_PER_TASK)


def all_parts(folder: Path) -> list[Path]:
    """Parts of all teachers, by name."""
    return sorted(folder.glob("part-*.parquet"))


def parts_of(folder: Path, teacher: str, teacher_seed: int) -> list[Path]:
    """Parts that were written for a teacher, in order."""
    stem = glob.escape(_stem(teacher, teacher_seed))
    return sorted(folder.glob(f"{stem}-{'[0-9]' * 4}.parquet"))


def _stem(teacher: str, teacher_seed: int) -> str:
    return f"part-{teacher}-{teacher_seed}"


class PartWriter:
    """Writes the parts of one teacher.

    Args:
        folder: of the parts.
        teacher: its name.
        teacher_seed: its seed.
        belongs_to: what they belong to, kept in each.
    """

    def __init__(
        self, folder: Path, teacher: str, teacher_seed: int, belongs_to: Mapping[str, Any]
    ) -> None:
        self.folder, self.teacher, self.teacher_seed = folder, teacher, teacher_seed
        self.belongs_to = belongs_to
        self.count = 0
        """Parts that were written."""
        self._tables: list[pa.Table] = []

    def add(self, columns: Mapping[str, Any]) -> None:
        """Keep rows for the next part: a column of `SCHEMA` each, the teacher's own two aside."""
        rows = len(columns["student_seed"])
        own = {
            "teacher": [self.teacher] * rows,
            "teacher_seed": np.full(rows, self.teacher_seed),
        }
        whole = own | dict(columns)
        self._tables.append(
            pa.table([_array(whole[field.name], field.type) for field in SCHEMA], schema=SCHEMA)
        )

    def flush(self) -> None:
        """Write what was added since the last part as a new part."""
        if not self._tables:
            return
        table = pa.concat_tables(self._tables).combine_chunks()
        table = table.replace_schema_metadata({_BELONGS_TO: json.dumps(self.belongs_to)})
        path = self.folder / f"{_stem(self.teacher, self.teacher_seed)}-{self.count:04d}.parquet"
        write_whole(path, lambda aside: pq.write_table(table, aside))
        self._tables.clear()
        self.count += 1

    def resume(self, count: int) -> None:
        """Go on after this many parts; later ones are dropped.

        Raises:
            ValueError: where one of those that are kept is of another run.
        """
        self.count = count
        for path in parts_of(self.folder, self.teacher, self.teacher_seed):
            if int(path.stem[-4:]) >= count:
                path.unlink()
            else:
                _check_part(path, pq.read_schema(path), self.belongs_to)


def _check_part(path: Path, schema: pa.Schema, belongs_to: Mapping[str, Any]) -> None:
    """Refuse a part of another run; those of earlier versions do not say whose they are.

    Raises:
        ValueError: naming what differs.
    """
    text = (schema.metadata or {}).get(_BELONGS_TO)
    if text is None:
        return
    from lessonplan.envs.classroom import check_belonging

    check_belonging(
        json.loads(text),
        belongs_to,
        what=path.name,
        whose="this run",
        way_out=f"it is of another run: take it out of {path.parent}",
    )


def _array(values: Any, kind: pa.DataType) -> pa.Array:
    """Arrow array; (r, w) arrays become lists without a Python loop."""
    if isinstance(values, np.ndarray) and values.ndim == 2:
        flat = pa.array(np.ascontiguousarray(values, dtype=np.float32).ravel())
        return pa.FixedSizeListArray.from_arrays(flat, values.shape[1]).cast(kind)
    return pa.array(values, type=kind)


@dataclass(frozen=True)
class ScheduleRows:
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


def read_rows(
    folder: Path, tasks: list[str], belongs_to: Mapping[str, Any]
) -> tuple[ScheduleRows, list[str]]:
    """Rows of every part that is whole, and a sentence for each that is not.

    A decision that occurs twice counts as the later part has it.

    Args:
        folder: of the parts.
        tasks: names in canonical order, k of them.
        belongs_to: what all parts of the run belong to.

    Raises:
        ValueError: for a part of another run, and for one with a missing column, an unknown task or
            another number of tasks.
    """
    tables, problems = [], []
    for file in all_parts(folder):
        try:
            table = pq.read_table(file, partitioning=None)
        except (pa.ArrowInvalid, OSError) as error:
            reason = str(error).splitlines()[0]
            problems.append(f"{file.name} cannot be read and is left out ({reason})")
            continue
        _check_part(file, table.schema, belongs_to)
        missing = [name for name in _COLUMNS if name not in table.column_names]
        if missing:
            raise ValueError(f"{file} has no column {missing[0]!r}, which every schedule has")
        if len(table):
            tables.append(_columns(table, tasks, file))
    if not tables:
        return _empty(len(tasks)), problems
    columns = {name: np.concatenate([part[name] for part in tables]) for name in tables[0]}
    return _sorted(columns), problems


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
    measured = ~column.is_null().to_numpy()
    flat = column.drop_null().combine_chunks().flatten().to_numpy(zero_copy_only=False)
    if flat.size != measured.sum() * k:
        raise ValueError(f"{where} must have {k} values in each row, one per task")
    values[measured] = flat.reshape(-1, k)
    return values


def _sorted(columns: dict[str, np.ndarray]) -> ScheduleRows:
    teachers, teacher = np.unique(columns.pop("teacher"), return_inverse=True)
    columns["teacher"] = teacher
    keys = ("decision", "student_seed", "teacher_seed", "teacher")
    order = np.lexsort([columns[key] for key in keys])
    table = np.stack([columns[key][order] for key in keys], axis=1)
    # The sort is stable: of equal rows the one that was read last stands last.
    last = np.concatenate([(table[1:] != table[:-1]).any(axis=1), [True]])
    arrays = {name: values[order][last] for name, values in columns.items()}
    return ScheduleRows(teachers=tuple(teachers.tolist()), **arrays)


def _empty(k: int) -> ScheduleRows:
    scalars: dict[str, Any] = {name: np.zeros(0, dtype=dtype) for name, dtype in _SCALARS.items()}
    matrices = {name: np.zeros((0, k)) for name in _PER_TASK.values()}
    whole = np.zeros(0, dtype=np.int64)
    lost = np.zeros(0, dtype=np.bool_)
    return ScheduleRows((), teacher=whole, task=whole, lost=lost, **scalars, **matrices)


def recorded_schedules(
    run_dir: Path,
    tasks: Sequence[str],
    teacher: str,
    teacher_seed: int,
    belongs_to: Mapping[str, Any] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Schedules of a recorded teacher, (m, d) task indices with -1 at the end, and student seeds.

    Raises:
        ValueError: if they are not there, can't be read or are of another run.
    """
    files = RunDir(run_dir)
    unit = files.unit(unit_name("evaluate", teacher, teacher_seed)).relative_to(run_dir)
    again = f"delete {unit}, and --resume records it again"
    tables = []
    for part in parts_of(files.schedule, teacher, teacher_seed):
        try:
            table = pq.read_table(part, columns=["student_seed", "decision", "task"])
        except (ValueError, OSError) as error:
            raise ValueError(
                f"{part} of {teacher!r}, which is replayed, can't be read; {again}"
            ) from error
        _check_part(part, table.schema, belongs_to or {})
        tables.append(table.to_pydict())
    if not tables:
        raise ValueError(f"{files.schedule} has no parts of {teacher!r} to replay; {again}")
    seeds = np.concatenate([np.array(table["student_seed"]) for table in tables])
    decisions = np.concatenate([np.array(table["decision"]) for table in tables])
    index = {task: i for i, task in enumerate(tasks)}
    choices = np.array([index[task] for table in tables for task in table["task"]])
    students, rows = np.unique(seeds, return_inverse=True)
    schedules = np.full((len(students), decisions.max()), -1, dtype=np.int64)
    schedules[rows, decisions - 1] = choices
    return schedules, students
