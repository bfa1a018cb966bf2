"""What one lifetime is worth: every measure of the summary, per lifetime, from `test` alone.

Legend: s teacher seeds, m students, d decisions, k tasks, l lifetimes.
"""

from dataclasses import dataclass

import numpy as np

from lessonplan.envs import next_streak, passes

from ..store.runs import Lifetimes, StoredRun
from .blocks import blocks_of
from .statistics import censor

LOWER_IS_BETTER = {
    "steps_to_mastery": True,
    "compute_to_mastery": True,
    "equal_compute_to_mastery": True,
    "area": False,
}
"""The measures that teachers are compared on."""


@dataclass(frozen=True)
class Measures:
    """Measures of one teacher's lifetimes, arrays of (s, m) unless said otherwise."""

    mastered: np.ndarray
    """Whether all tasks were mastered by their test scores within the budget, bool."""
    steps_to_mastery: np.ndarray
    """Student steps; not mastered counts as the whole budget, as in the next two."""
    compute_to_mastery: np.ndarray
    """Of training and of the probes that the teacher used (where `own_costs`), in training-example
    equivalents."""
    equal_compute_to_mastery: np.ndarray
    """As if every teacher paid for the probes of all tasks after each decision."""
    area: np.ndarray
    final_score: np.ndarray
    """Importance-weighted mean over tasks at the end, as are the next four."""
    forgetting: np.ndarray
    """Best score so far minus the last one."""
    retention: np.ndarray
    """Last score over the best one; 1 where nothing was ever learned."""
    calibration_error: np.ndarray
    stress_score: np.ndarray | None
    """None if it was not measured for every lifetime."""
    probe_cost: np.ndarray
    """Compute spent on probing."""
    total_cost: np.ndarray
    """Compute spent on training and probing."""
    final_per_task: np.ndarray
    """(s, m, k)."""
    own_costs: bool
    """Whether it is known what the teacher's own probes cost; versions that did not record it
    charged everybody alike, and `compute_to_mastery` is then the equal one."""


def measure(run: StoredRun, lifetimes: Lifetimes) -> Measures:
    """All measures of one teacher."""
    weights = run.task_values("importance", 1.0)
    weights = weights / weights.sum()
    first = first_mastery(
        lifetimes.test_score,
        run.task_values("threshold", 0.9),
        run.mastery_streak,
        lifetimes.tested,
    )
    mastered = first >= 0
    to_mastery = {
        unit: censor(
            _at(lifetimes.spent(unit), first), mastered, whole_budget(run, lifetimes, unit)
        )
        for unit in ("steps", "compute", "equal_compute")
    }
    # Copies: a view would keep all decisions in memory.
    final = lifetimes.test_score[:, :, -1].copy()
    best = lifetimes.test_score.max(axis=2)
    top = best @ weights
    stress = lifetimes.stress_score @ weights
    return Measures(
        mastered=mastered,
        steps_to_mastery=to_mastery["steps"],
        compute_to_mastery=to_mastery["compute"],
        equal_compute_to_mastery=to_mastery["equal_compute"],
        area=area(run, lifetimes, weights),
        final_score=final @ weights,
        forgetting=(best.astype(np.float64) - final) @ weights,
        retention=np.where(top > 0, (final @ weights) / np.where(top > 0, top, 1.0), 1.0),
        calibration_error=lifetimes.calibration_error @ weights,
        stress_score=stress if np.isfinite(stress).all() else None,
        probe_cost=lifetimes.probe_compute[:, :, -1].copy(),
        total_cost=lifetimes.compute[:, :, -1].copy(),
        final_per_task=final,
        own_costs=lifetimes.own_costs,
    )


def first_mastery(
    test_score: np.ndarray, threshold: np.ndarray, streak: int, tested: np.ndarray
) -> np.ndarray:
    """Index of the first decision after which a student is mastered, (s, m) int; -1 if never.

    Args:
        test_score: (s, m, d, k).
        threshold: (k,).
        streak: evaluations in a row at which every task must be at its threshold.
        tested: whether there was an evaluation after the decision, (s, m, d) bool; the scores that
            a finished lifetime keeps are none, nor are those between two evaluations.
    """
    flat = test_score.reshape(-1, *test_score.shape[2:])
    in_blocks = np.empty(flat.shape[:2], dtype=np.bool_)
    for block in blocks_of(flat):
        in_blocks[block] = passes(flat[block], threshold).all(axis=-1)
    passing = in_blocks.reshape(tested.shape)
    in_a_row = np.zeros(passing.shape[:-1])
    first = np.full(passing.shape[:-1], -1)
    for decision in range(test_score.shape[2]):
        now = tested[..., decision]
        in_a_row = np.where(now, next_streak(in_a_row, passing[..., decision]), in_a_row)
        first = np.where(now & (first < 0) & (in_a_row >= streak), decision, first)
    return first


def area(run: StoredRun, lifetimes: Lifetimes, weights: np.ndarray) -> np.ndarray:
    """Mean score over the whole budget, (s, m).

    Every decision counts by its share of the budget, and what a lifetime leaves over counts with
    its last score. For a budget in steps that is the mean over all decisions.
    """
    budget = run.budget
    unit, amount = str(budget["unit"]), float(budget["amount"])
    if unit == "steps":
        # The last decision may overdraw the budget: all decisions still count alike.
        amount = float(budget["decisions"]) * float(budget["steps_per_decision"])
    cost = np.minimum(lifetimes.spent(unit), amount)
    share = np.diff(cost, axis=2, prepend=0.0) / amount
    score = mean_score(lifetimes.test_score, weights)
    return np.asarray((share * score).sum(axis=2) + (1.0 - cost[..., -1] / amount) * score[..., -1])


def mean_score(test_score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean over tasks, (s, m, d) float64, of scores (s, m, d, k) by weights (k,) of sum 1."""
    flat = test_score.reshape(-1, *test_score.shape[2:])
    score = np.empty(flat.shape[:2])
    for block in blocks_of(flat):
        score[block] = flat[block].astype(np.float64) @ weights
    return score.reshape(test_score.shape[:3])


def whole_budget(run: StoredRun, lifetimes: Lifetimes, unit: str) -> np.ndarray:
    """What the whole budget is in some unit, (s, m): where a lifetime is censored.

    In the budget's own unit it is the budget. In another, a lifetime that ended early is taken to
    have gone on at its own pace.
    """
    own, amount = _unit(run), float(run.budget["amount"])
    if unit == own:
        return np.full(lifetimes.length.shape, amount)
    paced = amount / np.maximum(lifetimes.spent(own)[..., -1], 1e-12)
    return np.asarray(lifetimes.spent(unit)[..., -1] * np.maximum(paced, 1.0))


def _unit(run: StoredRun) -> str:
    return str(run.budget["unit"])


def _at(values: np.ndarray, decision: np.ndarray) -> np.ndarray:
    """Values (s, m, d) at one decision of each lifetime (s, m)."""
    return np.take_along_axis(values, np.maximum(decision, 0)[..., None], axis=2)[..., 0]
