"""Rows of adapters, and the one frozen module that all of them are adapters of.

Legend: n students, c members computed together, p numbers in a row (parameters, padded), b batch,
l answer positions, v outputs.
"""

import inspect
import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from ...contract.tasks import NO_TOKEN, TaskSuite
from ..lockstep.preflight import (
    activation_bytes,
    built,
    extreme_batches,
    refuse_to_write,
    refuse_what_cannot_be_stacked,
    row_bits,
)
from ..lockstep.row_stack import ALIGNMENT
from .adapters import Adapter
from .layers import Lockstep, LoRA, attach, copy_sharing_weights, is_transposed

_EVALUATED_TOGETHER = 32
_LOCKSTEP_BYTES = 60_000_000
"""Activations of one student from which lockstep on a CPU only costs memory."""
_PIECE_TOKENS = 256
"""With fewer a core's products are no longer worth the call."""
_ABOUT = 20_000_000
"""What the activations of a chunk may occupy where nobody said how many members it has."""


class LoRAStack:
    """Turns rows (n, p) of adapters into logits and gradients.

    Args:
        build: makes the module that all share; called once.
        suite: what students learn.
        batch_size: training examples per student step.
        device: where everything is.
        lora: which layers are adapted, and how.
        member_chunk: members whose steps are computed together; None picks it.
        start: what every student starts from; drawn by its seed for None.
    """

    def __init__(
        self,
        build: Callable[[], nn.Module],
        suite: TaskSuite,
        batch_size: int,
        device: torch.device,
        lora: LoRA,
        member_chunk: int | None = None,
        start: Adapter | None = None,
    ) -> None:
        with torch.random.fork_rng(devices=[]):
            self._module = built(build).to(device)
        refuse_what_cannot_be_stacked(self._module)
        self.lora, self._device = lora, device
        self._lockstep = Lockstep(apart=device.type == "cpu")
        self.fan_in_fan_out = any(is_transposed(part) for part in self._module.modules())
        values = attach(self._module, lora, self._lockstep)
        self._start = None if start is None else _fitting(start, lora, values)
        self._base = {name: value.to(device) for name, value in values.items()}
        self._sizes = [value.numel() for value in values.values()]
        self._pad = -sum(self._sizes) % ALIGNMENT
        self.size = sum(self._sizes) + self._pad
        self.evaluated_together = _EVALUATED_TOGETHER
        self.alone, self.fewest = True, 1
        self._takes_answers = "answer_length" in inspect.signature(self._module.forward).parameters
        self.crops = True, self._takes_answers or bool(suite.classes)
        self.n_outputs = suite.n_outputs
        self.piece_tokens = _PIECE_TOKENS if device.type == "cpu" else 16 * _PIECE_TOKENS
        self.activation_bytes = self._kept_bytes(suite, batch_size)
        self.member_chunk = member_chunk or self._fitting_chunk()
        if self.member_chunk > 1:
            self.alone, self.fewest = False, 2 if device.type == "cpu" else 1
            if device.type == "cpu" and not self._agree(suite, batch_size):
                self.alone, self.fewest, self.member_chunk = True, 1, 1

    def initial(self, seed: int) -> Tensor:
        """The row that a seed draws, (p,): A as PEFT draws it, B zero; or the start."""
        values = self._start or self._base
        parts = dict(values)
        if self._start is None:
            generator = torch.Generator().manual_seed(seed)
            for name, value in values.items():
                if name.endswith("lora_A.weight"):
                    # Kaiming with a = sqrt(5), as in nn.Linear.
                    bound = 1.0 / math.sqrt(value.shape[1])
                    drawn = torch.empty(value.shape).uniform_(-bound, bound, generator=generator)
                    parts[name] = drawn.to(self._device)
        flat = [part.to(self._device).flatten() for part in parts.values()]
        return torch.cat([*flat, torch.zeros(self._pad, device=self._device)])

    def module(self, row: Tensor) -> nn.Module:
        """The student whose row this is, (p,), as a module of its own."""
        with torch.no_grad():
            self._lockstep.members, self._lockstep.values = 1, self.parameters(row[None].clone())
        return copy_sharing_weights(self._module)

    def parameters(self, rows: Tensor) -> dict[str, Tensor]:
        """Views of the rows (n, p) as stacked parameters (n, ...) by name."""
        parts = torch.split(rows, [*self._sizes, self._pad], dim=1)
        return {
            name: part.view(len(rows), *value.shape)
            for (name, value), part in zip(self._base.items(), parts, strict=False)
        }

    def forward(
        self, parameters: dict[str, Tensor], inputs: Tensor, answers: int | None = None
    ) -> Tensor:
        """See `RowStack.forward`."""
        n, b = inputs.shape[:2]
        self._lockstep.members, self._lockstep.values = n, parameters
        options = {"answer_length": answers} if self._takes_answers else {}
        logits: Tensor = self._module(inputs.flatten(0, 1), **options)
        return logits.float().view(n, b, *logits.shape[1:])

    def logits(self, rows: Tensor, inputs: Tensor, answers: int | None = None) -> Tensor:
        """(n, p), (n, b, ...) -> (n, b, l, v)."""
        return self.forward(self.parameters(rows), inputs, answers)

    def generate(self, rows: Tensor, prompts: Tensor, length: int, end: int) -> list[list[int]]:
        """See `RowStack.generate`; the model knows its ends itself."""
        write = getattr(self._module, "generate", None)
        if write is None:
            refuse_to_write(self._module)
        written: list[list[int]] = []
        for row, texts in zip(rows, prompts, strict=True):
            self._lockstep.members, self._lockstep.values = 1, self.parameters(row[None])
            used = (texts != NO_TOKEN).any(dim=0)
            written += write(texts[:, int(used.int().argmax()) :], length)
        return written

    def _fitting_chunk(self) -> int:
        if self._device.type != "cpu":
            return 1_000_000
        if self.activation_bytes > _LOCKSTEP_BYTES:
            return 1
        return max(2, min(32, _ABOUT // self.activation_bytes))

    def _agree(self, suite: TaskSuite, batch_size: int) -> bool:
        """Whether copies of one student, however many, get the same gradient to the bit."""
        noise = torch.randn(self.size, generator=torch.Generator().manual_seed(0))
        # Noise, because updates that begin at zero would hide the products behind them.
        row = self.initial(0) + 0.05 * noise
        sizes = sorted({2, 3, min(9, self.member_chunk)})
        for batch in extreme_batches(suite, batch_size, self.crops):
            bits = torch.cat([row_bits(self, row, n, *batch) for n in sizes])
            if not bool((bits == bits[0]).all()):
                return False
        return True

    def _kept_bytes(self, suite: TaskSuite, batch_size: int) -> int:
        """What a student keeps of a batch of the longest examples, by one or all of them."""
        parameters = self.parameters(self.initial(0)[None].requires_grad_())
        longest, *shortest = extreme_batches(suite, batch_size, self.crops)
        # Of unequal ones one is tried: a batch of the longest may take memory that no step takes.
        tried = 1 if shortest else batch_size
        inputs, targets = (part[:tried].to(self._device) for part in longest)

        def student(inputs: Tensor) -> Tensor:
            return self.forward(parameters, inputs[None], targets.shape[1])[0]

        bytes_tried = activation_bytes(student, self._module, suite, (inputs, targets))
        return bytes_tried * (batch_size // tried)


def _fitting(start: Adapter, lora: LoRA, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The start in the order of a row.

    Raises:
        ValueError: if it is for other layers, or of another rank or scale.
    """
    ours, theirs = (lora.r, lora.lora_alpha), (start.lora.r, start.lora.lora_alpha)
    if ours != theirs:
        raise ValueError(
            f"the adapter to start from has r and lora_alpha {theirs}, students have {ours}; give "
            "them the same"
        )
    for name, value in values.items():
        own = start.values.get(name)
        if own is None or own.shape != value.shape:
            shape = "missing" if own is None else f"of shape {tuple(own.shape)}"
            raise ValueError(
                f"{name!r} of the adapter to start from is {shape}, wanted {tuple(value.shape)}; "
                "it must be for the same layers of the same model"
            )
    if extra := sorted(start.values.keys() - values.keys()):
        raise ValueError(f"the adapter to start from has {extra[0]!r}, which students do not have")
    return {name: start.values[name].float() for name in values}
