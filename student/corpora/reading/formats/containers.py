"""Rows of JSON: an object a line, an array, or objects in a container that tells about them."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

from ..naming import split_named
from ..notices import Notices
from ..places import BadRowError, Place, shortened
from .streams import format_of, open_text

RawRow: TypeAlias = dict[str, Any] | BadRowError
"""A raw row, or what is wrong with it."""

HEADER = "_header"
"""The key under which a row has what its container says of all of its rows."""

_LISTS = ("Instances", "instances", "examples", "data", "rows")
"""Lists that hold the rows where several lists of objects stand beside each other."""
_OF_ONE_ROW = {"messages", "conversations", "conversation", "choices", "tools"}
"""Lists of objects that are part of a row."""
_DEMONSTRATIONS = {"Positive Examples", "Negative Examples"}


@dataclass
class _Part:
    """Values that should be rows, with what stands beside their list."""

    values: list[Any]
    split: str | None = None
    header: dict[str, Any] = field(default_factory=dict)


def json_rows(file: Path, notices: Notices) -> Iterator[tuple[Place, RawRow]]:
    """Every row of a .jsonl or .json file, whichever of the two its text is.

    A row of an object with a list of rows in it has the rest of the object under `HEADER`, and
    `split` where its list is called like a split.

    Raises:
        ValueError: for a file that can't be read, and for .json without rows.
    """
    return _lines(file) if _has_lines(file) else _container(file, notices)


def _has_lines(file: Path) -> bool:
    """Whether each line is JSON of its own."""
    with open_text(file) as text:
        written = list(islice((line for line in text if not line.isspace()), 2))
    if not written:
        return True
    first, is_lines = written[0], format_of(file) != ".json"
    try:
        value = json.loads(first)
    except (ValueError, RecursionError):
        # What is broken in its first line is an array or an object over several lines.
        return is_lines and not first.startswith("[") and first.strip() != "{"
    return len(written) > 1 or (is_lines and not isinstance(value, list))


def _lines(file: Path) -> Iterator[tuple[Place, RawRow]]:
    row: RawRow
    with open_text(file) as text:
        for number, line in enumerate(text, 1):
            if line.isspace():
                continue
            place = Place(file, number)
            try:
                row = json.loads(line, object_pairs_hook=_once)
            except (ValueError, RecursionError) as error:
                fault, where = _fault(error)
                row = BadRowError(place, f"not valid JSON: {fault}", line.strip(), where)
            if not isinstance(row, dict):
                row = _no_object(place, row)
            yield place, row


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of which no key stands twice: the last would win, and nobody knows which is meant.

    Raises:
        ValueError: for another.
    """
    values = dict(pairs)
    if len(values) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        twice = next(key for key, count in counts.items() if count > 1)
        raise ValueError(f"the key {shortened(twice, 40)!r} is there twice")
    return values


def _no_object(place: Place, value: Any) -> BadRowError:
    if isinstance(value, BadRowError):
        return value
    return BadRowError(place, 'a row must be an object, {"prompt": ..., "answer": ...}', value)


def _fault(error: Exception) -> tuple[str, str]:
    """What is wrong with a text, and where in it."""
    if isinstance(error, json.JSONDecodeError):
        # A line that is cut off is wrong where it ends, not in the next one.
        return error.msg, f"column {min(error.pos, len(error.doc.rstrip())) + 1}"
    if isinstance(error, RecursionError):
        return "nested too deeply", ""
    # A number with too many digits, and what to do about it in Python.
    fault, _, digits = str(error).partition(": ")
    return fault, digits.partition(";")[0]


def _container(file: Path, notices: Notices) -> Iterator[tuple[Place, RawRow]]:
    with open_text(file) as text:
        values = list(_values(file, text.read()))
    parts = [_Part(values)] if len(values) != 1 else _parts(file, values[0], notices)
    pairs = ((part, value) for part in parts for value in part.values)
    for number, (part, value) in enumerate(pairs, 1):
        place = Place(file, number, "row")
        if not isinstance(value, dict):
            yield place, _no_object(place, value)
            continue
        if part.header:
            value[HEADER] = part.header
        if part.split is not None:
            value.setdefault("split", part.split)
        yield place, value


