"""What training itself tells: heard in the forward passes that the steps of a trainer make anyway.

Legend: k tasks, b examples of a batch in this process, p processes, m places of a segment.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from .segments import Order
from .shown import Shown, shifts_labels, shown_by
from .tally import Tally


class Hearing:
    """Adds up by task how the examples of a segment were answered before they were learned from.

    Where outputs say nothing of single examples, the loss of a batch is taken for all of them; this
    needs segments of one task.

    Args:
        trainer: that is set up.
        order: how its loader takes examples.
        names: of the tasks.
        likeliest: whether to hear which answers were right, too.
    """

    def __init__(
        self, trainer: Any, order: Order, names: Sequence[str], likeliest: bool = True
    ) -> None:
        self.trainer, self.order, self.names, self.likeliest = trainer, order, names, likeliest
        self.tally = Tally(len(names))
        self.tasks = np.zeros(0, dtype=np.int64)
        """Of every place of the segment, (m,)."""
        self.first = 0
        """The step that the first place belongs to."""
        self.batch = 0
        """Batches of this step before the next one."""
        self._shown: Shown | None = None
        self._model: Any = None
        self._shifts: bool | None = None
        """Of this model, whether its labels stand one place later than what answers them."""
        self._said: set[str] = set()

    def plan(self, tasks: np.ndarray, first: int) -> None:
        """A segment has these tasks (m,) from this step on."""
        self.tasks, self.first, self.batch = tasks, first, 0

    @contextmanager
    def listening(self, model: Any, inputs: Any) -> Iterator[None]:
        """Hear the first forward pass of the model that says how these inputs were answered."""
        answers = self._labels(model, inputs)
        self._shown = None
        hook = model.register_forward_hook(lambda _, __, outputs: self.hear(outputs, *answers))
        try:
            yield
        finally:
            hook.remove()

    def hear(self, outputs: Any, labels: Any, shifts: bool | None) -> None:
        """Keep what these outputs say of the examples, if none did before."""
        if self._shown is None:
            self._shown = shown_by(outputs, labels, shifts, self.likeliest)

    def enter(self, loss: Any) -> None:
        """Take in what was heard of a batch, or the loss of it that the trainer returned."""
        tasks, shown = self._whose(), self._shown
        self.batch, self._shown = self.batch + 1, None
        if shown is not None and len(shown.loss) == len(tasks):
            self.tally.add(tasks, shown)
            return
        self._check_alone(shown)
        # Batches of a step share its mean: the trainer has divided each loss by their number.
        share = self.trainer.current_gradient_accumulation_steps
        self.tally.add_whole(int(tasks[0]), len(tasks), loss * share)

    def of_all(self) -> np.ndarray:
        """The sums of every process, the same in each, (p, k, 4)."""
        accelerator = self.trainer.accelerator
        if accelerator.num_processes == 1:
            return self.tally.sums[None]
        gathered = accelerator.gather(self.tally.tensor.to(accelerator.device)[None])
        sums: np.ndarray = gathered.cpu().numpy()
        return sums

    def go_on(self, heard: np.ndarray | None) -> None:
        """Begin with what processes had heard of a segment (p, k, 4), or with nothing."""
        accelerator = self.trainer.accelerator
        self.tally.clear()
        if heard is not None and len(heard) == accelerator.num_processes:
            self.tally.sums = heard[accelerator.process_index]
        elif heard is not None and accelerator.is_main_process:
            self.tally.sums = heard.sum(axis=0)

    def say_what_came_again(self, taken: np.ndarray, rows: Sequence[np.ndarray]) -> None:
        """Warn once where tasks of which so many rows were taken, (k,), had fewer, k arrays."""
        for name, count, own in zip(self.names, taken, rows, strict=True):
            if count > len(own):
                self._say_once(
                    "again",
                    f"the rows of task {name!r} have come again: what training shows of rows that "
                    "were trained on before is better than what the model would do on new ones",
                )
                return

    def _labels(self, model: Any, inputs: Any) -> tuple[Any, bool | None]:
        """What is to be answered, and whether it stands one place later than the answers."""
        if not isinstance(inputs, Mapping):
            return None, None
        if inputs.get("shift_labels") is not None:
            return inputs["shift_labels"], False
        names = [name for name in self.trainer.label_names or ("labels",) if name in inputs]
        if self._model is not model:
            bare = self.trainer.accelerator.unwrap_model(model)
            bare = bare.get_base_model() if hasattr(bare, "get_base_model") else bare
            self._model, self._shifts = model, shifts_labels(bare)
        return (inputs[names[0]] if len(names) == 1 else None), self._shifts

    def _whose(self) -> np.ndarray:
        """Tasks of the examples of the next batch in this process, (b,)."""
        trainer, per_step = self.trainer, self.order.per_step
        processes = trainer.accelerator.num_processes
        size = per_step // (trainer.args.gradient_accumulation_steps * processes)
        before = (trainer.state.global_step - self.first) * per_step
        place = before + (self.batch * processes + trainer.accelerator.process_index) * size
        return self.tasks[place : place + size]

    def _check_alone(self, shown: Shown | None) -> None:
        """Refuse what mixes tasks and says nothing of single examples; say once what is heard."""
        rows = "give no logits of its integer labels" if shown is None else "are in other rows"
        what = f"the outputs of {type(self.trainer.model).__name__} {rows}"
        if (self.tasks != self.tasks[0]).any():
            raise ValueError(
                f"{what}, so feedback='training' can't tell how each example of a mixture was "
                "answered; give a tutor with action='task', which goes by the loss of batches of "
                "one task, or feedback='full'"
            )
        self._say_once(
            "whole", f"{what}: the tutor is told the loss that is trained on, of a batch as a whole"
        )

    def _say_once(self, what: str, words: str) -> None:
        if what not in self._said:
            warnings.warn(words, stacklevel=4)
        self._said.add(what)
