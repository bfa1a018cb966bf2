"""The LoRA cohort: n adapters over one frozen module, trained in lockstep.

Legend: n students.
"""

from collections.abc import Callable

from torch import nn

from ...contract.cohort import check_sizes
from ...contract.devices import usable_device
from ...contract.tasks import TaskSuite
from ..lockstep.optimizer import Adam
from ..lockstep.row_cohort import RowCohort
from .adapters import Adapter
from .layers import LoRA
from .stack import LoRAStack


class LoRACohort(RowCohort):
    """n low-rank adapters of one frozen module: each member is fine-tuned on its own task.

    Everything that a member has (adapter, moments, step counter, random streams) is its own; the
    module and its weights are there once. On a CPU a member learns to the bit what it would learn
    alone; which bits these are depends on whether members are computed one by one or together, and
    on how many threads torch has. On a GPU the frozen products of all members are one product, and
    members agree within rounding.

    Args:
        suite: what there is to learn.
        build: makes the module; called once, and its weights are frozen as they are.
        n: members.
        lora: which layers are adapted, and how.
        batch_size: training examples per student step.
        optimizer: update rule, with learning rate and clipping.
        evaluation_size: examples per task and split that a student is evaluated on; which ones
            is fixed by its seed.
        member_chunk: members whose steps are computed together. 1 takes the least memory: that of
            one student, and the adapters. None picks 1 for large models on a CPU, and all members
            on a GPU.
        device: where everything is.
        start: adapter that every student starts from, such as `load_adapter` or `combine_adapters`
            give; seeds then fix only the data. Without it they draw the adapters, too.
    """

    def __init__(
        self,
        suite: TaskSuite,
        build: Callable[[], nn.Module],
        n: int,
        *,
        lora: LoRA | None = None,
        batch_size: int = 8,
        optimizer: Adam | None = None,
        evaluation_size: int = 64,
        member_chunk: int | None = None,
        device: str = "cpu",
        start: Adapter | None = None,
    ) -> None:
        check_sizes(n=n, batch_size=batch_size, evaluation_size=evaluation_size)
        if member_chunk is not None:
            check_sizes(member_chunk=member_chunk)
        self.lora = lora or (start.lora if start else LoRA())
        where = usable_device(device)
        stack = LoRAStack(build, suite, batch_size, where, self.lora, member_chunk, start)
        self.member_chunk = stack.member_chunk
        self._fan_in_fan_out = stack.fan_in_fan_out
        super().__init__(
            suite,
            stack,
            n,
            batch_size=batch_size,
            optimizer=optimizer,
            evaluation_size=evaluation_size,
            chunk=min(stack.member_chunk, max(n, 2)),
            threads=1,
            one_thread=False,
            device=where,
        )

    def adapter(self, row: int) -> Adapter:
        """A member's adapter as it is now."""
        parameters = self.stack.parameters(self._weights[row][None])
        values = {name: value[0].detach().clone() for name, value in parameters.items()}
        return Adapter(self.lora, values, self._fan_in_fan_out)
