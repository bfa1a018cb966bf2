"""The tutor: the classroom inside out, for people who own the training loop.

Legend: k tasks, t task places, f columns. A tutor teaches one student: n = 1.
"""

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from typing import Any, NoReturn

import numpy as np
from stable_baselines3.common.vec_env.base_vec_env import VecEnvStepReturn

from lessonplan.student import TaskSuite, plain_state, restored_state
from lessonplan.teacher import identity_of

from ..classroom.belonging import check_belonging
from ..classroom.board import Board
from ..classroom.budget import Budget
from ..classroom.checking import check_counts
from ..faces.vec_env import SharedVecEnv
from .teachers import TeacherLike, ready_teacher, settle_teacher
from .told import read_costs, read_number, read_scores, read_suite, read_training

_ROW = np.array([0])


class TutorEnv(SharedVecEnv):
    """Spaces and columns of a tutor, as an environment that teachers are made or loaded for."""

    def __init__(self, board: Board) -> None:
        self._board, self.render_mode = board, None
        super().__init__(1, board.observation_space, board.action_space)

    @property
    def columns(self) -> tuple[str, ...]:
        """What it shows."""
        return self._board.observer.observe

    def show(self, columns: Sequence[str]) -> None:
        """Show these columns too, which the rule needs that is made for it.

        Where places are empty it needs to see which.
        """
        if self._board.n_places > len(self._board.suite):
            columns = tuple(dict.fromkeys((*columns, "present")))
        if missing := [column for column in columns if column not in self.columns]:
            self._board.show(missing)
            self.observation_space = self._board.observation_space

    def reset(self) -> np.ndarray:
        """Refused: there is no student in it."""
        self._refuse()

    def step_async(self, actions: np.ndarray) -> None:
        """Refused, as `reset`."""
        self._refuse()

    def step_wait(self) -> VecEnvStepReturn:
        """Refused, as `reset`."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise ValueError(
            "a tutor's environment has no student, only spaces and columns; "
            "train teachers in a CurriculumVecEnv"
        )


def _budget_for(budget: str | Budget | None, steps_per_decision: int) -> Budget:
    """The budget, which a decision must fit into; one of a step where there is none to spend."""
    if budget is None:
        return Budget(1, "steps")
    budget = budget if isinstance(budget, Budget) else Budget.parse(budget)
    budget.check_steps(steps_per_decision)
    return budget


class Tutor:
    """Says what a student should be trained on next, from the scores that it is told.

    Args:
        tasks: names; or name -> fields of `lessonplan.student.Task` such as `difficulty`,
            `prerequisites`, `importance`, `cost` and `threshold`, and `size` (training examples);
            or a suite.
        teacher: an SB3 algorithm; what makes one from `tutor.env`, such as
            `partial(RuleTeacher, rule)`; or where one is stored, as `stored_teacher` finds it: the
            directory of a run that trained one, or a file that `save` wrote.
        observe: columns of the observation, as in `Classroom`. By default those that a stored
            teacher was trained on, and progress for others; what a rule needs is added.
        action: `task` for `choose`, `mixture` for `mix`; by default what a stored teacher was
            trained to choose, and `task` for others.
        budget: what the lifetime may spend, such as `4000-steps`; unlimited by default.
        steps_per_decision: student steps between two decisions, no more than a budget in steps.
        student_seed: names the lifetime; a rule's random choices depend on it.
        mastery_streak: as in `Classroom`.
        end_after: as in `Classroom`.
        shuffle_tasks: show the tasks in another order in each lifetime.
        max_tasks: places to show.
        trust: whether what is pickled in the file of a stored teacher may be opened, which can run
            any code; JSON and weights are read in any case.
    """

    def __init__(
        self,
        tasks: TaskSuite | Iterable[str] | Mapping[str, Mapping[str, Any]],
        teacher: TeacherLike,
        *,
        observe: Sequence[str] | None = None,
        action: str | None = None,
        budget: str | Budget | None = None,
        steps_per_decision: int = 1,
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
        teacher, observe, action = settle_teacher(teacher, observe, action, trust)
        self._unlimited = budget is None
        self._board = Board(
            1, self.suite, _budget_for(budget, steps_per_decision), observe,
            action=action, shuffle_tasks=shuffle_tasks, max_tasks=max_tasks,
        )  # fmt: skip
        self.steps_per_decision = steps_per_decision
        self.mastery_streak, self.end_after = mastery_streak, end_after
        self.env = TutorEnv(self._board)
        self.teacher = ready_teacher(teacher, self.env)
        if self._unlimited and "remaining" in self._board.observer.facts_shown:
            raise ValueError("the column remaining needs budget=, such as budget='4000-steps'")
        self._memory: Any = None
        self._pending: np.ndarray | None = None
        """Shares (1, k) that were chosen and not yet answered by `observe`."""
        self._losses_known = False
        self.begin(student_seed)

    @property
    def scores(self) -> dict[str, float]:
        """The last score of every task."""
        return dict(zip(self.suite.names, self._board.facts.score[0].tolist(), strict=True))

    @property
    def finished(self) -> bool:
        """Whether everything is mastered, or the budget is spent."""
        facts = self._board.facts
        spent = bool(facts.spending.exhausted[0]) and not self._unlimited
        return spent or int(facts.mastered_for[0]) >= self.end_after

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
        costs = read_costs(spent or {}, 0.0)
        self._board.reset(_ROW, np.array([student_seed]))
        self._board.facts.see(_ROW, measured, evaluation)
        # Zeros that nobody measured are no measurement.
        self._board.facts.seen[_ROW] = scores is not None
        self._charge(costs)
        self._board.observer.start(_ROW)
        self._memory, self._pending, self._losses_known = None, None, losses is not None

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
        signals: Mapping[str, float] | None = None,
        spent: Mapping[str, float] | None = None,
    ) -> None:
        """Tell what came of the last choice: the score of one task, or the scores of several.

        Only what is told of here counts as measured, which the column `measured` shows.

        Args:
            task: the one that was chosen.
            score: its score on held-out data, in [0, 1].
            scores: instead of both, name -> score; `{}` where nothing was measured.
            loss: of `task`, where a column shows it.
            losses: name -> loss, of the same tasks as `scores`.
            signals: `gain`, `fresh_gain` and `gradient_norm` of the training, where a column
                shows them.
            spent: `steps`, `examples` and `tokens` that were trained on and examples that were
                `probed`, where the budget is not in steps or other than `steps_per_decision`.

        Raises:
            ValueError: for what is no score, and for what is missing; nothing is entered then.
        """
        if self._pending is None:
            raise ValueError("there is nothing to observe: choose a task first")
        if (task is None) == (scores is None) or (task is None) != (score is None):
            raise ValueError(
                "observe takes a task and its score, as in observe('add', score=0.5), "
                "or scores={'add': 0.5, ...}"
            )
        if scores is None:
            self._check_answer(task)
            scores = {str(task): read_number("score", score)}
            losses = None if loss is None else {str(task): loss}
        measured, evaluation = read_scores(self.suite, scores, losses)
        facts = self._board.observer.facts_shown
        if "loss" in facts and losses is None:
            raise ValueError("a column shows the loss: give loss= or losses= with the score")
        training = read_training(signals or {}, facts)
        costs = read_costs(spent or {}, self.steps_per_decision)
        self._board.facts.see(_ROW, measured, evaluation)
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
        self._losses_known = state["losses_known"]

    def _decide(self, action: str) -> np.ndarray:
        """The teacher's choice as shares (1, k)."""
        if action != self._board.action:
            way = {"task": "choose()", "mixture": "mix()"}[self._board.action]
            raise ValueError(f"this tutor was made with action={self._board.action!r}: call {way}")
        if self._pending is not None:
            raise ValueError("observe() what came of the last choice before the next one")
        if "loss" in self._board.observer.facts_shown and not self._losses_known:
            raise ValueError("a column shows the loss: call begin(scores=..., losses=...) first")
        first = self._board.facts.decisions == 0
        observation = self._board.observation(_ROW)
        actions, memory = self.teacher.predict(
            observation, state=self._memory, episode_start=first, deterministic=True
        )
        self._pending = self._board.shares(self._board.decode(actions, _ROW), _ROW)
        self._memory = memory
        return self._pending

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
