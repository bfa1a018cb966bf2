"""The contract of a cohort: n students of the same shape, trained in lockstep.

Legend: n students, k tasks, r rows named in a call, s training examples of a row in it.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from .scoring import Evaluation, reported_loss
from .tasks import TaskSuite

Rows = np.ndarray
"""Indices of members, (r,) int64, without repeats."""
_LARGEST = 10_000_000


@dataclass(frozen=True)
class Outcomes:
    """What the training examples of each task showed before the student learned from them.

    They come from the passes that training makes anyway. Every array is (r, k) float64 and finite,
    and 0 where a task had no examples.
    """

    count: np.ndarray
    """Examples that were drawn, over all steps of the call."""
    right: np.ndarray
    """How many of them were answered right, in [0, count]: exact match of all answer tokens, what
    greedy decoding would write, or the credit that each got. Graders judge no training examples:
    of a task that has one this is the exact match, and not its score."""
    loss: np.ndarray
    """Sum over them of the example's mean cross-entropy per answer token in nats, or of what the
    student minimises otherwise; single losses above `LOSS_LIMIT`, or not finite, count as that."""

    @classmethod
    def summed(
        cls, tasks: np.ndarray, right: np.ndarray, loss: np.ndarray, n_tasks: int
    ) -> "Outcomes":
        """Outcomes of single examples, added up by task in the order of their rows.

        Args:
            tasks: of each example, (r, s).
            right: the credit that it got in [0, 1], (r, s).
            loss: (r, s).
            n_tasks: k.
        """
        size = len(tasks) * n_tasks
        cell = (np.arange(len(tasks))[:, None] * n_tasks + tasks).ravel()
        sums = (
            np.bincount(cell, None if values is None else values.ravel(), size)
            for values in (None, right, reported_loss(loss))
        )
        return cls(*(values.reshape(-1, n_tasks).astype(np.float64) for values in sums))


class NotShownError(ValueError):
    """Students were asked what their training examples showed, and can't say."""


@dataclass(frozen=True)
class Training:
    """What a training brought, for r members; every figure is (r,) float64 and finite.

    Losses are mean cross-entropies per answer token in nats for students that predict tokens, and
    what the student minimises otherwise.
    """

    loss_before: np.ndarray
    """Loss on the first batch, before any of the steps."""
    loss_after: np.ndarray
    """Loss on the same batch after all steps."""
    gradient_norm: np.ndarray
    """Mean over the steps of the gradient's norm before clipping; 0 where there is none."""
    fresh_before: np.ndarray
    """Loss before the steps on one batch of the same mixture that is not trained on; that on the
    first batch where none was asked for."""
    fresh_after: np.ndarray
    """The same after all steps."""
    by_task: Outcomes | None = None
    """What the examples of each task showed; None where it was not asked for."""

    @property
    def figures(self) -> dict[str, np.ndarray]:
        """All of it but `by_task`, by name, (r,) each."""
        return {name: values for name, values in vars(self).items() if name != "by_task"}

    @classmethod
    def of_losses(cls, before: np.ndarray, after: np.ndarray) -> "Training":
        """The training of students without a gradient, and without fresh examples."""
        return cls(before, after, np.zeros(len(before)), before, after)


@runtime_checkable
class Drawing(Protocol):
    """A cohort that draws all examples of a decision before its first step."""

    def check_lesson(self, steps: int) -> None:
        """Refuse a decision of so many student steps whose examples would fill the memory.

        Raises:
            ValueError: with what they would take.
        """


@runtime_checkable
class Returning(Protocol):
    """A cohort whose members can return to what they were, and begin with a fresh optimizer."""

    def keep(self, rows: Rows, places: np.ndarray) -> None:
        """Keep these members as they are now, each once more for each place, (r,) int64.

        What a member was in a place before is gone. A reset forgets nothing: a place is to be kept
        before it is returned to.
        """

    def go_back(self, rows: Rows, places: np.ndarray) -> None:
        """Return members to what they were when a place was kept, with their optimizers then.

        Their random streams go on: what they are trained on next is new.

        Raises:
            ValueError: if a member has nothing in its place.
        """

    def restart(self, rows: Rows) -> None:
        """Give these members a fresh optimizer, and the learning rate of their first step."""


