"""The loop cohort: n students of any kind, one after the other, for code that can't be stacked.

Legend: n students, k tasks, r rows named in a call, b examples of a batch, e evaluation examples,
s student steps of a call to `train`.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from torch import Tensor

from ..contract.batches import check_lesson, draw_examples, draw_tasks, evaluation_examples
from ..contract.cohort import (
    NotShownError,
    Outcomes,
    Rows,
    Training,
    check_sizes,
    checked_mixture,
    fewer,
)
from ..contract.global_streams import lent_streams, sow
from ..contract.scoring import LOSS_LIMIT, Evaluation
from ..contract.tasks import SPLITS, Pool, TaskSuite

_RESET, _STEP, _EVALUATE, _MEASURE = 501, 502, 503, 504


@dataclass(frozen=True)
class Batch:
    """Examples for one student: what it is trained on in one step, or tested on."""

    split: str
    tasks: np.ndarray
    """Index of each example's task, (b,) int64; a test has one task."""
    index: np.ndarray
    """Index of each example within this split of its task, (b,) int64."""
    pool: Pool
    """All examples of the split."""

    def __len__(self) -> int:
        return len(self.tasks)

    @cached_property
    def inputs(self) -> Tensor:
        """The examples' inputs, (b, ...)."""
        return self.pool.inputs[self.pool.offsets[self.tasks] + self.index]

    @cached_property
    def targets(self) -> Tensor:
        """The examples' targets, (b, l) int64."""
        return self.pool.targets[self.pool.offsets[self.tasks] + self.index]


@dataclass(frozen=True)
class Step:
    """What one student step brought, with what its examples showed before the student learned.

    There may be more or fewer of them than in the batch, m: agents have episodes.
    """

    loss: float
    """Mean loss of the batch."""
    right: np.ndarray
    """Whether each example was answered right, or the credit in [0, 1] that it got, (m,)."""
    losses: np.ndarray
    """Loss of each example, (m,)."""
    norm: float = 0.0
    """Norm of the gradient; 0 where there is none."""
    tasks: np.ndarray | None = None
    """Index of each example's task, (m,); those of the batch by default."""


class SingleStudent(Protocol):
    """One student with a training loop of its own.

    Inside every call the global streams of torch, numpy and Python are the student's own, started
    anew for this call: draw from them as you please. Generators that a student holds itself belong
    into its state.
    """

    def reset(self, seed: int) -> None:
        """Return to the base weights, or draw initial ones, with a fresh optimizer."""

    def train(self, batch: Batch) -> "float | tuple[float, float] | Step":
        """One student step; returns the loss, and the norm of the gradient where there is one.

        Or a `Step`, which also says what the examples showed: a teacher can then go by training
        alone.
        """

    def evaluate(self, batch: Batch) -> tuple[float, float] | tuple[float, float, float]:
        """Score in [0, 1] and loss >= 0, and the calibration error in [0, 1] where there is one."""

    def state_dict(self) -> dict[str, Any]:
        """Everything that training changes."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up such a state; a student that was never reset may be asked to."""


