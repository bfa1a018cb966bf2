"""Columns of the observation: what a teacher can be shown of each task, by name.

Legend: k tasks, r rows named in a call.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lessonplan.student.contract import LOSS_LIMIT, stream_key, uniform

from ..facts import NORM_LIMIT, Facts, passes
from . import log_weights
from .scales import COUNT_LIMIT, RELATIVE_LOSS, log_count, rank, relative_loss, share_gap, side

_KEY = 301

Read = Callable[..., np.ndarray]
"""Values for rows, (r, k) or what broadcasts to it: of `Facts`, or of the memory of a column, which
come first, the rows, and the column's parameters by name."""


def student_key(seeds: np.ndarray) -> np.ndarray:
    """A number in [0, 1) that names each student seed, (n,), exact in float32."""
    lots = uniform(stream_key(seeds, _KEY), 0)
    return np.asarray(np.floor(lots * 2**24) / 2**24)


def _key(facts: Facts, rows: np.ndarray) -> np.ndarray:
    return student_key(facts.student_seed[rows])[:, None]


def _order(facts: Facts, rows: np.ndarray) -> np.ndarray:
    return np.argsort(np.array(facts.suite.order)).astype(float)


def _size(facts: Facts, rows: np.ndarray) -> np.ndarray:
    sizes = facts.suite.sizes("train")
    return np.asarray(sizes / sizes.sum())


def _learnability(facts: Facts, rows: np.ndarray) -> np.ndarray:
    """Variance p (1 - p) of an answer that is right with the score p as chance, (r, k)."""
    score = facts.score[rows]
    return np.asarray(score * (1.0 - score))


def _prerequisites_mastered(facts: Facts, rows: np.ndarray) -> np.ndarray:
    """Share of a task's prerequisites that are mastered now, 1 where it has none, (r, k)."""
    task, needed = facts.prerequisites
    count = np.bincount(task, minlength=len(facts.suite))
    some = count > 0
    share = np.ones((len(rows), len(facts.suite)))
    if some.any():
        # Pairs stand by task.
        starts = (np.cumsum(count) - count)[some]
        mastered = passes(facts.score[rows], facts.threshold)[:, needed]
        met = np.add.reduceat(mastered, starts, axis=1, dtype=np.int64)
        share[:, some] = met / count[some]
    return share


@dataclass(frozen=True)
class Parameter:
    """A number that a column takes, in [low, high]."""

    default: float
    low: float
    high: float


@dataclass(frozen=True)
class Column:
    """Values of a fact, (r, k) or what broadcasts to it, and the bounds they keep."""

    summary: str
    """One line."""
    read: Read
    low: Callable[[Facts], float]
    high: Callable[[Facts], float]
    fixed: bool = False
    """Whether it is the same for every student at every time."""
    measured: bool = False
    """Whether it tells something that a probe, or a training example, has told."""
    of_score: bool = False
    """Whether it is read from scores."""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    """What it takes besides `scale` and `max`."""
    memory: str = ""
    """What it is read from instead of facts, a name in `MEMORIES`."""


def _constant(value: float) -> Callable[[Facts], float]:
    return lambda facts: value


def _last_task(facts: Facts) -> float:
    return max(len(facts.suite) - 1.0, 1.0)


def _of_suite(name: str, summary: str) -> Column:
    """A positive number that the suite says of each task."""
    return Column(
        summary,
        lambda facts, rows: facts.suite.values(name),
        _ZERO,
        lambda facts: float(facts.suite.values(name).max()),
        fixed=True,
    )


def _of_scores(
    summary: str, read: Read, high: float = 1.0, low: float = 0.0, **more: Any
) -> Column:
    """What is read from scores, between constant bounds."""
    bounds = _constant(low), _constant(high)
    return Column(summary, read, *bounds, measured=True, of_score=True, **more)


def _log_weights(summary: str, read: Read, **more: Any) -> Column:
    """Log-weights of a rule that goes by scores."""
    return _of_scores(f"natural logs of shares: {summary}", read, 0.0, log_weights.LEAST, **more)


_ZERO, _ONE = _constant(0.0), _constant(1.0)
_LEAST_GAIN, _MOST_LOSS = _constant(-LOSS_LIMIT), _constant(LOSS_LIMIT)

