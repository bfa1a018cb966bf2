"""Columns of the observation: what a teacher can be shown of each task, by name.

A column reads `name` or `name:parameter=value,...`. Every column takes `scale=` (a factor) and
`max=` (a cap before the factor); `progress` takes the parameters of its estimator too, and
`signal=`, the fact whose change it estimates.

Legend: k tasks, r rows named in a call.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from lessonplan.student.contract import LOSS_LIMIT, stream_key, uniform

from ..checking import check_choice, nearest_name
from ..facts import NORM_LIMIT, Facts, passes

_KEY = 301

Read = Callable[[Facts, np.ndarray], np.ndarray]
"""Values of facts for rows, (r, k) or what broadcasts to it."""


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


def _of_scores(summary: str, read: Read, high: float = 1.0, low: float = 0.0) -> Column:
    """What is read from scores, between constant bounds."""
    return Column(summary, read, _constant(low), _constant(high), measured=True, of_score=True)


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
}
"""What can be shown besides `progress` and `present`. `key` names the student (rules derive their
random numbers from it), `task` the canonical task at a shuffled place, `order` the true order.
`gain`, `fresh_gain` and `gradient_norm` are those of the last training on the task."""


@dataclass(frozen=True)
class Signal:
    """What progress can be estimated of."""

    summary: str
    """One line."""
    read: Callable[[Facts, np.ndarray], np.ndarray]
    """Its values for the rows of facts, (r, k)."""
    limit: float
    """Largest change in a decision."""
    changes: bool
    """Whether it is itself what one training changed, and not a level. Such changes are added up
    to a level, and where a task was not trained on, there is none."""


PROGRESS_SIGNALS: dict[str, Signal] = {
    "score": Signal(
        "the score on probe", lambda facts, rows: facts.score[rows], 1.0, changes=False
    ),
    # What falls is progress.
    "loss": Signal(
        "the loss on probe, falling",
        lambda facts, rows: -facts.loss[rows],
        LOSS_LIMIT,
        changes=False,
    ),
    "gain": Signal(
        "what trainings took off the loss of their first batch",
        lambda facts, rows: facts.gain[rows],
        LOSS_LIMIT,
        changes=True,
    ),
    "fresh_gain": Signal(
        "what trainings took off the loss of a fresh batch",
        lambda facts, rows: facts.fresh_gain[rows],
        LOSS_LIMIT,
        changes=True,
    ),
    "gradient_norm": Signal(
        "the gradient norms of trainings",
        lambda facts, rows: facts.gradient_norm[rows],
        NORM_LIMIT,
        changes=True,
    ),
}
"""What follows `signal=` in `progress:...`; progress is positive where the student learns."""


@dataclass(frozen=True)
class Request:
    """A column as it was asked for."""

    text: str
    name: str
    parameters: dict[str, float] = field(default_factory=dict)
    """Those of a progress estimator."""
    signal: str = "score"
    scale: float = 1.0
    cap: float = np.inf

    @property
    def fact(self) -> str:
        """What it is read from: the signal for progress, else the name."""
        return self.signal if self.name == "progress" else self.name


def parse_column(text: str) -> Request:
    """Read `progress:ema=0.9,signal=loss,scale=5` (a bare word counts as 1).

    Raises:
        ValueError: for an unknown name or signal, or a parameter that is not a number.
    """
    name, _, rest = text.partition(":")
    if name not in COLUMNS and name not in ("progress", "present"):
        columns = ("progress", "present", *COLUMNS)
        near = nearest_name(name, columns)
        hint = f"did you mean {near!r}? " if near else ""
        raise ValueError(f"there is no column {name!r}; {hint}the columns are {', '.join(columns)}")
    parameters: dict[str, float] = {}
    signal = "score"
    for part in filter(None, rest.split(",")):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if key == "signal" and name == "progress":
            signal = value
            continue
        try:
            parameters[key] = float(value) if equals else 1.0
        except ValueError:
            raise ValueError(
                f"{key!r} of column {text!r} must be a number, got {value!r}"
            ) from None
    check_choice(f"signal of column {text!r}", signal, PROGRESS_SIGNALS)
    scale, cap = parameters.pop("scale", 1.0), parameters.pop("max", np.inf)
    if not (0 < scale < np.inf and cap > 0):
        raise ValueError(f"scale and max of column {text!r} must be positive numbers")
    if name != "progress" and parameters:
        raise ValueError(
            f"column {text!r} does not know {', '.join(sorted(parameters))}; it takes scale and max"
        )
    return Request(text, name, parameters, signal, scale, cap)
