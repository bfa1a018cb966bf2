"""The run of a trainer that a tutor's lifetime is a part of: where its segments begin and end.

Legend: k tasks.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import numpy as np

from .data import rows_of, tasks_of
from .hearing import Hearing
from .lessons import TRAINING, Drawing, Lessons, Portion
from .segments import Draws, Order, SegmentSampler

_NO_MEAN = {
    "epoch", "runtime", "samples_per_second", "steps_per_second", "num_tokens",
    "model_preparation_time", "jit_compilation_time",
}  # fmt: skip
"""What an evaluation says of itself, and not of the model."""


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
        lessons.compare_sizes([len(one) for one in rows])
        self.draws = Draws(rows, args.seed if args.data_seed is None else args.data_seed)
        self.order = _order(trainer, plain)
        self.task_of = np.zeros(len(dataset), dtype=np.int64)
        """The task of every row of the dataset."""
        for task, own in enumerate(rows):
            self.task_of[own] = task
        self.hearing: Hearing | None = None
        """What listens where training itself is the feedback."""
        if lessons.feedback == TRAINING:
            right = lessons.metric != "loss"
            self.hearing = Hearing(trainer, self.order, lessons.names, right)
        if lessons.steps % self.order.whole:
            raise ValueError(
                f"a segment must end with whole generations: steps_per_decision must be a "
                f"multiple of {self.order.whole}, got {lessons.steps}"
            )
        if lessons.evaluates:
            _check_held_out(trainer, lessons.names)
        batch = self.order.per_step // args.gradient_accumulation_steps
        batches = len(plain) // batch if args.dataloader_drop_last else -(-len(plain) // batch)
        self.pass_steps = max(1, -(-batches // args.gradient_accumulation_steps))
        """Steps of one pass over as many examples as there are."""
        self.all_steps = math.ceil(args.num_train_epochs * self.pass_steps)
        """Steps of as many passes as the trainer was to have epochs."""
        self.drawing = {"seed": self.draws.seed, **asdict(self.order)}
        self.parts: dict[str, dict[str, float]] = {}
        """Metrics by name of the tasks that were evaluated since all were last, by their prefix."""
        self.sampler = SegmentSampler(lessons.steps * self.order.per_step)

    def begin_segment(self) -> None:
        """Ask the tutor, unless the segment is one that was left in its middle."""
        lessons, step = self.lessons, self.trainer.state.global_step
        if not lessons.begun:
            self._begin_lifetime()
        if not lessons.pending:
            lessons.choose(step, self.drawing)
            if self.trainer.accelerator.num_processes > 1:
                lessons.load_state_dict(self.trainer._shared(lessons.state_dict))
            self._log(lessons.choice())
        elif lessons.drawing not in (None, self.drawing):
            self._cut(lessons.drawing, step)
        before = lessons.first % lessons.steps
        rows = lessons.drawn(self.draws, self.order.draws(lessons.steps - before))
        # Steps of an earlier choice that was cut short are filled: the trainer skips them.
        filled = np.full(before * self.order.per_step, rows[0])
        places = np.concatenate([filled, self.order.laid_out(rows)])[: len(self.sampler)]
        skipped = step % lessons.steps if self.trainer.args.ignore_data_skip else 0
        if self.hearing is not None:
            self.hearing.plan(self.task_of[places], step - step % lessons.steps)
        self.sampler.rows = places[skipped * self.order.per_step :].tolist()

    def _cut(self, drawing: Drawing, step: int) -> None:
        """Count what a segment took until this step that goes on with other batches or a seed."""
        lessons, order = self.lessons, dict(drawing)
        draws = Draws(self.draws.rows, order.pop("seed"))
        steps, before = step - lessons.first, Order(**order)
        taken = lessons.trained(draws, before.draws(steps))
        lessons.cut(step, Portion(taken, steps, steps * before.per_step), self.drawing)

    def end_step(self, control: Any) -> None:
        """Have the tasks evaluated where a segment ends here."""
        state = self.trainer.state
        state.epoch = state.global_step / self.pass_steps
        if self.hearing is not None:
            self.hearing.batch = 0
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

    def take(self, name: str, control: Any) -> None:
        """Keep the metrics of a task that was evaluated before or at the end of a segment."""
        lessons = self.lessons
        if not lessons.evaluates or (lessons.begun and not self._ended()):
            return
        if name in lessons.names:
            lessons.evaluations[name] = self.parts[f"eval_{name}"]
        if lessons.begun and all(name in lessons.evaluations for name in self._names()):
            self._settle(control)

    def keep(self, prefix: str, metrics: dict[str, float]) -> None:
        """Keep what one dataset's evaluation measured, by the names without the prefix."""
        self.parts[prefix] = {
            key.removeprefix(f"{prefix}_").removeprefix("eval_"): value
            for key, value in metrics.items()
        }

    def log_means(self, prefix: str) -> dict[str, float]:
        """Log the means over the tasks, by their importance, of what was measured of all of them.

        Returns:
            The means by name with the prefix; none where a task was not evaluated.
        """
        names = [f"{prefix}_{name}" for name in self.lessons.names]
        if not all(name in self.parts for name in names):
            return {}
        each = [self.parts[name] for name in names]
        keys = [
            key
            for key in each[0]
            if key not in _NO_MEAN and all(_is_number(one.get(key)) for one in each)
        ]
        weights = self.lessons.tutor.suite.values("importance")
        means = {
            f"{prefix}_{key}": float(np.average([one[key] for one in each], weights=weights))
            for key in keys
        }
        self._log(dict(means))
        return means

    def _begin_lifetime(self) -> None:
        lessons = self.lessons
        if not lessons.evaluates:
            lessons.begin(None, probed=0)
            return
        self._evaluate([name for name in lessons.names if name not in lessons.evaluations])
        results = self.trainer._shared(lambda: lessons.results(lessons.names))
        lessons.begin(results, self._probed(lessons.names))

    def _settle(self, control: Any) -> None:
        """Tell the tutor what came of the segment, the same in every process."""
        lessons, state = self.lessons, self.trainer.state
        if self.hearing is not None:
            lessons.hear(self.hearing.of_all())
            self.hearing.go_on(None)
        names = self._names()
        results = self.trainer._shared(lambda: lessons.results(names))
        steps, earlier = state.global_step - lessons.first, lessons.earlier
        tokens = int(state.num_input_tokens_seen)
        spent = {
            "steps": earlier.steps + steps,
            "examples": earlier.examples + steps * self.order.per_step,
            "tokens": tokens - lessons.tokens,
            "probed": self._probed(names) if lessons.evaluates else 0,
        }
        lessons.tell(results, lessons.trained(self.draws, self.order.draws(steps)), spent)
        lessons.tokens = tokens
        if self.hearing is not None:
            self.hearing.say_what_came_again(lessons.taken, self.draws.rows)
        self._log({f"tutor/score/{name}": x for name, x in lessons.tutor.scores.items()})
        if self.stop_when_finished and lessons.tutor.finished:
            control.should_training_stop = control.should_save = True
        elif lessons.tutor.asked.get("stop"):
            lessons.say_that_it_goes_on()

    def _ended(self) -> bool:
        """Whether what is pending ends with the step that was taken last."""
        state, lessons = self.trainer.state, self.lessons
        whole = state.global_step % lessons.steps == 0 or state.global_step >= state.max_steps
        going = self.trainer.is_in_train and lessons.pending
        return bool(going and whole and state.global_step > lessons.first)

    def _names(self) -> Sequence[str]:
        """The tasks that the tutor is told of."""
        if self.lessons.feedback == TRAINING:
            return list(self.lessons.evaluations)
        return self.lessons.names if self.lessons.feedback == "full" else self._trained_names()

    def _trained_names(self) -> list[str]:
        """The tasks that were trained on in this segment."""
        steps = self.trainer.state.global_step - self.lessons.first
        counts = self.lessons.trained(self.draws, self.order.draws(steps))
        counts += self.lessons.earlier.taken
        return [name for name, n in zip(self.lessons.names, counts, strict=True) if n]

    def _probed(self, names: Sequence[str]) -> int:
        """Held-out examples of these tasks."""
        return sum(len(self.trainer.eval_dataset[name]) for name in names)

    def _evaluate(self, names: Sequence[str]) -> None:
        """Evaluate these tasks now, beside what the trainer has planned."""
        model = self.trainer.model
        training = model.training
        self.parts.clear()
        with self._undisturbed(), self.trainer._early_stopping_waits():
            for name in names:
                self.trainer.evaluate(name, metric_key_prefix=f"eval_{name}")
            self.log_means("eval")
        model.train(training)

    def _log(self, line: dict[str, float]) -> None:
        """Write a line to whatever the trainer reports to."""
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


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


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
