"""Reads the schedule of a run back, a teacher at a time, a part at a time, in columns by need.

Legend: w rows (one per decision and lifetime), s teacher seeds, m students, d decisions, k tasks.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .schedule import EQUAL, all_parts, check_schedule_part

_KEYS = ("teacher_seed", "student_seed", "decision")
_FLAGS = ("terminated", "truncated", "diverged", "lost")
"""Of a lifetime's last row; `lost` is in a schedule only where a worker was lost."""
_SCALARS: dict[str, type] = {
    **dict.fromkeys(_KEYS, np.int64),
    **dict.fromkeys(_FLAGS, np.bool_),
    "student_steps": np.float64,
    "compute": np.float64,
    "probe_compute": np.float64,
    EQUAL: np.float64,
    "tokens": np.float64,
    "wall_seconds": np.float64,
}
_PER_TASK = ("probabilities", "test_score", "test_calibration_error", "stress_score")
_OPTIONAL = ("lost", EQUAL)
_COLUMNS = ("teacher", "task", *(name for name in _SCALARS if name not in _OPTIONAL), *_PER_TASK)
_BATCH_BYTES = 1 << 25
"""Of a part that are decoded at once."""


@dataclass(frozen=True)
class _Part:
    """One file, whether it has rows of several teachers, and what each spent on own probes."""

    file: Path
    shared: bool
    own_costs: bool


@dataclass(frozen=True)
class Recording:
    """The rows of one teacher, in the order in which they were written.

    Args:
        teacher: its name.
        tasks: names in canonical order, k of them.
        parts: files that have rows of it.
    """

    teacher: str
    tasks: tuple[str, ...]
    parts: tuple[_Part, ...]

    @property
    def own_costs(self) -> bool:
        """Whether `compute` has what the teacher looked at, in all rows, and not equal probes."""
        return all(part.own_costs for part in self.parts)

    def batches(self, *columns: str) -> Iterator[dict[str, np.ndarray]]:
        """Some of the rows after the other, with these columns of the schedule and the keys.

        Yields:
            Arrays of (w,), of what is per task of (w, k) float32, NaN where nothing was measured;
            `task` as an index.

        Raises:
            ValueError: if a part that could be read before can't be any more.
        """
        names = (*_KEYS, *columns)
        for part in self.parts:
            wanted = ("teacher", *names) if part.shared else names
            if not part.own_costs:
                wanted = tuple("compute" if name == EQUAL else name for name in wanted)
            for batch in _batches(part.file, wanted, len(self.tasks)):
                if part.shared:
                    batch = batch.filter(pc.equal(batch["teacher"], self.teacher))
                yield {name: self._array(batch, name, part.file) for name in names}

    def keys(self) -> dict[str, np.ndarray]:
        """Keys, flags and `wall_seconds` of all rows, sorted by the keys, (w,) each.

        A decision that occurs twice counts as the later part has it.
        """
        batches = list(self.batches(*_FLAGS, "wall_seconds"))
        columns = {name: np.concatenate([one[name] for one in batches]) for name in batches[0]}
        order = np.lexsort([columns[key] for key in reversed(_KEYS)])
        table = np.stack([columns[key][order] for key in _KEYS], axis=1)
        # The sort is stable: of equal rows the one that was read last stands last.
        last = np.concatenate([(table[1:] != table[:-1]).any(axis=1), [True]])
        return {name: values[order[last]] for name, values in columns.items()}

    def _array(self, batch: pa.RecordBatch, name: str, file: Path) -> np.ndarray:
        if name == EQUAL and name not in batch.schema.names:
            name = "compute"
        if name not in batch.schema.names:
            return np.zeros(len(batch), dtype=_SCALARS[name])
        column = batch[name]
        if name == "task":
            return _task_indices(column, self.tasks, file)
        if name in _PER_TASK:
            return _per_task(column, len(self.tasks), f"{name} in {file}")
        return np.asarray(column.to_numpy(zero_copy_only=False), dtype=_SCALARS[name])


