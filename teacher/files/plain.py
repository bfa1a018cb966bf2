"""Values without pickles: JSON, and tensors beside it that it names.

What JSON has stays as it is; all else is an object that says its kind.
"""

import math
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.buffers import BaseBuffer
from stable_baselines3.common.noise import NormalActionNoise, VectorizedActionNoise
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.type_aliases import TrainFreq, TrainFrequencyUnit
from stable_baselines3.common.utils import ConstantSchedule, FloatSchedule, LinearSchedule
from torch import Tensor, nn

from .named import class_named, face_name

KIND = ":kind:"
_NUMBERS = "biufc"
"""Kinds of NumPy's types that are numbers, as tensors are."""
_BUILT = (BasePolicy, BaseBuffer, nn.Module, torch.optim.Optimizer)
"""What a class that a file names may be made of; nothing else is called."""
_LIBRARIES = ("stable_baselines3.", "sb3_contrib.", "torch.optim.", "torch.nn.")
"""Where classes are looked up that were not imported."""
_MOST_ROWS = 100_000
"""Of noise, which is copied for each."""
_MOST_NUMBERS, MOST_COLUMNS = 10_000_000, 1_000
"""Of an observation, whose bounds a few words of a file can make, and of the columns in it."""


class NotPlainError(ValueError):
    """A value that can only be pickled."""


def encoded(value: Any, tensors: dict[str, Tensor]) -> Any:
    """As what JSON has; tensors and arrays are put into `tensors`.

    Raises:
        NotPlainError: for what is none of the kinds that are known here.
    """
    if value is None or type(value) in (bool, int, float, str):
        return value
    if type(value) is list:
        return [encoded(one, tensors) for one in value]
    if type(value) in (dict, OrderedDict):
        return _encoded_dict(value, tensors)
    if isinstance(value, type):
        return {KIND: "class", "name": _class_name(value)}
    for kind, (types, parts, _) in _KINDS.items():
        if type(value) in types:
            return {KIND: kind, **{k: encoded(v, tensors) for k, v in parts(value).items()}}
    if isinstance(value, np.ndarray | np.generic):
        return _encoded_array(value, tensors)
    if isinstance(value, Tensor):
        return {KIND: "tensor", "name": _put(value.detach(), tensors)}
    raise NotPlainError(f"a {type(value).__name__} is no plain value")


def decoded(value: Any, tensors: Mapping[str, Tensor], trust: bool = False) -> Any:
    """The value that `encoded` made this of.

    Raises:
        ValueError: for an unknown kind, or a class that may not be looked up.
    """
    if isinstance(value, list):
        return [decoded(one, tensors, trust) for one in value]
    if not isinstance(value, dict):
        return value
    kind = value.get(KIND)
    if kind is None:
        return {name: decoded(one, tensors, trust) for name, one in value.items()}
    if kind == "class":
        return known_class(value["name"], trust)
    if kind == "tensor":
        return tensors[value["name"]].clone()
    if kind == "array":
        array = tensors[value["name"]].numpy().copy()
        return array[()] if value["scalar"] else array
    if kind not in _KINDS:
        raise ValueError(f"there is no kind of value {str(kind)[:40]!r}; another version wrote it")
    parts = {k: decoded(v, tensors, trust) for k, v in value.items() if k != KIND}
    return _KINDS[kind][2](**parts)


def known_class(name: str, trust: bool = False) -> type:
    """A class that a file names as `module:Name`: a policy, a buffer, a network or an optimizer.

    Of modules that nobody imported, only those of the libraries are looked into without `trust`.

    Raises:
        ValueError: if it is not there, or nothing of the kind.
    """
    found = class_named(name, trust, _LIBRARIES)
    if not issubclass(found, _BUILT):
        raise ValueError(f"{name} is no policy, buffer, network or optimizer")
    return found


def _class_name(value: type) -> str:
    name = face_name(value) or f"{value.__module__}:{value.__qualname__}"
    if "<" in name or value.__module__ == "__main__" or not issubclass(value, _BUILT):
        raise NotPlainError(f"{name} can't be found by its name")
    return name


def _encoded_dict(value: dict[Any, Any], tensors: dict[str, Tensor]) -> dict[str, Any]:
    if all(type(key) is str and key not in (KIND, ":serialized:") for key in value):
        return {key: encoded(one, tensors) for key, one in value.items()}
    pairs = [[encoded(key, tensors), encoded(one, tensors)] for key, one in value.items()]
    return {KIND: "map", "pairs": pairs}


def _encoded_array(value: np.ndarray | np.generic, tensors: dict[str, Tensor]) -> dict[str, Any]:
    array = np.array(value)
    if array.dtype.kind not in _NUMBERS or not array.dtype.isnative:
        raise NotPlainError(f"an array of {array.dtype} is no plain value")
    try:
        name = _put(torch.from_numpy(array), tensors)
    except TypeError as error:
        raise NotPlainError(f"an array of {array.dtype} is no plain value") from error
    return {KIND: "array", "name": name, "scalar": isinstance(value, np.generic)}


