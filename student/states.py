"""States that can be stored and loaded without a pickle that runs anything.

`torch.save` pickles whatever it is given, and `torch.load(weights_only=True)` opens tensors and
plain values alone. NumPy's arrays are neither, so they travel as tensors that say what they were.
"""

from collections import OrderedDict
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

_ARRAY = ":numpy:"
_SCALAR = ":numpy scalar:"
_PLAIN = (type(None), bool, int, float, complex, str, bytes, Tensor, nn.Parameter, torch.Size)
_KEYS = (type(None), bool, int, float, str)


def plain_state(state: Any, name: str = "state") -> Any:
    """The same for `torch.save`, so that `torch.load(weights_only=True)` reads it.

    Args:
        state: tensors, NumPy's arrays of numbers, numbers, texts and None, in dicts, lists and
            tuples.
        name: what errors call it.

    Raises:
        ValueError: for what is none of these, and where it is.
    """
    if type(state) in _PLAIN:
        return state
    if isinstance(state, np.ndarray | np.generic):
        return {_ARRAY if isinstance(state, np.ndarray) else _SCALAR: _tensor(state, name)}
    if type(state) in (list, tuple):
        return type(state)(plain_state(one, f"{name}[{i}]") for i, one in enumerate(state))
    # Of a subclass, such as a defaultdict, more would be lost than its type.
    if type(state) not in (dict, OrderedDict):
        raise ValueError(
            f"{name} is a {type(state).__name__}; a state must be made of tensors, arrays of "
            "numbers, numbers, texts and None, in dicts, lists and tuples, so that it can be "
            "stored and loaded with weights_only=True"
        )
    strange = [key for key in state if type(key) not in _KEYS]
    if strange:
        raise ValueError(
            f"{name} has the key {strange[0]!r:.80}; the keys of a state must be texts or numbers"
        )
    parts = {key: plain_state(one, f"{name}[{key!r}]") for key, one in state.items()}
    if type(state) is not OrderedDict:
        return parts
    ordered = OrderedDict(parts)
    # A module's state has the versions of its layers there.
    vars(ordered).update(vars(state))
    return ordered


def restored_state(state: Any) -> Any:
    """The state that `plain_state` made this of; one that it did not make is as it was."""
    if type(state) in (list, tuple):
        return type(state)(restored_state(one) for one in state)
    if not isinstance(state, dict):
        return state
    if len(state) == 1 and isinstance(tensor := state.get(_ARRAY, state.get(_SCALAR)), Tensor):
        # As it lay in memory: a sum adds up in that order.
        array = tensor.cpu().numpy().copy(order="K")
        return array if _ARRAY in state else array[()]
    if type(state) is not OrderedDict:
        return {key: restored_state(one) for key, one in state.items()}
    ordered = OrderedDict((key, restored_state(one)) for key, one in state.items())
    vars(ordered).update(vars(state))
    return ordered


def _tensor(value: np.ndarray | np.generic, name: str) -> Tensor:
    """A copy of an array of numbers, of the same shape and type."""
    try:
        return torch.from_numpy(np.array(value))
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} is an array of {np.asarray(value).dtype}, which can't be stored without a "
            "pickle; give a list, or an array of numbers in this machine's order of bytes"
        ) from error
