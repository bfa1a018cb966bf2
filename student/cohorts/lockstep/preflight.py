"""What is tried on a module before it is trained: does it fit, what does it keep, do bits agree.

Legend: n students, p numbers in a row (parameters, padded), b batch, l answer positions, v outputs.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import numpy as np
import torch
from torch import Tensor, nn

from ...contract.stores import Crop
from ...contract.tasks import NO_TOKEN, TaskSuite
from .lengths import Lengths
from .row_stack import Gradient, RowStack


def first_batch(suite: TaskSuite, batch_size: int) -> tuple[Tensor, Tensor]:
    """Inputs (b, ...) and targets (b, l) of the first task."""
    examples = suite.tasks[0].splits["train"]
    return examples.store.take(np.arange(batch_size) % len(examples))


def extreme_batches(
    suite: TaskSuite, batch_size: int, crops: tuple[bool, bool]
) -> list[tuple[Tensor, Tensor]]:
    """A batch of the longest examples and one of the shortest; the first where all are as long.

    Args:
        suite: whose training examples they are.
        batch_size: b.
        crops: what students read without, see `RowStack`.
    """
    pool = suite.pool("train")
    lengths = Lengths(pool.examples.store, crops, coarse=True)
    if not lengths.differ:
        return [first_batch(suite, batch_size)]
    order = lengths.longest_first()
    places = np.arange(batch_size) % len(order)
    batches = order[places], order[::-1][places]
    return [pool.take(index, Crop(*lengths.crop(index).tolist())) for index in batches]


def row_bits(stack: RowStack, row: Tensor, n: int, inputs: Tensor, targets: Tensor) -> Tensor:
    """Loss and gradient of n copies of a student (p,) on one batch, bit by bit, (n, 1 + p)."""
    rows = row.repeat(n, 1)
    gradient = torch.zeros_like(rows)
    inputs, targets = (part.repeat(n, *[1] * part.ndim) for part in (inputs, targets))
    loss = Gradient(stack, rows, gradient)(inputs, targets)
    return torch.cat([loss[:, None], gradient], dim=1).view(torch.int32)


def activation_bytes(
    student: Callable[[Tensor], Tensor],
    module: nn.Module,
    suite: TaskSuite,
    batch: tuple[Tensor, Tensor],
) -> int:
    """What one student keeps for its backward pass of a batch, beside the weights of `module`.

    Raises:
        ValueError: if inputs or logits are not those of the suite.
    """
    inputs, targets = batch
    weights = {p.untyped_storage().data_ptr() for p in module.parameters()}
    sizes: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            sizes[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        logits = _tried(student, inputs, suite.name)
    shape = (*targets.shape, suite.n_outputs)
    if tuple(logits.shape) != shape:
        raise ValueError(
            f"the model turns {len(inputs)} inputs of suite {suite.name!r} into logits of shape "
            f"{tuple(logits.shape)}, wanted (b, l, v) = {shape}"
        )
    return sum(sizes.values())


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


def _tried(student: Callable[[Tensor], Tensor], inputs: Tensor, suite: str) -> Tensor:
    """Logits of one student; ``ValueError`` if the inputs of the suite are not for it."""
    try:
        return student(inputs)
    except (RuntimeError, TypeError, IndexError) as error:
        kind = str(inputs.dtype).removeprefix("torch.")
        other = "mlp" if inputs.is_floating_point() else "decoder"
        # What a pretrained model reads was checked before.
        hint = "" if bool((inputs == NO_TOKEN).any()) else f"; try student.model={other}"
        raise ValueError(
            f"the model can't take the inputs of suite {suite!r}, {kind} of shape "
            f"{tuple(inputs.shape[1:])} ({' '.join(str(error).split()):.200}){hint}"
        ) from error


def built(build: Callable[[], nn.Module]) -> nn.Module:
    """One student of what makes them.

    Raises:
        ValueError: if it is no module, or has nothing to train.
    """
    module: Any = build()
    if not isinstance(module, nn.Module):
        raise ValueError(
            f"what makes a network must return a torch.nn.Module, got {type(module).__name__}"
        )
    if not any(parameter.numel() for parameter in module.parameters()):
        raise ValueError(f"the network {type(module).__name__} has no parameters to train")
    return module


def refuse_what_cannot_be_stacked(module: nn.Module) -> None:
    """Refuse dropout and running statistics, which would couple students or get lost."""
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


def refuse_to_write(module: nn.Module) -> NoReturn:
    """Say that a module cannot generate text."""
    raise ValueError(
        f"a {type(module).__name__} cannot generate text; score by exact match or by choice, or "
        "take a pretrained language model"
    )
