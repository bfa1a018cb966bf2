"""What is damaged of finished units: their own files, what they trained and what they recorded."""

import json
import zipfile
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from .layout import RunDir, unit_name
from .schedule import parts_of

_KEYS = {
    "tune": ("parameters", "compute", "wall_seconds"),
    "select": ("selection_cost", "selection_area"),
    "train": ("selection", "compute", "wall_seconds"),
    "evaluate": ("lifetimes", "decisions"),
}
"""What the file of a unit of each kind holds at least."""


class DamagedError(ValueError):
    """What a unit left when it was done is damaged; the message says which file, and how."""


def read_unit(files: RunDir, kind: str, teacher: str, seed: int) -> dict[str, Any] | None:
    """What a unit returned; None if it is not done.

    Raises:
        DamagedError: if its file does not hold that.
    """
    file = files.unit(unit_name(kind, teacher, seed))
    if not file.exists():
        return None
    try:
        values: Any = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        raise DamagedError(f"{file} is damaged: it is not JSON") from None
    if not isinstance(values, dict):
        raise DamagedError(f"{file} is damaged: it must hold a JSON object")
    if lacking := [key for key in _KEYS[kind] if key not in values]:
        raise DamagedError(f"{file} is damaged: it has no {lacking[0]!r}")
    if kind == "evaluate" and type(values["decisions"]) is not int:
        raise DamagedError(f"{file} is damaged: its 'decisions' are no number")
    return values


def see_that_it_is_whole(files: RunDir, kind: str, teacher: str, seed: int) -> None:
    """Look at all that a unit left if it is done, through to the last byte.

    Raises:
        DamagedError: for the first thing that is not as it was left.
    """
    values = read_unit(files, kind, teacher, seed)
    if values is None:
        return
    if kind == "train":
        _see_that_teacher_is_whole(files.teacher_zip(teacher, seed))
    if kind == "evaluate":
        rows = sum(map(rows_of, parts_of(files.schedule, teacher, seed)))
        if rows != values["decisions"]:
            raise DamagedError(_loss(files, teacher, seed, rows, values["decisions"]))


def _loss(files: RunDir, teacher: str, seed: int, rows: int, recorded: int) -> str:
    return (
        f"parts of the schedule of {teacher!r} (teacher seed {seed}) are missing in "
        f"{files.schedule}: {rows:,} of {recorded:,} decisions are there"
    )


class RecordedUnits:
    """What the units of a run said of how much they recorded, as it was at one moment.

    Parts that are looked at afterwards have all of it, also where units end meanwhile.

    Args:
        files: of the run.
        teachers: names of those that are reported.
    """

    def __init__(self, files: RunDir, teachers: Iterable[str]) -> None:
        self._files = files
        self._decisions = {
            name: {
                seed: _recorded(files, name, seed) for seed in files.seeds_of_unit("evaluate", name)
            }
            for name in teachers
        }

    def losses(self, teacher: str, teacher_seeds: Sequence[int] | np.ndarray) -> list[str]:
        """What is missing of the schedule of a teacher, one sentence a seed.

        Args:
            teacher: its name.
            teacher_seeds: of the rows that its parts have, (w,).
        """
        rows = Counter(np.asarray(teacher_seeds, dtype=np.int64).tolist())
        sentences = []
        for seed, recorded in self._decisions[teacher].items():
            fault = recorded if isinstance(recorded, str) else ""
            if isinstance(recorded, int) and recorded != rows[seed]:
                fault = _loss(self._files, teacher, seed, rows[seed], recorded)
            if fault:
                sentences.append(f"{fault}; --resume records it again")
        return sentences


def _recorded(files: RunDir, teacher: str, seed: int) -> int | str:
    """Decisions that a unit recorded, or the sentence on a file that does not say."""
    try:
        values = read_unit(files, "evaluate", teacher, seed)
    except DamagedError as error:
        return str(error)
    return "" if values is None else int(values["decisions"])


def see_that_parts_are_there(files: RunDir, teacher: str, seed: int, count: int) -> None:
    """Look at the parts of a teacher that a checkpoint goes on from.

    Raises:
        ValueError: if one of them is missing or can't be read, with the way out.
    """
    parts = parts_of(files.schedule, teacher, seed)[:count]
    fault = f"only {len(parts)} of {count} parts of {teacher!r} are in {files.schedule}"
    whole = len(parts) == count
    try:
        for part in parts:
            rows_of(part)
    except DamagedError as error:
        fault, whole = str(error), False
    if not whole:
        checkpoint = files.checkpoint(unit_name("evaluate", teacher, seed))
        raise ValueError(
            f"{fault}; delete {checkpoint}, and --resume records this teacher again from its "
            "beginning"
        )


def rows_of(part: Path) -> int:
    """Rows of a part of a schedule, all of which are looked at.

    Raises:
        DamagedError: if one of them can't be read.
    """
    facts = part.stat()
    return _rows_of(part, facts.st_mtime_ns, facts.st_size)


@lru_cache(maxsize=100_000)
def _rows_of(part: Path, changed: int, size: int) -> int:
    """A part that did not change since is not read again."""
    try:
        with pq.ParquetFile(part, page_checksum_verification=True) as file:
            return sum(len(batch) for batch in file.iter_batches())
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, MemoryError):
            raise
        raise DamagedError(f"{part} is damaged ({(str(error).splitlines() or [''])[0]})") from error


def _see_that_teacher_is_whole(file: Path) -> None:
    if not file.exists():
        raise DamagedError(f"{file}, which was trained, is missing")
    try:
        with zipfile.ZipFile(file) as teacher:
            broken = teacher.testzip()
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        raise DamagedError(f"{file} is damaged ({error})") from error
    if broken is not None:
        raise DamagedError(f"{file} is damaged (its {broken!r} is not what was written)")
