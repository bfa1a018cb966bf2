"""Rewards of the teacher, none of which pays for leaving a student unfinished.

A lifetime ends at mastery, so a teacher that is paid for every decision learns not to finish. Here
mastery counts as full marks from then on: whatever else could have followed, no lifetime that
masters later, or never, is worth more (for every discount in (0, 1]). For each of them:

- what is missing to full marks is taken off at every decision, and 0 is paid, the most there is,
  while all is mastered (`mean_score`, `time_to_mastery`, `target_tasks`);
- or the change of something is paid, mastery pays at once what is left to its full mark, and then
  all is paid (`total_progress`, `chosen_progress`): no other changes from there on sum to more, and
  what is paid later counts for less;
- what `forgetting_penalty` takes off is the change of what is forgotten (`forgetting_rise`): the
  same again, with nothing forgotten as the full mark, so mastery gives back what was taken off for
  all that is forgotten just then.

Sums of such rewards keep it too.

Legend: r rows named in a call, k tasks.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lessonplan.student import TaskSuite

from ..checking import check_choice


@dataclass(frozen=True)
class Outcome:
    """What a reward is computed from; scores are (r, k) in [0, 1] in canonical order."""

    before: np.ndarray
    """Scores before the decision."""
    after: np.ndarray
    """Scores after it."""
    best: np.ndarray
    """Best scores before it."""
    shares: np.ndarray
    """What was chosen as shares of the tasks, (r, k), rows sum to 1; one-hot for one task."""
    mastered: np.ndarray
    """Whether the student has mastered everything, (r,) bool."""
    already: np.ndarray
    """Whether it had done so after an earlier decision of this lifetime, (r,) bool."""
    weights: np.ndarray
    """Importance of the tasks, (k,), sums to 1."""
    targets: np.ndarray
    """Importance of the target tasks, 0 for the others, (k,), sums to 1."""
    decisions: float
    """Decisions in the whole budget."""

    def mean(self, scores: np.ndarray) -> np.ndarray:
        """Importance-weighted mean of scores (r, k), (r,)."""
        # Not a matrix product: its last bit depends on how many rows there are.
        return np.asarray((scores * self.weights).sum(axis=1))


def mean_score(outcome: Outcome) -> np.ndarray:
    """(mean score - 1) / decisions in the budget; 0 once everything is mastered, (r,)."""
    shortfall = (outcome.mean(outcome.after) - 1.0) / outcome.decisions
    return np.where(outcome.mastered, 0.0, shortfall)


def target_tasks(outcome: Outcome) -> np.ndarray:
    """(mean score on the target tasks - 1) / decisions in the budget; 0 once all is mastered, (r,).

    The lifetime goes on until the other tasks are mastered too.
    """
    mean = (outcome.after * outcome.targets).sum(axis=1)
    return np.where(outcome.mastered, 0.0, (mean - 1.0) / outcome.decisions)


def time_to_mastery(outcome: Outcome) -> np.ndarray:
    """-1 / decisions in the budget until everything is mastered, then 0, (r,)."""
    return np.where(outcome.mastered, 0.0, -1.0 / outcome.decisions)


def total_progress(outcome: Outcome) -> np.ndarray:
    """Change of the mean score; mastery pays what is missing to 1, and then all is paid, (r,).

    Undiscounted, a lifetime sums to 1 minus the score that it began with if it reaches mastery.
    """
    before = outcome.mean(outcome.before)
    change = np.where(outcome.mastered, 1.0, outcome.mean(outcome.after)) - before
    return np.where(outcome.already, 0.0, change)


def chosen_progress(outcome: Outcome) -> np.ndarray:
    """Rise of each task above its best score so far, times its share; mastery pays the rest, (r,).

    Rises count by importance, and one task that was chosen has a share of 1. After mastery all is
    paid. Counting from the best score, not the last one, leaves nothing to gain from a task that is
    forgotten and taught again.
    """
    rise = outcome.mean(np.maximum(outcome.after - outcome.best, 0.0) * outcome.shares)
    rest = outcome.mean(1.0 - outcome.best)
    pay = np.where(outcome.mastered, rest, rise)
    return np.where(outcome.already, 0.0, pay)


Pay = Callable[[Outcome], np.ndarray]
"""What is paid for outcomes, (r,) float64."""

REWARDS: dict[str, Pay] = {
    "mean_score": mean_score,
    "time_to_mastery": time_to_mastery,
    "target_tasks": target_tasks,
    "total_progress": total_progress,
    "chosen_progress": chosen_progress,
}
"""Rewards by name; each takes an Outcome and returns (r,)."""


def forgetting_rise(outcome: Outcome) -> np.ndarray:
    """Change of the mean forgetting; nothing counts as forgotten from mastery on, (r,).

    Forgetting is the best score so far minus the score now. Undiscounted, a lifetime sums to what
    is forgotten at its end, 0 if it reaches mastery.
    """
    before = outcome.mean(outcome.best - outcome.before)
    after = outcome.mean(np.maximum(outcome.best - outcome.after, 0.0))
    change = np.where(outcome.mastered, 0.0, after) - before
    return np.where(outcome.already, 0.0, change)


class Reward:
    """A reward of `REWARDS`, or one's own, less what was forgotten.

    Args:
        reward: a name in `REWARDS`, or a function like those, which `check_reward` looks at.
        suite: the tasks.
        targets: names of the tasks that `target_tasks` pays for, or one's own.
        forgetting_penalty: weight of the rise of forgetting, which is taken off.
    """

    def __init__(
        self,
        reward: str | Pay,
        suite: TaskSuite,
        targets: Sequence[str] = (),
        forgetting_penalty: float = 0.0,
    ) -> None:
        if isinstance(reward, str):
            check_choice("reward", reward, REWARDS)
            if (reward == "target_tasks") != bool(targets):
                raise ValueError(
                    "the reward target_tasks, and no other that ships, needs targets=, names of "
                    f"tasks; got the reward {reward!r} and targets={list(targets)}"
                )
        if not 0.0 <= forgetting_penalty < np.inf:
            raise ValueError(
                f"forgetting_penalty must be finite and at least 0, got {forgetting_penalty}"
            )
        self.function = REWARDS[reward] if isinstance(reward, str) else reward
        self.forgetting_penalty = forgetting_penalty
        weights = suite.values("importance")
        self.weights = weights / weights.sum()
        self.targets = _target_weights(suite, targets) if targets else self.weights

    def __call__(self, **outcome: Any) -> np.ndarray:
        """What is paid, (r,); the fields are those of `Outcome` without its weights."""
        result = Outcome(**outcome, weights=self.weights, targets=self.targets)
        pay = paid(self.function(result), len(result.after))
        if self.forgetting_penalty:
            pay = pay - self.forgetting_penalty * forgetting_rise(result)
        return pay


def paid(pay: Any, r: int) -> np.ndarray:
    """What a reward, which may be somebody's own, has returned for r rows, (r,).

    Raises:
        ValueError: if it is not a finite number for each row.
    """
    amounts = np.asarray(pay)
    if amounts.shape != (r,) or amounts.dtype.kind not in "fiu" or not np.isfinite(amounts).all():
        raise ValueError(
            f"a reward must return ({r},) finite numbers, one for each row, got an array "
            f"{amounts.shape} of {' '.join(str(amounts).split()):.60}"
        )
    return amounts


def _target_weights(suite: TaskSuite, targets: Sequence[str]) -> np.ndarray:
    unknown = [name for name in targets if name not in suite.names]
    if unknown:
        raise ValueError(
            f"targets names the unknown task {unknown[0]!r}; the tasks are {', '.join(suite.names)}"
        )
    weights = suite.values("importance") * np.array([name in targets for name in suite.names])
    return np.asarray(weights / weights.sum())
