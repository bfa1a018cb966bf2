"""The one place that opens pickles, which run what is in them.

They are those of this process's own parent, and of files that whoever started it trusts.

SB3 pickles what is no JSON, and a pickle names the module of a class. In a new zip of SB3's own
policies are looked up in the room's face; an older one names modules that may have moved since, and
is read as if it named the face.
"""

import base64
import copyreg
import io
import pickle
import pkgutil
import sys
from abc import ABCMeta
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import torch

_FACE = __name__.rpartition(".")[0]


class NamedByFace(ABCMeta):
    """Makes classes that pickles look up in the face, if it has them, wherever they lie."""


def _reduced(each: NamedByFace) -> str | tuple[Any, ...]:
    """What pickle calls to get the class; a name alone is looked up in the class's own module."""
    if getattr(sys.modules.get(_FACE), each.__name__, None) is not each:
        return each.__qualname__
    return pkgutil.resolve_name, (f"{_FACE}:{each.__name__}",)


copyreg.pickle(NamedByFace, _reduced)


def unpickled_part(name: str, value: Mapping[str, Any]) -> Any:
    """What an attribute in a zip of SB3's is: code in it runs.

    Raises:
        ValueError: if it can't be made here.
    """
    try:
        part = _ByName(io.BytesIO(base64.b64decode(value[":serialized:"]))).load()
    except Exception as error:  # A pickle can raise anything.
        raise ValueError(
            f"{name} can't be unpickled ({type(error).__name__}: {error}); read the file where "
            "its classes can be imported"
        ) from error
    return _made_again(part) if name == "rule" else part


def unpickled_checkpoint(file: Path) -> Any:
    """What `torch.save` wrote, whatever it is: code in it runs."""
    return torch.load(file, map_location="cpu", weights_only=False)


def unpickled(content: memoryview, buffers: Sequence[memoryview]) -> Any:
    """What this process, or the one that started it, pickled with these buffers: code runs."""
    return pickle.loads(content, buffers=buffers)


def _made_again(rule: Any) -> Any:
    """A rule of ours from its parameters: classes of what it had worked out may be gone."""
    if not is_dataclass(rule) or not type(rule).__module__.startswith(f"{_FACE}."):
        return rule
    maker: Any = type(rule)
    return maker(**{each.name: getattr(rule, each.name) for each in fields(rule) if each.init})


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
