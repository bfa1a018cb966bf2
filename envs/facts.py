"""Everything that is known of n students in their lifetimes, in canonical task order.

Legend: n students, k tasks, r rows named in a call.
"""

from typing import Any

import numpy as np

from lessonplan.student import Evaluation, TaskSuite

from .budget import Budget, Spending


class Facts:
    """Scores, counts and spending; arrays are (n, k) float64 unless they say otherwise."""

    def __init__(self, n: int, suite: TaskSuite, budget: Budget) -> None:
        k = len(suite)
        self.suite = suite
        self.threshold = suite.values("threshold")
        weights = suite.values("importance")
        self.weights = weights / weights.sum()
        self.score, self.loss = np.zeros((n, k)), np.zeros((n, k))
        self.best = np.zeros((n, k))
        self.streak = np.zeros((n, k), dtype=np.int64)
        """Evaluations in a row at or above the threshold."""
        self.chosen = np.zeros((n, k))
        """Decisions for each task; a mixture counts in shares."""
        self.recency = np.zeros((n, k))
        """Decisions since the task was chosen, or since the lifetime began."""
        self.decisions = np.zeros(n, dtype=np.int64)
        self.mastered_for = np.zeros(n, dtype=np.int64)
        """Decisions in a row after which every task was mastered."""
        self.mastered_ever = np.zeros(n, dtype=bool)
        """Whether every task was mastered after some decision."""
        self.student_seed = np.zeros(n, dtype=np.int64)
        self.spending = Spending(n, budget)

    def reset(self, rows: np.ndarray, seeds: np.ndarray) -> None:
        """A new lifetime for these rows."""
        for array in self._arrays().values():
            array[rows] = 0
        self.spending.reset(rows)
        self.student_seed[rows] = seeds

    def see(self, rows: np.ndarray, tasks: np.ndarray | None, evaluation: Evaluation) -> None:
        """Enter an evaluation of all tasks, or only of `tasks` (r,)."""
        where: Any = (rows,) if tasks is None else (rows[:, None], tasks[:, None])
        self.score[where], self.loss[where] = evaluation.score, evaluation.loss
        self.best[where] = np.maximum(self.best[where], evaluation.score)
        threshold = self.threshold if tasks is None else self.threshold[tasks[:, None]]
        passed = evaluation.score >= threshold - 1e-6
        self.streak[where] = np.where(passed, self.streak[where] + 1, 0)

    def choose(self, rows: np.ndarray, shares: np.ndarray) -> None:
        """Enter a decision as shares of the tasks, (r, k), rows sum to 1."""
        self.decisions[rows] += 1
        self.recency[rows] = np.where(shares > 0, 0.0, self.recency[rows] + 1)
        self.chosen[rows] += shares

    def mastered(self, rows: np.ndarray, streak: int) -> np.ndarray:
        """Whether each task is mastered, (r, k) bool."""
        return np.asarray(self.streak[rows] >= streak)

    def _arrays(self) -> dict[str, np.ndarray]:
        """What is known of each row."""
        return {
            "score": self.score, "loss": self.loss, "best": self.best, "streak": self.streak,
            "chosen": self.chosen, "recency": self.recency, "decisions": self.decisions,
            "mastered_for": self.mastered_for, "mastered_ever": self.mastered_ever,
            "student_seed": self.student_seed,
        }  # fmt: skip

    def state_dict(self) -> dict[str, np.ndarray]:
        """All arrays, copied."""
        arrays = self._arrays() | self.spending.arrays()
        return {name: array.copy() for name, array in arrays.items()}

    def load_state_dict(self, state: dict[str, np.ndarray]) -> None:
        """Take up the arrays of facts of the same shape."""
        for name, array in (self._arrays() | self.spending.arrays()).items():
            array[:] = state[name]
