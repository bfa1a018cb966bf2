"""The classroom: the dynamics of teaching, written once for n students at a time.

Legend: n students, k tasks, t task places shown (k, or the capacity `max_tasks`), f columns,
r rows named in a call.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lessonplan.student import Cohort, TaskSuite
from lessonplan.student.streams import shuffled, stream_key

from .budget import FORWARD_SHARE, Budget
from .columns import View
from .facts import Facts
from .rewards import REWARDS, Outcome

FEEDBACKS = ("full", "bandit")
_SHUFFLE = 302


@dataclass(frozen=True)
class Lesson:
    """What one decision brought, for r rows."""

    observation: np.ndarray
    """(r, t, f) float32."""
    reward: np.ndarray
    """(r,) float64."""
    terminated: np.ndarray
    """Every task is mastered, (r,) bool."""
    truncated: np.ndarray
    """The budget is spent, (r,) bool; never together with `terminated`."""
    task: np.ndarray
    """Canonical task that was trained, that of the largest share in a mixture, (r,)."""
    training_loss: np.ndarray
    """Loss on the first batch before and after the training, (r, 2)."""


class Classroom:
    """A cohort, what it costs, what a teacher sees of it and what the teacher is paid.

    It never resets by itself; rows whose lifetime has ended wait for `reset`.

    Args:
        cohort: the students.
        budget: what one lifetime may spend.
        steps_per_decision: student steps that a decision buys.
        observe: columns of the observation (see `lessonplan.envs.COLUMNS`); the first is always
            progress, and by default it is the only one.
        reward: a name in `lessonplan.envs.REWARDS`.
        feedback: `full` evaluates every task on `probe` after each decision, `bandit` only the
            chosen one.
        mastery_streak: evaluations in a row at or above its threshold after which a task counts
            as mastered.
        end_after: decisions in a row after which the student was found to have mastered
            everything; then its lifetime ends.
        rehearsal: share of every batch that is drawn from all tasks by data size, whatever was
            chosen.
        shuffle_tasks: show the tasks in another order in each lifetime.
        max_tasks: places to show; places without a task are zero in every column, `present` too.
    """

    def __init__(
        self,
        cohort: Cohort,
        budget: Budget,
        *,
        steps_per_decision: int = 20,
        observe: Sequence[str] = ("progress",),
        reward: str = "mean_score",
        feedback: str = "full",
        mastery_streak: int = 1,
        end_after: int = 1,
        rehearsal: float = 0.0,
        shuffle_tasks: bool = False,
        max_tasks: int | None = None,
    ) -> None:
        check_choice("reward", reward, REWARDS)
        check_choice("feedback", feedback, FEEDBACKS)
        _check_counts(
            steps_per_decision=steps_per_decision,
            mastery_streak=mastery_streak,
            end_after=end_after,
        )
        if not observe or not observe[0].startswith("progress"):
            raise ValueError(f"the first column of observe must be progress, got {list(observe)}")
        self.cohort, self.suite, self.n = cohort, cohort.suite, cohort.n
        self.n_places = _places(self.suite, max_tasks)
        self.budget, self.steps_per_decision = budget, steps_per_decision
        self.observe, self.feedback = tuple(observe), feedback
        self.mastery_streak, self.end_after = mastery_streak, end_after
        self.shuffle_tasks = shuffle_tasks
        self.facts = Facts(self.n, self.suite, budget)
        self.view = View(self.facts, self.observe)
        self.finished = np.ones(self.n, dtype=bool)
        """Rows whose lifetime has ended or not begun, (n,)."""
        self._reward = REWARDS[reward]
        self._probe_sizes = np.minimum(self.suite.sizes("probe"), cohort.evaluation_size)
        self._rehearsal = _rehearsal(self.suite, rehearsal)
        self._token_cost = self.suite.values("cost")
        self._places = np.full((self.n, self.n_places), -1, dtype=np.int64)
        """Canonical task at each place, -1 where there is none."""

    @property
    def decisions_in_budget(self) -> int:
        """Decisions that the budget buys on a task of mean cost; at least 1."""
        batch = self.steps_per_decision * self.cohort.batch_size
        probes = self._probe_sizes.sum() if self.feedback == "full" else self._probe_sizes.mean()
        price = {
            "steps": self.steps_per_decision,
            "tokens": batch * self._token_cost.mean(),
            "compute": batch + probes * FORWARD_SHARE,
        }[self.budget.unit]
        first_look = self._probe_sizes.sum() * FORWARD_SHARE if self.budget.unit == "compute" else 0
        return max(1, int(np.ceil((self.budget.enough - first_look) / price)))

    def reset(self, rows: np.ndarray, seeds: np.ndarray) -> np.ndarray:
        """Begin new lifetimes with these student seeds; returns the observation, (r, t, f)."""
        rows, seeds = np.asarray(rows), np.asarray(seeds)
        self.cohort.reset(rows, seeds)
        self.facts.reset(rows, seeds)
        k = len(self.suite)
        place = np.arange(k)
        if self.shuffle_tasks:
            self._places[rows, :k] = shuffled(stream_key(seeds[:, None], _SHUFFLE), place, k)
        else:
            self._places[rows, :k] = place
        self.facts.see(rows, None, self.cohort.evaluate("probe", rows=rows))
        self.facts.spending.probe(rows, float(self._probe_sizes.sum()))
        self.view.start(rows)
        self.finished[rows] = False
        return self.observation(rows)

    def step(self, actions: np.ndarray, rows: np.ndarray | None = None) -> Lesson:
        """One decision for each row: train its student on a task, or on a mixture of tasks.

        Args:
            actions: the place of the task, (r,) int, or weights of the places, (r, t) float, rows
                sum to 1; every training example's task is then drawn from them.
            rows: the rows to go on with, all by default.
        """
        rows = np.arange(self.n) if rows is None else np.asarray(rows)
        shares = self._shares(np.asarray(actions), rows)
        tasks = shares.argmax(axis=1)
        facts, cohort = self.facts, self.cohort
        before, best = facts.score[rows], facts.best[rows]
        mixture = (1.0 - self._rehearsal.sum()) * shares + self._rehearsal
        loss = cohort.train(mixture, self.steps_per_decision, rows)
        examples = self.steps_per_decision * cohort.batch_size
        tokens = examples * (mixture * self._token_cost).sum(axis=1)
        facts.spending.train(rows, self.steps_per_decision, examples, tokens)
        facts.choose(rows, shares)
        probed = None if self.feedback == "full" else tasks
        facts.see(rows, probed, cohort.evaluate("probe", probed, rows))
        sizes = self._probe_sizes.sum() if probed is None else self._probe_sizes[tasks]
        facts.spending.probe(rows, sizes)
        self.view.update(rows)
        mastered = np.asarray(facts.mastered(rows, self.mastery_streak).all(axis=1))
        already = facts.mastered_ever[rows]
        facts.mastered_ever[rows] |= mastered
        facts.mastered_for[rows] = np.where(mastered, facts.mastered_for[rows] + 1, 0)
        terminated = facts.mastered_for[rows] >= self.end_after
        truncated = facts.spending.exhausted[rows] & ~terminated
        self.finished[rows] = terminated | truncated
        outcome = Outcome(
            before, facts.score[rows], best, tasks, mastered, already, facts.weights,
            self.decisions_in_budget,
        )  # fmt: skip
        reward = self._reward(outcome)
        return Lesson(
            self.observation(rows), reward, terminated, truncated, tasks, np.stack(loss, axis=1)
        )

    def observation(self, rows: np.ndarray) -> np.ndarray:
        """What a teacher sees of these rows now, (r, t, f) float32."""
        shown = self.view.read(rows)
        places = self._places[rows]
        picked = np.take_along_axis(shown, np.maximum(places, 0)[:, :, None], axis=1)
        picked[places < 0] = 0.0
        return picked.astype(np.float32)

    def to_canonical(self, values: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Values by place (r, t) as values by canonical task (r, k)."""
        canonical = np.zeros((len(rows), len(self.suite)), dtype=values.dtype)
        places = self._places[rows]
        r, place = np.nonzero(places >= 0)
        canonical[r, places[r, place]] = values[r, place]
        return canonical

    def state_dict(self) -> dict[str, Any]:
        """Cohort, facts and estimators of all rows."""
        return {
            "cohort": self.cohort.state_dict(),
            "facts": self.facts.state_dict(),
            "view": self.view.state_dict(),
            "places": self._places.copy(),
            "finished": self.finished.copy(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state of a classroom that was built alike."""
        self.cohort.load_state_dict(state["cohort"])
        self.facts.load_state_dict(state["facts"])
        self.view.load_state_dict(state["view"])
        self._places[:], self.finished[:] = state["places"], state["finished"]

    def _shares(self, actions: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """What was chosen as shares of the canonical tasks, (r, k), rows sum to 1."""
        if self.finished[rows].any():
            late = rows[self.finished[rows]].tolist()
            raise ValueError(f"the lifetimes of rows {late} have ended; reset them first")
        if actions.ndim != 2:
            return np.asarray(np.eye(len(self.suite))[self._tasks_at(actions, rows)])
        if actions.shape != (len(rows), self.n_places):
            raise ValueError(
                f"weights of the places must be {(len(rows), self.n_places)}, got {actions.shape}"
            )
        shares = self.to_canonical(actions.astype(np.float64), rows)
        if not np.allclose(shares.sum(axis=1), 1.0) or (shares < 0).any():
            raise ValueError(
                "the weights of the places with a task must be non-negative and sum to 1 in every "
                f"row, got {actions.tolist()}"
            )
        return shares

    def _tasks_at(self, actions: np.ndarray, rows: np.ndarray) -> np.ndarray:
        if actions.shape != (len(rows),):
            raise ValueError(f"actions must be ({len(rows)},), got {actions.shape}")
        if ((actions < 0) | (actions >= self.n_places)).any():
            raise ValueError(
                f"an action must be a place in [0, {self.n_places}), got {actions.tolist()}"
            )
        tasks = self._places[rows, actions]
        if (tasks < 0).any():
            raise ValueError(
                f"there is no task at place {actions[tasks < 0].tolist()[0]}; "
                f"mask the places where `present` is 0"
            )
        return np.asarray(tasks)


def check_choice(name: str, value: str, choices: Any) -> None:
    """Refuse a name that is none of the choices, and list them."""
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}")


def _places(suite: TaskSuite, max_tasks: int | None) -> int:
    """Places to show, as many as there are tasks by default."""
    if max_tasks is not None and max_tasks < len(suite):
        raise ValueError(
            f"max_tasks must be at least the {len(suite)} tasks of suite {suite.name!r}, "
            f"got {max_tasks}"
        )
    return len(suite) if max_tasks is None else max_tasks


def _rehearsal(suite: TaskSuite, share: float) -> np.ndarray:
    """What every batch draws from each task, whatever was chosen, (k,)."""
    if not 0.0 <= share < 1.0:
        raise ValueError(f"rehearsal must be a share in [0, 1), got {share}")
    sizes = suite.sizes("train")
    return np.asarray(share * sizes / sizes.sum())


def _check_counts(**counts: int) -> None:
    for name, value in counts.items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")
