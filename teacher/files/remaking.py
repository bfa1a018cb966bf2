"""Whether a rule that is made again of its name and parameters is the one that was written."""

from collections import deque
from dataclasses import is_dataclass
from types import MemberDescriptorType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..streams import LearnerStreams
from .named import face_name, is_rule, made_rule, parameters_of, written_rule
from .plain import NotPlainError, decoded, encoded


def is_same_again(rule: Any, written: dict[str, Any]) -> bool:
    """Whether all that a rule keeps comes back with it.

    One's own class may keep more than it is made with, or be made of other things than its fields.

    Args:
        rule: to be written.
        written: its name and parameters.
    """
    tensors: dict[str, Tensor] = {}
    try:
        plain = encoded(written, tensors)
    except NotPlainError:
        return False
    if face_name(type(rule)):
        # Its own parameters come back; a rule that it is around may be one's own.
        parameters = parameters_of(rule) if is_dataclass(rule) else {}
        within = [each for each in parameters.values() if is_rule(each)]
        return all(is_same_again(each, written_rule(each) or {}) for each in within)
    # It is made for this comparison alone, and may draw what others would have drawn.
    with LearnerStreams(0).running():
        try:
            again = made_rule(decoded(plain, tensors))
        except Exception:  # It is code of one's own.
            return False
    return type(again) is type(rule) and _is_alike(_kept(rule), _kept(again))


def _kept(rule: Any) -> dict[str, Any]:
    """Attributes of an object, those in slots too."""
    slots = {
        name: getattr(rule, name)
        for kind in type(rule).__mro__
        for name, place in vars(kind).items()
        if isinstance(place, MemberDescriptorType) and hasattr(rule, name)
    }
    return slots | getattr(rule, "__dict__", {})


def _is_alike(one: Any, other: Any) -> bool:
    """Whether two values are of one type and the same; not of objects that are none we know."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return _is_alike(list(one.items()), list(other.items())) and type(one) is dict
    if type(one) in (list, tuple, deque):
        ends = getattr(one, "maxlen", None) == getattr(other, "maxlen", None)
        return ends and len(one) == len(other) and all(map(_is_alike, one, other))
    if isinstance(one, Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, np.ndarray | np.generic):
        same = (one.dtype, one.shape) == (other.dtype, other.shape)
        return same and one.tobytes() == other.tobytes()
    # As text, in which 0.0 is not -0.0, and what is no number is the same as itself.
    return type(one) in (bool, int, float, str) and repr(one) == repr(other)
