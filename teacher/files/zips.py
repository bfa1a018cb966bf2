"""Teachers in zips: written as JSON and safetensors, read without unpickling.

SB3 writes what is no JSON as pickles, which run code when they are read. Of its own zips only the
JSON is read, what it says in words beside each pickle, and the weights; all else only where whoever
reads the file trusts it.
"""

import io
import json
import lzma
import os
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from gymnasium import spaces
from safetensors import SafetensorError
from safetensors.torch import load, save
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.save_util import open_path
from torch import Tensor

from ..pickles import unpickled_part
from .named import made_rule, written_rule
from .plain import MOST_COLUMNS, NotPlainError, decoded, encoded
from .remaking import is_same_again
from .words import UnstatedError, is_pickled, stated

_DATA, _WEIGHTS, _TENSORS = "data", "weights.json", "tensors.safetensors"
"""In the zip: attributes, where SB3 has them too; weights and states of optimizers as JSON that
names tensors; and the tensors."""
_ENDING = ".pth"
_NEEDED = ("policy_class", "policy_kwargs", "observation_space", "action_space", "rule")
"""Without these there is no teacher."""
_MOMENT = (
    "_last_obs", "_last_episode_starts", "_last_original_obs", "ep_info_buffer",
    "ep_success_buffer",
)  # fmt: skip
"""Where a training stood: needed to go on exactly there, and for nothing else."""
_DAMAGE = (
    TypeError, KeyError, AssertionError, AttributeError, IndexError, RuntimeError, OverflowError,
)  # fmt: skip
"""What comes of JSON in which other things stand than were written."""
_NO_ZIP = (
    zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, zlib.error, lzma.LZMAError,
)  # fmt: skip
_UNPACKED_BYTES, _UNPACKED_TIMES = 64_000_000, 20
"""What a zip may hold, and how many times its own size where that is more: we pack nothing."""
_DERIVED = ("lr_schedule", "exploration_schedule")
"""What SB3 works out anew from other attributes."""


@dataclass(frozen=True)
class TeacherFile:
    """What a file holds of a teacher."""

    attributes: dict[str, Any]
    """By name; those that can't be read without trust are left out."""
    names: frozenset[str]
    """Of all attributes in the file."""
    zipped: io.BytesIO
    """For SB3's `load`, with `attributes` as its `custom_objects`: a zip in which nothing is
    pickled."""


def zip_data(path: str | Path | io.BufferedIOBase) -> dict[str, Any]:
    """The JSON of a teacher's zip, with pickles as SB3 writes them; nothing is unpickled.

    Raises:
        ValueError: if it is no zip of a teacher.
    """
    text = _members(path, _DATA).get(_DATA, b"{}")
    try:
        data: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is damaged: its data are no JSON; save it again") from error
    if not isinstance(data, dict):
        raise ValueError(f"{path} is damaged: its data are no JSON object; save it again")
    return data


def save_teacher(
    model: BaseAlgorithm,
    path: str | Path | io.BufferedIOBase,
    exclude: Iterable[str] | None = None,
    include: Iterable[str] | None = None,
) -> None:
    """Write a teacher as JSON and safetensors, for `load_teacher`.

    It holds what SB3's `save` would write. What is neither a plain value nor of a kind that is
    known here, such as an object of one's own, is pickled as SB3 does it, and is read with trust.

    Args:
        model: the teacher.
        path: a file, or what can be written to; a name without ending gets `.zip`.
        exclude: attributes to leave out, as in SB3.
        include: attributes to keep that SB3 leaves out.
    """
    zipped, tensors = io.BytesIO(), dict[str, Tensor]()
    with _rule_by_name(model):
        BaseAlgorithm.save(model, zipped, exclude, include)
        members = _members(zipped)
        data = json.loads(members.pop(_DATA))
        for name, value in data.items():
            if is_pickled(value) or name == "rule":
                data[name] = _plain(value, getattr(model, name), tensors)
    weights = {}
    for name in [name for name in members if name.endswith(_ENDING)]:
        state = torch.load(io.BytesIO(members.pop(name)), "cpu", weights_only=True)
        weights[name.removesuffix(_ENDING)] = encoded(state, tensors)
    members |= {
        _DATA: json.dumps(data, indent=1).encode(),
        _WEIGHTS: json.dumps(weights).encode(),
        _TENSORS: save(tensors),
    }
    file = open_path(path, "w", verbose=0, suffix="zip")
    try:
        _write(file, members)
    finally:
        if file is not path:
            file.close()


