"""Which modules of one's own a config names, and in which folders they are looked for."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..common.own_code.imports import own_files
from ..common.own_code.places import module_file, place_of, why_not
from ..common.own_modules import OWN_NAME
from ..common.trust import agree_to_modules

_ENVIRONMENT = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):.+")
"""What the name of an environment looks like that Gymnasium imports a module for."""
_NAMING = {"rule", "model", "cohort", "reward", "score"}
"""Keys below which `module:name` may stand, besides the `name` in these sections."""
_LIBRARIES = {"stable_baselines3", "sb3_contrib"}
"""Of which algorithms may be named; what else is named of them is refused where it is looked up."""
_SECTIONS = {"suite", "schedule", "then"}


def own_names_in(values: Any, keys: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Parts that plain values of a run or a sweep name, with their kinds.

    A space of values is included.

    Args:
        values: keys and values, a list of them or a value.
        keys: below which they stand.
    """
    if isinstance(values, Mapping):
        for key, value in values.items():
            # A space of values has dotted keys, and its distributions a choice of values.
            yield from own_names_in(
                value, keys if key == "choice" else (*keys, *str(key).split("."))
            )
    elif isinstance(values, list):
        for value in values:
            yield from own_names_in(value, keys)
    elif isinstance(values, str) and _is_naming(*keys[-2:]) and OWN_NAME.fullmatch(values):
        yield keys[-1] if keys[-1] in _NAMING else keys[-2], values


def own_modules_in(values: Any) -> Iterator[str]:
    """Modules that plain values of a run or a sweep name."""
    for _, name in own_names_in(values):
        yield name.partition(":")[0]


def own_parts_of(values: Any) -> dict[str, str]:
    """What plain values of a run name, in words, by its name."""
    return {name: f"{kind} {name!r}" for kind, name in own_names_in(values)}


def _is_naming(*keys: str) -> bool:
    return keys[-1:] != () and (
        keys[-1] in _NAMING
        or (keys[-1] == "name" and keys[0] in _SECTIONS)
        or keys == ("options", "algorithm")
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


def folders_of(values: Mapping[str, Any]) -> list[str]:
    """The folders of modules that a run names, or a sweep in the config of its runs."""
    config = values.get("config")
    folders: list[str] = (config if isinstance(config, Mapping) else values).get("modules") or []
    return folders


def agreed_files(values: Mapping[str, Any]) -> list[Path]:
    """The files of one's own modules that a run or a sweep names, and what these import beside.

    Nothing is imported to see it. What is installed is no file of one's own.

    Args:
        values: of the run or the sweep.

    Raises:
        ValueError: in one sentence, if any of them may not be imported.
    """
    modules, folders = list(dict.fromkeys(own_modules_in(values))), folders_of(values)
    for module in modules:
        if module.partition(".")[0] in _LIBRARIES:
            continue
        place = place_of(module, folders)
        # What is nowhere is said where it is looked up, by the kind of part that it is.
        if place is not None and (reason := why_not(module, place)):
            raise ValueError(f"a config names the module {module}: {reason}")
    return sorted(set(own_files(modules, folders).values()))


def agree_to_code(values: Any) -> None:
    """Agree to all modules that the values of a run or a sweep name, wherever they lie."""
    agree_to_modules(own_modules_in(values))
