"""Which modules of one's own a config names, and in which folders they are looked for."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..common.own_modules import OWN_NAME, module_file

_NAMING = {"rule", "model", "cohort", "reward", "score"}
"""Keys below which `module:name` may stand, besides the `name` in these sections."""
_SECTIONS = {"suite", "schedule", "then"}


def own_modules_in(values: Any, keys: tuple[str, ...] = ()) -> Iterator[str]:
    """Modules that plain values of a run or a sweep name, a space of values included.

    Args:
        values: keys and values, a list of them or a value.
        keys: below which they stand.
    """
    if isinstance(values, Mapping):
        for key, value in values.items():
            # A space of values has dotted keys, and its distributions a choice of values.
            yield from own_modules_in(
                value, keys if key == "choice" else (*keys, *str(key).split("."))
            )
    elif isinstance(values, list):
        for value in values:
            yield from own_modules_in(value, keys)
    elif isinstance(values, str) and _is_naming(*keys[-2:]):
        if match := OWN_NAME.fullmatch(values):
            yield match[1]


def _is_naming(*keys: str) -> bool:
    return keys[-1:] != () and (
        keys[-1] in _NAMING or (keys[-1] == "name" and keys[0] in _SECTIONS)
    )


def module_folders(values: Any, folders: Sequence[str | Path]) -> list[str]:
    """Those of the folders that hold a module which the values name, absolute, in their order.

    All of them where one is in none, so that an error can say where was looked; none where the
    values name nothing of one's own.
    """
    places = list(dict.fromkeys(str(Path(folder).resolve()) for folder in folders))
    used = {
        next((place for place in places if module_file(module, [place])), None)
        for module in own_modules_in(values)
    }
    return places if None in used else [place for place in places if place in used]
