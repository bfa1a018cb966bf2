"""A tutor's lifetime inside a trainer; it knows the tutor and no trainer.

What was chosen, what came of it, and what each task has taken.

Legend: k tasks, m draws of a segment, b generations.
"""

import math
import re
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from gymnasium.spaces import Discrete

from ..classroom.belonging import check_belonging
from ..classroom.checking import check_choice
from ..tutor.told import read_number
from ..tutor.tutor import Tutor
from .segments import Draws
from .tally import FIGURES

Metric = str | Callable[[str, Mapping[str, float]], float]
"""What of an evaluation is the score: a name, or a function of the task and its metrics."""

Results = tuple[dict[str, float], dict[str, float] | None]
"""Scores by task, and losses where they are known."""

EVALUATED = ("full", "bandit")
"""Feedback that takes an evaluation: of all tasks, or of those that were trained on."""
TRAINING = "training"
"""What the examples of a segment showed as they were trained on is its feedback."""
REWARDED = "reward"
"""What the generations of a segment earned is its feedback."""
_CLIPPED = "mean rewards of a task in a segment were outside of reward_range and were clipped"
_ODD_METRIC = "scores of a task after a segment were not in [0, 1] and were clipped or left out"
_GOES_ON = "choices were made after the teacher had stopped"
_NO_WAY_BACK = "choices were to begin from another state of the student, and did not"
_NO_REWARD = "generations were given no reward that is a number and were left out"
Drawing = dict[str, int]
"""How a segment is drawn: the seed of its streams, and the fields of `Order`."""


class Portion(NamedTuple):
    """What a part of a segment has taken."""

    taken: np.ndarray
    """Draws of each task, (k,)."""
    steps: int
    examples: int


_TRAINED = re.compile(r"(^|=)(gain|fresh_gain|gradient_norm)\b")


