"""One flat row of numbers per student, and the module functions that read it.

Legend: n students, p numbers in a row (parameters, padded), b batch, l answer positions,
v outputs.
"""

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from .base import load_base
from .optimizer import AdamState
from .scoring import batch_loss
from .tasks import TaskSuite

Parameters = dict[str, Tensor]
Forward = Callable[[Parameters, Tensor], Tensor]

ALIGNMENT = 64
"""Rows are padded to whole vector registers, so that no number's rounding depends on its place."""

_TRIED = (1, 2, 9)
"""Sizes of the cohorts in which copies of one student are tried."""

_ALONE_BYTES = 8_000_000
"""Activations of one student from which its own products keep a core busy: stacking would save
nothing, and a cohort of one would pay for two."""


class Stack:
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
            self.template = build().to(device)
        _refuse_what_cannot_be_stacked(self.template)
        self._based = base is not None
        if base is not None:
            load_base(self.template, base)
        self._spare: list[nn.Module] = []
        self._shapes = {name: p.shape for name, p in self.template.named_parameters()}
        self._sizes = [shape.numel() for shape in self._shapes.values()]
        used = sum(self._sizes)
        self.size = -(-used // ALIGNMENT) * ALIGNMENT
        self._pad = self.size - used
        self.activation_bytes = self._measure(suite, batch_size)
        """What one student keeps between the two passes of a step."""
        self.forward = self._together()
        """Stacked parameters (n, ...) by name and inputs (n, b, ...) to logits (n, b, l, v)."""
        self.alone = device.type == "cpu" and self.activation_bytes > _ALONE_BYTES
        """Whether students are computed one by one, whatever the chunk: because they are large,
        or because a product's last bit would depend on its place among the others."""
        self.fewest = 1
        """Students that must at least be trained together, lest the last bit change."""
        if device.type == "cpu" and not self.alone:
            single, several = self._agreements(suite, batch_size)
            self.alone, self.fewest = not several, 1 if single or not several else 2
        if self.alone:
            self.forward = self._one_by_one()

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

    def logits(self, rows: Tensor, inputs: Tensor) -> Tensor:
        """(n, p), (n, b, ...) -> (n, b, l, v)."""
        return self.forward(self.parameters(rows), inputs)

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
        examples = suite.tasks[0].splits["train"]
        index = torch.arange(batch_size) % len(examples)
        inputs, targets = examples.inputs[index], examples.targets[index]
        generator, start = torch.Generator().manual_seed(0), self.initial(0)
        single = several = True
        with one_torch_thread():
            # The fewer numbers a student has, the more draws it takes for one to round otherwise.
            for _ in range(int(np.clip(100_000 // self.size, 1, 8))):
                # Noise, because layers that begin at zero would hide the products behind them.
                row = start + 0.05 * torch.randn(self.size, generator=generator)
                one, *more = (self._bits(row.repeat(n, 1), inputs, targets) for n in _TRIED)
                bits = torch.cat(more)
                single &= torch.equal(one[0], bits[0])
                several &= bool((bits == bits[0]).all())
        return single, several

    def _bits(self, rows: Tensor, inputs: Tensor, targets: Tensor) -> Tensor:
        """Loss and gradient of students (n, p) on one batch, bit by bit, (n, 1 + p)."""
        n = len(rows)
        state = AdamState(rows, (rows, rows), torch.zeros(n))
        inputs, targets = (part.repeat(n, *[1] * part.ndim) for part in (inputs, targets))
        loss = Gradient(self, state)(inputs, targets)
        return torch.cat([loss[:, None], state.gradient], dim=1).view(torch.int32)

    def _measure(self, suite: TaskSuite, batch_size: int) -> int:
        """Bytes that one student keeps for its backward pass; checks the shape of its logits."""
        examples = suite.tasks[0].splits["train"]
        index = torch.arange(batch_size) % len(examples)
        weights = {p.untyped_storage().data_ptr() for p in self.template.parameters()}
        kept: dict[int, int] = {}

        def note(tensor: Tensor) -> Tensor:
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in weights:
                kept[storage.data_ptr()] = storage.nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            logits = _tried(self.template, examples.inputs[index].to(self._device), suite.name)
        wanted = (batch_size, examples.targets.shape[1], suite.n_outputs)
        if tuple(logits.shape) != wanted:
            raise ValueError(
                f"the model turns {batch_size} inputs of suite {suite.name!r} into logits of shape "
                f"{tuple(logits.shape)}, wanted (b, l, v) = {wanted}"
            )
        return sum(kept.values())


class Gradient:
    """Loss and gradient of n students whose weights change in place between the calls."""

    def __init__(self, stack: Stack, state: AdamState) -> None:
        self._forward = stack.forward
        self._leaves = {
            name: value.detach().requires_grad_()
            for name, value in stack.parameters(state.weights).items()
        }
        self._into = list(stack.parameters(state.gradient).values())
        self._ones = torch.ones(len(state.weights), device=state.weights.device)

    def __call__(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Each student's loss, (n,); its gradient goes to `state.gradient`."""
        loss = batch_loss(self._forward(self._leaves, inputs), targets)
        gradients = torch.autograd.grad(loss, list(self._leaves.values()), self._ones)
        torch._foreach_copy_(self._into, gradients)
        return loss.detach()


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Chunks are the unit of parallel work; threads inside of products only get in their way."""
    before = torch.get_num_threads()
    if before == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _tried(module: nn.Module, inputs: Tensor, suite: str) -> Tensor:
    """Logits of one student; ``ValueError`` if the inputs of the suite are not for it."""
    try:
        logits: Tensor = module(inputs)
    except (RuntimeError, TypeError, IndexError) as error:
        kind = str(inputs.dtype).removeprefix("torch.")
        other = "mlp" if inputs.is_floating_point() else "decoder"
        raise ValueError(
            f"the model can't take the inputs of suite {suite!r}, {kind} of shape "
            f"{tuple(inputs.shape[1:])} ({' '.join(str(error).split())}); "
            f"try student.model={other}"
        ) from error
    return logits


def _refuse_what_cannot_be_stacked(module: nn.Module) -> None:
    for name, part in module.named_modules():
        if isinstance(part, nn.modules.dropout._DropoutNd) and part.p > 0:
            raise ValueError(
                f"the model has dropout in {name!r}: its noise would couple the students of a "
                "cohort; build it with p = 0"
            )
        if getattr(part, "track_running_stats", False):
            raise ValueError(
                f"the model keeps running statistics in {name!r}, which are not parameters; "
                "use a norm without them (LayerNorm, GroupNorm)"
            )
