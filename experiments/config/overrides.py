"""Values of nested sections by dotted keys: `-o key=value`."""

from collections.abc import Sequence
from typing import Any

from ..common.nearest import did_you_mean
from ..common.yaml_values import override_value

_DEEPEST = 20
"""Keys of an override below each other."""
_MOST = 160
"""Characters of what a sentence quotes."""


def read_options(texts: Sequence[str]) -> dict[str, Any]:
    """`key=value` texts as a dictionary; values are read as YAML.

    Raises:
        ValueError: for a text without `=`.
    """
    options: dict[str, Any] = {}
    for text in texts:
        merge(options, text)
    return options


def merge(values: dict[str, Any], override: str) -> None:
    """Merge `dotted.key=value` into values; the value is read as YAML.

    Raises:
        ValueError: for a text without `=`, or a key that leads nowhere.
    """
    key, equals, text = override.partition("=")
    if not equals:
        raise ValueError(f"an override reads key=value, got {override!r:.60}")
    set_key(values, key, override_value(text, f"override {key}"))


def set_key(values: dict[str, Any], key: str, value: Any) -> None:
    """Set the value of a dotted key.

    Raises:
        ValueError: for a key that leads nowhere.
    """
    *parents, last = parts = key.split(".")
    if not all(parts) or len(parts) > _DEEPEST:
        raise ValueError(f"the key of an override reads section.key, got {key!r:.60}")
    place: Any = values
    for i, part in enumerate(parents):
        place = _descend(place, part, ".".join(parents[: i + 1]))
    if isinstance(place, list):
        place[_index(place, last, key)] = value
    else:
        _keys(place, last, key)[last] = value


def _descend(place: Any, part: str, path: str) -> Any:
    if isinstance(place, list):
        index = _index(place, part, path)
        if isinstance(place[index], str):
            place[index] = {"name": place[index]}
        return place[index]
    keys = _keys(place, part, path)
    inner = keys.setdefault(part, {})
    if inner is None:
        inner = keys[part] = {}
    return inner


def _keys(place: Any, part: str, path: str) -> dict[str, Any]:
    if not isinstance(place, dict):
        raise ValueError(f"override {path!r}: {part!r} is below a plain value, {place!r:.60}")
    return place


def _index(items: list[Any], part: str, path: str) -> int:
    """Place of an item by number or by its name."""
    names = [item.get("name") if isinstance(item, dict) else item for item in items]
    if part in names:
        return names.index(part)
    # No list is longer than a number of six digits.
    if part.isdecimal() and len(part) <= 6 and int(part) < len(items):
        return int(part)
    every = ", ".join(map(str, names))
    raise ValueError(
        f"override {path!r}: there is no item {part!r}; {did_you_mean(part, map(str, names))}the "
        f"items are {every if len(every) <= _MOST else f'{every[:_MOST]}...'}"
    )
