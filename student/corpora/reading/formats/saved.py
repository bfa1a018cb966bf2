"""Rows of Apache Arrow's tables: .parquet and .arrow files, and folders of `save_to_disk`.

Numbers of classes become the names that Hugging Face datasets put into the table's schema.
"""

import json
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import Any

from ..notices import Notices
from ..places import BadRowError, Place, shortened
from .containers import RawRow
from .streams import format_of, open_bytes

_FEATHER = b"ARROW1"
"""How a file of Arrow's begins that is no stream."""
_BATCH = 1000
"""Rows that are unpacked at a time."""


def is_saved(folder: Path) -> bool:
    """Whether a folder is a dataset that `save_to_disk` wrote."""
    return (folder / "state.json").is_file() and any(folder.glob("*.arrow"))


def saved_rows(folder: Path, notices: Notices) -> Iterator[tuple[Place, RawRow]]:
    """Every row of one dataset, numbered from 1 over its files.

    Raises:
        ValueError: for a dataset that can't be read, with its folder.
    """
    if _described(folder / "state.json", "_indices_files"):
        raise ValueError(
            f"{folder} has an index of rows beside them, as datasets before version 2 wrote; load "
            "it there and write it again with flatten_indices() and save_to_disk"
        )
    files = [folder / one["filename"] for one in _described(folder / "state.json", "_data_files")]
    number = 0
    for file in files:
        for table in _batches(file):
            yield from _rows(table, folder, number)
            number += len(table)


def arrow_rows(file: Path, notices: Notices) -> Iterator[tuple[Place, RawRow]]:
    """Every row of a .parquet or .arrow file.

    Raises:
        ValueError: for a file that can't be read.
    """
    number = 0
    for table in _batches(file):
        yield from _rows(table, file, number)
        number += len(table)


def _described(file: Path, key: str) -> list[Any]:
    try:
        return list(json.loads(file.read_bytes()).get(key) or [])
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise ValueError(f"{file} can't be read ({error}); write the dataset again") from None


def _batches(file: Path) -> Iterator[Any]:
    """Batches of rows, at most `_BATCH` in each."""
    import pyarrow
    from pyarrow import ipc, parquet

    try:
        with open_bytes(file) as unpacked:
            plain = isinstance(unpacked, BufferedReader)
            # Going back in a packed file would unpack it anew each time.
            source = unpacked if plain else pyarrow.BufferReader(unpacked.read())
            if format_of(file) == ".parquet":
                yield from parquet.ParquetFile(source).iter_batches(_BATCH)
                return
            begin = source.read(len(_FEATHER))
            source.seek(0)
            table = ipc.open_file(source) if begin == _FEATHER else ipc.open_stream(source)
            every = range(table.num_record_batches) if begin == _FEATHER else None
            for batch in table if every is None else map(table.get_batch, every):
                # Offsets of a damaged file lead anywhere in memory.
                batch.validate(full=True)
                yield from (batch.slice(at, _BATCH) for at in range(0, len(batch), _BATCH))
    except pyarrow.ArrowException as error:
        reason = shortened(str(error).partition("\n")[0].rstrip("."))
        raise ValueError(
            f"{file} can't be read as {format_of(file)}: {reason}; write or copy it again"
        ) from None


def _rows(batch: Any, file: Path, before: int) -> Iterator[tuple[Place, RawRow]]:
    """The rows of a batch, with as many before it as said."""
    classes = _class_names(batch.schema)
    for number, row in enumerate(batch.to_pylist(), before + 1):
        place = Place(file, number, "row")
        yield place, _with_names(row, classes, place) if classes else row


def _class_names(schema: Any) -> dict[str, list[str]]:
    """Names of the classes in each column that stores their numbers."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        return {
            column: feature["names"]
            for column, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
        }
    except (KeyError, TypeError, ValueError):
        return {}


def _with_names(row: dict[str, Any], classes: dict[str, list[str]], place: Place) -> RawRow:
    for column, names in classes.items():
        number = row.get(column)
        # A split without labels has -1 in their place.
        if number is None or number == -1:
            row[column] = None
        elif isinstance(number, int) and 0 <= number < len(names):
            row[column] = names[number]
        else:
            return BadRowError(place, f"{column!r} is none of the {len(names)} classes", number)
    return row
