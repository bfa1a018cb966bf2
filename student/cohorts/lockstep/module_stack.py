"""One flat row of numbers per student, and the module functions that read it.

Legend: n students, p numbers in a row (parameters, padded), b batch, l answer positions,
v outputs.
"""

import copy
from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor, nn

from ...contract.tasks import TaskSuite
from ...networks.layers import Parameters
from .base_weights import load_base
from .preflight import (
    activation_bytes,
    built,
    first_batch,
    one_torch_thread,
    refuse_what_cannot_be_stacked,
    row_bits,
)
from .row_stack import ALIGNMENT

Forward = Callable[[Parameters, Tensor], Tensor]

_TRIED = (1, 2, 9)
"""Sizes of the cohorts in which copies of one student are tried."""

ALONE_BYTES = 8_000_000
"""Activations of one student from which its own products keep a core busy: stacking would save
nothing, and a cohort of one would pay for two."""


class ModuleStack:
    """Turns rows (n, p) into stacked parameters, logits and gradients of a module.

    Args:
        build: makes one student.
        suite: what it learns.
        batch_size: training examples per student step.
        device: where the rows are.
        base: state of one student, from which all of them start whatever their seed.
    """

    def __init__(
        self,
        build: Callable[[], nn.Module],
        suite: TaskSuite,
        batch_size: int,
        device: torch.device,
        base: Mapping[str, Tensor] | None = None,
    ) -> None:
        self._build, self._device = build, device
        with torch.random.fork_rng(devices=[]):
            self.template = built(build).to(device)
        refuse_what_cannot_be_stacked(self.template)
        self._based = base is not None
        if base is not None:
            load_base(self.template, base)
        self._spare: list[nn.Module] = []
        self._shapes = {name: p.shape for name, p in self.template.named_parameters()}
        self._sizes = [shape.numel() for shape in self._shapes.values()]
        used = sum(self._sizes)
        self.size = -(-used // ALIGNMENT) * ALIGNMENT
        self._pad = self.size - used
        self.evaluated_together = 0
        # A network of one's own may read nothing but the layout that it was built for.
        self.crops = False, False
        self.n_outputs, self.piece_tokens = suite.n_outputs, 0
        inputs, targets = first_batch(suite, batch_size)
        self.activation_bytes = activation_bytes(
            self.template, self.template, suite, (inputs.to(device), targets.to(device))
        )
        self._forward = self._together()
        # One by one, too, where a product's last bit would depend on its place among the others.
        self.alone = device.type == "cpu" and self.activation_bytes > ALONE_BYTES
        self.fewest = 1
        if device.type == "cpu" and not self.alone:
            single, several = self._agreements(suite, batch_size)
            self.alone, self.fewest = not several, 1 if single or not several else 2
        if self.alone:
            self._forward = self._one_by_one()

    def initial(self, seed: int) -> Tensor:
        """The row that a seed draws, (p,); the base weights where there are any."""
        module = self.template
        if not self._based:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                module = self._build()
        row = torch.zeros(self.size, device=self._device)
        row[: self.size - self._pad] = torch.cat(
            [parameter.detach().flatten() for parameter in module.parameters()]
        )
        return row

    def module(self, row: Tensor) -> nn.Module:
        """The student whose row this is, (p,), as a module of its own."""
        module = copy.deepcopy(self.template)
        with torch.no_grad():
            for name, value in self.parameters(row[None]).items():
                module.get_parameter(name).copy_(value[0])
        return module

    def parameters(self, rows: Tensor) -> Parameters:
        """Views of the rows (n, p) as stacked parameters (n, ...) by name."""
        parts = torch.split(rows, [*self._sizes, self._pad], dim=1)
        return {
            name: part.view(len(rows), *shape)
            for (name, shape), part in zip(self._shapes.items(), parts, strict=False)
        }

    def forward(self, parameters: Parameters, inputs: Tensor, answers: int | None = None) -> Tensor:
        """See `RowStack.forward`; logits are always those of the whole layout."""
        return self._forward(parameters, inputs)

    def logits(self, rows: Tensor, inputs: Tensor, answers: int | None = None) -> Tensor:
        """(n, p), (n, b, ...) -> (n, b, l, v)."""
        return self._forward(self.parameters(rows), inputs)

    def generate(self, rows: Tensor, prompts: Tensor, length: int, end: int) -> list[list[int]]:
        """See `RowStack.generate`; into the answer's places, one position after the other."""
        n, b, front = prompts.shape
        blank = prompts.new_full((n, b, length), end)
        text = torch.cat([prompts, blank], dim=2)
        for place in range(length):
            logits = self.logits(rows, text[:, :, :-1])
            text[:, :, front + place] = logits[:, :, place - length].argmax(dim=-1)
            if bool((text[:, :, front : front + place + 1] == end).any(dim=2).all()):
                break
        written: list[list[int]] = text[:, :, front:].flatten(0, 1).tolist()
        return written

    def _one_by_one(self) -> Forward:
        """The module itself; chunks of large students have one member."""

        def forward(parameters: Parameters, inputs: Tensor) -> Tensor:
            single = {name: part.squeeze(0) for name, part in parameters.items()}
            return self._called(single, inputs.squeeze(0))[None]

        return forward

    def _together(self) -> Forward:
        """The module's own leading-axis version, or `torch.func` over its forward."""
        own: Forward | None = getattr(self.template, "stacked", None)
        return own or torch.func.vmap(self._called)

    def _called(self, parameters: Parameters, inputs: Tensor) -> Tensor:
        """Logits of the module with these parameters in the place of its own."""
        # A call swaps the parameters of the module, so threads must not share one.
        try:
            module = self._spare.pop()
        except IndexError:
            module = copy.deepcopy(self.template)
        try:
            logits: Tensor = torch.func.functional_call(module, parameters, (inputs,))
        finally:
            self._spare.append(module)
        return logits

    def _agreements(self, suite: TaskSuite, batch_size: int) -> tuple[bool, bool]:
        """Whether a student alone, and copies of it together, get the same gradient to the bit.

        Matrix products of several members may round by where each one's numbers lie in memory,
        and those of one otherwise than those of several. No document says when, so it is tried.
        """
        inputs, targets = first_batch(suite, batch_size)
        generator, start = torch.Generator().manual_seed(0), self.initial(0)
        single = several = True
        with one_torch_thread():
            # The fewer numbers a student has, the more draws it takes for one to round otherwise.
            for _ in range(int(np.clip(100_000 // self.size, 1, 8))):
                # Noise, because layers that begin at zero would hide the products behind them.
                row = start + 0.05 * torch.randn(self.size, generator=generator)
                one, *more = (row_bits(self, row, n, inputs, targets) for n in _TRIED)
                bits = torch.cat(more)
                single &= torch.equal(one[0], bits[0])
                several &= bool((bits == bits[0]).all())
        return single, several
