"""Where something that was read stands, and a row that can't be used."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_LONGEST_VALUE, _LONGEST_FILE, _LONGEST_NAME = 80, 90, 26


@dataclass(frozen=True)
class Place:
    """A line of a file, or a row of a table."""

    file: Path
    number: int
    unit: str = "line"

    @property
    def brief(self) -> str:
        """The same with no more of the path than the file's own folder."""
        inside = Path(self.file.parent.name) / self.file.name
        return f"{inside}, {self.unit} {self.number}"

    def __str__(self) -> str:
        return f"{self.file}, {self.unit} {self.number}"


class BadRowError(ValueError):
    """A row that can't be used: where it stands, the rule that it breaks, and what came.

    The message stays short however long the row is.

    Args:
        place: of the row.
        rule: a clause such as "'messages' must end with the assistant's", the same in all rows
            that break it.
        value: what came; its beginning is shown.
        detail: what is of this row alone, such as the number of a message.
    """

    def __init__(self, place: Place, rule: str, value: Any = None, detail: str = "") -> None:
        self.place, self.rule = place, rule
        came = "" if value is None else f", got {shortened(repr(value))}"
        self.came = (f" ({detail})" if detail else "") + came
        super().__init__(f"{_short_place(place)}: {rule}{self.came}")


def shortened(text: str, longest: int = _LONGEST_VALUE) -> str:
    """The text, or its beginning and end around three dots."""
    if len(text) <= longest:
        return text
    half = (longest - 3) // 2
    return f"{text[: longest - 3 - half]}...{text[-half:]}"


def listed(names: Iterable[str], most: int, longest: int) -> str:
    """Some names with commas between them, as many as fit, and how many more there are.

    They are shortened only where not all of them fit: names may differ in their middle alone.
    """
    whole = list(names)
    if len(whole) > most or len(", ".join(whole)) > longest:
        whole = [shortened(name, _LONGEST_NAME) for name in whole]
    most = min(most, len(whole))
    while most > 1 and len(", ".join(whole[:most])) > longest:
        most -= 1
    more = f" and {len(whole) - most} more" if len(whole) > most else ""
    return ", ".join(whole[:most]) + more


def _short_place(place: Place) -> str:
    file = str(place.file)
    return str(place).replace(file, file if len(file) <= _LONGEST_FILE else f"...{file[-87:]}")
