"""Where something that was read stands, and a row that can't be used."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

_LONGEST_VALUE, _LONGEST_FILE = 80, 90


@dataclass(frozen=True)
class Place:
    """A line of a file, or a row of a table."""

    file: Path
    number: int
    unit: str = "line"

    def __str__(self) -> str:
        return f"{self.file}, {self.unit} {self.number}"


class BadRowError(ValueError):
    """A row that can't be used: where it stands, the rule that it breaks, and what came.

    The message stays short however long the row is.

    Args:
        place: of the row.
        rule: a clause such as "'messages' must end with the assistant's".
        value: what came; its beginning is shown.
    """

    def __init__(self, place: Place, rule: str, value: Any = None) -> None:
        self.place, self.rule = place, rule
        self.came = "" if value is None else f", got {shortened(repr(value))}"
        super().__init__(f"{_short_place(place)}: {rule}{self.came}")


def shortened(text: str, longest: int = _LONGEST_VALUE) -> str:
    """The text, or its beginning and end around three dots."""
    if len(text) <= longest:
        return text
    half = (longest - 3) // 2
    return f"{text[: longest - 3 - half]}...{text[-half:]}"


def _short_place(place: Place) -> str:
    file = str(place.file)
    return str(place).replace(file, file if len(file) <= _LONGEST_FILE else f"...{file[-87:]}")