@dataclass(frozen=True)
class GridRows:
    """The rows of lifetimes of the same students under each teacher seed.

    Args:
        recording: that they are in.
        teacher_seeds: ascending, (s,).
        student_seeds: ascending, (m,).
        length: decisions of each lifetime, (s, m).
        decisions: d, at least the longest of them.
    """

    recording: Recording
    teacher_seeds: np.ndarray
    student_seeds: np.ndarray
    length: np.ndarray
    decisions: int

    def of_seed(self, seed: int) -> "GridRows":
        """The same of one teacher seed alone."""
        at = self.teacher_seeds == seed
        return replace(self, teacher_seeds=self.teacher_seeds[at], length=self.length[at])

    def padded(self, *columns: str) -> list[np.ndarray]:
        """Columns by decision, (s, m, d) or (s, m, d, k) each; a lifetime keeps its last values."""
        s, m, d = *self.length.shape, self.decisions
        arrays: list[np.ndarray] = []
        for batch in self.recording.batches(*columns):
            rows, lifetime = self._places(batch)
            values = [batch[name] for name in columns]
            arrays = arrays or [np.zeros((s * m, d, *one.shape[1:]), one.dtype) for one in values]
            for array, one in zip(arrays, values, strict=True):
                array[lifetime, batch["decision"][rows] - 1] = one[rows]
        for i, length in enumerate(self.length.ravel()):
            for array in arrays if length < d else ():
                array[i, length:] = array[i, length - 1]
        return [array.reshape(s, m, d, *array.shape[2:]) for array in arrays]

    def last(self, column: str) -> np.ndarray:
        """A column of one number per task at the end of each lifetime, (s, m, k) float32."""
        s, m = self.length.shape
        array = np.full((s * m, len(self.recording.tasks)), np.nan, dtype=np.float32)
        for batch in self.recording.batches(column):
            rows, lifetime = self._places(batch)
            ends = batch["decision"][rows] == self.length.ravel()[lifetime]
            array[lifetime[ends]] = batch[column][rows[ends]]
        return array.reshape(s, m, -1)

    def _places(self, batch: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Rows of a batch that are of these lifetimes, and which lifetime each is of."""
        places, inside = [], np.ones(len(batch["decision"]), dtype=np.bool_)
        for key, seeds in (
            ("teacher_seed", self.teacher_seeds), ("student_seed", self.student_seeds),
        ):  # fmt: skip
            place = np.minimum(np.searchsorted(seeds, batch[key]), len(seeds) - 1)
            inside &= seeds[place] == batch[key]
            places.append(place)
        rows = np.flatnonzero(inside)
        return rows, places[0][rows] * len(self.student_seeds) + places[1][rows]


def read_recordings(
    folder: Path, tasks: Sequence[str], belongs_to: Mapping[str, Any]
) -> tuple[dict[str, Recording], list[str]]:
    """Recordings by teacher, from every part that is whole, and a sentence for each that is not.

    All parts are read through once, and nothing of them is kept.

    Args:
        folder: of the parts.
        tasks: names in canonical order, k of them.
        belongs_to: what all parts of the run belong to.

    Raises:
        ValueError: for a part of another run, and for one with a missing column, an unknown task or
            another number of tasks.
    """
    parts: dict[str, list[_Part]] = {}
    problems = []
    for file in all_parts(folder):
        try:
            teachers, own_costs = _teachers_in(file, tuple(tasks), belongs_to)
        except (pa.ArrowException, OSError) as error:
            if isinstance(error, MemoryError):
                raise
            problems.append(f"{file.name} cannot be read and is left out ({_reason(error)})")
            continue
        for name in teachers:
            parts.setdefault(name, []).append(_Part(file, len(teachers) > 1, own_costs))
    recordings = {name: Recording(name, tuple(tasks), tuple(parts[name])) for name in sorted(parts)}
    return recordings, problems


def _teachers_in(
    file: Path, tasks: tuple[str, ...], belongs_to: Mapping[str, Any]
) -> tuple[set[str], bool]:
    """Names of the teachers that a part has rows of, and whether these have own costs.

    All of it is decoded before.
    """
    with pq.ParquetFile(file, page_checksum_verification=True) as part:
        schema = part.schema_arrow
        check_schedule_part(file, schema, belongs_to)
        missing = [name for name in _COLUMNS if name not in schema.names]
        if missing:
            raise ValueError(f"{file} has no column {missing[0]!r}, which every schedule has")
        teachers: set[str] = set()
        for batch in part.iter_batches(_batch_rows(_COLUMNS, len(tasks)), columns=list(_COLUMNS)):
            teachers.update(pc.unique(batch["teacher"]).to_pylist())
            _task_indices(batch["task"], tasks, file)
            for name in _PER_TASK:
                _measured_values(batch[name], len(tasks), f"{name} in {file}")
    return teachers, EQUAL in schema.names


def _batches(file: Path, columns: Iterable[str], k: int) -> Iterator[pa.RecordBatch]:
    """Batches of a part with those of the columns that it has."""
    with _sentence_for(file), pq.ParquetFile(file, page_checksum_verification=True) as part:
        there = [name for name in columns if name in part.schema_arrow.names]
        yield from part.iter_batches(_batch_rows(there, k), columns=there)


def _batch_rows(columns: Iterable[str], k: int) -> int:
    """Rows of a batch, so that its columns take no more than a batch may."""
    row = sum(4 * k if name in _PER_TASK else 8 for name in columns)
    return max(1, _BATCH_BYTES // row)


@contextmanager
def _sentence_for(file: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, MemoryError):
            raise
        raise ValueError(
            f"{file} can't be read any more ({_reason(error)}); it could a moment ago"
        ) from error


def _reason(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _task_indices(column: pa.Array, tasks: tuple[str, ...], file: Path) -> np.ndarray:
    """Indices (w,) int32 of names."""
    coded, places = column.dictionary_encode(), {name: i for i, name in enumerate(tasks)}
    names = coded.dictionary.to_pylist()
    unknown = [name for name in names if name not in places]
    if unknown:
        raise ValueError(
            f"{file} has the task {unknown[0]!r}, which is not in environment.json; "
            f"its tasks are {', '.join(tasks)}"
        )
    lookup = np.array([places[name] for name in names], dtype=np.int32)
    return np.asarray(lookup[coded.indices.to_numpy(zero_copy_only=False)])


def _per_task(column: pa.Array, k: int, where: str) -> np.ndarray:
    """(w, k) float32; a null becomes a row of NaN."""
    flat = _measured_values(column, k, where)
    numbers = np.asarray(flat.to_numpy(zero_copy_only=False), dtype=np.float32).reshape(-1, k)
    if column.null_count == 0:
        return numbers
    values = np.full((len(column), k), np.nan, dtype=np.float32)
    values[column.is_valid().to_numpy(zero_copy_only=False)] = numbers
    return values


def _measured_values(column: pa.Array, k: int, where: str) -> pa.Array:
    """The numbers of all rows that are no null, one row after the other."""
    flat = column.drop_null().flatten()
    if len(flat) != (len(column) - column.null_count) * k:
        raise ValueError(f"{where} must have {k} values in each row, one per task")
    return flat
