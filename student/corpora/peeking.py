"""A look at the first rows of people's own files, to know what kind of model they are for."""

import itertools
from collections.abc import Mapping
from pathlib import Path

from .reading.columns import Columns
from .reading.files import rows, sources
from .reading.notices import Notices
from .reading.places import BadRowError

_ROWS = 20
"""Of each file."""


def has_labels(
    path: str | Path, columns: Mapping[str, str] | None = None, task_column: str = ""
) -> bool:
    """Whether the first row that can be read has the name of a class, not an answer.

    Args:
        path: a file or folder.
        columns: see `jsonl`.
        task_column: see there.

    Raises:
        ValueError: where nothing can be read.
    """
    notices = Notices()
    reader = Columns(notices, columns, task_column)
    for source in sources(Path(path), notices):
        for place, row in itertools.islice(rows(source, notices), _ROWS):
            if isinstance(row, BadRowError):
                continue
            try:
                records = reader.records(place, row)
            except BadRowError:
                continue
            if records:
                return "label" in records[0]
    return False