class LoopCohort:
    """n single students behind the contract of a cohort.

    The cohort chooses the examples, keeps the members' random streams apart, freezes who diverges
    and refuses scores that are none. A student that is frozen keeps what its last step made of it.

    Args:
        suite: what there is to learn.
        make_student: makes one member; called n times.
        n: members.
        batch_size: training examples per student step.
        evaluation_size: examples per task and split that a student is evaluated on; which ones
            is fixed by its seed.
        remeasure: evaluate the first batch of every training before and after it, for the losses
            that are reported; else they are those that `train` returned for the first and the last
            batch.
    """

    def __init__(
        self,
        suite: TaskSuite,
        make_student: Callable[[], SingleStudent],
        n: int,
        *,
        batch_size: int = 32,
        evaluation_size: int = 128,
        remeasure: bool = True,
    ) -> None:
        check_sizes(n=n, batch_size=batch_size, evaluation_size=evaluation_size)
        self.suite, self.n = suite, n
        self.batch_size, self.evaluation_size = batch_size, evaluation_size
        self.diverged = np.zeros(n, dtype=bool)
        self._remeasure = remeasure
        self._pools: dict[str, Pool] = {}
        self._seeds, self._taken = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
        self._drawn = np.zeros((n, len(suite)), dtype=np.int64)
        with lent_streams():
            self.students = [make_student() for _ in range(n)]
            """The members, in order."""
        if len({id(student) for student in self.students}) < n:
            raise ValueError("make_student returned one student twice; it must make a new one")
        self.reset(np.arange(n), np.arange(n))

    def reset(self, rows: Rows, seeds: np.ndarray) -> None:
        """Hand these members their seeds, (r,), to start anew."""
        self._seeds[rows], self._drawn[rows], self.diverged[rows] = seeds, 0, False
        self._taken[rows] = 0
        with lent_streams():
            for row, seed in zip(rows, seeds, strict=True):
                sow(int(seed), _RESET)
                self.students[row].reset(int(seed))

    def check_lesson(self, steps: int) -> None:
        """See `Drawing`."""
        check_lesson(self.n, steps, self.batch_size)

    def train(
        self,
        mixture: np.ndarray,
        steps: int,
        rows: Rows | None = None,
        fresh: bool = False,
        by_task: bool = False,
    ) -> Training:
        """See `Cohort.train`; a fresh batch is the one that comes next in a member's own stream."""
        rows = np.arange(self.n) if rows is None else np.asarray(rows)
        mixture = checked_mixture(mixture, steps, rows, len(self.suite))
        drawn, seeds, size = self._drawn[rows], self._seeds[rows], self.batch_size
        pool = self._pool("train")
        tasks = draw_tasks(mixture, seeds, drawn, (steps + fresh) * size)
        index = draw_examples(pool, seeds, drawn, tasks[:, : steps * size])
        self._drawn[rows] = drawn
        if fresh:
            ahead = draw_examples(pool, seeds, drawn, tasks[:, steps * size :])
            index = np.concatenate([index, ahead], axis=1)
        index -= pool.offsets[tasks]
        result = np.full((5, len(rows)), LOSS_LIMIT)
        outcomes = np.zeros((3, len(rows), len(self.suite)))
        with lent_streams():
            for place, row in enumerate(rows):
                batches = [
                    Batch("train", *parts, pool)
                    for parts in zip(
                        tasks[place].reshape(-1, size), index[place].reshape(-1, size), strict=True
                    )
                ]
                shown: list[np.ndarray] | None = [] if by_task else None
                result[:, place] = self._teach(int(row), batches[:steps], batches[steps:], shown)
                if shown:
                    outcomes[:, place] = self._summed(shown)
        # Losses that are not finite or too large to be shown are reported as the limit.
        losses = np.nan_to_num(result, nan=LOSS_LIMIT).clip(-LOSS_LIMIT, LOSS_LIMIT)
        return Training(
            losses[0], losses[1], result[2], losses[3], losses[4],
            Outcomes(*outcomes) if by_task else None,
        )  # fmt: skip

    def _teach(
        self,
        row: int,
        batches: Sequence[Batch],
        fresh: Sequence[Batch],
        shown: list[np.ndarray] | None,
    ) -> list[float]:
        """The figures of `Training` for one member; what steps showed is added to `shown`."""
        if self.diverged[row]:
            return [LOSS_LIMIT, LOSS_LIMIT, 0.0, LOSS_LIMIT, LOSS_LIMIT]
        looked_at = [*batches[: int(self._remeasure)], *fresh]
        before = self._measure(row, looked_at)
        losses, norms = [], []
        for batch in batches:
            sow(int(self._seeds[row]), _STEP, int(self._taken[row]))
            loss, norm = self._stepped(row, batch, shown)
            self._taken[row] += 1
            losses.append(loss)
            if not np.isfinite(loss):
                break
            norms.append(norm)
        self.diverged[row] = not np.isfinite(losses[-1])
        after = self._measure(row, looked_at)
        if self._remeasure:
            self.diverged[row] |= not np.isfinite(after[0])
        else:
            before, after = [losses[0], *before], [losses[-1], *after]
        finite = [norm for norm in norms if np.isfinite(norm)]
        mean_norm = float(np.mean(finite)) if finite else 0.0
        return [before[0], after[0], mean_norm, before[-1], after[-1]]

    def _stepped(
        self, row: int, batch: Batch, shown: list[np.ndarray] | None
    ) -> tuple[float, float]:
        """Loss and norm of one student step; task, right and loss (3, m) are added to `shown`."""
        answer = self.students[row].train(batch)
        if isinstance(answer, Step):
            if shown is not None:
                shown.append(self._examples(row, batch, answer))
            return float(answer.loss), float(answer.norm)
        loss, norm, *_ = (*_numbers(row, "train", answer, (1, 2)), 0.0)
        if shown is not None:
            raise NotShownError(
                f"train of member {row} returned {answer!r:.60}, which does not say what the "
                "examples of each task showed; return a lessonplan.student.Step"
            )
        return loss, norm

    def _examples(self, row: int, batch: Batch, step: Step) -> np.ndarray:
        """Task, right and loss of each example of a step, (3, m) float64."""
        tasks = batch.tasks if step.tasks is None else np.asarray(step.tasks)
        right, losses = np.asarray(step.right), np.asarray(step.losses)
        shapes = [part.shape for part in (tasks, right, losses)]
        known = bool(((tasks >= 0) & (tasks < len(self.suite))).all())
        # A student that diverges does not know what is right any more.
        sound = bool(((right >= 0) & (right <= 1)).all()) or not np.isfinite(step.loss)
        if right.ndim != 1 or len(set(shapes)) > 1 or not known or not sound:
            raise ValueError(
                f"the Step of member {row} must hold tasks in [0, {len(self.suite)}), right in "
                f"[0, 1] and losses, one of each per example (m,); got shapes {shapes}, tasks "
                f"{tasks.tolist()!r:.80} and right {right.tolist()!r:.80}"
            )
        return np.stack([tasks, np.nan_to_num(right), losses]).astype(np.float64)

    def _summed(self, shown: Sequence[np.ndarray]) -> np.ndarray:
        """Count, right and loss of each task of one member, (3, k)."""
        tasks, right, losses = np.concatenate(shown, axis=1)[:, None]
        sums = Outcomes.summed(tasks.astype(np.int64), right, losses, len(self.suite))
        return np.concatenate([sums.count, sums.right, sums.loss])

    def _measure(self, row: int, batches: Sequence[Batch]) -> list[float]:
        """Loss on each of the batches without training on them; infinite for the diverged."""
        losses = []
        for batch in batches:
            sow(int(self._seeds[row]), _MEASURE, int(self._taken[row]))
            if self.diverged[row]:
                losses.append(np.inf)
            else:
                losses.append(self._tested(row, batch)[1])
        return losses

    def evaluate(
        self,
        split: str,
        tasks: np.ndarray | None = None,
        rows: Rows | None = None,
        size: int | None = None,
    ) -> Evaluation:
        """See `Cohort.evaluate`."""
        rows = np.arange(self.n) if rows is None else np.asarray(rows)
        pool = self._pool(split)
        most = fewer(self.evaluation_size, size)
        index, used = evaluation_examples(pool, split, self._seeds[rows], most)
        index = index - pool.offsets[:, None]
        tasks_of_rows = np.tile(np.arange(len(self.suite)), (len(rows), 1))
        tasks_of_rows = tasks_of_rows if tasks is None else np.asarray(tasks)[:, None]
        figures = np.zeros((3, *tasks_of_rows.shape), dtype=np.float32)
        with lent_streams():
            for place, task in np.ndindex(tasks_of_rows.shape):
                row, which = int(rows[place]), int(tasks_of_rows[place, task])
                places = index[place, which][used[place, which]]
                batch = Batch(split, np.full(len(places), which), places, pool)
                sow(int(self._seeds[row]), _EVALUATE, SPLITS.index(split), which)
                figures[:, place, task] = self._score(row, which, batch)
        return Evaluation(*figures)

    def _tested(self, row: int, batch: Batch) -> tuple[float, ...]:
        """What a member's `evaluate` returned: score, loss, and the calibration error if any."""
        return _numbers(row, "evaluate", self.students[row].evaluate(batch), (2, 3))

    def _score(self, row: int, task: int, batch: Batch) -> tuple[float, float, float]:
        """Score, loss and calibration error of one member on one task, all of them sound."""
        score, loss, error, *_ = (
            *self._tested(row, batch),
            0.0,
        )
        if self.diverged[row]:
            score, error = (float(np.nan_to_num(x, posinf=0.0)) for x in (score, error))
        bounded = (("score", score, 1.0), ("calibration error", error, 1.0))
        for name, value, high in (*bounded, ("loss", loss, np.inf)):
            sound = 0.0 <= value <= high or (name == "loss" and not np.isfinite(value))
            if not sound:
                raise ValueError(
                    f"member {row} (student seed {self._seeds[row]}) returned the {name} {value} "
                    f"for task {self.suite.names[task]!r} on {batch.split!r}; it must be "
                    f"{'in [0, 1]' if name != 'loss' else 'at least 0'}"
                )
        return score, min(abs(float(np.nan_to_num(loss, nan=LOSS_LIMIT))), LOSS_LIMIT), error

    def state_dict(self) -> dict[str, Any]:
        """The members' own states, copied, and the positions of their streams."""
        return {
            "students": [copy.deepcopy(student.state_dict()) for student in self.students],
            "seeds": self._seeds.copy(),
            "taken": self._taken.copy(),
            "drawn": self._drawn.copy(),
            "diverged": self.diverged.copy(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state of a cohort of the same suite, students and size."""
        if state["drawn"].shape != self._drawn.shape:
            raise ValueError(
                f"the state is one of (n, k) = {state['drawn'].shape}, this cohort's is "
                f"{self._drawn.shape}; build it with the same suite and n"
            )
        self._seeds[:], self._taken[:] = state["seeds"], state["taken"]
        self._drawn[:], self.diverged[:] = state["drawn"], state["diverged"]
        with lent_streams():
            for row, own in enumerate(state["students"]):
                sow(int(self._seeds[row]), _RESET)
                self.students[row].load_state_dict(copy.deepcopy(own))

    def _pool(self, split: str) -> Pool:
        if split not in self._pools:
            self._pools[split] = self.suite.pool(split)
        return self._pools[split]


def _numbers(row: int, verb: str, answer: Any, counts: tuple[int, int]) -> tuple[float, ...]:
    """What a member's `train` or `evaluate` returned, as one of so many numbers."""
    try:
        values = () if answer is None else np.atleast_1d(np.asarray(answer, dtype=np.float64))
        numbers = tuple(float(x) for x in values)
    except (TypeError, ValueError, RuntimeError):
        numbers = ()
    if len(numbers) not in counts:
        raise ValueError(
            f"{verb} of member {row} must return {counts[0]} or {counts[1]} plain numbers, "
            f"got {answer!r:.80}"
        )
    return numbers
