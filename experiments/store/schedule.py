"""The schedule of a run, `schedule/part-TEACHER-SEED-NUMBER.parquet`, as it is written.

It has a row per decision and student. Parts are always whole; a recorder that goes on from its
checkpoint drops those that came after it and writes them again.

Legend: w rows (one per decision and lifetime), r rows of one decision, m students, d decisions.
"""

import glob
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..common.files import write_whole
from .layout import RunDir, unit_name

EQUAL = "equal_compute"
"""Column of what was spent if every teacher paid for the probes of every task after each decision.
Where it is missing, `compute` is that: the version that wrote it charged everybody alike."""
_LISTS = (
    "probabilities", "observation", "probe_score", "probe_loss", "test_score", "test_loss",
    "test_calibration_error", "stress_score",
)  # fmt: skip
SCHEMA = pa.schema(
    [
        ("teacher", pa.string()), ("teacher_seed", pa.int64()), ("student_seed", pa.int64()),
        ("decision", pa.int64()), ("student_steps", pa.int64()), ("compute", pa.float64()),
        ("probe_compute", pa.float64()), (EQUAL, pa.float64()), ("tokens", pa.float64()),
        ("task", pa.string()), ("reward", pa.float64()), ("training_loss_before", pa.float32()),
        ("training_loss_after", pa.float32()), ("terminated", pa.bool_()),
        ("truncated", pa.bool_()), ("diverged", pa.bool_()), ("wall_seconds", pa.float64()),
        *[(name, pa.list_(pa.float32())) for name in _LISTS],
    ]
)  # fmt: skip
_BELONGS_TO = b"belongs_to"
"""Key of the fingerprint in the metadata of a part."""


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
        write_whole(path, lambda aside: pq.write_table(table, aside, write_page_checksum=True))
        self._tables.clear()
        self.count += 1

    def resume(self, count: int) -> None:
        """Go on after this many parts; later ones are dropped, once all were looked at.

        Raises:
            ValueError: where one of them is of another run, or one that is kept can't be read.
        """
        self.count = count
        parts = parts_of(self.folder, self.teacher, self.teacher_seed)
        later = [path for path in parts if int(path.stem[-4:]) >= count]
        for path in parts:
            try:
                check_schedule_part(path, pq.read_schema(path), self.belongs_to)
            except (pa.ArrowException, OSError) as error:
                # What is damaged is nobody's, and is written anew.
                if path not in later:
                    reason = (str(error).splitlines() or [type(error).__name__])[0]
                    raise ValueError(
                        f"{path}, which is kept, can't be read ({reason}); delete the checkpoint "
                        f"of {self.teacher!r}, and --resume records it again"
                    ) from error
        for path in later:
            path.unlink()


def check_schedule_part(path: Path, schema: pa.Schema, belongs_to: Mapping[str, Any]) -> None:
    """Refuse a part of another run; those of earlier versions do not say whose they are.

    Raises:
        ValueError: naming what differs.
    """
    text = (schema.metadata or {}).get(_BELONGS_TO)
    if text is None:
        return
    from lessonplan.envs.classroom import check_belonging

    try:
        before = json.loads(text)
    except (ValueError, RecursionError):
        before = text
    check_belonging(
        before,
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
    table = _recorded(run_dir, teacher, teacher_seed, "task", belongs_to)
    index = {task: i for i, task in enumerate(tasks)}
    choices = np.array([index[task] for task in table["task"].to_pylist()])
    return _by_student(table, choices, -1)


def recorded_mixtures(
    run_dir: Path,
    tasks: Sequence[str],
    teacher: str,
    teacher_seed: int,
    belongs_to: Mapping[str, Any] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Mixtures of a recorded teacher, (m, d, k) float32, zeros at the end, and student seeds.

    Raises:
        ValueError: if they are not there, can't be read or are of another run.
    """
    table = _recorded(run_dir, teacher, teacher_seed, "probabilities", belongs_to)
    lists = table["probabilities"].combine_chunks()
    lengths = lists.value_lengths().to_numpy(zero_copy_only=False)
    if (lengths != len(tasks)).any():
        got, again = lengths[lengths != len(tasks)][0], _again(run_dir, teacher, teacher_seed)
        raise ValueError(
            f"the schedule of {teacher!r}, which is replayed, must have {len(tasks)} probabilities "
            f"a row, got {got:g}; {again}"
        )
    shares = lists.flatten().to_numpy(zero_copy_only=False).reshape(-1, len(tasks))
    return _by_student(table, shares, 0)


def _recorded(
    run_dir: Path,
    teacher: str,
    teacher_seed: int,
    column: str,
    belongs_to: Mapping[str, Any] | None,
) -> pa.Table:
    """A column of all rows of a recorded teacher, with `student_seed` and `decision`."""
    folder, again = RunDir(run_dir).schedule, _again(run_dir, teacher, teacher_seed)
    tables = []
    for part in parts_of(folder, teacher, teacher_seed):
        try:
            table = pq.read_table(part, columns=["student_seed", "decision", column])
        except (ValueError, OSError) as error:
            raise ValueError(
                f"{part} of {teacher!r}, which is replayed, can't be read; {again}"
            ) from error
        check_schedule_part(part, table.schema, belongs_to or {})
        tables.append(table.replace_schema_metadata(None))
    if not tables:
        raise ValueError(f"{folder} has no parts of {teacher!r} to replay; {again}")
    return pa.concat_tables(tables)


def _again(run_dir: Path, teacher: str, teacher_seed: int) -> str:
    unit = RunDir(run_dir).unit(unit_name("evaluate", teacher, teacher_seed))
    return f"delete {unit.relative_to(run_dir)}, and --resume records it again"


def _by_student(table: pa.Table, values: np.ndarray, missing: int) -> tuple[np.ndarray, np.ndarray]:
    """Values (w, ...) of rows by student and decision, (m, d, ...), and student seeds, (m,)."""
    decisions = table["decision"].to_numpy()
    students, rows = np.unique(table["student_seed"].to_numpy(), return_inverse=True)
    shape = (len(students), decisions.max(), *values.shape[1:])
    found = np.full(shape, missing, dtype=values.dtype)
    found[rows, decisions - 1] = values
    return found, students