def write_values(path: str | Path, value: Any) -> None:
    """Arrays, tensors and plain values in dicts, lists and tuples, for `read_values`.

    Raises:
        ValueError: for what is none of them.
    """
    tensors: dict[str, Tensor] = {}
    text = json.dumps(encoded(value, tensors))
    _write(path, {_DATA: text.encode(), _TENSORS: save(tensors)})


def read_values(path: str | Path) -> Any:
    """What `write_values` kept."""
    members = _members(path)
    return decoded(json.loads(members[_DATA]), _tensors(members, str(path)))


def read_teacher(
    path: str | Path | io.BufferedIOBase,
    *,
    trust: bool = False,
    exact: bool = False,
    known: Mapping[str, Any] | None = None,
) -> TeacherFile:
    """What a zip holds that `save` or `save_teacher` wrote.

    Args:
        path: the zip.
        trust: whether pickles in it are opened, and modules imported that it names.
        exact: whether it is to go on where its training stood.
        known: attributes that are known otherwise.

    Raises:
        ValueError: if it is none, or it can't be read without trust.
    """
    members, data = _members(path), zip_data(path)
    where = str(path) if isinstance(path, str | Path) else "the file"
    if "policy_class" not in data:
        raise ValueError(f"{where} holds no teacher: give a file that its `save` wrote")
    tensors = _tensors(members, where)
    attributes = {name: value for name, value in (known or {}).items() if name in data}
    unread = []
    for name, value in data.items():
        if name in attributes:
            continue
        try:
            attributes[name] = _attribute(name, value, tensors, trust, where)
        except UnstatedError:
            unread.append(name)
    _check_unread(unread, where, exact)
    _check_kinds(attributes, where)
    weights = _weights(members, tensors, where)
    empty = json.dumps(dict.fromkeys(attributes)).encode()
    zipped = io.BytesIO()
    _write(zipped, {_DATA: empty} | weights)
    return TeacherFile(attributes, frozenset(data), zipped)


def see_that_methods_stay(
    attributes: Mapping[str, Any], algorithm: type[BaseAlgorithm], where: object
) -> None:
    """Refuse attributes that would stand in for what an algorithm does.

    Raises:
        ValueError: naming them.
    """
    hidden = [name for name in attributes if callable(getattr(algorithm, name, None))]
    if hidden:
        raise ValueError(
            f"{where} is damaged: it holds {', '.join(hidden)[:80]}, which is no attribute but "
            f"what {algorithm.__name__} does; save it again"
        )


def untrusted(where: str, what: str) -> ValueError:
    """The error for a file that has to be trusted to be read."""
    return ValueError(
        f"{where} holds {what} as a pickle, which can run any code when it is opened, so it was "
        "not; if you trust whoever wrote it, add --trust (in Python trust=True)"
    )


@contextmanager
def _rule_by_name(model: Any) -> Iterator[None]:
    """A rule that can be made again of plain values is kept as its name and parameters."""
    rule = vars(model).get("rule")
    written = None if rule is None else written_rule(rule)
    if written is None or not is_same_again(rule, written):
        yield
        return
    model.rule = written
    try:
        yield
    finally:
        model.rule = rule


def _plain(pickled: Any, value: Any, tensors: dict[str, Tensor]) -> Any:
    """A value without a pickle, where that can be."""
    more = dict(tensors)
    try:
        plain = encoded(value, more)
    except NotPlainError:
        return pickled
    tensors.update(more)
    return plain


def _attribute(
    name: str, value: Any, tensors: Mapping[str, Tensor], trust: bool, where: str
) -> Any:
    try:
        if not is_pickled(value):
            value = decoded(value, tensors, trust)
        elif trust:
            value = unpickled_part(name, value)
        else:
            value = stated(name, value)
        return made_rule(value, trust) if name == "rule" and isinstance(value, dict) else value
    except UnstatedError:
        raise
    except _DAMAGE as error:
        raise ValueError(f"{where} is damaged: its {name} can't be read ({error})") from error
    except ValueError as error:
        raise ValueError(f"{where}: its {name} can't be read, {error}") from error