@runtime_checkable
class Cohort(Protocol):
    """n students, each on its own task, each with its own optimizer and random stream.

    What every cohort guarantees: a member learns to the bit what it would learn alone; another
    member's task, divergence or reset changes nothing; a loaded state goes on as if it had never
    stopped; a member whose loss is no longer finite is frozen and flagged.
    """

    suite: TaskSuite
    n: int
    batch_size: int
    evaluation_size: int
    diverged: np.ndarray
    """Whether a member was frozen, (n,) bool."""

    def reset(self, rows: Rows, seeds: np.ndarray) -> None:
        """Return these members to the base weights with fresh optimizers; `seeds` is (r,)."""

    def train(
        self,
        mixture: np.ndarray,
        steps: int,
        rows: Rows | None = None,
        fresh: bool = False,
        by_task: bool = False,
    ) -> Training:
        """Train each member for `steps` student steps; each example's task is drawn from its row.

        Args:
            mixture: (r, k), rows sum to 1; one-hot trains on one task.
            steps: optimizer updates.
            rows: the members to train, all by default.
            fresh: measure the loss on a batch that is not trained on, too; nothing else depends
                on it.
            by_task: say what the examples of each task showed; nothing else depends on it.

        Raises:
            NotShownError: if `by_task` is asked for, and students can't say. (A cohort of one's
                own may also lack the argument, see `takes`.)
        """

    def evaluate(
        self,
        split: str,
        tasks: np.ndarray | None = None,
        rows: Rows | None = None,
        size: int | None = None,
    ) -> Evaluation:
        """Score, loss and calibration error on held-out data.

        Args:
            split: `probe`, `test` or `stress` (or `train`).
            tasks: evaluate only this task of each member, (r,); arrays are then (r, 1).
            rows: the members to evaluate, all by default.
            size: only the first so many examples of each evaluation set, at least 1; all by
                default, and where there are fewer.
        """

    def state_dict(self) -> dict[str, Any]:
        """Weights, optimizers and random streams of all members.

        Tensors, arrays of numbers, numbers, texts and None, in dicts, lists and tuples: it is
        stored and loaded without a pickle that could run anything.
        """

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a state of a cohort of the same kind and size."""


def takes(verb: Callable[..., Any], argument: str) -> bool:
    """Whether a cohort's `train` or `evaluate` knows an argument that came later, by its name."""
    known = inspect.signature(verb).parameters
    return argument in known or any(part.kind is part.VAR_KEYWORD for part in known.values())


def checked_mixture(mixture: np.ndarray, steps: int, rows: Rows, k: int) -> np.ndarray:
    """What `Cohort.train` was given as (r, k) float64.

    Raises:
        ValueError: if it is no mixture of k tasks for these rows, or there are no steps.
    """
    mixture = np.asarray(mixture, dtype=np.float64)
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
    if mixture.shape != (len(rows), k):
        raise ValueError(f"mixture must be (r, k) = {(len(rows), k)}, got {mixture.shape}")
    if not np.allclose(mixture.sum(axis=1), 1.0) or (mixture < 0).any():
        raise ValueError("every row of mixture must be non-negative and sum to 1")
    return mixture


def check_sizes(**sizes: int) -> None:
    """Refuse a size of a cohort or a network that is none, by its name."""
    for name, value in sizes.items():
        if isinstance(value, bool) or not isinstance(value, int | np.integer):
            raise ValueError(f"{name} must be a whole number, got {value!r:.60}")
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")
        if value > _LARGEST:
            raise ValueError(f"{name} must be at most {_LARGEST:,}, got {value:,}")


def fewer(evaluation_size: int, size: int | None) -> int:
    """Examples of an evaluation set that `Cohort.evaluate` looks at, given its `size`."""
    if size is None:
        return evaluation_size
    check_sizes(size=size)
    return min(evaluation_size, size)
