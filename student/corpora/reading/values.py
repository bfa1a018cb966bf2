"""What stands in a cell, as text: numbers and booleans too, and several answers of one row."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .places import BadRowError, Place

Row = Mapping[str, Any]
"""A row as it came, by the names of its columns."""

Take = Callable[[Row], Any]
"""What a row holds for one purpose, as it came."""

_INNER = ("text", "value", "stem", "content", "input_text", "sentences", "contexts", "spans")
"""Where the text of a nested object stands, the first that is there."""
_FURTHER = ("aliases",)
"""Where a nested answer has further right answers."""


def is_absent(value: Any) -> bool:
    """Whether there is nothing: null, an empty text, not a number."""
    return value is None or value == "" or (isinstance(value, float) and value != value)


def taker(path: str) -> Take:
    """What stands in a column, or in nested objects by a dotted path; None where nothing does."""
    parts = path.split(".")

    def take(row: Row) -> Any:
        if path in row:
            return row[path]
        value: Any = row
        for part in parts:
            value = value.get(part) if isinstance(value, Mapping) else None
        return value

    return take


def holds(row: Row, path: str) -> bool:
    """Whether a row has that column, or that dotted path."""
    head, _, rest = path.partition(".")
    if path in row or not rest:
        return path in row
    inner = row.get(head)
    return isinstance(inner, Mapping) and holds(inner, rest)


def text_of(place: Place, what: str, value: Any) -> str | None:
    """A value as text, None where there is nothing; texts of a list stand on a line each.

    Raises:
        BadRowError: for what is no text, such as bytes.
    """
    if isinstance(value, str):
        return value or None
    if is_absent(value):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        texts = [text_of(place, what, one) for one in value]
        return "\n".join(text for text in texts if text is not None) or None
    if isinstance(value, Mapping):
        inner = next((key for key in _INNER if key in value), None)
        if inner is not None:
            return text_of(place, what, value[inner])
    if isinstance(value, Mapping | bytes | bytearray):
        raise BadRowError(place, f"the {what} must be text", value)
    if isinstance(value, float) and math.isinf(value):
        raise BadRowError(place, f"the {what} is no finite number", value)
    if isinstance(value, float) and value.is_integer():
        # A column of numbers with a gap in it holds 7.0 where people wrote 7.
        return str(int(value))
    return str(value)


@dataclass(frozen=True)
class Role:
    """What a column, or several, are read as."""

    columns: tuple[str, ...]
    take: Take
    glue: str = ""
    """Between the texts of several columns."""
    named: bool = False
    """Whether each text stands behind the name of its column."""
    needed: str = ""
    """The column without which there is nothing."""

    def value(self, place: Place, row: Row) -> Any:
        """What a row holds for this role, as it came, or as one text where it is of several."""
        if not self.glue or len(self.columns) == 1:
            return self.take(row)
        if self.needed and is_absent(row.get(self.needed)):
            return None
        texts = {column: text_of(place, "prompt", row.get(column)) for column in self.columns}
        return self.glue.join(
            f"{column}: {text}" if self.named else text
            for column, text in texts.items()
            if text is not None
        )

    def __str__(self) -> str:
        if len(self.columns) > 3:
            return f"{self.columns[0]!r} to {self.columns[-1]!r}"
        return " and ".join(map(repr, self.columns))


def answers_of(place: Place, value: Any) -> list[str]:
    """All answers that a value gives, different ones, the first first."""
    if isinstance(value, str):
        return [value] if value else []
    return list(dict.fromkeys(_answers(place, value)))


def lists_nothing(value: Any) -> bool:
    """Whether a value is an object whose list of texts is there and empty, as SQuAD 2 has it."""
    inner = [value[key] for key in _INNER if key in value] if isinstance(value, Mapping) else []
    return inner[:1] in ([[]], [()])


def _answers(place: Place, value: Any) -> Iterator[str]:
    if isinstance(value, list | tuple):
        for one in value:
            yield from _answers(place, one)
        return
    if isinstance(value, Mapping):
        inner = next((key for key in _INNER if key in value), None)
        if inner is not None:
            for key in (inner, *_FURTHER):
                yield from _answers(place, value.get(key))
            return
    text = text_of(place, "answer", value)
    if text is not None:
        yield text


def whole_number(value: Any) -> int | None:
    """The whole number that a value is or writes, None where it is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            return None
    return value if isinstance(value, int) else None
