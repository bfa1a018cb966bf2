"""A teacher inside of Hugging Face's `Trainer`, and of TRL's trainers that stand on it.

    tutor = Tutor(["add", "times"], teacher, steps_per_decision=20)
    trainer = taught(Trainer)(tutor=tutor, ...)

The training runs in segments of `tutor.steps_per_decision` optimizer steps, each of the task, or
of the mixture, that the teacher chose. To the trainer a segment is an epoch: its loader fetches
ahead up to the end of the segment and no further, so the evaluation at the end of one segment
decides what is in the first batch of the next. A sampler that chooses batch by batch would lag
behind by as much as the loader prefetches. The `epoch` that is logged, and what is to be done
once per epoch, still mean one pass over as many examples as there are in the training data.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lessonplan.student import install_hint

from ..tutor.tutor import Tutor
from .data import joined, labelled, rows_of, split, tasks_of
from .lessons import REWARDED, TRAINING, Lessons, Metric
from .run import TaughtRun
from .segments import SegmentSampler
from .state import read_state, write_state

if TYPE_CHECKING:

    class _Trainer:
        """What `super()` is in the mixin: the trainer behind it, by what the mixin asks of it."""

        def __init__(self, *args: Any, **kwargs: Any) -> None: ...
        def _get_train_sampler(self, train_dataset: Any = None) -> Any: ...
        def _prepare_dataset(self, dataset: Any, *args: Any, **kwargs: Any) -> Any: ...
        def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]: ...
        def training_step(self, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any: ...
        def _calculate_rewards(self, inputs: Any, *args: Any, **kwargs: Any) -> Any: ...
        def _inner_training_loop(self, *args: Any, **kwargs: Any) -> Any: ...
        def _save_checkpoint(self, model: Any, trial: Any) -> None: ...

else:
    _Trainer = object


class TaughtMixin(_Trainer):
    """Stands in front of `Trainer` or one of TRL's trainers; a tutor chooses the tasks.

    Args:
        *args: as the trainer's.
        tutor: chooses the task of every segment of `steps_per_decision` steps.
        train_dataset: with a column that names the task of every row, or task -> dataset.
        eval_dataset: held-out data, with the same column or as task -> dataset; not needed where
            rewards or training are the feedback.
        task_column: its name.
        metric: what of a task's evaluation is its score in [0, 1]: the name of a metric such as
            `accuracy` (the trainer's `eval_TASK_accuracy`), or a function of the task and its
            metrics, `lambda task, metrics: 1 - metrics["loss"] / 5`. The default, `loss`, scores
            exp(-loss), which for a language model is the geometric mean of the probabilities that
            it gives to the right tokens. With `training` the metrics are `loss`, `accuracy` (the
            share of the examples all of whose label tokens were the likeliest) and
            `token_accuracy`, of the examples that were trained on.
        feedback: `full`: all tasks are evaluated after a segment; `bandit`: only what was trained
            on; `training`: nothing is, the score is what the examples of the segment showed in the
            forward passes that training makes anyway; `reward`: nothing is, the mean reward of the
            segment's own generations is the score. By default `reward` for trainers that generate,
            else `full`.
        reward_range: rewards that score 0 and 1; a mean outside of it counts as the nearer end,
            with a warning.
        stop_when_finished: end the training when everything is mastered, or the budget of the
            tutor is spent; otherwise the trainer's number of steps decides alone.
        **kwargs: as the trainer's.

    Raises:
        ValueError: for what does not fit, before any training.
    """

    def __init__(
        self,
        *args: Any,
        tutor: Tutor,
        train_dataset: Any,
        eval_dataset: Any = None,
        task_column: str = "task",
        metric: Metric = "loss",
        feedback: str | None = None,
        reward_range: tuple[float, float] = (0.0, 1.0),
        stop_when_finished: bool = False,
        **kwargs: Any,
    ) -> None:
        _check_trainer(self)
        rewards = hasattr(super(), "_calculate_rewards")
        feedback = feedback or ("reward" if rewards else "full")
        if feedback == REWARDED and not rewards:
            raise ValueError(
                f"{type(self).__name__} rewards no generations: feedback must be full, bandit or "
                "training"
            )
        if feedback == TRAINING and rewards:
            raise ValueError(
                f"{type(self).__name__} trains on what it generates, which no label answers: "
                "feedback must be reward, full or bandit"
            )
        self._lessons = Lessons(tutor, feedback, metric, reward_range)
        self._task_column, names = task_column, self._lessons.names
        train_dataset = joined(train_dataset, task_column, names, _concatenated)
        rows_of(tasks_of(train_dataset, task_column), names, "train_dataset")
        if self._lessons.evaluates:
            eval_dataset = split(eval_dataset, task_column, names)
        super().__init__(*args, train_dataset=train_dataset, eval_dataset=eval_dataset, **kwargs)
        trainer: Any = self
        _check_arguments(trainer, self._lessons)
        plain = super()._get_train_sampler(trainer.train_dataset)
        self._taught_run = TaughtRun(trainer, self._lessons, task_column, plain, stop_when_finished)
        trainer.add_callback(_callback(self._taught_run))

    def _get_train_sampler(self, train_dataset: Any = None) -> SegmentSampler:
        """What `Trainer` asks for the order of examples."""
        return self._taught_run.sampler

    def _prepare_dataset(self, dataset: Any, *args: Any, **kwargs: Any) -> Any:
        """What TRL prepares data with; what `SFTTrainer` packs together is of one task."""
        prepare = super()._prepare_dataset
        # Trainers for preferences and rewards do not pack, and have no such argument.
        arguments = signature(prepare).bind(dataset, *args, **kwargs).arguments
        if not arguments.get("packing") or arguments["dataset_name"] != "train":
            return prepare(dataset, *args, **kwargs)
        names, column = self._lessons.names, self._task_column
        rows = rows_of(tasks_of(dataset, column), names, "train_dataset")
        return _concatenated(
            [
                labelled(prepare(dataset.select(one), *args, **kwargs), column, name)
                for name, one in zip(names, rows, strict=True)
            ]
        )

    def training_step(self, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """What `Trainer` learns a batch with; where training is the feedback, it is listened to."""
        hearing = self._taught_run.hearing
        if hearing is None:
            return super().training_step(model, inputs, *args, **kwargs)
        with hearing.listening(model, inputs):
            loss = super().training_step(model, inputs, *args, **kwargs)
        hearing.enter(loss)
        return loss

    def _calculate_rewards(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """What `GRPOTrainer` rewards with: the rewards of all processes, kept by task."""
        rewards = super()._calculate_rewards(inputs, *args, **kwargs)
        trainer: Any = self
        if trainer.model.training and self._lessons.feedback == REWARDED:
            index = self._lessons.index
            whose = [index[str(row[self._task_column])] for row in inputs]
            tasks = trainer.accelerator.gather(rewards.new_tensor(whose)).cpu().numpy()
            earnings = rewards.detach().cpu().numpy() * trainer.reward_weights.cpu().numpy()
            nothing = np.isnan(earnings).all(axis=1)
            total = np.where(nothing, np.nan, np.nansum(earnings, axis=1))
            self._lessons.reward(tasks.astype(np.int64), total)
        return rewards

    def evaluate(
        self,
        eval_dataset: Any = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> dict[str, float]:
        """What `Trainer` evaluates with.

        An evaluation of all tasks also has the means over them, weighted by their importance, under
        the trainer's own names (`eval_loss` and the like): best models, early stopping and
        schedules of the learning rate go by them.
        """
        trainer: Any = self
        run, arguments = self._taught_run, (ignore_keys, metric_key_prefix)
        if not isinstance(trainer.eval_dataset if eval_dataset is None else eval_dataset, dict):
            metrics = super().evaluate(eval_dataset, *arguments)
            run.keep(metric_key_prefix, metrics)
            if isinstance(eval_dataset, str) and metric_key_prefix == f"eval_{eval_dataset}":
                run.take(eval_dataset, trainer.control)
            return metrics
        run.parts.clear()
        with self._early_stopping_waits():
            metrics = super().evaluate(eval_dataset, *arguments)
        metrics |= run.log_means(metric_key_prefix)
        handler = trainer.callback_handler
        trainer.control = handler.on_evaluate(trainer.args, trainer.state, trainer.control, metrics)
        return metrics

    @contextmanager
    def _early_stopping_waits(self) -> Iterator[None]:
        """Evaluate tasks one by one without `EarlyStoppingCallback`, which waits for them all.

        At a task that does not have its metric it would say that it is disabled.
        """
        from transformers import EarlyStoppingCallback

        trainer: Any = self
        handler = trainer.callback_handler
        every = handler.callbacks
        handler.callbacks = [one for one in every if not isinstance(one, EarlyStoppingCallback)]
        try:
            yield
        finally:
            handler.callbacks = every

    def _inner_training_loop(self, *args: Any, **kwargs: Any) -> Any:
        """What `train` runs; the lifetime begins here, or goes on as the checkpoint has it."""
        trainer: Any = self
        settings, checkpoint = trainer.args, kwargs.get("resume_from_checkpoint")
        self._lessons.forget()
        if checkpoint is not None:
            self._lessons.load_state_dict(self._shared(lambda: self._stored_state(checkpoint)))
        if self._taught_run.hearing is not None:
            self._taught_run.hearing.go_on(self._lessons.heard)
        most_steps = settings.max_steps
        if most_steps <= 0:
            # To the trainer a segment is an epoch; the epochs that were asked for are passes.
            settings.max_steps = self._taught_run.all_steps
        try:
            return super()._inner_training_loop(*args, **kwargs)
        finally:
            settings.max_steps = most_steps

    def _stored_state(self, checkpoint: str) -> dict[str, Any]:
        """The state in a checkpoint, if it is one of such lessons."""
        state = read_state(Path(checkpoint))
        self._lessons.check(state)
        return state

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """What `Trainer` saves with; the lifetime goes into the same folder, before the rest."""
        trainer: Any = self
        hearing = self._taught_run.hearing
        if hearing is not None:
            self._lessons.heard = hearing.of_all()
        if trainer.args.should_save:
            folder = Path(trainer._get_output_dir(trial=trial))
            folder /= f"checkpoint-{trainer.state.global_step}"
            write_state(folder, self._lessons.state_dict())
        super()._save_checkpoint(model, trial)

    def _log_alone(self, line: dict[str, float]) -> None:
        """Log this line; TRL's own `log` would put the averages that it gathers into it."""
        from transformers import Trainer

        trainer: Any = self
        Trainer.log(trainer, line)

    def _shared(self, make: Callable[[], Any]) -> Any:
        """What the first process makes, in every process; none waits for one that failed."""
        trainer: Any = self
        if trainer.accelerator.num_processes == 1:
            return make()
        from accelerate.utils import broadcast_object_list

        result: list[Any] = [None, None]
        failure: Exception | None = None
        if trainer.accelerator.is_main_process:
            try:
                result[0] = make()
            except Exception as wrong:
                failure, result[1] = wrong, str(wrong)
        broadcast_object_list(result)
        if failure is not None:
            raise failure
        if result[1] is not None:
            raise ValueError(result[1])
        return result[0]


def taught(trainer: type[Any]) -> type[Any]:
    """The same trainer with `TaughtMixin` in front: it takes `tutor=` and what belongs to it.

    Raises:
        ValueError: for a trainer that is made already.
    """
    if not isinstance(trainer, type):
        raise ValueError(
            f"taught takes the class of a trainer, not a {type(trainer).__name__} that is made: "
            "write taught(Trainer)(tutor=tutor, ...)"
        )
    return type(f"Taught{trainer.__name__}", (TaughtMixin, trainer), {})


def _concatenated(parts: list[Any]) -> Any:
    """Tables one after the other."""
    from datasets import concatenate_datasets

    return concatenate_datasets(parts)


def _check_trainer(mixed: Any) -> None:
    try:
        from transformers import Trainer
    except ModuleNotFoundError as missing:
        raise ModuleNotFoundError(
            "a tutor in a trainer needs transformers, datasets and accelerate; "
            f"run {install_hint('hf')}"
        ) from missing
    if not isinstance(mixed, Trainer):
        raise ValueError(
            f"{type(mixed).__name__} is no trainer: write "
            "taught(Trainer), or class TaughtTrainer(TaughtMixin, Trainer)"
        )


def _check_arguments(trainer: Any, lessons: Lessons) -> None:
    """Refuse what takes the choice or the feedback from the tutor, or changes what a step is."""
    args = trainer.args
    strategy = getattr(args, "train_sampling_strategy", "random")
    if strategy != "random":
        # KTO's other losses compare with the neighbours in a fixed order.
        ordered = getattr(trainer, "calculate_KL", False)
        way_out = " and loss_type='apo_zero_unpaired', which needs no order" if ordered else ""
        raise ValueError(
            f"train_sampling_strategy={str(strategy)!r} orders the examples, which is the tutor's "
            f"part; give train_sampling_strategy='random'{way_out}"
        )
    if args.load_best_model_at_end:
        _check_best(args, lessons)
    if getattr(args, "auto_find_batch_size", False):
        raise ValueError(
            "auto_find_batch_size changes what a step is in mid-training; "
            "give per_device_train_batch_size"
        )
    if lessons.metric == "accuracy" and lessons.feedback == TRAINING and _packs(args):
        raise ValueError(
            "with packing a row holds several examples, which are never all right at once: with "
            f"feedback={TRAINING!r} give metric='loss' or 'token_accuracy', or packing=False"
        )
    if lessons.feedback == REWARDED and args.remove_unused_columns:
        raise ValueError(
            "remove_unused_columns=True takes away the column that says whose the rewards are; "
            "leave it out"
        )
    if lessons.counts_tokens and str(args.include_num_input_tokens_seen) in ("no", "False"):
        raise ValueError(
            "the tutor's budget is in tokens, which the trainer does not count; "
            "give include_num_input_tokens_seen='all', or a budget in steps"
        )


def _packs(args: Any) -> bool:
    """Whether rows hold several examples."""
    return bool(getattr(args, "packing", False) or getattr(args, "padding_free", False))


def _check_best(args: Any, lessons: Lessons) -> None:
    """Refuse to load the best model where it would be evaluated but not saved."""
    if lessons.feedback in ("bandit", TRAINING) and args.eval_strategy == "no":
        what = "one task is evaluated at a time" if lessons.feedback == "bandit" else "none is"
        raise ValueError(
            f"load_best_model_at_end finds no best model where {what}, as with "
            f"feedback={lessons.feedback!r}; give an eval_strategy of the trainer's own, or "
            "feedback='full'"
        )
    if lessons.feedback != "full" or args.save_strategy == "best":
        return
    # Less than 1 is a share of all steps.
    every = args.save_steps if args.save_strategy == "steps" else 0
    if every < 1 or lessons.steps % every:
        raise ValueError(
            "load_best_model_at_end needs a checkpoint wherever a segment ends and is evaluated, "
            f"every {lessons.steps} steps; give save_strategy='best', or save_strategy='steps' "
            f"with save_steps that divide {lessons.steps}"
        )


def _callback(run: TaughtRun) -> Any:
    """What tells the run where the trainer is."""
    from transformers import TrainerCallback

    class TutorCallback(TrainerCallback):
        def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            run.begin_segment()

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            run.end_step(control)

        def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            run.end_segment(control)

        def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            run.lessons.say_in_all()

    return TutorCallback()
