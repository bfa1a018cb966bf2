"""LSTM over tokens (Hochreiter and Schmidhuber 1997), for one student or for n at once.

One student runs on torch's own LSTM. For n of them the cell is written out, one batched product
per position, with its backward pass by hand: an LSTM of torch cannot be stacked, and a graph of
every small operation would cost more than the operations.

Legend: n students, b batch, l tokens, d width, v outputs.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .layers import Parameters, check_layers, check_parameters, stacked_linear, stacked_table


class LSTM(nn.Module):
    """Recurrent network over tokens, (b, l) int64 -> (b, l, v).

    Args:
        input_shape: (l,).
        n_outputs: v, which is also the number of tokens.
        width: of the embeddings and of every layer.
        n_layers: LSTM layers, of the encoder and of the decoder each where there are two.
        prompt_length: positions of a text suite's prompts. Then an encoder reads prompt and
            separator, and a decoder writes the answer from the encoder's last state alone, without
            being told what came before in it (Zaremba and Sutskever 2014, as in Matiisen et al.
            2017); the logits of the prompt's positions are 0. Without it one network reads
            everything from left to right.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        n_outputs: int,
        width: int = 64,
        n_layers: int = 1,
        prompt_length: int | None = None,
    ) -> None:
        super().__init__()
        if len(input_shape) != 1:
            raise ValueError(
                f"an LSTM reads inputs of shape (l,), one token per position, got inputs of shape "
                f"{tuple(input_shape)}; try student.model=mlp"
            )
        check_layers(width=width, n_layers=n_layers)
        check_parameters(8 * n_layers * width**2)
        if prompt_length is not None and not 0 < prompt_length < input_shape[0]:
            raise ValueError(
                f"prompt_length must be in [1, l - 1 = {input_shape[0] - 1}], got {prompt_length}"
            )
        self.prompt_length = prompt_length
        self.token = nn.Embedding(n_outputs, width)
        self.reader = nn.LSTM(width, width, n_layers, batch_first=True)
        if prompt_length is not None:
            self.writer = nn.LSTM(width, width, n_layers, batch_first=True)
        self.head = nn.Linear(width, n_outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits of one student, (b, l, v)."""
        if self.prompt_length is None:
            states, _ = self.reader(self.token(inputs))
            logits: Tensor = self.head(states)
            return logits
        read, length = self.prompt_length, inputs.shape[1]
        states, _ = self.reader(self.token(inputs[:, : read + 1]))
        states, _ = self.writer(states[:, -1:].expand(-1, length - read, -1))
        return F.pad(self.head(states), (0, 0, read, 0))

    def stacked(self, parameters: Parameters, inputs: Tensor) -> Tensor:
        """Logits of n students, (n, b, l) -> (n, b, l, v)."""
        n, b, length = inputs.shape
        read = length if self.prompt_length is None else self.prompt_length + 1
        # What a token brings to the gates is computed once per token, not once per occurrence.
        brought = _projected(parameters, "reader", 0, parameters["token.weight"])
        brought = stacked_table(brought, inputs[:, :, :read].permute(2, 0, 1), axis=1)
        states = _layers(parameters, "reader", self.reader, brought)
        if self.prompt_length is not None:
            brought = _projected(parameters, "writer", 0, states[-1])
            steps = length - self.prompt_length
            states = _layers(parameters, "writer", self.writer, brought.expand(steps, -1, -1, -1))
        flat = states.permute(1, 2, 0, 3).reshape(n, -1, states.shape[-1])
        logits = stacked_linear(parameters, "head", flat).view(n, b, states.shape[0], -1)
        return F.pad(logits, (0, 0, length - states.shape[0], 0))


def _projected(parameters: Parameters, name: str, layer: int, x: Tensor) -> Tensor:
    """What inputs (n, m, d) bring to the gates of a layer, (n, m, 4 d)."""
    weight = parameters[f"{name}.weight_ih_l{layer}"]
    bias = parameters[f"{name}.bias_ih_l{layer}"] + parameters[f"{name}.bias_hh_l{layer}"]
    return torch.baddbmm(bias[:, None], x, weight.transpose(1, 2))


def _layers(parameters: Parameters, name: str, network: nn.LSTM, brought: Tensor) -> Tensor:
    """States (l, n, b, d) of the last layer from what its inputs bring to the first one."""
    x = brought
    for layer in range(network.num_layers):
        if layer:
            length, n, b, width = x.shape
            flat = x.transpose(0, 1).reshape(n, length * b, width)
            flat = _projected(parameters, name, layer, flat)
            x = flat.view(n, length, b, -1).transpose(0, 1)
        weight = parameters[f"{name}.weight_hh_l{layer}"]
        x = _recurrence(x, weight)
    return x


class _Recurrence(torch.autograd.Function):
    """States (l, n, b, d) of one layer of n students.

    From what its inputs bring to the gates, (l, n, b, 4 d), and the weight of the states before,
    (n, 4 d, d). With gates i, f, g, o of a position: c = f c + i g, h = o tanh(c).
    """

    @staticmethod
    def forward(ctx: Any, brought: Tensor, weight: Tensor) -> Tensor:
        length, n, b, four = brought.shape
        gates = brought.new_empty(length, n, b, 4, four // 4)
        states, cells = (brought.new_zeros(length + 1, n, b, four // 4) for _ in range(2))
        squashed = torch.empty_like(states[1:])
        turned, minus_one = weight.transpose(1, 2), brought.new_tensor(-1.0)
        h, c = states.unbind(), cells.unbind()
        flat, apart = gates.flatten(3).unbind(), [part.unbind() for part in gates.unbind(3)]
        # One operation a line, on views made beforehand: at these sizes, calls are what costs.
        for t, (i, f, g, o, s) in enumerate(zip(*apart, squashed.unbind(), strict=True)):
            torch.baddbmm(brought[t], h[t], turned, out=flat[t])
            # tanh(x) = 2 sigmoid(2 x) - 1 takes a quarter of the time of tanh.
            torch.add(g, g, out=g)
            flat[t].sigmoid_()
            torch.add(minus_one, g, alpha=2, out=g)
            torch.mul(f, c[t], out=c[t + 1]).addcmul_(i, g)
            torch.add(c[t + 1], c[t + 1], out=s).sigmoid_()
            torch.add(minus_one, s, alpha=2, out=s)
            torch.mul(o, s, out=h[t + 1])
        ctx.save_for_backward(weight, gates, states, cells, squashed)
        return states[1:]

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, wanted: Tensor) -> tuple[Tensor, Tensor]:
        weight, gates, states, cells, squashed = ctx.saved_tensors
        _, n, b, _, d = gates.shape
        i, f, g, o = gates.unbind(3)
        # Slopes of the cell by i, f and g and of the state by o, for all positions at once.
        slopes = torch.empty_like(gates)
        to_i, to_f, to_g, to_o = slopes.unbind(3)
        torch.ops.aten.sigmoid_backward.grad_input(g, i, grad_input=to_i)
        torch.ops.aten.sigmoid_backward.grad_input(cells[:-1], f, grad_input=to_f)
        torch.ops.aten.tanh_backward.grad_input(i, g, grad_input=to_g)
        torch.ops.aten.sigmoid_backward.grad_input(squashed, o, grad_input=to_o)
        through = torch.ops.aten.tanh_backward(o, squashed)
        state, cell = (gates.new_zeros(n, b, d) for _ in range(2))
        along_cell, repeated = slopes[:, :, :, :3].unbind(), cell[:, :, None]
        parts = (wanted, through, f, to_o, slopes.flatten(3), states[:-1])
        steps = list(zip(*(part.unbind() for part in parts), along_cell, strict=True))
        to_weight = torch.zeros_like(weight)
        for slope, by_state, forget, along_state, whole, seen, by_cell in reversed(steps):
            state.add_(slope)
            cell.addcmul_(state, by_state)
            along_state.mul_(state)
            by_cell.mul_(repeated)
            cell.mul_(forget)
            torch.bmm(whole, weight, out=state)
            to_weight.baddbmm_(whole.transpose(1, 2), seen)
        return slopes.flatten(3), to_weight


# torch leaves `apply` without types.
_recurrence: Callable[[Tensor, Tensor], Tensor] = _Recurrence.apply
