"""Rewards of the teacher, none of which pays for leaving a student unfinished.

A lifetime ends at mastery, so a teacher that is paid for every decision learns not to finish. Here
mastery counts as full marks from then on: whatever else could have followed, no lifetime that
masters later, or never, is worth more (for every discount in (0, 1]).

Legend: r rows named in a call, k tasks.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Outcome:
    """What a reward is computed from; scores are (r, k) in [0, 1] in canonical order."""

    before: np.ndarray
    """Scores before the decision."""
    after: np.ndarray
    """Scores after it."""
    best: np.ndarray
    """Best scores before it."""
    task: np.ndarray
    """The task that was chosen, (r,)."""
    mastered: np.ndarray
    """Whether the student has mastered everything, (r,) bool."""
    already: np.ndarray
    """Whether it had done so after an earlier decision of this lifetime, (r,) bool."""
    weights: np.ndarray
    """Importance of the tasks, (k,), sums to 1."""
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
    """Rise of the chosen task above its best score so far, weighted; mastery pays the rest, (r,).

    After that all is paid. Counting from the best score, not the last one, leaves nothing to gain
    from a task that is forgotten and taught again.
    """
    rows = np.arange(len(outcome.task))
    rise = np.maximum(outcome.after - outcome.best, 0.0)[rows, outcome.task]
    rest = outcome.mean(1.0 - outcome.best)
    paid = np.where(outcome.mastered, rest, rise * outcome.weights[outcome.task])
    return np.where(outcome.already, 0.0, paid)


REWARDS: dict[str, Callable[[Outcome], np.ndarray]] = {
    "mean_score": mean_score,
    "time_to_mastery": time_to_mastery,
    "total_progress": total_progress,
    "chosen_progress": chosen_progress,
}
