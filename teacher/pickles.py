"""Classes of this room in SB3's zips: found by their names, wherever they lie.

SB3 pickles what is no JSON, and a pickle names the module of a class. In a new file policies are
looked up in the room's face, and a rule is written as its name and parameters. An older file names
modules that may have moved since; it is read as if it named the face.
"""

import base64
import copyreg
import io
import json
import pickle
import pkgutil
import sys
import zipfile
from abc import ABCMeta
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from stable_baselines3.common.save_util import open_path

_FACE = __name__.rpartition(".")[0]


class NamedByFace(ABCMeta):
    """Makes classes that pickles look up in the face, if it has them, wherever they lie."""


def _reduced(each: NamedByFace) -> str | tuple[Any, ...]:
    """What pickle calls to get the class; a name alone is looked up in the class's own module."""
    if not _in_face(each):
        return each.__qualname__
    return pkgutil.resolve_name, (f"{_FACE}:{each.__name__}",)


def _in_face(each: type) -> bool:
    return getattr(sys.modules.get(_FACE), each.__name__, None) is each


copyreg.pickle(NamedByFace, _reduced)


def written_rule(rule: Any) -> Any:
    """Name and parameters of a rule of this room; any other as it is, to be pickled."""
    if not _in_face(type(rule)) or not is_dataclass(rule):
        return rule
    return {"name": type(rule).__name__, "parameters": _parameters(rule)}


def rule_as_written(rule: Any) -> Any:
    """The rule that `written_rule` made this of."""
    if not isinstance(rule, dict):
        return rule
    parameters = {name: _hashable(value) for name, value in rule["parameters"].items()}
    # Rules were once made with it; in a file nobody can leave it out.
    parameters.pop("feedback", None)
    return getattr(sys.modules[_FACE], rule["name"])(**parameters)


def _parameters(rule: Any) -> dict[str, Any]:
    return {each.name: getattr(rule, each.name) for each in fields(rule) if each.init}


def _hashable(value: Any) -> Any:
    """JSON has lists where parameters are tuples."""
    return tuple(_hashable(each) for each in value) if isinstance(value, list) else value


def zip_data(path: str | Path | io.BufferedIOBase) -> dict[str, Any]:
    """What SB3 keeps as JSON in a zip, with pickles as it writes them; nothing is unpickled.

    Raises:
        ValueError: if it is no zip.
    """
    file = open_path(path, "r", suffix="zip")
    try:
        with zipfile.ZipFile(file) as archive:
            text = archive.read("data") if "data" in archive.namelist() else b"{}"
    except zipfile.BadZipFile as error:
        raise ValueError(
            f"{path} is no zip, as the files of teachers are; give one that `save` wrote"
        ) from error
    finally:
        if file is not path:
            file.close()
    data: dict[str, Any] = json.loads(text)
    return data


def own_objects(data: dict[str, Any]) -> dict[str, Any]:
    """Unpickle what names a module of this room, for the `custom_objects` of SB3's `load`."""
    pickles = {
        name: base64.b64decode(value[":serialized:"])
        for name, value in data.items()
        if isinstance(value, dict) and ":serialized:" in value
    }
    ours = {name: text for name, text in pickles.items() if f"{_FACE}.".encode() in text}
    objects = {name: _ByName(io.BytesIO(text)).load() for name, text in ours.items()}
    if "rule" in objects:
        objects["rule"] = _made_again(objects["rule"])
    return objects


def _made_again(rule: Any) -> Any:
    """A rule from its parameters: classes of what it had worked out from them may be gone."""
    maker: Any = type(rule)
    return maker(**_parameters(rule)) if is_dataclass(rule) else rule


class _ByName(pickle.Unpickler):
    """Looks up in the face what a pickle says to lie below it."""

    def find_class(self, module: str, name: str) -> Any:
        """The class of that name: the face's, or else the module's, or else one without meaning."""
        if not module.startswith(f"{_FACE}."):
            return super().find_class(module, name)
        if hasattr(sys.modules[_FACE], name):
            return super().find_class(_FACE, name)
        try:
            return super().find_class(module, name)
        except ModuleNotFoundError as error:
            if error.name != module:
                raise
            return _Gone


class _Gone:
    """Stands for a class whose module is there no more."""
