"""The classroom: the dynamics of teaching, written once for n students at a time.

Legend: n students, k tasks, t task places shown (k, or the capacity `max_tasks`), f columns,
r rows named in a call.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from lessonplan.student import Cohort, Evaluation, TaskSuite, Training
from lessonplan.student.contract import Drawing, draw_tasks

from .belonging import check_belonging
from .board import Board
from .budget import Budget
from .checking import check_counts
from .columns import Observer
from .facts import Facts
from .feedback import evaluation_of_tasks, make_probing
from .returning import return_students
from .rewards import Pay, Reward


@dataclass(frozen=True)
class Lesson:
    """What one decision brought, for r rows."""

    observation: np.ndarray
    """What the teacher sees next, (r, t, f) float32."""
    reward: np.ndarray
    """What is paid for it, (r,) float64."""
    terminated: np.ndarray
    """Every task is mastered, (r,) bool."""
    truncated: np.ndarray
    """The budget is spent, or the teacher has stopped, (r,) bool; never with `terminated`."""
    task: np.ndarray
    """Canonical task that was trained, that of the largest share in a mixture, (r,)."""
    shares: np.ndarray
    """What was chosen as shares of the canonical tasks, (r, k), rows sum to 1."""
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
        action: what the faces take: `task`, the place of the next task, or `mixture`, logits of all
            places, whose softmax is the mixture that is trained on.
        reward: a name in `lessonplan.envs.REWARDS`, or a function of an `Outcome`.
        targets: names of the tasks that the reward `target_tasks` pays for.
        forgetting_penalty: weight of the rise of forgetting, which is taken off any reward.
        feedback: what the teacher is shown: `full`, the scores of every task on `probe` after each
            decision; `bandit`, only that of the chosen one, or of those tasks of a mixture of which
            an example was drawn; `training`, what the training examples themselves have told.
            Mastery, rewards and ends go by `probe` after each decision, whatever is shown.
        probe_every: decisions from one probe for the teacher to the next; 0 is after each with
            `full` and `bandit`, and never with `training`.
        probe_size: examples a task of such a probe; 0 is the whole probe set.
        probe_uncertainty: after a decision, tasks whose score is uncertain by more than this are
            probed too, if it is above 0.
        half_life: decisions after which a training example counts half.
        check_every: decisions from one check for the end of a lifetime to the next, of all tasks on
            their whole probe sets; it says only what all teachers pay for that.
        reads: columns that the teacher reads; all that are shown by default. Where none of them is
            measured, it uses no probes and pays for none.
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
        action: str = "task",
        reward: str | Pay = "mean_score",
        targets: Sequence[str] = (),
        forgetting_penalty: float = 0.0,
        feedback: str = "full",
        probe_every: int = 0,
        probe_size: int = 0,
        probe_uncertainty: float = 0.0,
        half_life: float = 1.0,
        check_every: int = 10,
        reads: Sequence[str] | None = None,
        mastery_streak: int = 1,
        end_after: int = 1,
        rehearsal: float = 0.0,
        shuffle_tasks: bool = False,
        max_tasks: int | None = None,
    ) -> None:
        _check_lengths(cohort, budget, steps_per_decision, mastery_streak, end_after)
        self.cohort, self.suite, self.n = cohort, cohort.suite, cohort.n
        self.board = Board(
            cohort.n, cohort.suite, budget, observe, action=action, shuffle_tasks=shuffle_tasks,
            max_tasks=max_tasks, half_life=half_life)  # fmt: skip
        self.probing = make_probing(
            cohort, self.observe, reads, feedback=feedback, every=probe_every, size=probe_size,
            uncertainty=probe_uncertainty, check_every=check_every,
        )  # fmt: skip
        self.budget, self.steps_per_decision = budget, steps_per_decision
        self.mastery_streak, self.end_after = mastery_streak, end_after
        self.finished = np.ones(self.n, dtype=bool)
        """Rows whose lifetime has ended or not begun, (n,)."""
        self._reward = Reward(reward, self.suite, targets, forgetting_penalty)
        self._rehearsal = _rehearsal(self.suite, rehearsal)
        self.facts.horizon = self.decisions_in_budget

    @property
    def facts(self) -> Facts:
        """Everything that is known of the students."""
        return self.board.facts

    @property
    def observer(self) -> Observer:
        """The columns, with their memory."""
        return self.board.observer

    @property
    def observe(self) -> tuple[str, ...]:
        """Names of the columns."""
        return self.board.observer.observe

    @property
    def feedback(self) -> str:
        """What the teacher is told after a decision."""
        return self.probing.feedback

    @property
    def belongs_to(self) -> dict[str, Any]:
        """What a state of it belongs to."""
        return self.board.belongs_to | {
            "students": self.n,
            "steps_per_decision": self.steps_per_decision,
            "feedback": self.feedback,
            "mastery_streak": self.mastery_streak,
            "half_life": self.facts.heard.half_life,
            **self.probing.belongs_to,
        }

    @cached_property
    def _hears(self) -> bool:
        """Whether students are asked what their training examples told."""
        return self.feedback == "training" or "gap" in self.observer.facts_shown

    @cached_property
    def decisions_in_budget(self) -> int:
        """Decisions that the budget buys these students, probing for these columns included.

        Mixtures are taken to draw from every task.
        """
        mixed_bandit = self.board.action == "mixture" and self.feedback == "bandit"
        return self.budget.decisions(
            self.suite,
            steps_per_decision=self.steps_per_decision,
            batch_size=self.cohort.batch_size,
            evaluation_size=self.cohort.evaluation_size,
            feedback="full" if mixed_bandit else self.feedback,
            forward_passes=self.probing.forward_passes,
            probe_every=self.probing.every,
            probe_size=self.probing.size,
            check_every=self.probing.check_every,
            used=self.probing.used,
        )

    def reset(self, rows: np.ndarray, seeds: np.ndarray) -> np.ndarray:
        """Begin new lifetimes with these student seeds; returns the observation, (r, t, f)."""
        rows, seeds = np.asarray(rows), np.asarray(seeds)
        self.cohort.reset(rows, seeds)
        self.board.reset(rows, seeds)
        self._look_first(rows)
        self.observer.start(rows)
        self.finished[rows] = False
        return self.board.observation(rows)

    def step(
        self,
        actions: np.ndarray,
        rows: np.ndarray | None = None,
        asked: Mapping[str, np.ndarray] | None = None,
    ) -> Lesson:
        """One decision for each row: train its student on a task, or on a mixture of tasks.

        Args:
            actions: the place of the task, (r,) int, or weights of the places, (r, t) float, rows
                sum to 1; every training example's task is then drawn from them. `decode` makes them
                from a teacher's logits.
            rows: the rows to go on with, all by default.
            asked: what a teacher asks for besides, carried out before the training: `keep`
                (r, t + 1) bool, the student as it is now, once for each of these tasks and in the
                last place for none; `go_back` (r,) int, to what was kept there, -1 for nobody;
                `restart` (r,) bool, with a fresh optimizer; and `stop` (r,) bool, whose lifetime
                ends with this decision.

        Raises:
            ValueError: if a lifetime has ended, or students can't go back.
        """
        asked = asked or {}
        rows = np.arange(self.n) if rows is None else np.asarray(rows)
        if self.finished[rows].any():
            late = rows[self.finished[rows]].tolist()
            raise ValueError(f"the lifetimes of rows {late} have ended; reset them first")
        shares = self.board.shares(np.asarray(actions), rows)
        facts, tasks = self.facts, shares.argmax(axis=1)
        scores = {"before": facts.judged[rows], "best": facts.judged_best[rows]}
        return_students(self.cohort, rows, asked)
        losses = self._teach(shares, rows)
        mastered, already = facts.judge(rows, self.mastery_streak)
        scores["after"] = facts.judged[rows]
        mastery = {"mastered": mastered, "already": already}
        reward = self._reward(
            **scores, **mastery, shares=shares, decisions=self.decisions_in_budget
        )
        terminated = facts.mastered_for[rows] >= self.end_after
        truncated = (facts.spending.exhausted[rows] | asked.get("stop", False)) & ~terminated
        self.finished[rows] = terminated | truncated
        observation = self.board.observation(rows)
        return Lesson(observation, reward, terminated, truncated, tasks, shares, losses)

    def _teach(self, shares: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Train on shares (r, k), evaluate and charge; loss before and after, (r, 2)."""
        facts, cohort = self.facts, self.cohort
        mixture = (1.0 - self._rehearsal.sum()) * shares + self._rehearsal
        measured = self._to_measure(shares, mixture, rows)
        training = cohort.train(
            mixture,
            self.steps_per_decision,
            rows,
            fresh="fresh_gain" in self.observer.facts_shown,
            **({"by_task": True} if self._hears else {}),
        )
        facts.choose(rows, shares, training)
        examples = self.steps_per_decision * cohort.batch_size
        tokens = examples * (mixture * self.suite.values("cost")).sum(axis=1)
        facts.spending.train(rows, self.steps_per_decision, examples, tokens)
        self._look(rows, measured, training)
        self.observer.update(rows)
        return np.stack([training.loss_before, training.loss_after], axis=1)

    def _to_measure(self, shares: np.ndarray, mixture: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Tasks that the referee evaluates after the next training, (r, k) bool.

        With bandit feedback those that are chosen, of which an example will be drawn: what students
        draw follows from their seeds. Rehearsal alone is no choice.
        """
        if self.feedback != "bandit":
            return np.ones(shares.shape, dtype=bool)
        examples = self.steps_per_decision * self.cohort.batch_size
        before, seeds = self.facts.decisions[rows] * examples, self.facts.student_seed[rows]
        drawn = np.zeros(shares.shape, dtype=bool)
        tasks = draw_tasks(mixture, seeds, before[:, None], examples)
        np.put_along_axis(drawn, tasks, True, axis=1)
        return np.where(shares > 0.0, drawn | (shares == 1.0), False)

    def _look_first(self, rows: np.ndarray) -> None:
        """Evaluate the students before any training, and charge it to those who look at it."""
        probing, facts = self.probing, self.facts
        every = np.ones((len(rows), len(self.suite)), dtype=bool)
        evaluation = evaluation_of_tasks(self.cohort, rows, every)
        facts.examine(rows, every, evaluation)
        own = 0.0
        if self.feedback != "training":
            facts.show(rows, every, self._probe(rows, every, evaluation), probing.sizes)
            own = float(probing.sizes.sum() * probing.used)
        facts.spending.probe(rows, own, probing.whole_sizes.sum())

    def _hear(self, rows: np.ndarray, training: Training) -> bool:
        """Enter what the training examples told, if that was asked for; whether it was."""
        if not self._hears:
            return False
        if training.by_task is None:
            raise ValueError(
                f"{type(self.cohort).__name__} was asked for what the examples of each task have "
                "shown, and said nothing: its train(by_task=True) must return a Training with "
                "by_task"
            )
        self.facts.hear(rows, training.by_task, shown=self.feedback == "training")
        return True

    def _look(self, rows: np.ndarray, measured: np.ndarray, training: Training) -> None:
        """Evaluate for the referee what is `measured` (r, k); show the teacher what it is to see.

        Then charge it.
        """
        facts, probing = self.facts, self.probing
        evaluation = evaluation_of_tasks(self.cohort, rows, measured)
        facts.examine(rows, measured, evaluation)
        heard = self._hear(rows, training)
        decisions = facts.decisions[rows]
        looked_at = probing.tasks(decisions, measured, facts.uncertain, rows)
        probe = self._probe(rows, looked_at, evaluation)
        if self.feedback != "training":
            facts.show(rows, looked_at, probe, probing.sizes)
            if heard:
                facts.compare(rows, looked_at)
        elif looked_at.any():
            facts.correct(rows, looked_at, probe, probing.sizes)
        # Batches run forward because a column shows what came of the training.
        batch = self.cohort.batch_size
        facts.spending.probe(
            rows,
            probing.own(decisions, looked_at) + probing.forward_passes * batch,
            measured @ probing.whole_sizes + self.observer.forward_passes * batch,
        )

    def _probe(self, rows: np.ndarray, tasks: np.ndarray, evaluation: Evaluation) -> Evaluation:
        """What the teacher sees of `tasks` (r, k) bool; `evaluation` is the referee's, if alike."""
        probing = self.probing
        if probing.all_whole and (probing.uncertainty == 0 or self.feedback != "bandit"):
            return evaluation
        return evaluation_of_tasks(self.cohort, rows, tasks, probing.size or None)

    def decode(self, actions: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        """A teacher's actions as `step` takes them: places (r,) as they are, logits as weights."""
        return self.board.decode(actions, np.arange(self.n) if rows is None else np.asarray(rows))

    def observation(self, rows: np.ndarray) -> np.ndarray:
        """What a teacher sees of these rows now, (r, t, f) float32."""
        return self.board.observation(rows)

    def to_canonical(self, values: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Values by place (r, t) as values by canonical task (r, k)."""
        return self.board.to_canonical(values, rows)

    def state_dict(self) -> dict[str, Any]:
        """Cohort, facts and estimators of all rows."""
        return {
            "belongs_to": self.belongs_to,
            "cohort": self.cohort.state_dict(),
            "finished": self.finished.copy(),
            **self.board.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state of a classroom that was built alike.

        Raises:
            ValueError: for that of another.
        """
        check_belonging(state.get("belongs_to"), self.belongs_to, whose="this classroom")
        self.cohort.load_state_dict(state["cohort"])
        self.board.load_state_dict(state)
        self.finished[:] = state["finished"]


def _check_lengths(
    cohort: Cohort, budget: Budget, steps_per_decision: int, mastery_streak: int, end_after: int
) -> None:
    """Refuse decisions that no budget or no memory has room for, and counts that are none."""
    check_counts(
        steps_per_decision=steps_per_decision, mastery_streak=mastery_streak, end_after=end_after
    )
    budget.check_decision(
        cohort.suite, steps_per_decision=steps_per_decision, batch_size=cohort.batch_size
    )
    if isinstance(cohort, Drawing):
        cohort.check_lesson(steps_per_decision)


def _rehearsal(suite: TaskSuite, share: float) -> np.ndarray:
    """What every batch draws from each task, whatever was chosen, (k,)."""
    if not 0.0 <= share < 1.0:
        raise ValueError(f"rehearsal must be a share in [0, 1), got {share}")
    sizes = suite.sizes("train")
    return np.asarray(share * sizes / sizes.sum())
