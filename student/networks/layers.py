"""Layers of n students at once.

Legend: n students, m rows of numbers, d width, v rows of a table.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ..contract.devices import machine_bytes

Parameters = dict[str, Tensor]
_WIDEST = 65_536
_NUMBER_BYTES = 16
"""Of a parameter in training: itself, its gradient and two moments."""


def check_layers(**sizes: int | Sequence[int]) -> None:
    """Refuse a width or a number of layers that is none, or one of several, by its name."""
    for name, value in sizes.items():
        several = value if isinstance(value, list | tuple) else [value]
        for one in several:
            if isinstance(one, bool) or not isinstance(one, int) or not 1 <= one <= _WIDEST:
                raise ValueError(
                    f"{name} must be of whole numbers from 1 to {_WIDEST:,}, got {value!r:.60}"
                )


def check_parameters(count: int) -> None:
    """Refuse a network of more parameters than this machine could train, before it is made."""
    memory = machine_bytes()
    if count * _NUMBER_BYTES > memory:
        raise ValueError(
            f"a network of {count:,} parameters takes {count * _NUMBER_BYTES / 1e9:,.0f} GB in "
            f"training, and this machine has {memory / 1e9:,.0f}; make it smaller"
        )


def stacked_linear(parameters: Parameters, name: str, x: Tensor) -> Tensor:
    """Linear layer `name` of n students, (n, m, in) -> (n, m, out)."""
    weight = parameters[f"{name}.weight"].transpose(1, 2)
    bias = parameters.get(f"{name}.bias")
    return torch.bmm(x, weight) if bias is None else torch.baddbmm(bias[:, None], x, weight)


def stacked_norm(parameters: Parameters, name: str, x: Tensor) -> Tensor:
    """Layer norm `name` of n students over the last axis of (n, m, d)."""
    weight, bias = parameters[f"{name}.weight"], parameters[f"{name}.bias"]
    return torch.addcmul(bias[:, None], F.layer_norm(x, x.shape[-1:]), weight[:, None])


def stacked_table(tables: Tensor, index: Tensor, axis: int = 0) -> Tensor:
    """Rows of the tables (n, v, d) of n students, (*index shape, d); `axis` of the index is n."""
    n, v, d = tables.shape
    shape = [-1 if place == axis else 1 for place in range(index.ndim)]
    # One flat table instead of n: a table's gradient is then one scatter.
    shift = torch.arange(n, device=index.device).view(shape) * v
    return F.embedding(index + shift, tables.reshape(-1, d))
