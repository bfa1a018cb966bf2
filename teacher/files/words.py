"""What SB3 writes in words beside each pickle of its zips, read without unpickling anything.

Of an object that is no JSON it writes the type, its attributes where these are JSON, and how the
others print. A class is pickled as its name alone, which is read as the text that it is.
"""

import ast
import base64
import pickletools
import re
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.noise import NormalActionNoise, VectorizedActionNoise
from stable_baselines3.common.type_aliases import TrainFreq, TrainFrequencyUnit
from stable_baselines3.common.utils import ConstantSchedule, FloatSchedule, LinearSchedule

from .named import FACE, class_named, made_rule
from .plain import bounded_shape, known_class, noise_of_rows, with_columns

PICKLED = ":serialized:"
_TYPE = ":type:"
_TEXTS = {"SHORT_BINUNICODE", "BINUNICODE", "UNICODE"}
_NUMBERS = {"BININT", "BININT1", "BININT2"}
_NAMES_A_CLASS = (
    # A class by its module and name, and one that is looked up in our face.
    ["text", "text", "STACK_GLOBAL"],
    ["text", "text", "STACK_GLOBAL", "text", "TUPLE1", "REDUCE"],
)
_NORMAL_NOISE = re.compile(r"NormalActionNoise\(mu=\[(.*)\], sigma=\[(.*)\]\)", re.DOTALL)
_MOST_LETTERS = 10_000
"""Of noise as it prints, of which NumPy leaves out the middle."""
_BY_FACE = ["pkgutil", "resolve_name"]


class UnstatedError(ValueError):
    """What is in a pickle and nowhere else."""


def is_pickled(value: Any) -> bool:
    """Whether a value of the JSON in a zip is a pickle."""
    return isinstance(value, dict) and PICKLED in value


def stated(name: str, value: Mapping[str, Any]) -> Any:
    """An attribute from what stands beside its pickle.

    Raises:
        UnstatedError: if that is not enough.
    """
    kind = str(value.get(_TYPE, ""))
    read = _BY_NAME.get(name) or _BY_TYPE.get(kind.removeprefix("<class '").removesuffix("'>"))
    if read is None:
        raise UnstatedError(f"{name} is in a pickle alone")
    try:
        return read(value)
    except UnstatedError:
        raise
    # What a stranger wrote can be of any form.
    except Exception as error:
        raise UnstatedError(f"{name} can't be read beside its pickle ({error})") from error


def _class(value: Mapping[str, Any]) -> type:
    """The class that a pickle names; one whose code is in the pickle is none."""
    steps = [(code.name, argument) for code, argument, _ in pickletools.genops(_bytes(value))]
    steps = [step for step in steps if step[0] not in ("PROTO", "FRAME", "MEMOIZE", "STOP")]
    form = ["text" if code in _TEXTS else code for code, _ in steps]
    texts = [str(argument) for code, argument in steps if code in _TEXTS]
    if form not in _NAMES_A_CLASS or (len(texts) == 3 and texts[:2] != _BY_FACE):
        raise UnstatedError("it is no class by name")
    return known_class(texts[2] if len(texts) == 3 else f"{texts[0]}:{texts[1]}")


def _train_freq(value: Mapping[str, Any]) -> TrainFreq:
    steps = [(code.name, argument) for code, argument, _ in pickletools.genops(_bytes(value))]
    (frequency,) = [argument for code, argument in steps if code in _NUMBERS]
    unit = [argument for code, argument in steps if code in _TEXTS][-1]
    return TrainFreq(int(str(frequency)), TrainFrequencyUnit(unit))


def _bytes(value: Mapping[str, Any]) -> bytes:
    return base64.b64decode(value[PICKLED])


def _box(value: Mapping[str, Any]) -> spaces.Box:
    kind: Any = np.dtype(value["dtype"]).type
    shape = bounded_shape(value["_shape"])
    low, high = (_bound(value[name], shape) for name in ("low", "high"))
    box = spaces.Box(low.astype(kind), high.astype(kind), shape, kind)
    return with_columns(box, value.get("columns"))


def _bound(text: str, shape: tuple[int, ...]) -> np.ndarray:
    """One bound as NumPy prints it, which leaves out the middle of a long one."""
    numbers = [float(word) for word in re.findall(r"-?(?:inf|\d[\d.e+-]*)", text)]
    if len(set(numbers)) == 1:
        return np.full(shape, numbers[0])
    if "..." in text:
        rows = {tuple(row.split()) for row in re.findall(r"\[([^\[\]]*)\]", text)}
        if len(rows) != 1 or "..." in text.partition("]")[0]:
            raise UnstatedError("a bound is too long to be written out")
        return np.broadcast_to([float(word) for word in rows.pop()], shape)
    return np.array(numbers).reshape(shape)