class Lessons:
    """Asks the tutor at the beginning of a segment and tells it at the end.

    Args:
        tutor: whose `steps_per_decision` is the length of a segment.
        feedback: `full`, `bandit`, `training` or `reward`.
        metric: of an evaluation, or of training, as `TaughtMixin` explains.
        reward_range: rewards that score 0 and 1.

    Raises:
        ValueError: for unknown feedback, and for a column that a trainer can't fill.
    """

    def __init__(
        self, tutor: Tutor, feedback: str, metric: Metric, reward_range: tuple[float, float]
    ) -> None:
        check_choice("feedback", feedback, (*EVALUATED, TRAINING, REWARDED))
        if feedback == TRAINING:
            _check_shown(metric)
            tutor._expect_outcomes()
        elif tutor._half_life_given:
            raise ValueError(
                f"half_life={tutor.half_life:g} is of what training examples show, which a tutor "
                f"is not told with feedback={feedback!r}; leave it out, or give "
                f"feedback={TRAINING!r}"
            )
        else:
            tutor._expect_scores()
        if not -math.inf < reward_range[0] < reward_range[1] < math.inf:
            raise ValueError(
                f"reward_range must be (least, largest), got {reward_range}; two finite ones"
            )
        blind = [column for column in tutor.env.columns if _TRAINED.search(column)]
        if blind:
            raise ValueError(
                f"the column {blind[0]} needs the loss before and after a segment on the same "
                "examples, which a trainer does not measure; choose a teacher that sees the score"
            )
        self.tutor, self.feedback = tutor, feedback
        self.metric, self.reward_range = metric, reward_range
        self.names, self.steps = tutor.suite.names, tutor.steps_per_decision
        self.index = {name: i for i, name in enumerate(self.names)}
        """Task by name."""
        self.forget()

    def forget(self) -> None:
        """Be as before the first evaluation."""
        k = len(self.names)
        self.begun, self.pending, self.first = False, False, 0
        self.taken = np.zeros(k, dtype=np.int64)
        """Draws of each task before the step `first`, (k,)."""
        self.drawing: Drawing | None = None
        """How the pending segment is drawn; None where an earlier version began it."""
        self.earlier = Portion(np.zeros(k, dtype=np.int64), 0, 0)
        """What the pending segment took before `first`, in another way of drawing."""
        self.rewards = np.zeros((2, k))
        """Sum and number of the rewards of each task in this segment, (2, k)."""
        self.heard: np.ndarray | None = None
        """What training showed in this segment, by process, (p, k, 4), as `Tally` has it; None
        where nobody listens, or nothing was kept."""
        self.evaluations: dict[str, dict[str, float]] = {}
        """Metrics by task that came in since the segment ended."""
        self.tokens = 0
        """Input tokens that the trainer had seen when the tutor was told last."""
        self.odd_scores: Counter[str] = Counter()
        """How often what was wrong with scores and rewards, in this run."""

    @property
    def evaluates(self) -> bool:
        """Whether held-out data are evaluated for the tutor."""
        return self.feedback in EVALUATED

    @property
    def counts_tokens(self) -> bool:
        """Whether the budget is in tokens."""
        return self.tutor._board.facts.spending.budget.unit == "tokens"

    def compare_sizes(self, rows: Sequence[int]) -> None:
        """Warn where the teacher goes by sizes that nobody told, and those of the data differ."""
        told = self.tutor.suite.sizes("train")
        shown = "size" in self.tutor._board.observer.facts_shown
        if shown and (told == 1).all() and len(set(rows)) > 1:
            example = f"{{{self.names[0]!r}: {{'size': {rows[0]}}}, ...}}"
            warnings.warn(
                "the teacher is shown the sizes of tasks, of which the tutor was told none: they "
                "count as equal, and those of train_dataset are not; make it with "
                f"Tutor({example}, ...) where the teacher is to go by them",
                stacklevel=5,
            )

    @property
    def shares(self) -> np.ndarray:
        """What is pending: shares of the tasks, (k,)."""
        pending: np.ndarray = self.tutor._state()["pending"][0]
        return pending

    def begin(self, results: Results | None, probed: float) -> None:
        """Begin the lifetime, with scores and losses of all tasks, or with nothing known."""
        seed = int(self.tutor._state()["board"]["facts"]["student_seed"][0])
        scores, losses = results or (None, None)
        self.tutor.begin(seed, scores, losses, spent={"probed": probed})
        self.begun, self.evaluations = True, {}

    def choose(self, step: int, drawing: Drawing) -> None:
        """Decide what is trained on from this step on, drawn in this way."""
        if isinstance(self.tutor.env.action_space, Discrete):
            self.tutor.choose()
        else:
            self.tutor.mix()
        if self.tutor.asked.keys() & {"go_back", "restart"}:
            self._warn_once(
                _NO_WAY_BACK,
                "a guard asks that the student goes back to what it was, or begins with a fresh "
                "optimizer, which a trainer does not do: it goes on from where it is; leave out "
                "the guard's go_back, or lead the training yourself and carry out tutor.asked",
            )
        self.pending, self.first, self.drawing = True, step, drawing
        self.earlier = Portion(np.zeros_like(self.taken), 0, 0)
        self.rewards[:], self.heard = 0.0, None

    def cut(self, step: int, part: Portion, drawing: Drawing) -> None:
        """Go on with what is pending from this step on in another way, after it took this much."""
        before = self.earlier
        self.earlier = Portion(
            before.taken + part.taken, before.steps + part.steps, before.examples + part.examples
        )
        self.taken = self.taken + part.taken
        self.first, self.drawing = step, drawing

    def choice(self) -> dict[str, float]:
        """What there is to log of a choice."""
        state, shares = self.tutor._state(), self.shares
        line = {
            "tutor/decision": int(state["board"]["facts"]["decisions"][0]),
            "tutor/task": int(shares.argmax()),
        }
        memory = state["memory"]
        if isinstance(memory, dict) and "probabilities" in memory and (shares == 1.0).any():
            # What a rule's choice was drawn from; tasks may be shown in another order.
            places = state["board"]["places"][0]
            probabilities = memory["probabilities"][0][places >= 0]
            shares = np.zeros(len(self.names))
            shares[places[places >= 0]] = probabilities
        chances = zip(self.names, shares.tolist(), strict=True)
        return line | {f"tutor/probability/{name}": chance for name, chance in chances}

    def drawn(self, draws: Draws, count: int) -> np.ndarray:
        """Rows for the draws of what is pending, (m,)."""
        return draws.rows_of(draws.tasks(self.shares, self.taken, count), self.taken)

    def trained(self, draws: Draws, count: int) -> np.ndarray:
        """How many of the first draws of what is pending each task has, (k,)."""
        tasks = draws.tasks(self.shares, self.taken, count)
        return np.bincount(tasks, minlength=len(self.names))

    def reward(self, tasks: np.ndarray, rewards: np.ndarray) -> None:
        """Take in what generations of these tasks earned, (b,) and (b,); NaN where nothing."""
        finite = np.isfinite(rewards)
        if not finite.all():
            self._warn_once(
                _NO_REWARD,
                "a generation was given no reward that is a number (None, or not finite); such "
                "generations are left out of the score of their task",
                int((~finite).sum()),
            )
        np.add.at(self.rewards[0], tasks[finite], rewards[finite])
        np.add.at(self.rewards[1], tasks[finite], 1.0)

    def hear(self, heard: np.ndarray) -> None:
        """Take in what the examples of the segment showed in each process, (p, k, 4)."""
        self.heard = heard
        for name, (count, *sums) in zip(self.names, heard.sum(axis=0).tolist(), strict=True):
            if count:
                figures = zip(FIGURES, (count, *(x / count for x in sums)), strict=True)
                self.evaluations[name] = {what: x for what, x in figures if not math.isnan(x)}

    def results(self, names: Sequence[str]) -> Results:
        """Scores and, where all are known, losses of those of these tasks that have a score."""
        if self.feedback == REWARDED:
            rewarded = self.rewards[1] > 0.0
            heard = [name for name in names if rewarded[self.index[name]]]
            return {name: self._rewarded(name) for name in heard}, None
        scores = {name: self._score(name) for name in names}
        if self.begun:
            scores = {name: self._in_range(name, score) for name, score in scores.items()}
            scores = {name: score for name, score in scores.items() if not math.isnan(score)}
        metrics = {name: self.evaluations[name] for name in scores}
        losses = {name: one["loss"] for name, one in metrics.items() if "loss" in one}
        return scores, losses if len(losses) == len(scores) else None

    def tell(self, results: Results, trained: np.ndarray, spent: Mapping[str, float]) -> None:
        """Tell the tutor what came of the segment, and what each task took since `first`, (k,)."""
        scores, losses = results
        if self.feedback == TRAINING:
            figures = {name: self.evaluations[name] for name in scores}
            outcomes = {
                name: {"count": one["count"], "accuracy": scores[name], "loss": one["loss"]}
                for name, one in figures.items()
            }
            self.tutor.observe(outcomes=outcomes, spent=spent)
        else:
            self.tutor.observe(scores=scores, losses=losses, spent=spent)
        self.taken = self.taken + trained
        self.pending, self.evaluations = False, {}

    @property
    def belongs_to(self) -> dict[str, Any]:
        """What a state of it belongs to, the tutor's included."""
        return self.tutor.belongs_to | self._heard_by()

    def _heard_by(self) -> dict[str, Any]:
        """What its scores mean: scores of another kind would look like progress."""
        if self.feedback == REWARDED:
            return {"feedback": REWARDED, "reward_range": list(self.reward_range)}
        metric = self.metric if isinstance(self.metric, str) else "a function"
        return {"feedback": self.feedback, "metric": metric}

    def state_dict(self) -> dict[str, Any]:
        """The lifetime, with the tutor's, and what it belongs to."""
        return {
            "tutor": self.tutor._state(), "belongs_to": self._heard_by(),
            "begun": self.begun, "pending": self.pending, "first": self.first,
            "taken": self.taken.copy(), "rewards": self.rewards.copy(), "tokens": self.tokens,
            "drawing": self.drawing, "earlier": self.earlier._asdict(),
            "heard": None if self.heard is None else self.heard.copy(),
        }  # fmt: skip

    def check(self, state: Mapping[str, Any]) -> None:
        """Refuse the state of other lessons; what each task takes of a step may be another.

        Raises:
            ValueError: naming what differs.
        """
        words = {
            "what": "the checkpoint",
            "way_out": "make it as it was, or train without resume_from_checkpoint",
        }
        tutors = state["tutor"].get("belongs_to")
        if tutors is not None:
            check_belonging(tutors | state["belongs_to"], self.belongs_to, **words)
            return
        # All that was kept by versions before there were fingerprints.
        few = {"tasks": state["names"], "steps_per_decision": state["steps"]}
        check_belonging(few, self.belongs_to, **words)
        check_belonging(None, self.belongs_to, **words)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where lessons were that `check` has nothing against, or the first process is."""
        self.tutor._go_on(state["tutor"])
        self.begun, self.pending, self.first = state["begun"], state["pending"], state["first"]
        self.taken, self.rewards = state["taken"].copy(), state["rewards"].copy()
        self.tokens, self.evaluations = state["tokens"], {}
        self.heard = state.get("heard")
        self.drawing = state.get("drawing")
        earlier = state.get("earlier") or Portion(np.zeros_like(self.taken), 0, 0)._asdict()
        self.earlier = Portion(**earlier)

    def say_that_it_goes_on(self) -> None:
        """Warn that a guard has stopped, and the training goes on."""
        self._warn_once(
            _GOES_ON,
            "the teacher has stopped: its milestones are met or its patience is over; the training "
            "goes on to its end, give stop_when_finished=True to end it there",
        )

    def say_in_all(self) -> None:
        """Warn of how often something was wrong with scores, where it was more than once."""
        for what, count in self.odd_scores.items():
            if count > 1:
                warnings.warn(f"in all, {count} {what}", stacklevel=2)

    def _warn_once(self, what: str, words: str, count: int = 1) -> None:
        if not self.odd_scores[what]:
            warnings.warn(words, stacklevel=3)
        self.odd_scores[what] += count

    def _in_range(self, name: str, score: float) -> float:
        """The score of a task in [0, 1], or NaN: what ended a training would lose it."""
        if not 0.0 <= score <= 1.0:
            words = "is left out" if math.isnan(score) else "counts as the nearer end"
            self._warn_once(
                _ODD_METRIC,
                f"the score of task {name!r} was {score:g}, which is not in [0, 1] and {words}; "
                "give a metric= that is",
            )
        return float(np.clip(score, 0.0, 1.0))

    def _score(self, name: str) -> float:
        """Score of a task by the metric, which is to be in [0, 1]."""
        metrics = self.evaluations[name]
        if callable(self.metric):
            return read_number(f"the score of task {name!r}", self.metric(name, metrics))
        if self.metric not in metrics:
            what, way_out = f"evaluation of task {name!r}", ", or make it in compute_metrics"
            if self.feedback == TRAINING:
                what, way_out = f"training on task {name!r}", ""
            raise ValueError(
                f"the {what} has no {self.metric!r}; it has "
                f"{', '.join(metrics)}; name one with metric={way_out}"
            )
        value = float(metrics[self.metric])
        if self.metric != "loss":
            return value
        return math.exp(-value) if math.isfinite(value) else 0.0

    def _rewarded(self, name: str) -> float:
        """The mean reward in this segment in [0, 1], of a task that was rewarded."""
        low, high = self.reward_range
        total, count = self.rewards[:, self.index[name]]
        score = (total / count - low) / (high - low)
        if not -1e-6 <= score <= 1.0 + 1e-6:
            self._warn_once(
                _CLIPPED,
                f"the mean reward of task {name!r} was {total / count:g}, outside of "
                f"reward_range={self.reward_range}: it counts as the nearer end; give the least "
                "and the largest reward",
            )
        return float(min(max(score, 0.0), 1.0))


def _check_shown(metric: Metric) -> None:
    """Refuse a metric that training does not show."""
    shown = FIGURES[1:]
    if not callable(metric) and metric not in shown:
        raise ValueError(
            f"with feedback={TRAINING!r} metric must be one of {', '.join(shown)}, or a function "
            f"of a task and all of them, got {metric!r}"
        )
