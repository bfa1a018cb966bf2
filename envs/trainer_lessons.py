"""A tutor's lifetime inside a trainer: what was chosen, what came of it, what it has taken.

Legend: k tasks, m draws of a segment.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium.spaces import Discrete

from .trainer_segments import Draws
from .tutor import Tutor

Metric = str | Callable[[str, Mapping[str, float]], float]
"""What of an evaluation is the score: a name, or a function of the task and its metrics."""

Results = tuple[dict[str, float], dict[str, float] | None]
"""Scores by task, and losses where they are known."""

FEEDBACK = ("full", "bandit", "reward")
"""What is told of a segment: all tasks, what was trained on, or what generations earned."""
_TRAINED = re.compile(r"(^|=)(gain|fresh_gain|gradient_norm)\b")


class Lessons:
    """Asks the tutor at the beginning of a segment and tells it at the end.

    Args:
        tutor: whose `steps_per_decision` is the length of a segment.
        feedback: `full`, `bandit` or `reward`.
        metric: of an evaluation, as `TaughtMixin` explains.
        reward_range: rewards that score 0 and 1.

    Raises:
        ValueError: for unknown feedback, and for a column that a trainer can't fill.
    """

    def __init__(
        self, tutor: Tutor, feedback: str, metric: Metric, reward_range: tuple[float, float]
    ) -> None:
        if feedback not in FEEDBACK:
            raise ValueError(f"feedback must be one of {', '.join(FEEDBACK)}, got {feedback!r}")
        if not reward_range[0] < reward_range[1]:
            raise ValueError(f"reward_range must be (least, largest), got {reward_range}")
        blind = [column for column in tutor.env.columns if _TRAINED.search(column)]
        if blind:
            raise ValueError(
                f"the column {blind[0]} needs the loss before and after a segment on the same "
                "examples, which a trainer does not measure; choose a teacher that sees the score"
            )
        self.tutor, self.feedback, self.metric, self.reward_range = (
            tutor, feedback, metric, reward_range,
        )  # fmt: skip
        self.names, self.steps = tutor.suite.names, tutor.steps_per_decision
        self.forget()

    def forget(self) -> None:
        """Be as before the first evaluation."""
        k = len(self.names)
        self.begun, self.pending, self.first = False, False, 0
        self.taken = np.zeros(k, dtype=np.int64)
        """Draws of each task before the segment that is pending, (k,)."""
        self.rewards = np.zeros((2, k))
        """Sum and number of the rewards of each task in this segment, (2, k)."""
        self.told: dict[str, dict[str, float]] = {}
        """Metrics by task that came in since the segment ended."""
        self.tokens = 0
        """Input tokens that the trainer had seen when the tutor was told last."""

    @property
    def counts_tokens(self) -> bool:
        """Whether the budget is in tokens."""
        return self.tutor._board.facts.spending.budget.unit == "tokens"

    @property
    def shares(self) -> np.ndarray:
        """What is pending: shares of the tasks, (k,)."""
        pending: np.ndarray = self.tutor.state_dict()["pending"][0]
        return pending

    def begin(self, results: Results | None, probed: float) -> None:
        """Begin the lifetime, with scores and losses of all tasks, or with nothing known."""
        seed = int(self.tutor.state_dict()["board"]["facts"]["student_seed"][0])
        scores, losses = results or (None, None)
        self.tutor.begin(seed, scores, losses, spent={"probed": probed})
        self.begun, self.told = True, {}

    def choose(self, step: int) -> None:
        """Decide what is trained on from this step on."""
        if isinstance(self.tutor.env.action_space, Discrete):
            self.tutor.choose()
        else:
            self.tutor.mix()
        self.pending, self.first = True, step
        self.rewards[:] = 0.0

    def choice(self) -> dict[str, float]:
        """What there is to log of a choice."""
        state, shares = self.tutor.state_dict(), self.shares
        line = {
            "tutor/decision": int(state["board"]["facts"]["decisions"][0]),
            "tutor/task": int(shares.argmax()),
        }
        memory = state["memory"]
        if isinstance(memory, dict) and "probabilities" in memory and (shares == 1.0).any():
            # What a rule's choice was drawn from; tasks may be shown in another order.
            places = state["board"]["places"][0]
            shown = memory["probabilities"][0][places >= 0]
            shares = np.zeros(len(self.names))
            shares[places[places >= 0]] = shown
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
        known = np.isfinite(rewards)
        np.add.at(self.rewards[0], tasks[known], rewards[known])
        np.add.at(self.rewards[1], tasks[known], 1.0)

    def results(self, names: Sequence[str]) -> Results:
        """Scores and, where all are known, losses of these tasks."""
        if self.feedback == "reward":
            return {name: self._rewarded(name) for name in names}, None
        scores = {name: self._score(name) for name in names}
        losses = {name: self.told[name]["loss"] for name in names if "loss" in self.told[name]}
        return scores, losses if len(losses) == len(names) else None

    def tell(self, results: Results, trained: np.ndarray, spent: Mapping[str, float]) -> None:
        """Tell the tutor what came of the segment, and what each task took of it (k,)."""
        scores, losses = results
        self.tutor.observe(scores=scores, losses=losses, spent=spent)
        self.taken = self.taken + trained
        self.pending, self.told = False, {}

    def state_dict(self) -> dict[str, Any]:
        """The lifetime, with the tutor's."""
        return {
            "tutor": self.tutor.state_dict(),
            "names": list(self.names), "steps": self.steps,
            "begun": self.begun, "pending": self.pending, "first": self.first,
            "taken": self.taken.copy(), "rewards": self.rewards.copy(), "tokens": self.tokens,
        }  # fmt: skip

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where lessons of the same tasks were.

        Raises:
            ValueError: for other tasks, or segments of another length.
        """
        for what, ours in (("names", list(self.names)), ("steps", self.steps)):
            if state[what] != ours:
                word = {"names": "tasks", "steps": "steps_per_decision"}[what]
                raise ValueError(
                    f"the checkpoint was saved with the {word} {state[what]}, but the tutor has "
                    f"{ours}; make it as it was, or train without resume_from_checkpoint"
                )
        self.tutor.load_state_dict(state["tutor"])
        self.begun, self.pending, self.first = state["begun"], state["pending"], state["first"]
        self.taken, self.rewards = state["taken"].copy(), state["rewards"].copy()
        self.tokens, self.told = state["tokens"], {}

    def _score(self, name: str) -> float:
        """In [0, 1], by the metric."""
        metrics = self.told[name]
        if callable(self.metric):
            return float(self.metric(name, metrics))
        if self.metric not in metrics:
            raise ValueError(
                f"the evaluation of task {name!r} has no {self.metric!r}; it has "
                f"{', '.join(metrics)}; name one with metric=, or make it in compute_metrics"
            )
        value = float(metrics[self.metric])
        if self.metric != "loss":
            return value
        return math.exp(-value) if math.isfinite(value) else 0.0

    def _rewarded(self, name: str) -> float:
        """The mean reward in this segment in [0, 1]; the last score where there was none."""
        low, high = self.reward_range
        total, count = self.rewards[:, self.names.index(name)]
        if not count:
            return self.tutor.scores[name]
        score = (total / count - low) / (high - low)
        if not -1e-6 <= score <= 1.0 + 1e-6:
            raise ValueError(
                f"the mean reward of task {name!r} was {total / count:g}, outside of "
                f"reward_range={self.reward_range}; give the least and the largest reward"
            )
        return float(min(max(score, 0.0), 1.0))
