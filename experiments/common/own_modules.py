"""One's own modules: where `module:name` of a config is looked for, and what comes of it.

A folder that is named hides nothing of Python or of what is installed: its modules are found by
name alone, and what they import in turn lies beside them where it is not installed.
"""

import importlib
import os
import re
import sys
from collections.abc import Iterable, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from .mistakes import where_and_why
from .nearest import did_you_mean
from .own_code.places import installed, is_hidden, module_file, place_of, why_not
from .trust import is_agreed

OWN_NAME = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):([A-Za-z_]\w*)")
"""What `module:name` looks like."""


class _Neighbours:
    """Finds what one's own modules import: what lies beside them and is not installed."""

    folders: tuple[str, ...] = ()

    @classmethod
    def find_spec(
        cls, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module of a folder; None leaves it to all the others that find modules."""
        if path is not None:
            return None
        for folder in cls.folders:
            if module_file(name, [folder]) and not is_hidden(name):
                return PathFinder.find_spec(name, [folder])
        return None


def find_own_modules(folders: Iterable[str]) -> None:
    """Let modules in these folders be found, of those that were agreed to.

    Unpickling needs no more; what a config names is found by `own_module` in the config's order.
    """
    for folder in folders:
        if os.path.isdir(folder) and is_agreed(folder, folder):
            _look_in(folder)


def _look_in(folder: str) -> None:
    # At the end, where one's own modules hide nothing that is installed.
    if folder not in sys.path:
        sys.path.append(folder)


def own_module(module: str, folders: Sequence[str]) -> ModuleType:
    """A module from the first of the folders that has it, else from what is installed.

    Raises:
        ValueError: in one sentence: it is nowhere, it may not be imported, its name is taken, or it
            fails itself.
    """
    place = place_of(module, folders)
    if place is None:
        raise ValueError(
            f"there is no module {module!r}: looked in {', '.join(folders)}, and among what is "
            "installed; put its file beside the config, or name its folder (in a config "
            "`modules`, to `lessonplan check` --folder)"
        )
    if reason := why_not(module, place):
        raise ValueError(reason)
    if not place.folder:
        return _elsewhere(module)
    top, folder = module.partition(".")[0], place.folder
    _see_that_name_is_free(top, folder)
    if module in sys.modules and _folder_of(top) == _resolved(folder):
        return sys.modules[module]
    _set_aside(top, folder)
    _look_in(folder)
    if _Neighbours not in sys.meta_path:
        sys.meta_path.insert(0, _Neighbours)
    others = (one for one in _Neighbours.folders if one != folder)
    _Neighbours.folders = (folder, *others)
    try:
        if top not in sys.modules:
            _execute(top, folder)
        return importlib.import_module(module)
    except (Exception, SystemExit) as error:
        raise ValueError(where_and_why(error, [folder])) from error


def _elsewhere(module: str) -> ModuleType:
    """A module that is in none of the folders, as Python finds it."""
    try:
        return sys.modules.get(module) or importlib.import_module(module)
    except (Exception, SystemExit) as error:
        raise ValueError(where_and_why(error, [os.sep])) from error


def _execute(top: str, folder: str) -> None:
    """Import a module from this folder, whatever else has its name."""
    importlib.invalidate_caches()
    spec = PathFinder.find_spec(top, [folder])
    assert spec is not None
    if spec.loader is None:
        # A package without `__init__.py`, which would else also be what else has its name.
        spec.submodule_search_locations = [str(Path(folder, top))]
    module = module_from_spec(spec)
    sys.modules[top] = module
    assert spec.loader is not None
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(top, None)
        raise


def _see_that_name_is_free(top: str, folder: str) -> None:
    taken = top in sys.modules and _folder_of(top) != _resolved(folder) and _is_installed(top)
    if top in sys.stdlib_module_names or taken:
        raise ValueError(
            f"{top!r} in {folder} has the name of a module that is installed and in use; rename it"
        )


def _set_aside(wanted: str, folder: str) -> None:
    """Let it, and what lies beside it, be imported though another of somebody's was loaded."""
    tops = {name.partition(".")[0] for name in sys.modules} - sys.stdlib_module_names
    others = {
        top
        for top in tops - {"__main__", "lessonplan"}
        if (top == wanted or module_file(top, [folder]))
        and _folder_of(top) != _resolved(folder)
        and not _is_installed(top)
    }
    for name in list(sys.modules):
        if name.partition(".")[0] in others:
            del sys.modules[name]


def _place(module: ModuleType | None) -> str:
    """The file of a module, or the folder of one without; empty for what has neither."""
    file = getattr(module, "__file__", None)
    return str(file or next(iter(getattr(module, "__path__", ())), ""))


def _folder_of(top: str) -> str:
    """The folder that a module which is loaded lies in; empty where it has none."""
    place = _place(sys.modules.get(top))
    path = Path(place)
    return _resolved(path.parents[path.name == "__init__.py"]) if place else ""


def _resolved(folder: str | Path) -> str:
    return str(Path(folder).resolve())


def _is_installed(top: str) -> bool:
    folder = _folder_of(top)
    return not folder or any(Path(folder).is_relative_to(_resolved(one)) for one in installed())


def own_part(module: str, name: str, folders: Sequence[str]) -> Any:
    """What a module has under a name.

    Raises:
        ValueError: in one sentence.
    """
    own = own_module(module, folders)
    if not hasattr(own, name):
        public = [one for one in vars(own) if not one.startswith("_")]
        raise ValueError(
            f"{_place(own) or module} has no {name!r}; {did_you_mean(name, public)}"
            "a name is that of a class or function in the file"
        )
    return getattr(own, name)