COLUMNS: dict[str, Column] = {
    "score": _of_scores("latest score", lambda facts, rows: facts.score[rows]),
    "loss": Column(
        "latest loss", lambda facts, rows: facts.loss[rows], _ZERO, _MOST_LOSS, measured=True
    ),
    "measured": Column(
        "1 where score and loss were measured since the last decision, 0 where they are older",
        lambda facts, rows: facts.seen[rows].astype(float),
        _ZERO,
        _ONE,
    ),
    "best": _of_scores("best score so far", lambda facts, rows: facts.best[rows]),
    "learnability": _of_scores("p (1 - p) of the score", _learnability, 0.25),
    "gain": Column(
        "how much the last training on the task lowered the loss of its first batch",
        lambda facts, rows: facts.gain[rows],
        _LEAST_GAIN,
        _MOST_LOSS,
    ),
    "fresh_gain": Column(
        "the same on a batch that was not trained on",
        lambda facts, rows: facts.fresh_gain[rows],
        _LEAST_GAIN,
        _MOST_LOSS,
    ),
    "gradient_norm": Column(
        "mean gradient norm of the last training on the task",
        lambda facts, rows: facts.gradient_norm[rows],
        _ZERO,
        _constant(NORM_LIMIT),
    ),
    "recency": Column(
        "decisions since the task was last chosen",
        lambda facts, rows: facts.recency[rows],
        _ZERO,
        _constant(1e6),
    ),
    "share": Column(
        "share of the decisions so far that chose the task",
        lambda facts, rows: facts.chosen[rows] / np.maximum(facts.decisions[rows], 1)[:, None],
        _ZERO,
        _ONE,
    ),
    "remaining": Column(
        "share of the budget that is left",
        lambda facts, rows: facts.spending.remaining[rows][:, None],
        _ZERO,
        _ONE,
    ),
    "key": Column(
        "a number that names the student, for the random streams of rules", _key, _ZERO, _ONE
    ),
    "order": Column("place in the true order", _order, _ZERO, _last_task, fixed=True),
    "task": Column(
        "canonical index of the task at this place",
        lambda facts, rows: np.arange(len(facts.suite), dtype=float),
        _ZERO,
        _last_task,
        fixed=True,
    ),
    "size": Column("share of the training data", _size, _ZERO, _ONE, fixed=True),
    "threshold": Column(
        "score from which the task counts as mastered",
        lambda facts, rows: facts.threshold,
        _ZERO,
        _ONE,
        fixed=True,
    ),
    "importance": _of_suite("importance", "weight in the means over tasks"),
    "cost": _of_suite("cost", "tokens per example"),
    "difficulty": Column(
        "difficulty that the suite states",
        lambda facts, rows: facts.suite.values("difficulty"),
        lambda facts: float(facts.suite.values("difficulty").min()),
        lambda facts: float(facts.suite.values("difficulty").max()) + 1.0,
        fixed=True,
    ),
    "prerequisites_mastered": _of_scores(
        "share of the prerequisites that are mastered now", _prerequisites_mastered
    ),
    "uncertainty": _of_scores(
        "standard error of the score",
        lambda facts, rows: np.minimum(facts.uncertain(rows), 1.0),
    ),
    "count": Column(
        "log(1 + examples behind the score), older ones counting less",
        log_count,
        _ZERO,
        _constant(COUNT_LIMIT),
        measured=True,
    ),
    "gap": _of_scores(
        "score on training examples minus that on probe, when both were last known",
        lambda facts, rows: np.clip(facts.gap[rows], -1.0, 1.0),
        low=-1.0,
    ),
    "rank": _of_scores("place of the score among those of all tasks, 0 the lowest", rank),
    "relative_loss": Column(
        "log of the loss over the first that was measured, 0 before the second",
        relative_loss,
        _constant(RELATIVE_LOSS[0]),
        _constant(RELATIVE_LOSS[1]),
        measured=True,
    ),
    "average": _of_scores(
        "average of the score, with a half-life of a part of the decisions in the budget",
        lambda average, rows: average.value[rows],
        parameters={"part": Parameter(0.1, 1e-4, 10.0)},
        memory="average",
    ),
    "last_share": Column(
        "share in the last decision", lambda facts, rows: facts.last_share[rows], _ZERO, _ONE
    ),
    "share_gap": Column(
        "share of the decisions so far minus the share of the training data",
        share_gap,
        _constant(-1.0),
        _ONE,
    ),
    "left": Column(
        "whether more of the budget is left than `at`, from -1 to 1 over some `width`",
        side,
        _constant(-1.0),
        _ONE,
        parameters={"at": Parameter(0.5, 0.0, 1.0), "width": Parameter(0.1, 1e-3, 10.0)},
    ),
    "promise": _of_scores(
        "what training on the task is expected to bring those that are not mastered",
        lambda influence, rows: influence.promise(rows),
        10.0,
        -10.0,
        memory="influence",
    ),
    "promise_certainty": _of_scores(
        "how much is known of that, from 0 to 1",
        lambda influence, rows: influence.certainty[rows],
        memory="influence",
    ),
    "log_data": Column(
        "natural logs of shares: those of the training data",
        log_weights.of_data,
        _constant(log_weights.LEAST),
        _ZERO,
        fixed=True,
    ),
    "log_shortfall": _log_weights(
        "what the score is short of its threshold",
        log_weights.of_shortfall,
        parameters={"floor": Parameter(0.02, 0.0, 1e3), "margin": Parameter(0.05, 0.0, 1.0)},
    ),
    "log_progress": _log_weights(
        "how much the score is changing",
        lambda progress, rows: log_weights.of_progress(progress.value(rows)),
        memory="change",
    ),
    "log_learnability": _log_weights("p (1 - p) of the score", log_weights.of_learnability),
    "log_promise": _log_weights(
        "the promise",
        lambda influence, rows: log_weights.of_promise(influence.promise(rows)),
        memory="influence",
    ),
}
"""What can be shown besides `progress` and `present`. `key` names the student (rules derive their
random numbers from it), `task` the canonical task at a shuffled place, `order` the true order.
`gain`, `fresh_gain` and `gradient_norm` are those of the last training on the task."""
