"""Layers of n students at once.

Legend: n students, m rows of numbers, d width, v rows of a table.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

Parameters = dict[str, Tensor]


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