def _check_unread(unread: list[str], where: str, exact: bool) -> None:
    """Refuse a file that is not a teacher without what was not read, and say what is left out."""
    needed = [name for name in unread if name in _NEEDED or (exact and name not in _DERIVED)]
    if needed:
        raise untrusted(where, ", ".join(needed))
    rest = [name for name in unread if name not in (*_MOMENT, *_DERIVED)]
    if rest:
        warnings.warn(
            f"{where} holds {', '.join(rest)} as pickles, which were not opened: it teaches as it "
            "was saved, but would be trained on without them; trust=True opens them",
            stacklevel=4,
        )


def _check_kinds(attributes: Mapping[str, Any], where: str) -> None:
    """Refuse what SB3 would stumble over, however it was read."""
    policy = attributes["policy_class"]
    fits = {
        "policy_class": isinstance(policy, type) and issubclass(policy, BasePolicy),
        "policy_kwargs": isinstance(attributes.get("policy_kwargs", {}), dict),
        "observation_space": isinstance(attributes.get("observation_space"), spaces.Space),
        "action_space": isinstance(attributes.get("action_space"), spaces.Space),
        "columns": _are_texts(attributes.get("columns", ())),
    }
    if wrong := [name for name, fit in fits.items() if not fit]:
        raise ValueError(f"{where} is damaged: what it holds as {', '.join(wrong)} is none")


def _are_texts(value: Any) -> bool:
    return (
        isinstance(value, list | tuple)
        and len(value) <= MOST_COLUMNS
        and all(isinstance(one, str) for one in value)
    )


def _members(path: str | Path | io.BufferedIOBase, *names: str) -> dict[str, bytes]:
    """All that is in a zip, or what has these names."""
    file = open_path(path, "r", suffix="zip")
    try:
        with zipfile.ZipFile(file) as archive:
            _check_size(archive, file, str(path))
            there = [name for name in archive.namelist() if not names or name in names]
            return {name: archive.read(name) for name in there}
    except _NO_ZIP as error:
        raise ValueError(
            f"{path} is no zip, as the files of teachers are; give one that `save` wrote"
        ) from error
    finally:
        if file is not path:
            file.close()


def _check_size(archive: zipfile.ZipFile, file: Any, where: str) -> None:
    """Refuse a small zip that would fill the memory, before any of it is unpacked."""
    held = sum(member.file_size for member in archive.infolist())
    if held > max(_UNPACKED_BYTES, _UNPACKED_TIMES * file.seek(0, os.SEEK_END)):
        raise ValueError(
            f"{where} is a small zip that holds {held:,} bytes, which no teacher's does; it was "
            "not unpacked"
        )


def _tensors(members: Mapping[str, bytes], where: str) -> dict[str, Tensor]:
    try:
        return load(members[_TENSORS]) if _TENSORS in members else {}
    except (SafetensorError, ValueError) as error:
        raise ValueError(f"{where} is damaged: its tensors can't be read; save it again") from error


def _weights(
    members: Mapping[str, bytes], tensors: Mapping[str, Tensor], where: str
) -> dict[str, bytes]:
    """Members for SB3's `load`, which reads them with `weights_only`."""
    plain = {name: each for name, each in members.items() if name.endswith(_ENDING)}
    for name, content in plain.items():
        try:
            with warnings.catch_warnings(action="ignore"):
                torch.load(io.BytesIO(content), "cpu", weights_only=True)
        except Exception as error:  # What is damaged can raise anything.
            raise ValueError(
                f"{where}: {name} holds more than weights, or is damaged; it was not opened"
            ) from error
    plain |= {name: members[name] for name in ("system_info.txt",) if name in members}
    if _WEIGHTS not in members:
        return plain
    try:
        for name, state in json.loads(members[_WEIGHTS]).items():
            buffer = io.BytesIO()
            torch.save(decoded(state, tensors), buffer)
            plain[f"{name}{_ENDING}"] = buffer.getvalue()
    except (ValueError, *_DAMAGE) as error:
        raise ValueError(f"{where} is damaged: its weights can't be read; save it again") from error
    return plain


def _write(file: Any, members: Mapping[str, bytes]) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
