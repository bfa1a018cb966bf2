"""Begins and ends the segments of a trainer's run.

Legend: k tasks.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from .trainer_data import rows_of, tasks_of
from .trainer_lessons import Lessons
from .trainer_segments import Draws, Order, SegmentSampler


class TaughtRun:
    """What a tutor and a trainer have to do with each other during a run.

    Args:
        trainer: that is set up, with `TaughtMixin` in front.
        lessons: the tutor's.
        column: of the training data that names the task of a row.
        plain: the sampler that the trainer would have without a tutor.
        stop_when_finished: end the training when the tutor is finished.

    Raises:
        ValueError: where a segment would end within a generation, or nothing be evaluated.
    """

    def __init__(
        self, trainer: Any, lessons: Lessons, column: str, plain: Any, stop_when_finished: bool
    ) -> None:
        self.trainer, self.lessons, self.stop_when_finished = trainer, lessons, stop_when_finished
        args, dataset = trainer.args, trainer.train_dataset
        rows = rows_of(tasks_of(dataset, column), lessons.names, "train_dataset")
        self.draws = Draws(rows, args.seed if args.data_seed is None else args.data_seed)
        self.order = _order(trainer, plain)
        if lessons.steps % self.order.whole:
            raise ValueError(
                f"a segment must end with whole generations: steps_per_decision must be a "
                f"multiple of {self.order.whole}, got {lessons.steps}"
            )
        if lessons.feedback != "reward":
            _check_held_out(trainer, lessons.names)
        batch = self.order.per_step // args.gradient_accumulation_steps
        batches = len(plain) // batch if args.dataloader_drop_last else -(-len(plain) // batch)
        self.pass_steps = max(1, -(-batches // args.gradient_accumulation_steps))
        """Steps of one pass over as many examples as there are."""
        self.all_steps = math.ceil(args.num_train_epochs * self.pass_steps)
        """Steps of as many passes as the trainer was to have epochs."""
        self.sampler = SegmentSampler(lessons.steps * self.order.per_step)

    def begin_segment(self) -> None:
        """Ask the tutor, unless the segment is one that was left in its middle."""
        lessons, step = self.lessons, self.trainer.state.global_step
        if not lessons.begun:
            self._begin_lifetime()
        if not lessons.pending:
            lessons.choose(step)
            if self.trainer.accelerator.num_processes > 1:
                lessons.load_state_dict(self.trainer._shared(lessons.state_dict))
            self._log(lessons.choice())
        before = lessons.first % lessons.steps
        rows = lessons.drawn(self.draws, self.order.draws(lessons.steps - before))
        # Steps of an earlier choice that was cut short are filled: the trainer skips them.
        filled = np.full(before * self.order.per_step, rows[0])
        places = np.concatenate([filled, self.order.laid_out(rows)])[: len(self.sampler)]
        skipped = step % lessons.steps if self.trainer.args.ignore_data_skip else 0
        self.sampler.rows = places[skipped * self.order.per_step :].tolist()

    def end_step(self, control: Any) -> None:
        """Have the tasks evaluated where a segment ends here."""
        state = self.trainer.state
        state.epoch = state.global_step / self.pass_steps
        if not self._ended():
            return
        if self.lessons.feedback == "full":
            control.should_evaluate = True
        elif self.lessons.feedback == "bandit":
            self._evaluate(self._trained_names())
        else:
            self._settle(control)

    def end_segment(self, control: Any) -> None:
        """Keep to the passes over the data what is to be done once per epoch."""
        args, step = self.trainer.args, self.trainer.state.global_step
        last = step - (step % self.lessons.steps or self.lessons.steps)
        passed = step // self.pass_steps > last // self.pass_steps
        for what in ("logging", "save"):
            if getattr(args, f"{what}_strategy") == "epoch" and not passed:
                setattr(control, f"should_{what.removesuffix('ging')}", False)
        if args.eval_strategy == "epoch" and (self.lessons.feedback == "full" or not passed):
            # With full feedback all was evaluated at this very step.
            control.should_evaluate = False

    def take(self, metrics: dict[str, float], control: Any) -> None:
        """Keep the metrics of a task that was evaluated before or at the end of a segment."""
        lessons = self.lessons
        if lessons.feedback == "reward" or (lessons.begun and not self._ended()):
            return
        for name in lessons.names:
            start = f"eval_{name}_"
            if f"{start}runtime" in metrics:
                lessons.told[name] = {
                    key.removeprefix(start).removeprefix("eval_"): value
                    for key, value in metrics.items()
                }
        if lessons.begun and all(name in lessons.told for name in self._names()):
            self._settle(control)

    def _begin_lifetime(self) -> None:
        lessons = self.lessons
        if lessons.feedback == "reward":
            lessons.begin(None, probed=0)
            return
        self._evaluate([name for name in lessons.names if name not in lessons.told])
        results = self.trainer._shared(lambda: lessons.results(lessons.names))
        lessons.begin(results, self._probed(lessons.names))

    def _settle(self, control: Any) -> None:
        """Tell the tutor what came of the segment, the same in every process."""
        lessons, state, names = self.lessons, self.trainer.state, self._names()
        results = self.trainer._shared(lambda: lessons.results(names))
        steps = state.global_step - lessons.first
        tokens = int(state.num_input_tokens_seen)
        spent = {
            "steps": steps,
            "examples": steps * self.order.per_step,
            "tokens": tokens - lessons.tokens,
            "probed": 0 if lessons.feedback == "reward" else self._probed(names),
        }
        lessons.tell(results, lessons.trained(self.draws, self.order.draws(steps)), spent)
        lessons.tokens = tokens
        self._log({f"tutor/score/{name}": x for name, x in lessons.tutor.scores.items()})
        if self.stop_when_finished and lessons.tutor.finished:
            control.should_training_stop = control.should_save = True

    def _ended(self) -> bool:
        """Whether what is pending ends with the step that was taken last."""
        state, lessons = self.trainer.state, self.lessons
        whole = state.global_step % lessons.steps == 0 or state.global_step >= state.max_steps
        going = self.trainer.is_in_train and lessons.pending
        return bool(going and whole and state.global_step > lessons.first)

    def _names(self) -> Sequence[str]:
        """The tasks that the tutor is told of."""
        return self.lessons.names if self.lessons.feedback == "full" else self._trained_names()

    def _trained_names(self) -> list[str]:
        """The tasks that were trained on in this segment."""
        steps = self.trainer.state.global_step - self.lessons.first
        counts = self.lessons.trained(self.draws, self.order.draws(steps))
        return [name for name, n in zip(self.lessons.names, counts, strict=True) if n]

    def _probed(self, names: Sequence[str]) -> int:
        """Held-out examples of these tasks."""
        return sum(len(self.trainer.eval_dataset[name]) for name in names)

    def _evaluate(self, names: Sequence[str]) -> None:
        """Evaluate these tasks now, beside what the trainer has planned."""
        model = self.trainer.model
        training = model.training
        with self._undisturbed():
            for name in names:
                self.trainer.evaluate(name, metric_key_prefix=f"eval_{name}")
        model.train(training)

    def _log(self, line: dict[str, float]) -> None:
        """Into whatever the trainer reports to."""
        with self._undisturbed():
            self.trainer._log_alone(line)

    @contextmanager
    def _undisturbed(self) -> Iterator[None]:
        """Keep what is planned for this step; logging and evaluating forget it, or add to it."""
        names = ("should_log", "should_evaluate", "should_save")
        planned = [name for name in names if getattr(self.trainer.control, name)]
        yield
        for name in planned:
            setattr(self.trainer.control, name, True)


def _check_held_out(trainer: Any, names: Sequence[str]) -> None:
    """Refuse held-out data of which the trainer would drop all, as less than a batch."""
    args = trainer.args
    batch = args.eval_batch_size * trainer.accelerator.num_processes
    few = [name for name in names if len(trainer.eval_dataset[name]) < batch]
    if few and args.dataloader_drop_last:
        raise ValueError(
            f"dataloader_drop_last leaves nothing of the {len(trainer.eval_dataset[few[0]])} "
            f"held-out examples of task {few[0]!r}, evaluated {batch} at a time; "
            "give per_device_eval_batch_size"
        )


def _order(trainer: Any, plain: Any) -> Order:
    """How this trainer's loader takes examples; TRL's sampler says how it repeats prompts."""
    accumulated = trainer.args.gradient_accumulation_steps
    if hasattr(plain, "mini_repeat_count"):
        block, together = plain.batch_size, plain.mini_repeat_count
        return Order(block * together * accumulated, block, together, plain.repeat_count)
    accelerator = trainer.accelerator
    apart = 1 if accelerator.split_batches else accelerator.num_processes
    return Order(trainer._train_batch_size * apart * accumulated)
