"""What stacking students gains over training them one after the other, as ratios of one run.

The loop that the cohort is measured against is what one would write for many small students: plain
modules, torch's fastest Adam, `clip_grad_norm_`, the same gather of each batch. Both run on one
thread and take turns, and processor time counts, which other programs disturb least. The loop gets
the indices of its batches for nothing and reports no losses; the cohort draws its own and reports
the losses before and after.

Legend: n students, k tasks, b batch, l tokens, v vocabulary.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from lessonplan.student import (
    IGNORED,
    LSTM,
    MLP,
    SPLITS,
    Decoder,
    Examples,
    StackedCohort,
    Task,
    TaskSuite,
    parity,
)

STEPS = 20
"""Student steps of one timed call to `train`, as between two decisions."""

TIMED = {"decoder_large": 8}
"""Students of a cohort whose training is timed where that of all would take too long."""

Kind = tuple[TaskSuite, Callable[[], nn.Module], int]
"""What is learned, what makes a student, examples per step."""


def mlp_kind() -> Kind:
    """Parity on a perceptron with two layers of 64 units, 32 examples a step."""
    suite = parity()
    return suite, lambda: MLP(suite.input_shape, suite.n_outputs, (64, 64)), 32


def small_decoder_kind() -> Kind:
    """Text of 16 tokens on a transformer of width 32, 8 examples a step."""
    suite = _text_suite(length=16)
    return suite, lambda: Decoder(suite.input_shape, suite.n_outputs, width=32, n_layers=2), 8


def large_decoder_kind() -> Kind:
    """Text of 24 tokens on a transformer of width 64, 32 examples a step."""
    suite = _text_suite(length=24)
    return suite, lambda: Decoder(suite.input_shape, suite.n_outputs, width=64, n_layers=2), 32


def lstm_kind() -> Kind:
    """Text of 16 tokens on an LSTM of width 32, 8 examples a step."""
    suite = _text_suite(length=16)
    return suite, lambda: LSTM(suite.input_shape, suite.n_outputs, width=32), 8


KINDS: dict[str, Callable[[], Kind]] = {
    "mlp": mlp_kind,
    "decoder_small": small_decoder_kind,
    "decoder_large": large_decoder_kind,
    "lstm": lstm_kind,
}


def stacked_versus_loop(kind: str, n: int = 32, repetitions: int = 5) -> dict[str, float]:
    """How many times faster students of a cohort of n train than single ones in a loop.

    Args:
        kind: one of `KINDS`.
        n: students.
        repetitions: timed pairs; one untimed pair comes first.

    Returns:
        `median`, `min` and `max` of the ratio loop / cohort over the pairs, and the median
        microseconds per student step of each, `cohort_us` and `loop_us`.
    """
    suite, build, batch_size = KINDS[kind]()
    rows = np.arange(min(n, TIMED.get(kind, n)))
    mixture = np.eye(len(suite))[rows % len(suite)]
    cohort = StackedCohort(suite, build, n, batch_size=batch_size)
    loop = _Loop(suite, build, len(rows), batch_size)
    with one_torch_thread():
        times = alternate(
            [lambda: cohort.train(mixture, STEPS, rows), lambda: loop.train(mixture)], repetitions
        )
    microseconds = np.median(times, axis=0) / (len(rows) * STEPS) * 1e6
    return {
        **spread(times[:, 1] / times[:, 0]),
        "cohort_us": float(microseconds[0]),
        "loop_us": float(microseconds[1]),
    }


def cost_per_student(
    n_small: int = 32, n_large: int = 512, kind: str = "mlp", repetitions: int = 5
) -> dict[str, float]:
    """How much dearer a student step is in a large cohort than in a small one (1: the same).

    Returns:
        `median`, `min` and `max` of the ratio large / small of the time per student step.
    """
    suite, build, batch_size = KINDS[kind]()
    # As many student steps in both calls, so that they take about as long.
    repeats = max(1, n_large // n_small)
    calls = []
    for n, times_over in ((n_small, repeats), (n_large, 1)):
        cohort = StackedCohort(suite, build, n, batch_size=batch_size)
        mixture = np.eye(len(suite))[np.arange(n) % len(suite)]
        calls.append(_repetition(cohort, mixture, times_over))
    with one_torch_thread():
        times = alternate(calls, repetitions)
    per_student = times / np.array([n_small * repeats, n_large])
    return spread(per_student[:, 1] / per_student[:, 0])


class _Loop:
    """n single students, trained one after the other."""

    def __init__(
        self, suite: TaskSuite, build: Callable[[], nn.Module], n: int, batch_size: int
    ) -> None:
        self.pool, self.n, self.batch_size = suite.pool("train"), n, batch_size
        self.students = [build() for _ in range(n)]
        self.optimizers = [
            torch.optim.Adam(student.parameters(), lr=1e-3, fused=True) for student in self.students
        ]
        self.generator = np.random.default_rng(0)

    def train(self, mixture: np.ndarray) -> Callable[[], None]:
        """Draw the batches now; the function that trains on them is what gets timed."""
        task = mixture.argmax(axis=1)
        size = (self.n, STEPS, self.batch_size)
        within = self.generator.integers(0, self.pool.sizes[task][:, None, None], size)
        index = torch.from_numpy(within + self.pool.offsets[task][:, None, None])

        def work() -> None:
            for student, optimizer, batches in zip(
                self.students, self.optimizers, index, strict=True
            ):
                for batch in batches:
                    self._step(student, optimizer, batch)

        return work

    def _step(
        self, student: nn.Module, optimizer: torch.optim.Optimizer, batch: torch.Tensor
    ) -> None:
        logits = student(self.pool.inputs[batch])
        targets = self.pool.targets[batch]
        loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED)
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        optimizer.step()


def _repetition(cohort: StackedCohort, mixture: np.ndarray, times: int) -> Callable[[], None]:
    def work() -> None:
        for _ in range(times):
            cohort.train(mixture, STEPS)

    return work


def alternate(calls: Sequence[Callable[[], object]], repetitions: int) -> np.ndarray:
    """Seconds of processor time of each call, (repetitions, calls); the calls take turns.

    A call that returns a function has only prepared its work: the function is timed instead.
    """
    times = np.zeros((repetitions + 1, len(calls)))
    for repetition in range(repetitions + 1):
        for i, call in enumerate(calls):
            start = time.process_time()
            prepared = call()
            if callable(prepared):
                start = time.process_time()
                prepared()
            times[repetition, i] = time.process_time() - start
    return times[1:]


def spread(ratios: np.ndarray) -> dict[str, float]:
    """Median, lowest and highest of some ratios."""
    return {
        "median": float(np.median(ratios)),
        "min": float(ratios.min()),
        "max": float(ratios.max()),
    }


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Run the body with one thread inside of torch's operations."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _text_suite(length: int, vocabulary: int = 32, n_tasks: int = 4, size: int = 512) -> TaskSuite:
    """Random text that is to be continued by a shift of its letters; half of it is answer."""
    generator = np.random.default_rng(length)
    tasks = []
    for shift in range(1, n_tasks + 1):
        splits = {}
        for split in SPLITS:
            question = generator.integers(0, vocabulary, (size, length // 2))
            text = np.concatenate([question, (question + shift) % vocabulary], axis=1)
            targets = np.full_like(text, IGNORED)
            targets[:, length // 2 - 1 : -1] = text[:, length // 2 :]
            splits[split] = Examples(torch.from_numpy(text), torch.from_numpy(targets))
        tasks.append(Task(name=f"shift-{shift}", splits=splits))
    return TaskSuite("shifts", tuple(tasks), n_outputs=vocabulary)
