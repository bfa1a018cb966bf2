"""Attention masks of padded batches.

Legend: b batch, l positions.
"""

from typing import Any

import torch
from torch import Tensor


def attends_everywhere(config: Any) -> bool:
    """Whether all layers take one mask over pairs of positions."""
    return (
        config._attn_implementation == "sdpa"
        and set(getattr(config, "layer_types", None) or ()) <= {"full_attention"}
        and getattr(config, "sliding_window", None) is None
        and not getattr(config, "alibi", False)
    )


def pairs(present: Tensor, causal: bool) -> Tensor:
    """Which position (second to last axis) may look at which (last), (b, l) -> (b, 1, l, l).

    transformers would make the same mask, or none where a batch happens to have no padding; that
    it has to look makes a GPU wait.
    """
    length = present.shape[1]
    seen = present[:, None, :].expand(-1, length, -1)
    if causal:
        seen = seen & torch.ones_like(seen[0]).tril()
    # A position without any to look at would be NaN in some kernels.
    return (seen | torch.eye(length, dtype=torch.bool, device=present.device))[:, None]
