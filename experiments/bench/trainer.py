"""What a tutor adds to the steps of a Hugging Face `Trainer`, evaluation aside.

Legend: k tasks, b batch, l tokens.
"""

import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import partial
from io import StringIO
from typing import Any

import numpy as np
import torch

from lessonplan.envs import Tutor, taught
from lessonplan.student import install_hint
from lessonplan.teacher import RuleTeacher, TSCLSampling

from .cohort import one_torch_thread, spread

LAYERS = 2
BATCH, LENGTH = 8, 64
TASKS, ROWS, HELD_OUT = 8, 64, 8
STEPS_PER_DECISION = 20

Row = dict[str, Any]


class Clock:
    """Processor seconds by what was going on; what is nested counts for itself alone."""

    def __init__(self) -> None:
        self.seconds = {"training": 0.0, "evaluation": 0.0, "tutor": 0.0}
        self.now, self.since = "training", time.process_time()

    def turn(self, what: str) -> str:
        """From now on it is this; what it was before."""
        before, moment = self.now, time.process_time()
        self.seconds[before] += moment - self.since
        self.now, self.since = what, moment
        return before

    def timed(self, owner: Any, verb: str, what: str) -> None:
        """Count the time in this method of an object as this."""
        method: Callable[..., Any] = getattr(owner, verb)

        def with_clock(*args: Any, **kwargs: Any) -> Any:
            before = self.turn(what)
            try:
                return method(*args, **kwargs)
            finally:
                self.turn(before)

        setattr(owner, verb, with_clock)


def trainer_overhead(
    width: int = 128,
    steps: int = 60,
    repetitions: int = 5,
    feedback: str = "full",
    vocabulary: int = 512,
) -> dict[str, float]:
    """The tutor's share of the time of a training step, evaluation aside.

    Llama with two layers, 8 x 64 tokens a step, 8 tasks, a decision of a bandit every 20 steps.
    Everything that the tutor does counts: choosing, drawing the rows of a segment, taking in the
    evaluations, or what forward passes show, logging.

    Args:
        width: of the model.
        steps: of one run, a multiple of those between decisions.
        repetitions: runs; an untimed one comes first.
        feedback: what the tutor hears: `full`, `bandit` or `training`.
        vocabulary: words of the model.

    Returns:
        `median`, `min` and `max` of the share, and the median `milliseconds` of a step.
    """
    seconds = []
    with one_torch_thread():
        for _ in range(repetitions + 1):
            parts = _run(width, steps, feedback, vocabulary).seconds
            seconds.append((parts["tutor"], parts["training"]))
    tutor, training = np.array(seconds[1:]).T
    whole = tutor + training
    return spread(tutor / whole) | {"milliseconds": float(1e3 * np.median(whole) / steps)}


def trainer_versus_plain(
    width: int = 128, steps: int = 60, repetitions: int = 5, feedback: str = "full"
) -> dict[str, float]:
    """Time of a run with a tutor, evaluation aside, over that of the same trainer without one.

    Arguments are those of `trainer_overhead`.

    This counts what `trainer_overhead` can't see, such as a loader that begins anew with every
    segment; it is as noisy as the machine. The runs take turns.
    """
    ratios = []
    with one_torch_thread():
        for _ in range(repetitions + 1):
            parts = _run(width, steps, feedback).seconds
            plain = _run(width, steps, None).seconds
            ratios.append((parts["tutor"] + parts["training"]) / plain["training"])
    return spread(np.array(ratios[1:]))


def _run(width: int, steps: int, feedback: str | None, vocabulary: int = 512) -> Clock:
    """Train a new model, without a tutor where there is no feedback; where the time went."""
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(StringIO()):
        trainer = _trainer(folder, width, steps, feedback, vocabulary)
        clock = Clock()
        if feedback is not None:
            clock.timed(trainer, "evaluate", "evaluation")
            for verb in ("begin_segment", "end_step", "end_segment", "take"):
                clock.timed(trainer._taught_run, verb, "tutor")
        if feedback == "training":
            for verb in ("hear", "enter"):
                clock.timed(trainer._taught_run.hearing, verb, "tutor")
        clock.since = time.process_time()
        trainer.train()
        clock.turn("evaluation")
    return clock


def _trainer(folder: str, width: int, steps: int, feedback: str | None, vocabulary: int) -> Any:
    """A trainer with a random model on random text."""
    try:
        import transformers
    except ModuleNotFoundError as missing:
        raise ModuleNotFoundError(
            f"measuring a tutor in a trainer needs transformers; run {install_hint('hf')}"
        ) from missing
    transformers.set_seed(0)
    names = [f"task-{i}" for i in range(TASKS)]
    arguments: dict[str, Any] = {
        "model": transformers.LlamaForCausalLM(_llama(width, vocabulary)),
        "args": _settings(folder, steps),
        "data_collator": _collate,
        "train_dataset": _rows(names, ROWS, vocabulary),
    }
    if feedback is None:
        return transformers.Trainer(**arguments)
    teacher = partial(RuleTeacher, TSCLSampling())
    tutor = Tutor(
        names,
        teacher,
        observe=("progress:difference", "measured", "key"),
        steps_per_decision=STEPS_PER_DECISION,
    )
    return taught(transformers.Trainer)(
        tutor=tutor, eval_dataset=_rows(names, HELD_OUT, vocabulary), feedback=feedback, **arguments
    )


def _llama(width: int, vocabulary: int) -> Any:
    """The shape of a small Llama."""
    import transformers

    return transformers.LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=LAYERS,
        num_attention_heads=4,
        num_key_value_heads=4,
    )


def _settings(folder: str, steps: int) -> Any:
    """Arguments of a trainer that saves nothing and reports to nobody."""
    import transformers

    return transformers.TrainingArguments(
        folder,
        max_steps=steps,
        per_device_train_batch_size=BATCH,
        report_to="none",
        save_strategy="no",
        use_cpu=True,
        disable_tqdm=True,
        seed=0,
        remove_unused_columns=False,
        dataloader_pin_memory=False,
    )


def _rows(names: list[str], count: int, vocabulary: int) -> list[Row]:
    """Random text of every task, `count` rows of l tokens each."""
    generator = torch.Generator().manual_seed(count)
    text = torch.randint(vocabulary, (len(names) * count, LENGTH), generator=generator)
    return [{"input_ids": row, "task": names[i // count]} for i, row in enumerate(text)]


def _collate(rows: list[Row]) -> dict[str, torch.Tensor]:
    """A batch (b, l) that is its own target."""
    tokens = torch.stack([row["input_ids"] for row in rows])
    return {"input_ids": tokens, "labels": tokens}
