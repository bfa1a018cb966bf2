"""The contract of a cohort: n students of the same shape, trained in lockstep.

Legend: n students, k tasks, r rows named in a call.
"""

from typing import Any, Protocol, runtime_checkable

import numpy as np

from .scoring import Evaluation
from .tasks import TaskSuite

Rows = np.ndarray
"""Indices of members, (r,) int64, without repeats."""


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
        self, mixture: np.ndarray, steps: int, rows: Rows | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Train each member for `steps` student steps; each example's task is drawn from its row.

        Args:
            mixture: (r, k), rows sum to 1; one-hot trains on one task.
            steps: optimizer updates.
            rows: the members to train, all by default.

        Returns:
            Loss on the first of the batches before and after the training, (r,) each.
        """

    def evaluate(
        self, split: str, tasks: np.ndarray | None = None, rows: Rows | None = None
    ) -> Evaluation:
        """Score, loss and calibration error on held-out data.

        Args:
            split: `probe`, `test` or `stress` (or `train`).
            tasks: evaluate only this task of each member, (r,); arrays are then (r, 1).
            rows: the members to evaluate, all by default.
        """

    def state_dict(self) -> dict[str, Any]:
        """Weights, optimizers and random streams of all members."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a state of a cohort of the same kind and size."""
