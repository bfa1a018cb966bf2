"""Where a module lies, and whether it may be imported; nothing is imported to see either."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

from ..trust import is_agreed, is_module_agreed, is_strange

FACES = ("lessonplan.student", "lessonplan.envs", "lessonplan.teacher")
"""Modules of ours that a config may name parts of; all others are for our own use."""
GROUP = "lessonplan"
"""Entry-point group in which an installed package says that configs may name its modules."""

_TRUST = "if you trust it add --trust (in Python trust=True)"


@dataclass(frozen=True)
class Place:
    """Where a module lies.

    Attributes:
        file: of it; empty where it has none, as those that are built into Python.
        folder: in which its top package lies; empty for what is found as Python finds it.
    """

    file: str
    folder: str = ""


def module_file(module: str, folders: Iterable[str]) -> Path | None:
    """The file of a module in the first folder that has it; nothing is imported."""
    for folder in folders:
        place = Path(folder, *module.split("."))
        for file in (place / "__init__.py", place.with_suffix(".py")):
            if file.is_file():
                return file
    return None


def is_hidden(module: str) -> bool:
    """Whether a module beside one's own is never imported: Python or an installed one has its name.

    Its top package decides.
    """
    top = module.partition(".")[0]
    return top in sys.stdlib_module_names or PathFinder.find_spec(top, installed()) is not None


def installed() -> list[str]:
    """Folders of Python and of what is installed."""
    # Not for every command: it takes as long as our own modules.
    import sysconfig

    paths = sysconfig.get_paths()
    own = {paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    return sorted(own | {one for one in sys.path if Path(one).name.endswith("-packages")})


def place_of(module: str, folders: Sequence[str]) -> Place | None:
    """Where a module lies: in the first folder that has it, else where Python finds it.

    None where it is nowhere. Packages that it lies in are not imported to see it.
    """
    file = module_file(module, folders)
    if file is not None:
        return Place(str(file), _top_folder(module, str(file)))
    loaded = sys.modules.get(module)
    if loaded is not None:
        return Place(str(getattr(loaded, "__file__", None) or ""))
    spec, parts = None, module.split(".")
    for i in range(len(parts)):
        within = None if spec is None else list(spec.submodule_search_locations or ())
        spec = _spec_of(".".join(parts[: i + 1]), within)
        if spec is None:
            return None
    return None if spec is None else Place(_file_of(spec))


def is_ours(module: str) -> bool:
    """Whether a module is one of this package, or a face of it."""
    return f"{module}.".startswith("lessonplan.")


def _spec_of(module: str, within: list[str] | None) -> ModuleSpec | None:
    """As Python finds a module, but for that it imports the packages around it first."""
    specs = (
        finder.find_spec(module, within) for finder in sys.meta_path if hasattr(finder, "find_spec")
    )
    return next((spec for spec in specs if spec is not None), None)


def _file_of(spec: ModuleSpec) -> str:
    folders = spec.submodule_search_locations or ()
    return str(spec.origin if spec.has_location else next(iter(folders), ""))


def why_not(module: str, place: Place) -> str:
    """Why a module must not be imported, with the ways out; empty where it may be.

    Args:
        module: its name.
        place: where it lies.
    """
    if is_module_agreed(module):
        return ""
    if place.file and is_strange(place.file):
        return (
            f"{place.file} would be imported, which lies in a directory that was handed in as a "
            f"run, a teacher or data; look at it, and {_TRUST}"
        )
    if is_ours(module) and module not in FACES:
        return (
            f"{module} is a module of ours that no config may name; parts of ours are named by "
            f"what `lessonplan list` shows, or in {', '.join(FACES)}"
        )
    if not place.folder and _may_be_named(module, place):
        return ""
    folder = place.folder or _top_folder(module, place.file)
    if folder and is_agreed(folder, place.file):
        return ""
    if place.folder or (folder and not _is_below(folder, installed())):
        return (
            f"{place.file} would be imported, which lies neither in the folder of a config that "
            f"was named nor in the working directory; run it from {folder}, or {_TRUST}"
        )
    return (
        f"{module} is installed and does not say that configs may name it; name a part of your own "
        f"that uses it, or {_TRUST}; a package says it by the entry-point group {GROUP!r}"
    )


def _may_be_named(module: str, place: Place) -> bool:
    """Whether it is a face of ours, of a package that says so, or is typed into a notebook."""
    return (
        module in FACES
        or (module == "__main__" and not place.file)
        or any(f"{module}.".startswith(f"{one}.") for one in _declared())
    )


def _top_folder(module: str, file: str) -> str:
    """The folder that the top package of a module lies in; empty where it has no file."""
    if not file:
        return ""
    path = Path(file)
    return str(path.parents[module.count(".") + (path.name == "__init__.py")])


def _is_below(folder: str, places: Sequence[str]) -> bool:
    path = Path(folder).resolve()
    return any(path.is_relative_to(Path(one).resolve()) for one in places)


@cache
def _declared() -> tuple[str, ...]:
    """Packages and modules that installed distributions open to configs, with all below them."""
    # Not for every command: it reads the metadata of every distribution.
    from importlib.metadata import distributions

    folders = [Path(folder).resolve() for folder in installed()]
    return tuple(
        entry.module
        for one in distributions()
        # What merely lies in a folder that modules are looked for in is not installed.
        if Path(str(one.locate_file(""))).resolve() in folders
        for entry in one.entry_points
        if entry.group == GROUP
    )
