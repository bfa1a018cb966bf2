"""Lifetimes over time: what was taught, what was known and what was gained, a map for each.

Legend: s teacher seeds, m students, d decisions, k tasks, l lifetimes, c columns of a map.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..store.runs import Lifetimes
from .blocks import blocks_of, rows_in_block

MAP_COLUMNS = 60
FEWEST = 0.05
"""Where fewer of the lifetimes than this are still being taught, a map is blank: a column of one or
two students would look like a decision of the teacher."""


@dataclass(frozen=True)
class TeachingSpan:
    """How long the students of a teacher were taught.

    Args:
        remaining: lifetimes that are still being taught at each decision, (d,).
        steps_per_decision: student steps.
        lifetimes: all of them.
    """

    remaining: np.ndarray
    steps_per_decision: float
    lifetimes: int

    def steps(self, least: float = 0.0) -> float:
        """Student steps of the whole budget, or until no more than this share is still taught."""
        share = self.remaining / self.lifetimes
        decisions = int((share > least).sum()) if least > 0 else len(share)
        return decisions * self.steps_per_decision


@dataclass(frozen=True)
class TimeMaps:
    """Lifetimes of one teacher over time; maps are (k, c)."""

    span: TeachingSpan
    choice: np.ndarray
    progress: np.ndarray
    score: np.ndarray


def maps_of(lifetimes: Lifetimes, k: int, mixes: bool) -> TimeMaps:
    """All maps of one teacher, from one reading of its lifetimes."""
    return TimeMaps(
        teaching_span(lifetimes),
        choice_map(lifetimes, k, mixes),
        progress_map(lifetimes),
        score_map(lifetimes),
    )


def teaching_span(lifetimes: Lifetimes) -> TeachingSpan:
    """How long the students were taught."""
    steps = float(lifetimes.student_steps.max()) / float(lifetimes.length.max())
    return TeachingSpan(lifetimes.taught.sum(axis=(0, 1)), steps, lifetimes.length.size)


def choice_map(lifetimes: Lifetimes, k: int, mixes: bool = False) -> np.ndarray:
    """Share of the students still being taught that were taught each task, (k, c).

    Of a teacher that mixes tasks within a batch it is the share of the training examples.
    """
    if mixes:
        return _mean_map(lifetimes, lifetimes.probabilities, lambda values: values)
    columns = _columns(lifetimes)
    c, column = int(columns[-1]) + 1, np.broadcast_to(columns, lifetimes.task.shape)
    column = column[lifetimes.taught]
    cells = lifetimes.task[lifetimes.taught].astype(np.int64) * c + column
    counts = np.bincount(cells, minlength=k * c).reshape(k, c)
    return _means(lifetimes, counts.astype(np.float64))


def progress_map(lifetimes: Lifetimes) -> np.ndarray:
    """Mean change of each task's test score per decision, (k, c).

    The score before the first decision is not recorded, so the first one counts as no change.
    """

    def change(values: np.ndarray) -> np.ndarray:
        return np.diff(values, axis=1, prepend=values[:, :1])

    return _mean_map(lifetimes, lifetimes.test_score, change)


def score_map(lifetimes: Lifetimes) -> np.ndarray:
    """Mean test score of each task, (k, c); a lifetime that ended early keeps its last scores."""
    flat = lifetimes.test_score.reshape(-1, *lifetimes.test_score.shape[2:])
    column = _columns(lifetimes)
    total = np.zeros(flat.shape[1:])
    for block in blocks_of(flat):
        total += flat[block].sum(axis=0, dtype=np.float64)
    decisions = np.bincount(column)
    return np.asarray(_by_column(total, column) / (len(flat) * decisions))


def score_quartiles(lifetimes: Lifetimes) -> np.ndarray:
    """Quartiles over lifetimes of the test score of each task at each decision, (3, d, k)."""
    flat = lifetimes.test_score.reshape(-1, *lifetimes.test_score.shape[2:])
    quartiles = np.empty((3, *flat.shape[1:]))
    decisions = rows_in_block(flat[:, 0])
    for start in range(0, flat.shape[1], decisions):
        block = slice(start, start + decisions)
        values = flat[:, block].astype(np.float64)
        quartiles[:, block] = np.quantile(values, [0.25, 0.5, 0.75], axis=0)
    return quartiles


def _columns(lifetimes: Lifetimes) -> np.ndarray:
    """Map column of each decision, (d,)."""
    d = lifetimes.rows.decisions
    return np.asarray(np.arange(d) * min(d, MAP_COLUMNS) // d)


def _mean_map(
    lifetimes: Lifetimes, values: np.ndarray, change: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Mean over students still being taught of what is made of values (s, m, d, k), (k, c).

    Args:
        lifetimes: that they are of.
        values: by lifetime.
        change: makes of (l, d, k) what the mean is of.
    """
    flat, taught = values.reshape(-1, *values.shape[2:]), lifetimes.taught
    taught = taught.reshape(-1, taught.shape[2], 1)
    total = np.zeros(flat.shape[1:])
    for block in blocks_of(flat):
        total += np.where(taught[block], change(flat[block].astype(np.float64)), 0.0).sum(axis=0)
    return _means(lifetimes, _by_column(total, _columns(lifetimes)))


def _means(lifetimes: Lifetimes, sums: np.ndarray) -> np.ndarray:
    """Sums (k, c) over students still being taught by how many these are.

    NaN where fewer than `FEWEST` of them are left.
    """
    column, c = _columns(lifetimes), sums.shape[1]
    remaining = lifetimes.taught.sum(axis=(0, 1))
    count = np.bincount(column, weights=remaining, minlength=c)
    enough = FEWEST * lifetimes.length.size * np.bincount(column, minlength=c)
    return np.where((count > 0) & (count >= enough), sums / np.maximum(count, 1), np.nan)


def _by_column(total: np.ndarray, column: np.ndarray) -> np.ndarray:
    """Sums of decisions (d, k) that share a column, (k, c)."""
    starts = np.flatnonzero(np.diff(column, prepend=-1))
    return np.asarray(np.add.reduceat(total, starts, axis=0).T)
