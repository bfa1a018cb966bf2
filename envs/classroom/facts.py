"""Everything that is known of n students in their lifetimes, in canonical task order.

Legend: n students, k tasks, e pairs of a task and a prerequisite, r rows named in a call.
"""

import numpy as np

from lessonplan.student import Evaluation, TaskSuite, Training
from lessonplan.student.contract import LOSS_LIMIT, Outcomes

from .belief import Heard, standard_error
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
_LATER = (
    "judged", "judged_best", "count", "right", "gap", "measurements", "first_loss", "last_share",
)  # fmt: skip
"""Those that states of earlier versions do not have."""


class Facts:
    """Scores, counts and spending; arrays are (n, k) float64 unless they say otherwise.

    A teacher is shown what is believed of the scores; the referee judges by `judged`. Where a
    teacher looks at every task after each decision, both are the same.

    Args:
        n: students.
        suite: the tasks.
        budget: of a lifetime.
        half_life: decisions after which a training example, or what is known of a task that was
            not looked at since, counts half.
    """

    def __init__(self, n: int, suite: TaskSuite, budget: Budget, half_life: float = 1.0) -> None:
        self._take(suite)
        k = len(suite)
        self.horizon: float | None = None
        """Decisions in the whole budget, where that is known."""
        self.score, self.loss = np.zeros((n, k)), np.zeros((n, k))
        """What a teacher is shown, 0 where nothing is known yet."""
        self.best = np.zeros((n, k))
        """Best score that was shown."""
        self.judged, self.judged_best = np.zeros((n, k)), np.zeros((n, k))
        """The referee's score, by which mastery is judged and rewards are paid, and the best."""
        self._know_nothing(n, half_life)
        self.streak = np.zeros((n, k), dtype=np.int64)
        """Evaluations by the referee in a row at or above the threshold."""
        self.seen = np.zeros((n, k), dtype=bool)
        """Whether score and loss were measured since the last decision."""
        self.gain, self.fresh_gain = np.zeros((n, k)), np.zeros((n, k))
        """How far the last training on the task lowered the loss on its own first batch, and on
        fresh examples; 0 before the first."""
        self.gradient_norm = np.zeros((n, k))
        """Mean norm in the last training on the task; 0 before the first."""
        self.chosen = np.zeros((n, k))
        """Decisions for each task; a mixture counts in shares."""
        self.last_share = np.zeros((n, k))
        """Share in the last decision."""
        self.recency = np.zeros((n, k))
        """Decisions since the task was chosen, or since the lifetime began."""
        self.decisions = np.zeros(n, dtype=np.int64)
        self.mastered_for = np.zeros(n, dtype=np.int64)
        """Decisions in a row after which every task was mastered."""
        self.mastered_ever = np.zeros(n, dtype=bool)
        """Whether every task was mastered after some decision."""
        self.student_seed = np.zeros(n, dtype=np.int64)
        self.spending = Spending(n, budget)

    def _take(self, suite: TaskSuite) -> None:
        """What the suite says of its tasks, (k,) each."""
        self.suite = suite
        self.chance = suite.values("chance")
        self.endless = np.array([task.endless for task in suite.tasks])
        self.threshold = suite.values("threshold")
        weights = suite.values("importance")
        self.weights = weights / weights.sum()
        self.prerequisites = _pairs(suite)
        """Each task with each of its prerequisites, (2, e) int64: e pairs, by task."""

    def _know_nothing(self, n: int, half_life: float) -> None:
        """What is behind the scores that are shown, (n, k) each."""
        k = len(self.suite)
        self.count, self.right = np.zeros((n, k)), np.zeros((n, k))
        """Examples behind the score that is shown, older ones counting less, and how many of them
        were right."""
        self.heard = Heard(n, self.chance, half_life)
        """What training examples told."""
        self.gap = np.zeros((n, k))
        """Score on training examples minus that on probe, when both were last known."""
        self.measurements = np.zeros((n, k))
        """Decisions (and the beginning) at which score and loss were measured."""
        self.first_loss = np.zeros((n, k))
        """Loss at the first of them, or the first that was above 0."""

    def reset(self, rows: np.ndarray, seeds: np.ndarray) -> None:
        """A new lifetime for these rows."""
        for array in self._arrays().values():
            array[rows] = 0
        self.spending.reset(rows)
        self.student_seed[rows] = seeds

    @property
    def uncertainty(self) -> np.ndarray:
        """Standard error of the score that is shown, (n, k)."""
        return self.uncertain(np.arange(len(self.score)))

    def uncertain(self, rows: np.ndarray, age: int = 0) -> np.ndarray:
        """The same of these rows, (r, k), after so many further decisions without a look."""
        kept = self.heard.decay**age
        return standard_error(self.right[rows] * kept, self.count[rows] * kept, self.chance)

    def see(
        self,
        rows: np.ndarray,
        measured: np.ndarray,
        evaluation: Evaluation,
        examples: np.ndarray | None = None,
    ) -> None:
        """Enter an evaluation (r, k) that both teacher and referee go by.

        Args:
            rows: whose it is.
            measured: tasks that were evaluated, (r, k) bool.
            evaluation: values of other tasks are left aside.
            examples: that each task was evaluated on, (k,); its probe set by default.

        Raises:
            ValueError: for a score that is none.
        """
        self.examine(rows, measured, evaluation)
        examples = self.suite.sizes("probe") if examples is None else examples
        self.show(rows, measured, evaluation, examples)

    def examine(self, rows: np.ndarray, measured: np.ndarray, evaluation: Evaluation) -> None:
        """Enter what the referee knows; arguments and errors are those of `see`."""
        score = np.where(measured, evaluation.score, self.judged[rows])
        self._check(rows, score)
        streak = next_streak(self.streak[rows], passes(score, self.threshold))
        self.judged[rows] = score
        self.judged_best[rows] = np.maximum(self.judged_best[rows], score)
        self.streak[rows] = np.where(measured, streak, self.streak[rows])

    def show(
        self, rows: np.ndarray, measured: np.ndarray, evaluation: Evaluation, examples: np.ndarray
    ) -> None:
        """Enter a probe that the teacher sees; what it does not look at fades.

        Args:
            rows: whose it is.
            measured: tasks that were evaluated, (r, k) bool.
            evaluation: of these, (r, k); it must have been checked.
            examples: that each task was evaluated on, (k,).
        """
        score = np.where(measured, evaluation.score, self.score[rows])
        self.loss[rows] = np.where(measured, _limited(evaluation.loss), self.loss[rows])
        right = (self.chance + score * (1.0 - self.chance)) * examples
        decay = self.heard.decay
        self.count[rows] = np.where(measured, examples, self.count[rows] * decay)
        self.right[rows] = np.where(measured, right, self.right[rows] * decay)
        self._believe(rows, score, measured)
        self.seen[rows] = measured

    def hear(self, rows: np.ndarray, outcomes: Outcomes, shown: bool = True) -> None:
        """Enter what the training examples of one decision told, (r, k) each; older ones fade.

        Args:
            rows: whose they are.
            outcomes: of the training.
            shown: whether score and loss that are shown go by it; else it is only remembered.
        """
        heard = self.heard
        heard.fade(rows)
        heard.add(rows, outcomes.count, outcomes.right, outcomes.loss)
        heard.trained[rows] += outcomes.count
        if not shown:
            return
        self.seen[rows] = outcomes.count > 0
        self._believe_heard(rows, self.seen[rows])

    def correct(
        self, rows: np.ndarray, measured: np.ndarray, evaluation: Evaluation, examples: np.ndarray
    ) -> None:
        """Enter a probe beside training examples; arguments are those of `show`.

        Where data are endless, and where no training example has been heard, its examples count
        like those of the training. Elsewhere they tell how far the training's score is off, and the
        score that is left is as certain as if there had been as many more training examples.
        """
        alike = measured & (self.endless | (self.heard.trained[rows] < 1.0))
        off = np.where(alike, 0.0, self.heard.plain_score(rows) - evaluation.score)
        self.heard.strengthen(rows, np.where(measured & ~alike, examples, 0.0))
        counted = np.where(alike, examples, 0.0)
        right = (self.chance + evaluation.score * (1.0 - self.chance)) * counted
        self.heard.add(rows, counted, right, _limited(evaluation.loss) * counted)
        self.gap[rows] = np.where(measured, off, self.gap[rows])
        anew = measured & ~self.seen[rows]
        self.seen[rows] |= measured
        self._believe_heard(rows, anew)

    def compare(self, rows: np.ndarray, measured: np.ndarray) -> None:
        """Enter how far the training's score is from what was just shown of the `measured`."""
        known = measured & (self.heard.count[rows] >= 1.0)
        off = self.heard.plain_score(rows) - self.score[rows]
        self.gap[rows] = np.where(known, off, self.gap[rows])

    def _believe_heard(self, rows: np.ndarray, anew: np.ndarray) -> None:
        """Show what was heard; `anew` (r, k) bool was measured since this was last done."""
        heard = self.heard
        self.loss[rows] = heard.mean_loss(rows, self.loss[rows])
        self.count[rows], self.right[rows] = heard.count[rows], heard.right[rows]
        self._believe(rows, np.clip(heard.score(rows) - self.gap[rows], 0.0, 1.0), anew)

    def _believe(self, rows: np.ndarray, score: np.ndarray, anew: np.ndarray) -> None:
        self.score[rows] = score
        self.best[rows] = np.maximum(self.best[rows], score)
        # A tutor that was told no losses has zeros.
        first = anew & ((self.measurements[rows] == 0) | (self.first_loss[rows] == 0))
        self.first_loss[rows] = np.where(first, self.loss[rows], self.first_loss[rows])
        self.measurements[rows] += anew

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
        self.last_share[rows] = shares
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
        parts = ("count", "right", "loss", "trained")
        heard = {f"heard_{name}": getattr(self.heard, name) for name in parts}
        return {name: getattr(self, name) for name in (*_OF_ROWS, *_LATER)} | heard

    def state_dict(self) -> dict[str, np.ndarray]:
        """All arrays, copied."""
        arrays = self._arrays() | self.spending.arrays()
        return {name: array.copy() for name, array in arrays.items()}

    def load_state_dict(self, state: dict[str, np.ndarray]) -> None:
        """Take up the arrays of facts of the same shape.

        Those of earlier versions, in which teacher and referee saw the same and all paid the same,
        are filled up.
        """
        state = self._filled_up(state)
        for name, array in (self._arrays() | self.spending.arrays()).items():
            array[:] = state[name]

    def _filled_up(self, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        if "judged" in state:
            return {"heard_trained": state["heard_count"]} | state
        blank = dict.fromkeys((*self._arrays(), *self.spending.arrays()), np.zeros(()))
        score, examples = np.asarray(state["score"]), self.suite.sizes("probe")
        return blank | {
            "judged": score,
            "judged_best": state["best"],
            "count": np.broadcast_to(examples, score.shape),
            "right": (self.chance + score * (1.0 - self.chance)) * examples,
            "measurements": np.ones_like(score),
            "first_loss": state["loss"],
            "equal_probing": state["probing"],
        } | state  # fmt: skip


def _limited(loss: np.ndarray) -> np.ndarray:
    # Unlike minimum, fmin takes the limit where the loss is not a number.
    return np.asarray(np.maximum(np.fmin(loss, LOSS_LIMIT), 0.0))


def _pairs(suite: TaskSuite) -> np.ndarray:
    index = {name: i for i, name in enumerate(suite.names)}
    pairs = [
        (task, index[name])
        for task, needing in enumerate(suite.tasks)
        for name in dict.fromkeys(needing.prerequisites)
    ]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2).T
