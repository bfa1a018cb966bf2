"""Everything that is known of n students in their lifetimes, in canonical task order.

Legend: n students, k tasks, e pairs of a task and a prerequisite, r rows named in a call.
"""

import numpy as np

from lessonplan.student import Evaluation, TaskSuite, Training
from lessonplan.student.contract import LOSS_LIMIT

from .budget import Budget, Spending

MASTERY_MARGIN = 1e-6
"""How far below its threshold a score still passes: scores are stored in single precision, and 0.9
must pass a threshold of 0.9."""

NORM_LIMIT = 1e4
"""What a larger or non-finite norm of a gradient counts as."""


def passes(score: np.ndarray, threshold: np.ndarray) -> np.ndarray:
    """Whether scores are at or above their thresholds, bool of the shape that both broadcast to."""
    return np.asarray(score >= threshold - MASTERY_MARGIN)


def next_streak(streak: np.ndarray, passed: np.ndarray) -> np.ndarray:
    """Evaluations in a row that were passed, after one more; all arrays have one shape."""
    return np.where(passed, streak + 1, 0)


_OF_ROWS = (
    "score", "loss", "best", "streak", "seen", "gain", "fresh_gain", "gradient_norm", "chosen",
    "recency", "decisions", "mastered_for", "mastered_ever", "student_seed",
)  # fmt: skip
"""Arrays of `Facts` that a lifetime changes; the others are the suite's."""


class Facts:
    """Scores, counts and spending; arrays are (n, k) float64 unless they say otherwise."""

    def __init__(self, n: int, suite: TaskSuite, budget: Budget) -> None:
        k = len(suite)
        self.suite = suite
        self.threshold = suite.values("threshold")
        weights = suite.values("importance")
        self.weights = weights / weights.sum()
        self.prerequisites = _pairs(suite)
        """Each task with each of its prerequisites, (2, e) int64: e pairs, by task."""
        self.score, self.loss = np.zeros((n, k)), np.zeros((n, k))
        self.best = np.zeros((n, k))
        self.streak = np.zeros((n, k), dtype=np.int64)
        """Evaluations in a row at or above the threshold."""
        self.seen = np.zeros((n, k), dtype=bool)
        """Whether score and loss were measured since the last decision."""
        self.gain, self.fresh_gain = np.zeros((n, k)), np.zeros((n, k))
        """How far the last training on the task lowered the loss on its own first batch, and on
        fresh examples; 0 before the first."""
        self.gradient_norm = np.zeros((n, k))
        """Mean norm in the last training on the task; 0 before the first."""
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

    def see(self, rows: np.ndarray, measured: np.ndarray, evaluation: Evaluation) -> None:
        """Enter an evaluation (r, k) of the tasks that were `measured`, (r, k) bool.

        Raises:
            ValueError: for a score that is none.
        """
        score = np.where(measured, evaluation.score, self.score[rows])
        self._check(rows, score)
        # Unlike minimum, fmin takes the limit where the loss is not a number.
        loss = np.maximum(np.fmin(evaluation.loss, LOSS_LIMIT), 0.0)
        streak = next_streak(self.streak[rows], passes(score, self.threshold))
        self.score[rows] = score
        self.loss[rows] = np.where(measured, loss, self.loss[rows])
        self.best[rows] = np.maximum(self.best[rows], score)
        self.streak[rows] = np.where(measured, streak, self.streak[rows])
        self.seen[rows] = measured

    def choose(
        self, rows: np.ndarray, shares: np.ndarray, training: Training | None = None
    ) -> None:
        """Enter a decision as shares of the tasks, (r, k), rows sum to 1, and what it brought.

        A batch of several tasks has one loss: its gain counts for every task with a share in it.
        """
        has_share = shares > 0
        self.decisions[rows] += 1
        self.recency[rows] = np.where(has_share, 0.0, self.recency[rows] + 1)
        self.chosen[rows] += shares
        if training is None:
            return
        for fact, values, limit in (
            (self.gain, training.loss_before - training.loss_after, LOSS_LIMIT),
            (self.fresh_gain, training.fresh_before - training.fresh_after, LOSS_LIMIT),
            (self.gradient_norm, np.fmin(training.gradient_norm, NORM_LIMIT), NORM_LIMIT),
        ):
            # A loss that is no longer a number has risen as far as can be.
            finite = np.clip(np.nan_to_num(values, nan=-limit), -limit, limit)
            fact[rows] = np.where(has_share, finite[:, None], fact[rows])

    def judge(self, rows: np.ndarray, streak: int) -> tuple[np.ndarray, np.ndarray]:
        """Whether everything is mastered now, and whether it had been before, (r,) bool each."""
        mastered = np.asarray(self.mastered(rows, streak).all(axis=1))
        already = self.mastered_ever[rows]
        self.mastered_ever[rows] |= mastered
        self.mastered_for[rows] = np.where(mastered, self.mastered_for[rows] + 1, 0)
        return mastered, already

    def mastered(self, rows: np.ndarray, streak: int) -> np.ndarray:
        """Whether each task is mastered, (r, k) bool."""
        return np.asarray(self.streak[rows] >= streak)

    def _check(self, rows: np.ndarray, score: np.ndarray) -> None:
        """Refuse scores (r, k) that are not in [0, 1], and name the first."""
        if score.size and not (score.min() >= 0.0 and score.max() <= 1.0):
            row, task = np.argwhere(~((score >= 0.0) & (score <= 1.0)))[0]
            raise ValueError(
                f"a score must be in [0, 1], got {score[row, task]:g} for task "
                f"{self.suite.names[task]!r} of student seed {self.student_seed[rows[row]]}"
            )

    def _arrays(self) -> dict[str, np.ndarray]:
        """What is known of each row."""
        return {name: getattr(self, name) for name in _OF_ROWS}

    def state_dict(self) -> dict[str, np.ndarray]:
        """All arrays, copied."""
        arrays = self._arrays() | self.spending.arrays()
        return {name: array.copy() for name, array in arrays.items()}

    def load_state_dict(self, state: dict[str, np.ndarray]) -> None:
        """Take up the arrays of facts of the same shape."""
        for name, array in (self._arrays() | self.spending.arrays()).items():
            array[:] = state[name]


def _pairs(suite: TaskSuite) -> np.ndarray:
    index = {name: i for i, name in enumerate(suite.names)}
    pairs = [
        (task, index[name])
        for task, needing in enumerate(suite.tasks)
        for name in dict.fromkeys(needing.prerequisites)
    ]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2).T
