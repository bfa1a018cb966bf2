"""What whoever started this process has agreed to: which code it may import, which files it trusts.

Modules in the working directory are agreed to, so are those in the folder of a config that was
named. Code in a folder that was handed in as a run, a teacher or data never is. `--trust` agrees to
everything: all modules that configs name, and files that have to be unpickled.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class _Given:
    """What whoever started this process has agreed to."""

    everything = False
    folders: tuple[str, ...] = ()
    """With all that lies below them."""
    homes: tuple[str, ...] = ()
    """Working directories of the processes that this one works for; nothing below them."""
    strange: tuple[str, ...] = ()
    """Of which nothing is imported, wherever they lie."""
    modules: tuple[str, ...] = ()
    """By their full names, wherever they lie."""


def is_trusted() -> bool:
    """Whether all that is read was declared to be trusted."""
    return _Given.everything


@contextmanager
def trusting(everything: bool = True) -> Iterator[None]:
    """Trust all that is read within; as it was before at the end."""
    before = _Given.everything
    _Given.everything = everything or before
    try:
        yield
    finally:
        _Given.everything = before


def agree_to(folder: str | Path) -> None:
    """Modules in this folder, and below it, may be imported: a config in it was named."""
    _Given.folders = _with(_Given.folders, folder)


def agree_to_modules(modules: Iterable[str]) -> None:
    """These modules, by their full names, may be imported wherever they lie."""
    _Given.modules = tuple(dict.fromkeys((*_Given.modules, *modules)))


def is_module_agreed(module: str) -> bool:
    """Whether a module was agreed to by its name."""
    return _Given.everything or module in _Given.modules


def take_for_strange(folder: str | Path) -> None:
    """No module in this folder, or below it, may be imported: it was handed in as a directory."""
    _Given.strange = _with(_Given.strange, folder)


def agreed_folders() -> list[str]:
    """Folders that one's own code may lie in here: the working directory, and those agreed to."""
    return [_resolved_text(os.getcwd()), *_Given.homes, *_Given.folders]


def is_agreed(folder: str | Path, file: str | Path) -> bool:
    """Whether a module may be imported.

    Args:
        folder: where its top package lies.
        file: of the module.
    """
    if _Given.everything:
        return True
    place = _resolved(folder)
    if is_strange(file):
        return False
    if any(place.is_relative_to(one) for one in _Given.folders):
        return True
    homes = (_resolved_text(os.getcwd()), *_Given.homes)
    return str(place) in homes and _is_in_packages(folder, file)


def _is_in_packages(folder: str | Path, file: str | Path) -> bool:
    """Whether all folders between a folder and a file in it are packages.

    Python imports from any folder; to stand somewhere agrees to no more than what lies there.
    """
    top, path = Path(os.path.abspath(folder)), Path(os.path.abspath(file))
    if path == top:
        return True
    between = [one for one in path.parents if one != top and one.is_relative_to(top)]
    return path.is_relative_to(top) and all((one / "__init__.py").is_file() for one in between)


def is_strange(file: str | Path) -> bool:
    """Whether a file lies in a directory that was handed in."""
    paths = {_resolved(file), Path(os.path.abspath(file))}
    return any(path.is_relative_to(one) for path in paths for one in _Given.strange)


def agreement() -> dict[str, Any]:
    """All that was agreed to, as plain values that another process of the same work is given."""
    homes = _with(_Given.homes, os.getcwd())
    return {
        "everything": _Given.everything,
        "folders": list(_Given.folders),
        "homes": list(homes),
        "strange": list(_Given.strange),
        "modules": list(_Given.modules),
    }


def take_over(values: Mapping[str, Any]) -> None:
    """Agree to what the process has agreed to that this one works for: its `agreement()`."""
    _Given.everything = bool(values["everything"])
    _Given.folders = tuple(values["folders"])
    _Given.homes = tuple(values["homes"])
    _Given.strange = tuple(values["strange"])
    _Given.modules = tuple(values["modules"])


def _with(folders: tuple[str, ...], folder: str | Path) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*folders, _resolved_text(folder))))


def _resolved(path: str | Path) -> Path:
    return Path(path).resolve()


def _resolved_text(path: str | Path) -> str:
    return str(_resolved(path))