def _discrete(value: Mapping[str, Any]) -> spaces.Discrete:
    return spaces.Discrete(int(value["n"]), start=int(value["start"]))


def _linear(value: Mapping[str, Any]) -> LinearSchedule:
    start, end, part = (float(value[name]) for name in ("start", "end", "end_fraction"))
    return LinearSchedule(start, end, part)


def _float_schedule(value: Mapping[str, Any]) -> FloatSchedule:
    kind, _, inner = value["value_schedule"].removesuffix(")").partition("(")
    parts = dict(part.split("=") for part in inner.split(", "))
    if kind == "LinearSchedule":
        return FloatSchedule(_linear(parts))
    if kind == "ConstantSchedule":
        return FloatSchedule(ConstantSchedule(float(parts["val"])))
    raise UnstatedError(f"there is no schedule {kind}")


def _noise(value: Mapping[str, Any]) -> NormalActionNoise:
    """Gaussian noise, for one row."""
    mean, sigma = value["_mu"], value["_sigma"]
    # NumPy prints eight places, so there may have been more.
    if "..." in mean or re.search(r"\.\d{8}", f"{mean} {sigma}"):
        raise UnstatedError("the noise is not written out")
    return NormalActionNoise(*(np.array(part.strip("[]").split(), float) for part in (mean, sigma)))


def _noises(value: Mapping[str, Any]) -> VectorizedActionNoise:
    """Gaussian noise for several rows."""
    text = value["_base_noise"]
    # To look for the pattern in a long text that has it many times takes its length squared.
    words = _NORMAL_NOISE.fullmatch(text) if len(text) <= _MOST_LETTERS else None
    if words is None:
        raise UnstatedError("it is no Gaussian noise")
    noise = _noise({"_mu": words[1], "_sigma": words[2]})
    return noise_of_rows(noise, int(value["n_envs"]))


def _policy_kwargs(value: Mapping[str, Any]) -> dict[str, Any]:
    if value[_TYPE] != "<class 'dict'>":
        raise UnstatedError("it is no dict")
    own = {name: part for name, part in value.items() if name not in (_TYPE, PICKLED)}
    return {name: _printed(part) for name, part in own.items()}


def _printed(part: Any) -> Any:
    """A value that may have been printed: a number, a dict of such, a class of torch's."""
    if not isinstance(part, str):
        return part
    named = re.fullmatch(r"<class 'torch\.(?:optim|nn)\.[\w.]+\.(\w+)'>", part)
    if named is not None:
        places = [place for place in (torch.optim, torch.nn) if hasattr(place, named[1])]
        return known_class(f"{places[0].__name__}:{named[1]}")
    return ast.literal_eval(part)


def _rule(value: Mapping[str, Any]) -> Any:
    """A rule of this room of its parameters; a text may be how something else prints."""
    module, _, name = value[_TYPE].removeprefix("<class '").removesuffix("'>").rpartition(".")
    if not f"{module}.".startswith(f"{FACE}."):
        raise UnstatedError("it is one's own rule")
    kind = class_named(f"{FACE}:{name}")
    if not is_dataclass(kind):
        raise UnstatedError("a rule that is no dataclass has no parameters")
    names = [field.name for field in fields(kind) if field.init and field.name in value]
    texts = {field.name for field in fields(kind) if "str" in str(field.type)}
    if any(isinstance(value[name], str) and name not in texts for name in names):
        raise UnstatedError("a parameter is in a pickle alone")
    return made_rule({"name": name, "parameters": {each: value[each] for each in names}})


_BY_NAME: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "policy_class": _class,
    "replay_buffer_class": _class,
    "rollout_buffer_class": _class,
    "policy_kwargs": _policy_kwargs,
    "train_freq": _train_freq,
    "rule": _rule,
}
_BY_TYPE: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "stable_baselines3.common.noise.NormalActionNoise": _noise,
    "stable_baselines3.common.noise.VectorizedActionNoise": _noises,
    "gymnasium.spaces.box.Box": _box,
    "gymnasium.spaces.discrete.Discrete": _discrete,
    "stable_baselines3.common.utils.FloatSchedule": _float_schedule,
    "stable_baselines3.common.utils.LinearSchedule": _linear,
}
