"""The tutor: the classroom inside out, for people who own the training loop.

Legend: k tasks. A tutor teaches one student: n = 1.
"""

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from typing import Any

import numpy as np

from lessonplan.student import Evaluation, TaskSuite, plain_state, restored_state
from lessonplan.teacher import identity_of

from ..classroom.belonging import check_belonging
from ..classroom.board import Board
from ..classroom.budget import Budget
from ..classroom.checking import check_counts
from .asking import asked_by_name
from .env import TutorEnv
from .outcomes import Told, enter, examples_of, read_outcomes
from .teachers import TeacherLike, ready_teacher, settle_teacher
from .told import read_costs, read_number, read_scores, read_suite, read_training

_ROW = np.array([0])


def _budget_for(budget: str | Budget | None, steps_per_decision: int) -> Budget:
    """The budget, which a decision must fit into; one of a step where there is none to spend."""
    if budget is None:
        return Budget(1, "steps")
    budget = budget if isinstance(budget, Budget) else Budget.parse(budget)
    budget.check_steps(steps_per_decision)
    return budget


class Tutor:
    """Says what a student should be trained on next, from what it is told of the last choice.

    Args:
        tasks: names; or name -> fields of `lessonplan.student.Task` such as `difficulty`,
            `prerequisites`, `importance`, `cost` and `threshold`, `size` (training examples),
            `chance` (accuracy of guessing, which is taken off outcomes) and `endless` (no training
            example comes twice, so that outcomes are as good as held-out scores); or a suite.
        teacher: an SB3 algorithm; what makes one from `tutor.env`, such as
            `partial(RuleTeacher, rule)`; or where one is stored, as `stored_teacher` finds it: the
            directory of a run that trained one, or a file that `save` wrote.
        observe: columns of the observation, as in `Classroom`. By default those that a stored
            teacher was trained on, and progress for others; what a rule needs is added.
        action: `task` for `choose`, `mixture` for `mix`; by default what a stored teacher was
            trained to choose, and `task` for others.
        budget: what the lifetime may spend, such as `4000-steps`; unlimited by default.
        steps_per_decision: student steps between two decisions, no more than a budget in steps.
        half_life: decisions after which a training example that `observe` was told of counts half,
            such as 1; give it where outcomes are told in place of scores. By default that of a
            stored teacher that was trained so.
        student_seed: names the lifetime; a rule's random choices depend on it.
        mastery_streak: as in `Classroom`.
        end_after: as in `Classroom`.
        shuffle_tasks: show the tasks in another order in each lifetime.
        max_tasks: places to show.
        trust: whether what is pickled in the file of a stored teacher may be opened, which can run
            any code; JSON and weights are read in any case.
    """

    _memory: Any
    """The teacher's, of this lifetime."""
    _pending: np.ndarray | None
    """Shares (1, k) that were chosen and not yet answered by `observe`."""
    _losses_known: bool
    _scored_by: str | None
    """What outcomes told of in this lifetime: `accuracy`, or `loss` alone; None where none did."""

    def __init__(
        self,
        tasks: TaskSuite | Iterable[str] | Mapping[str, Mapping[str, Any]],
        teacher: TeacherLike,
        *,
        observe: Sequence[str] | None = None,
        action: str | None = None,
        budget: str | Budget | None = None,
        steps_per_decision: int = 1,
        half_life: float | None = None,
        student_seed: int = 0,
        mastery_streak: int = 1,
        end_after: int = 1,
        shuffle_tasks: bool = False,
        max_tasks: int | None = None,
        trust: bool = False,
    ) -> None:
        check_counts(
            steps_per_decision=steps_per_decision,
            mastery_streak=mastery_streak,
            end_after=end_after,
        )
        self.suite = read_suite(tasks)
        teacher, observe, action, own_half_life = settle_teacher(teacher, observe, action, trust)
        self._half_life_given = half_life is not None
        half_life = own_half_life if half_life is None else half_life
        self._unlimited = budget is None
        self._board = Board(
            1, self.suite, _budget_for(budget, steps_per_decision), observe,
            action=action, shuffle_tasks=shuffle_tasks, max_tasks=max_tasks,
            half_life=1.0 if half_life is None else half_life,
        )  # fmt: skip
        self.steps_per_decision = steps_per_decision
        self.mastery_streak, self.end_after = mastery_streak, end_after
        self.half_life = half_life
        """Of what training examples showed, in decisions; None where scores are told."""
        self.env = TutorEnv(self._board)
        self.teacher = ready_teacher(teacher, self.env)
        self._know_budget()
        self.begin(student_seed)

    def _know_budget(self) -> None:
        """Refuse columns that need a budget where there is none; else say how long it is."""
        shown = self._board.observer.facts_shown
        needing = [name for name in ("remaining", "left", "average") if name in shown]
        if self._unlimited and needing:
            raise ValueError(f"the column {needing[0]} needs budget=, such as budget='4000-steps'")
        budget = self._board.facts.spending.budget
        if budget.unit == "steps":
            self._board.facts.horizon = max(1.0, budget.amount / self.steps_per_decision)

    @property
    def scores(self) -> dict[str, float]:
        """The last score of every task."""
        return dict(zip(self.suite.names, self._board.facts.score[0].tolist(), strict=True))

    @property
    def finished(self) -> bool:
        """Whether everything is mastered, the budget is spent, or the teacher has stopped."""
        facts = self._board.facts
        spent = bool(facts.spending.exhausted[0]) and not self._unlimited
        return spent or self._stopped or int(facts.mastered_for[0]) >= self.end_after

    @property
    def asked(self) -> dict[str, Any]:
        """What the teacher asks for with its last choice, to be carried out before its training.

        `keep`: the student as it is now, under each of these names, those of tasks or `(best)`;
        `go_back`: to what was kept under this name; `restart`: with a fresh optimizer; `stop`: this
        choice is the last. Without what it does not ask for.
        """
        return asked_by_name(self._memory, self._board)

    @property
    def _stopped(self) -> bool:
        """Whether the last choice, which was carried out, was to be the last."""
        return self._pending is None and bool(self.asked.get("stop"))

    def begin(
        self,
        student_seed: int = 0,
        scores: Mapping[str, float] | None = None,
        losses: Mapping[str, float] | None = None,
        spent: Mapping[str, float] | None = None,
    ) -> None:
        """Begin a lifetime, with the scores of all tasks before any training, or 0.

        Args:
            student_seed: names the lifetime.
            scores: name -> score in [0, 1], of all tasks.
            losses: name -> loss, of the same tasks.
            spent: what it took to know this, as in `observe`.
        """
        first_scores = dict.fromkeys(self.suite.names, 0.0) if scores is None else scores
        measured, evaluation = read_scores(self.suite, first_scores, losses)
        missing = [name for name in self.suite.names if name not in first_scores]
        if missing:
            raise ValueError(f"begin needs the scores of all tasks, {missing[0]!r} has none")
        if self.half_life is not None and self._shows_loss and scores is not None and not losses:
            raise ValueError("a column shows the loss: give losses= with the scores")
        costs = read_costs(spent or {}, 0.0)
        self._board.reset(_ROW, np.array([student_seed]))
        self._memory, self._pending, self._losses_known = None, None, losses is not None
        self._scored_by = None
        if self.half_life is None or scores is not None:
            self._enter(None, measured, evaluation, costs["probed"])
        # Zeros that nobody measured are no measurement.
        self._board.facts.seen[_ROW] = scores is not None
        self._charge(costs)
        self._board.observer.start(_ROW)

    def choose(self) -> str:
        """The task to train on next."""
        shares = self._decide("task")
        return self.suite.names[int(shares[0].argmax())]

    def mix(self) -> dict[str, float]:
        """The mixture to train on next: task -> share of the training examples, all of them."""
        shares = self._decide("mixture")
        return dict(zip(self.suite.names, shares[0].tolist(), strict=True))

    def observe(
        self,
        task: str | None = None,
        score: float | None = None,
        *,
        scores: Mapping[str, float] | None = None,
        loss: float | None = None,
        losses: Mapping[str, float] | None = None,
        outcomes: Mapping[str, Mapping[str, float]] | None = None,
        signals: Mapping[str, float] | None = None,
        spent: Mapping[str, float] | None = None,
    ) -> None:
        """Tell what came of the last choice: the score of one task, or the scores of several.

        Or what its training examples showed before they were learned from, which costs nothing:
        then the scores are an average of that, in which older examples count less, and mastery
        goes by it. Only what is told of here counts as measured, which the column `measured` shows.

        Args:
            task: the one that was chosen.
            score: its score on held-out data, in [0, 1].
            scores: instead of both, name -> score; `{}` where nothing was measured.
            loss: of `task`, where a column shows it.
            losses: name -> loss, of the same tasks as `scores`.
            outcomes: name -> `count` (examples of the task that were trained on) and means over
                them: `accuracy` in [0, 1], `loss` in nats, or both. Without accuracy exp(-loss) is
                the credit of an example. Where a task was measured on held-out data too, `scores`
                beside it.
            signals: `gain`, `fresh_gain` and `gradient_norm` of the training, where a column
                shows them.
            spent: `steps`, `examples` and `tokens` that were trained on and examples that were
                `probed`, where the budget is not in steps or other than `steps_per_decision`.

        Raises:
            ValueError: for what is no score, and for what is missing; nothing is entered then.
        """
        if self._pending is None:
            raise ValueError("there is nothing to observe: choose a task first")
        told = self._read_outcomes(outcomes)
        if outcomes is not None and task is None and scores is None:
            scores = {}
        if (task is None) == (scores is None) or (task is None) != (score is None):
            raise ValueError(
                "observe takes a task and its score, as in observe('add', score=0.5), "
                "or scores={'add': 0.5, ...}, or outcomes={'add': {'count': 64, 'loss': 0.7}, ...}"
            )
        if scores is None:
            self._check_answer(task)
            scores = {str(task): read_number("score", score)}
            losses = None if loss is None else {str(task): loss}
        measured, evaluation = read_scores(self.suite, scores, losses)
        facts = self._board.observer.facts_shown
        if self._shows_loss and losses is None and (outcomes is None or scores):
            raise ValueError("a column shows the loss: give loss= or losses= with the score")
        training = read_training(signals or {}, facts)
        costs = read_costs(spent or {}, self.steps_per_decision)
        self._enter(told, measured, evaluation, costs["probed"])
        self._board.facts.choose(_ROW, self._pending, training)
        self._charge(costs)
        self._board.observer.update(_ROW)
        self._board.facts.judge(_ROW, self.mastery_streak)
        self._pending = None

    @property
    def belongs_to(self) -> dict[str, Any]:
        """What a state of it belongs to: its tasks, what is shown of them, and who teaches."""
        return self._board.belongs_to | {
            "steps_per_decision": self.steps_per_decision,
            "mastery_streak": self.mastery_streak,
            "half_life": self.half_life,
            "teacher": identity_of(self.teacher),
        }

    def state_dict(self) -> dict[str, Any]:
        """Everything of this lifetime but the teacher itself, and what it belongs to.

        Tensors and plain values, so that `torch.load(weights_only=True)` reads it back.

        Raises:
            ValueError: if the teacher's memory holds anything that can't be stored so.
        """
        state: dict[str, Any] = plain_state(self._state(), "the tutor's state")
        return state

    def _state(self) -> dict[str, Any]:
        """The state with arrays as they are."""
        return {
            "belongs_to": self.belongs_to,
            "board": self._board.state_dict(),
            "memory": deepcopy(self._memory),
            "pending": None if self._pending is None else self._pending.copy(),
            "losses_known": self._losses_known,
            "scored_by": self._scored_by,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where a tutor that was made alike was; the budget may be another.

        Raises:
            ValueError: for the state of a tutor of other tasks, another order of them, other
                columns, another teacher and the like, naming what differs.
        """
        state = restored_state(state)
        check_belonging(state.get("belongs_to"), self.belongs_to)
        self._go_on(state)

    def _go_on(self, state: dict[str, Any]) -> None:
        """Take up a state, whosever it is."""
        self._board.load_state_dict(state["board"])
        state = deepcopy({name: value for name, value in state.items() if name != "board"})
        self._memory, self._pending = state["memory"], state["pending"]
        self._losses_known, self._scored_by = state["losses_known"], state.get("scored_by")

    def _decide(self, action: str) -> np.ndarray:
        """The teacher's choice as shares (1, k)."""
        if action != self._board.action:
            way = {"task": "choose()", "mixture": "mix()"}[self._board.action]
            raise ValueError(f"this tutor was made with action={self._board.action!r}: call {way}")
        if self._pending is not None:
            raise ValueError("observe() what came of the last choice before the next one")
        known = self._losses_known or self.half_life is not None
        if self._shows_loss and not known:
            raise ValueError(
                "a column shows the loss: call begin(scores=..., losses=...) first, or give "
                "half_life= where it is told by outcomes of training"
            )
        first = self._board.facts.decisions == 0
        observation = self._board.observation(_ROW)
        actions, memory = self.teacher.predict(
            observation, state=self._memory, episode_start=first, deterministic=True
        )
        self._pending = self._board.shares(self._board.decode(actions, _ROW), _ROW)
        self._memory = memory
        return self._pending

    def _expect_outcomes(self) -> None:
        """Be told by outcomes, with the usual half-life where it was given none."""
        if self.half_life is None:
            self.half_life = 1.0

    def _expect_scores(self) -> None:
        """Be told by scores, also where a stored teacher was told by training examples."""
        self.half_life = None

    @property
    def _shows_loss(self) -> bool:
        """Whether a column is read from losses."""
        return not self._board.observer.facts_shown.isdisjoint(("loss", "relative_loss"))

    def _read_outcomes(self, outcomes: Mapping[str, Mapping[str, float]] | None) -> Told | None:
        """What training examples showed, refused where scores would come to mean something else.

        Nothing where none were told of, and None in a tutor that goes by scores alone.
        """
        if self.half_life is None:
            if outcomes is None:
                return None
            raise ValueError(
                "outcomes need a tutor that averages them: make it with half_life=, such as "
                "half_life=1, the decisions after which a training example counts half"
            )
        told = read_outcomes(self.suite, outcomes or {})
        before = self._scored_by
        if told.scored_by and before not in (None, told.scored_by):
            first, now = ("accuracy", "none") if before == "accuracy" else ("no accuracy", "one")
            raise ValueError(
                f"outcomes of this lifetime had {first} before and have {now} now: the scores "
                "would mean something else; tell the same each time"
            )
        if outcomes and self._shows_loss and not told.with_losses:
            raise ValueError("a column shows the loss: give the loss with outcomes")
        return told

    def _enter(
        self, told: Told | None, measured: np.ndarray, evaluation: Evaluation, probed: float
    ) -> None:
        """Enter what was measured, (1, k), and what training examples showed."""
        examples = examples_of(self.suite, measured, probed)
        if self.half_life is None:
            self._board.facts.see(_ROW, measured, evaluation, examples)
            return
        outcomes = None if told is None else told.outcomes
        enter(self._board.facts, outcomes, measured, evaluation, examples)
        self._scored_by = self._scored_by if told is None else told.scored_by or self._scored_by

    def _check_answer(self, task: str | None) -> None:
        """Refuse the score of another task than the one that was chosen, as if it were that."""
        if self._pending is None or self._board.action == "mixture":
            raise ValueError("this tutor mixes tasks: observe scores={'add': 0.5, ...}")
        chosen = self.suite.names[int(self._pending[0].argmax())]
        if task != chosen:
            raise ValueError(
                f"the tutor chose {chosen!r}, but was told of {task!r}; "
                "tell it the scores of other tasks as scores={...}"
            )

    def _charge(self, costs: Mapping[str, float]) -> None:
        spending = self._board.facts.spending
        spending.train(_ROW, costs["steps"], costs["examples"], np.array([costs["tokens"]]))
        spending.probe(_ROW, costs["probed"])
