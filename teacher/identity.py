"""Who a teacher is, in plain values: to compare with who it was when a state was kept."""

import hashlib
import inspect
import math
from typing import Any

import numpy as np
from torch import nn

_LONG = 64
"""Items from which on a list is named by a digest."""
_UNSAID = object()
_VERBS = ("start", "observe", "probabilities")
"""What a rule within a rule is known by."""


def identity_of(teacher: Any) -> dict[str, Any]:
    """The `name` of a teacher's class, and what tells it from others of its class.

    For a rule that are its parameters and the seed of its random choices, for a learner a digest of
    its weights; what has neither is known by its class alone.
    """
    rule = getattr(teacher, "rule", None)
    if rule is not None:
        return rule_identity(rule) | {"teacher_seed": int(getattr(teacher, "seed", None) or 0)}
    policy = getattr(teacher, "policy", None)
    if isinstance(policy, nn.Module):
        return {"name": type(teacher).__name__, "weights": _digest_of_weights(policy)}
    return {"name": type(teacher).__name__}


def rule_identity(rule: Any) -> dict[str, Any]:
    """The `name` of a rule's class and its parameters.

    Parameters are the arguments of the class that the rule has as attributes; those that are
    neither numbers, texts, arrays nor teachers, or made of them, are left out.
    """
    arguments = [one.name for one in _arguments(rule)]
    parameters = {name: _plain(getattr(rule, name, _UNSAID)) for name in arguments}
    own = {name: value for name, value in parameters.items() if value is not _UNSAID}
    return own | {"name": type(rule).__name__}


def rule_number(rule: Any) -> np.uint64:
    """A number that rules of one class and the same parameters share.

    Parameters at their defaults do not count: a later version may have more of them.
    """
    usual = {one.name: _plain(one.default) for one in _arguments(rule)}
    own = {name: x for name, x in rule_identity(rule).items() if x != usual.get(name, _UNSAID)}
    text = repr(sorted(own.items()))
    return np.uint64(int.from_bytes(_digest(text.encode()), "little"))


def _arguments(rule: Any) -> list[inspect.Parameter]:
    """What the class of a rule is made with; nothing where it does not say."""
    try:
        return list(inspect.signature(type(rule)).parameters.values())
    except (TypeError, ValueError):
        return []


def _plain(value: Any) -> Any:
    """As what JSON has, or `_UNSAID`."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, np.ndarray):
        return _named(str((value.dtype.str, value.shape)).encode() + value.tobytes())
    if isinstance(value, list | tuple):
        items = [_plain(each) for each in value]
        if any(each is _UNSAID for each in items):
            return _UNSAID
        return items if len(items) < _LONG else _named(repr(items).encode())
    if isinstance(value, dict):
        pairs = {str(name): _plain(each) for name, each in value.items()}
        return {name: each for name, each in pairs.items() if each is not _UNSAID}
    if all(hasattr(value, verb) for verb in _VERBS):
        return rule_identity(value)
    return identity_of(value) if hasattr(value, "policy") else _UNSAID


def _digest_of_weights(policy: nn.Module) -> str:
    """Of the parameters: buffers may change while a teacher does nothing but choose."""
    whole = hashlib.blake2b(digest_size=8)
    for name, weight in policy.named_parameters():
        whole.update(name.encode())
        whole.update(np.ascontiguousarray(weight.detach().cpu().float().numpy()).tobytes())
    return f"digest {whole.hexdigest()}"


def _named(data: bytes) -> str:
    return f"digest {_digest(data).hex()}"


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=8).digest()
