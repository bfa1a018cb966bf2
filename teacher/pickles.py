"""Classes of this room in SB3's zips: found by their names, wherever they lie.

SB3 pickles the class of a policy, and of a rule, and a pickle names the module of a class. Here the
classes say that they are of the room's face, so a new file names that. An older file names modules
that may have moved since; it is read as if it named the face.
"""

import base64
import io
import json
import pickle
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from stable_baselines3.common.save_util import open_path

_FACE = __name__.rpartition(".")[0]


def name_face(classes: Iterable[type]) -> None:
    """Let pickles of these classes, which the face must hold, name it instead of their modules."""
    for each in classes:
        each.__module__ = _FACE


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
        raise ValueError(f"Error: the file {path} wasn't a zip-file") from error
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
    return {name: _ByName(io.BytesIO(text)).load() for name, text in ours.items()}


class _ByName(pickle.Unpickler):
    """Looks up in the face what a pickle says to lie below it."""

    def find_class(self, module: str, name: str) -> Any:
        """The class of that name; where the face has none, the one in the module."""
        if module.startswith(f"{_FACE}."):
            try:
                return super().find_class(_FACE, name)
            except AttributeError:
                pass
        return super().find_class(module, name)
