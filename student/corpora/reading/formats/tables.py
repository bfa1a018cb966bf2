"""Rows of .csv and .tsv files whose first line names the columns."""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..notices import Notices
from ..places import BadRowError, Place, shortened
from .containers import RawRow
from .streams import format_of, open_text

_LARGEST_CELL = 2**31 - 1
_LONGEST = 80
_NUMBER = re.compile(r"[-+]?[\d.,]+%?")


def table_rows(file: Path, notices: Notices) -> Iterator[tuple[Place, RawRow]]:
    """Every row with the line where it begins; cells are text, and None where they are empty.

    Raises:
        ValueError: for a file that can't be read, and for one without names of columns.
    """
    # The limit is the module's, and a text of several pages is no mistake.
    csv.field_size_limit(max(csv.field_size_limit(), _LARGEST_CELL))
    with open_text(file, "") as text:
        first = next((line for line in text if line.strip()), "")
    separator = _separator(file, first)
    quoted = format_of(file) == ".csv" or _is_quoted(file, separator)
    if not quoted:
        kind = "files whose quotation marks are text, since they don't pair around cells"
        notices.count(kind, Place(file, 1))
    rows = _rows(file, separator, quoted)
    header = next(rows, None)
    if header is None:
        return
    columns = _columns(*header)
    for place, cells in rows:
        if isinstance(cells, BadRowError):
            yield place, cells
        elif len(cells) != len(columns):
            rule = "the row has another number of cells than the header"
            detail = f"{len(cells)}, not {len(columns)}"
            yield place, BadRowError(place, rule, separator.join(cells), detail)
        else:
            pairs = zip(columns, cells, strict=True)
            yield place, {name: cell or None for name, cell in pairs if name}


def _separator(file: Path, header: str) -> str:
    if format_of(file) == ".tsv":
        return "\t"
    return next((mark for mark in (",", ";", "\t") if mark in header), ",")


def _is_quoted(file: Path, separator: str) -> bool:
    """Whether no fewer rows are whole if quotation marks are read as such than if they are text."""
    with open_text(file, "") as text:
        if not any('"' in line for line in text):
            return True
    return _whole_rows(file, separator, True) >= _whole_rows(file, separator, False)


def _whole_rows(file: Path, separator: str, quoted: bool) -> int:
    rows = (cells for _, cells in _rows(file, separator, quoted))
    width = _width(next(rows, []))
    return sum(_width(cells) == width for cells in rows)


def _width(cells: list[str] | BadRowError) -> int:
    return -1 if isinstance(cells, BadRowError) else len(cells)


def _rows(
    file: Path, separator: str, quoted: bool
) -> Iterator[tuple[Place, list[str] | BadRowError]]:
    """The cells of every row that is not blank, the header's too."""
    options: dict[str, Any] = {"delimiter": separator, "strict": True}
    if not quoted:
        options["quoting"] = csv.QUOTE_NONE
    with open_text(file, "") as text:
        reader = csv.reader(text, **options)
        while True:
            place = Place(file, reader.line_num + 1)
            try:
                cells = next(reader, None)
            except csv.Error:
                rule = "the quotation marks don't pair"
                yield place, BadRowError(place, rule, f"text to line {reader.line_num}")
                continue
            if cells is None:
                return
            if cells:
                yield place, cells


def _columns(place: Place, header: list[str] | BadRowError) -> list[str]:
    """Names of columns; empty ones, as of pandas' numbers of rows, are of no use."""
    if isinstance(header, BadRowError):
        raise header
    names = [name.strip() for name in header]
    doubt = next((name for name in names if _NUMBER.fullmatch(name) or len(name) > _LONGEST), None)
    if doubt is not None or not any(names):
        raise ValueError(
            f"{place}: the first line must name the columns, such as prompt,answer, "
            f"but has {shortened(doubt or '')!r}; put a line of names above it"
        )
    counts = Counter(names)
    twice = next((name for name in names if name and counts[name] > 1), None)
    if twice is not None:
        raise ValueError(f"{place}: two columns are called {shortened(twice)!r}; rename one")
    return names
