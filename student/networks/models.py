"""Student networks: ordinary modules that also know how to run n of themselves at once.

Any `nn.Module` can be a student: it is stacked with `torch.func`. A module that has a method
`stacked(parameters, inputs)` brings its own leading-axis version, which measures faster.

Legend: n students, b batch, l tokens, d width, h heads, v outputs.
"""

import itertools
import math
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .layers import (
    Parameters,
    check_layers,
    check_parameters,
    stacked_linear,
    stacked_norm,
    stacked_table,
)
from .lstm import LSTM


class MLP(nn.Module):
    """Perceptron with ReLU layers for classification, (b, ...) -> (b, 1, v)."""

    def __init__(
        self, input_shape: Sequence[int], n_outputs: int, hidden: Sequence[int] = (64,)
    ) -> None:
        super().__init__()
        if not isinstance(hidden, list | tuple):
            raise ValueError(f"hidden must be a list of widths, got {hidden!r:.60}")
        check_layers(hidden=hidden)
        widths = [math.prod(input_shape), *hidden, n_outputs]
        check_parameters(sum(a * b for a, b in itertools.pairwise(widths)))
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(widths))

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits of one student, (b, 1, v)."""
        x = inputs.flatten(1)
        for layer in self.layers[:-1]:
            x = F.relu_(layer(x))
        logits: Tensor = self.layers[-1](x)
        return logits[:, None]

    def stacked(self, parameters: Parameters, inputs: Tensor) -> Tensor:
        """Logits of n students, (n, b, ...) -> (n, b, 1, v)."""
        # Features before examples: gradients then come out in the layout of the weights.
        x = inputs.flatten(2).transpose(1, 2)
        for i in range(len(self.layers)):
            weight, bias = parameters[f"layers.{i}.weight"], parameters[f"layers.{i}.bias"]
            x = torch.baddbmm(bias[:, :, None], weight, F.relu_(x) if i else x)
        return x.transpose(1, 2)[:, :, None]


class Block(nn.Module):
    """Pre-norm transformer block with causal attention, (b, l, d) -> (b, l, d)."""

    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.norm_1, self.norm_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """One student, (b, l, d)."""
        x = x + self.out(causal_attention(self.qkv(self.norm_1(x)), self.n_heads))
        mixed: Tensor = x + self.down(F.relu_(self.up(self.norm_2(x))))
        return mixed

    def stacked(self, parameters: Parameters, name: str, x: Tensor, length: int) -> Tensor:
        """The same for n students, (n, b * l, d)."""
        normed = stacked_norm(parameters, f"{name}.norm_1", x)
        qkv = stacked_linear(parameters, f"{name}.qkv", normed)
        mixed = causal_attention(qkv.view(-1, length, qkv.shape[-1]), self.n_heads).view(x.shape)
        x = x + stacked_linear(parameters, f"{name}.out", mixed)
        normed = stacked_norm(parameters, f"{name}.norm_2", x)
        up = stacked_linear(parameters, f"{name}.up", normed)
        return x + stacked_linear(parameters, f"{name}.down", F.relu_(up))


def causal_attention(qkv: Tensor, n_heads: int) -> Tensor:
    """Attention of every position to itself and those before it, (b, l, 3 d) -> (b, l, d)."""
    b, length, triple = qkv.shape
    q, k, v = qkv.view(b, length, 3, n_heads, -1).permute(2, 0, 3, 1, 4).unbind()
    mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    return mixed.transpose(1, 2).reshape(b, length, triple // 3)


class Decoder(nn.Module):
    """Small causal transformer over tokens, (b, l) int64 -> (b, l, v)."""

    def __init__(
        self,
        input_shape: Sequence[int],
        n_outputs: int,
        width: int = 32,
        n_layers: int = 2,
        n_heads: int = 2,
    ) -> None:
        super().__init__()
        check_layers(width=width, n_layers=n_layers, n_heads=n_heads)
        if width % n_heads:
            raise ValueError(f"width must be a multiple of n_heads = {n_heads}, got {width}")
        check_parameters(12 * n_layers * width**2)
        self.token = nn.Embedding(n_outputs, width)
        self.position = nn.Embedding(input_shape[0], width)
        self.blocks = nn.ModuleList(Block(width, n_heads) for _ in range(n_layers))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, n_outputs)
        for table in (self.token, self.position):
            nn.init.normal_(table.weight, std=0.1)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits of one student, (b, l, v)."""
        x = self.token(inputs) + self.position.weight
        for block in self.blocks:
            x = block(x)
        logits: Tensor = self.head(self.norm(x))
        return logits

    def stacked(self, parameters: Parameters, inputs: Tensor) -> Tensor:
        """Logits of n students, (n, b, l) -> (n, b, l, v)."""
        n, b, length = inputs.shape
        x = stacked_table(parameters["token.weight"], inputs)
        x = (x + parameters["position.weight"][:, None]).view(n, b * length, -1)
        for i, block in enumerate(self.blocks):
            assert isinstance(block, Block)
            x = block.stacked(parameters, f"blocks.{i}", x, length)
        x = stacked_linear(parameters, "head", stacked_norm(parameters, "norm", x))
        return x.view(n, b, length, -1)


MODELS: dict[str, Callable[..., nn.Module]] = {"mlp": MLP, "decoder": Decoder, "lstm": LSTM}
"""Networks by the names that configs use."""
