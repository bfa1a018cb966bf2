"""The stacked cohort: n copies of any `nn.Module` that train as one.

Legend: n students, p parameters of one student (padded).
"""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import nn

from ...contract.cohort import check_sizes
from ...contract.devices import usable_device
from ...contract.tasks import TaskSuite
from .module_stack import ModuleStack
from .optimizer import Adam
from .row_cohort import RowCohort

_CHUNK_BYTES = 10_000_000
"""What a chunk may occupy: a core's share of the last-level cache, and then some, because larger
chunks save overhead."""


class StackedCohort(RowCohort):
    """n copies of one module, trained in lockstep in chunks that fit the cache.

    Args:
        suite: what there is to learn.
        build: makes one student; called under a member's seed to draw its initial weights.
        n: members.
        batch_size: training examples per student step.
        optimizer: update rule, with learning rate and clipping.
        evaluation_size: examples per task and split that a student is evaluated on; which ones
            is fixed by its seed.
        chunk: members whose steps are computed together; `None` picks one that fits the cache
            on a CPU and all of them on a GPU. No result depends on it.
        threads: chunks that run at the same time on a CPU. More than one pays for large students
            only: the operations of small ones are too short to overlap under Python's lock.
        device: where the weights are.
        base: state of one student, from which every reset starts; seeds then fix only the data.
    """

    def __init__(
        self,
        suite: TaskSuite,
        build: Callable[[], nn.Module],
        n: int,
        *,
        batch_size: int = 32,
        optimizer: Adam | None = None,
        evaluation_size: int = 128,
        chunk: int | None = None,
        threads: int = 1,
        device: str = "cpu",
        base: Mapping[str, torch.Tensor] | None = None,
    ) -> None:
        check_sizes(n=n, batch_size=batch_size, evaluation_size=evaluation_size, threads=threads)
        if chunk is not None:
            check_sizes(chunk=chunk)
        where = usable_device(device)
        stack = ModuleStack(build, suite, batch_size, where, base)
        super().__init__(
            suite,
            stack,
            n,
            batch_size=batch_size,
            optimizer=optimizer,
            evaluation_size=evaluation_size,
            chunk=chunk or (fitting_chunk(stack) if where.type == "cpu" else n),
            threads=threads,
            one_thread=True,
            device=where,
        )


def fitting_chunk(stack: ModuleStack) -> int:
    """Members whose weights, moments, gradients and activations stay in a cache together."""
    # Four rows of 4-byte numbers each.
    member_bytes = 16 * stack.size + stack.activation_bytes
    return int(np.clip(_CHUNK_BYTES // member_bytes, 2, 32))