def _put(tensor: Tensor, tensors: dict[str, Tensor]) -> str:
    name = str(len(tensors))
    # What is stored may share no memory with another.
    tensors[name] = tensor.cpu().clone().contiguous()
    return name


def _as_map(pairs: Iterable[Any]) -> dict[Any, Any]:
    return dict(pairs)


def _box_parts(box: spaces.Box) -> dict[str, Any]:
    # The shape stands there for whoever reads the JSON alone, and columns are those of our spaces.
    columns = vars(box).get("columns")
    return {"_shape": list(box.shape), "low": box.low, "high": box.high, "columns": columns}


def _as_box(
    _shape: list[int], low: np.ndarray, high: np.ndarray, columns: Sequence[str] | None
) -> spaces.Box:
    shape = bounded_shape(_shape)
    return with_columns(spaces.Box(low, high, shape, low.dtype.type), columns)


def bounded_shape(sizes: Iterable[int]) -> tuple[int, ...]:
    """The shape of an observation.

    Raises:
        ValueError: if it has more numbers than any has.
    """
    shape = tuple(int(size) for size in sizes)
    if min(shape, default=0) < 0 or math.prod(shape) > _MOST_NUMBERS:
        raise ValueError(f"a space has up to {_MOST_NUMBERS:,} numbers, got one of {shape!s:.60}")
    return shape


def with_columns(box: Any, columns: Sequence[str] | None) -> spaces.Box:
    """The space with the names of the columns that it shows, where these are known."""
    if columns is not None:
        if len(columns) > MOST_COLUMNS:
            raise ValueError(f"a space has up to {MOST_COLUMNS:,} columns, got {len(columns):,}")
        box.columns = tuple(map(str, columns))
    made: spaces.Box = box
    return made


def _as_noise(mean: np.ndarray, sigma: np.ndarray, rows: int | None) -> Any:
    noise = NormalActionNoise(mean, sigma)
    return noise if rows is None else noise_of_rows(noise, rows)


def noise_of_rows(noise: NormalActionNoise, rows: int) -> VectorizedActionNoise:
    """The same noise for each row.

    Raises:
        ValueError: for more rows than any teacher has students.
    """
    if not (isinstance(rows, int) and 0 < rows <= _MOST_ROWS):
        raise ValueError(f"noise is for up to {_MOST_ROWS:,} rows, got {rows!r:.40}")
    return VectorizedActionNoise(noise, rows)


def _noise_parts(noise: Any) -> dict[str, Any]:
    base = noise.base_noise if isinstance(noise, VectorizedActionNoise) else noise
    if type(base) is not NormalActionNoise or base._dtype is not np.float32:
        raise NotPlainError(f"a {type(base).__name__} is no plain value")
    rows = noise.n_envs if isinstance(noise, VectorizedActionNoise) else None
    return {"mean": base._mu, "sigma": base._sigma, "rows": rows}


def _of_attributes(*names: str) -> Callable[[Any], dict[str, Any]]:
    return lambda value: {name: getattr(value, name) for name in names}


_KINDS: dict[str, tuple[tuple[type, ...], Callable[[Any], dict[str, Any]], Callable[..., Any]]] = {
    "map": ((), dict, _as_map),
    "tuple": ((tuple,), lambda value: {"iterable": list(value)}, lambda iterable: tuple(iterable)),
    "deque": (
        (deque,),
        lambda value: {"iterable": list(value), "maxlen": value.maxlen},
        lambda iterable, maxlen: deque(iterable, maxlen),
    ),
    "Box": ((spaces.Box,), _box_parts, _as_box),
    "Discrete": (
        (spaces.Discrete,),
        lambda value: {"n": int(value.n), "start": int(value.start)},
        lambda n, start: spaces.Discrete(n, start=start),
    ),
    "ConstantSchedule": ((ConstantSchedule,), _of_attributes("val"), ConstantSchedule),
    "FloatSchedule": ((FloatSchedule,), _of_attributes("value_schedule"), FloatSchedule),
    "LinearSchedule": (
        (LinearSchedule,), _of_attributes("start", "end", "end_fraction"), LinearSchedule,
    ),
    "TrainFreq": (
        (TrainFreq,),
        lambda value: {"frequency": value.frequency, "unit": value.unit.value},
        lambda frequency, unit: TrainFreq(frequency, TrainFrequencyUnit(unit)),
    ),
    "noise": ((NormalActionNoise, VectorizedActionNoise), _noise_parts, _as_noise),
}  # fmt: skip
"""Kinds of values: their types, their parts, and what makes one of its parts."""