def _values(file: Path, text: str) -> Iterator[Any]:
    """The values that stand one after the other in a text."""
    decoder, end = json.JSONDecoder(object_pairs_hook=_once), 0
    text = text.strip()
    while end < len(text):
        try:
            value, end = decoder.raw_decode(text, end)
        except json.JSONDecodeError as error:
            place = f"{file}, line {error.lineno}, column {error.colno}"
            raise ValueError(f"{place}: not valid JSON: {error.msg}") from None
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{file}: not valid JSON: {_fault(error)[0]}") from None
        yield value
        while end < len(text) and text[end].isspace():
            end += 1


def _parts(file: Path, value: Any, notices: Notices) -> list[_Part]:
    if isinstance(value, list):
        return [_Part(value)]
    if not isinstance(value, dict):
        raise ValueError(
            f"{file} has no rows: it is {value!r:.40}, but should be a list of objects"
        )
    lists = {key: each for key, each in value.items() if _is_rows(each)}
    header = {key: each for key, each in value.items() if key not in lists}
    splits = {key: split for key in value if (split := split_named(key)) is not None}
    if chosen := next((key for key in _LISTS if key in lists), None):
        _say_others(file, lists.keys() - {chosen} - _DEMONSTRATIONS, notices)
        return [_Part(lists[chosen], None, header)]
    if splits.keys() & lists.keys():
        _say_others(file, lists.keys() - splits.keys(), notices)
        return [_Part(lists[key], split, header) for key, split in splits.items() if key in lists]
    if splits and splits.keys() == value.keys():
        return [
            replace(part, split=split)
            for key, split in splits.items()
            for part in _parts(file, value[key], notices)
        ]
    if lists and not lists.keys() <= _OF_ONE_ROW:
        return [_Part(_only_list(file, lists), None, header)]
    return [_Part(_mapped(value))]


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _say_others(file: Path, others: set[str], notices: Notices) -> None:
    if others:
        names = ", ".join(sorted(others))
        notices.say(f"{file}: the lists {names} are left aside, other rows stand beside them")


def _only_list(file: Path, lists: dict[str, list[Any]]) -> list[Any]:
    if len(lists) > 1:
        raise ValueError(
            f"{file} has several lists of objects: {', '.join(sorted(lists)):.80}; make each a "
            "file of its own, or call that of the rows 'examples'"
        )
    return next(iter(lists.values()))


def _mapped(value: dict[str, Any]) -> list[Any]:
    """Rows of an object without a list of them: columns, objects by their names, or one row."""
    each = list(value.values())
    if not value or any(value.get(key) == [] for key in _LISTS):
        return []
    if all(isinstance(one, dict) for one in each):
        # So does pandas write a table: a column is an object with the numbers of rows.
        if all(number.isdigit() for one in each for number in one):
            numbers = dict.fromkeys(number for one in each for number in one)
            return [{key: one.get(number) for key, one in value.items()} for number in numbers]
        return each
    if {"columns", "data"} <= value.keys() and _is_table(value["columns"], value["data"]):
        return [dict(zip(value["columns"], cells, strict=True)) for cells in value["data"]]
    alike = all(isinstance(one, list) and len(one) == len(each[0]) for one in each)
    if alike and not value.keys() & _OF_ONE_ROW:
        return [dict(zip(value, cells, strict=True)) for cells in zip(*each, strict=True)]
    return [value]


def _is_table(columns: Any, cells: Any) -> bool:
    if not isinstance(columns, list) or not isinstance(cells, list):
        return False
    return all(isinstance(row, list) and len(row) == len(columns) for row in cells)
