"""Columns of the observation: what a teacher is shown of each task, by name.

A column reads `name` or `name:parameter=value,...`. Every column takes `scale=` (a factor) and
`max=` (a cap before the factor); `progress` takes those of its estimator too.

Legend: n students, k tasks, f columns, r rows named in a call.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lessonplan.student.scoring import LOSS_LIMIT
from lessonplan.student.streams import stream_key, uniform

from .facts import Facts
from .progress import Estimator, make_estimator

_KEY = 301


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


def _prerequisites_mastered(facts: Facts, rows: np.ndarray) -> np.ndarray:
    """Share of a task's prerequisites that are mastered now, 1 where it has none, (r, k)."""
    names = facts.suite.names
    needs = np.array([[b in task.prerequisites for b in names] for task in facts.suite.tasks])
    count = needs.sum(axis=1)
    met = (facts.streak[rows] > 0).astype(float) @ needs.T
    return np.where(count > 0, met / np.maximum(count, 1), 1.0)


@dataclass(frozen=True)
class Column:
    """Values of a fact, (r, k) or what broadcasts to it, and the bounds they keep."""

    read: Callable[[Facts, np.ndarray], np.ndarray]
    low: Callable[[Facts], float]
    high: Callable[[Facts], float]


def _constant(value: float) -> Callable[[Facts], float]:
    return lambda facts: value


def _last_task(facts: Facts) -> float:
    return max(len(facts.suite) - 1.0, 1.0)


_ZERO, _ONE = _constant(0.0), _constant(1.0)

COLUMNS: dict[str, Column] = {
    "score": Column(lambda facts, rows: facts.score[rows], _ZERO, _ONE),
    "loss": Column(lambda facts, rows: facts.loss[rows], _ZERO, _constant(LOSS_LIMIT)),
    "best": Column(lambda facts, rows: facts.best[rows], _ZERO, _ONE),
    "recency": Column(lambda facts, rows: facts.recency[rows], _ZERO, _constant(1e6)),
    "share": Column(
        lambda facts, rows: facts.chosen[rows] / np.maximum(facts.decisions[rows], 1)[:, None],
        _ZERO,
        _ONE,
    ),
    "remaining": Column(lambda facts, rows: facts.spending.remaining[rows][:, None], _ZERO, _ONE),
    "key": Column(_key, _ZERO, _ONE),
    "order": Column(_order, _ZERO, _last_task),
    "task": Column(lambda facts, rows: np.arange(len(facts.suite), dtype=float), _ZERO, _last_task),
    "size": Column(_size, _ZERO, _ONE),
    "threshold": Column(lambda facts, rows: facts.threshold, _ZERO, _ONE),
    "importance": Column(
        lambda facts, rows: facts.suite.values("importance"),
        _ZERO,
        lambda facts: float(facts.suite.values("importance").max()),
    ),
    "cost": Column(
        lambda facts, rows: facts.suite.values("cost"),
        _ZERO,
        lambda facts: float(facts.suite.values("cost").max()),
    ),
    "difficulty": Column(
        lambda facts, rows: facts.suite.values("difficulty"),
        lambda facts: float(facts.suite.values("difficulty").min()),
        lambda facts: float(facts.suite.values("difficulty").max()) + 1.0,
    ),
    "prerequisites_mastered": Column(_prerequisites_mastered, _ZERO, _ONE),
}
"""What can be shown besides `progress` and `present`. `key` names the student (rules derive their
random numbers from it), `task` the canonical task at a shuffled place, `order` the true order."""


def parse_column(text: str) -> tuple[str, dict[str, float]]:
    """Split `progress:ema=0.9,scale=5` into a name and parameters (a bare word counts as 1).

    Raises:
        ValueError: for an unknown name or a parameter that is not a number.
    """
    name, _, rest = text.partition(":")
    if name not in COLUMNS and name not in ("progress", "present"):
        raise ValueError(
            f"there is no column {name!r}; the columns are progress, present, {', '.join(COLUMNS)}"
        )
    parameters: dict[str, float] = {}
    for part in filter(None, rest.split(",")):
        key, equals, value = part.partition("=")
        try:
            parameters[key.strip()] = float(value) if equals else 1.0
        except ValueError:
            raise ValueError(
                f"{key!r} of column {text!r} must be a number, got {value!r}"
            ) from None
    foreign = set(parameters) - {"scale", "max"}
    if name != "progress" and foreign:
        raise ValueError(
            f"column {text!r} does not know {', '.join(sorted(foreign))}; it takes scale and max"
        )
    return name, parameters


class View:
    """The columns that one classroom shows, with the memory of their progress estimators."""

    def __init__(self, facts: Facts, observe: tuple[str, ...]) -> None:
        self.facts, self.observe = facts, observe
        self.estimators: dict[int, Estimator] = {}
        n, k = facts.score.shape
        bounds = []
        for i, text in enumerate(observe):
            name, parameters = parse_column(text)
            scale, cap = parameters.pop("scale", 1.0), parameters.pop("max", np.inf)
            if not (0 < scale < np.inf and cap > 0):
                raise ValueError(f"scale and max of column {text!r} must be positive numbers")
            if name == "progress":
                self.estimators[i] = make_estimator(n, k, parameters)
                low, high = -1.0, 1.0
            elif name == "present":
                low, high = 0.0, 1.0
            else:
                low, high = COLUMNS[name].low(facts), COLUMNS[name].high(facts)
            bounds.append((name, low, high, scale, cap))
        self._names = [name for name, *_ in bounds]
        self._scale = np.array([scale for *_, scale, _ in bounds])
        self._cap = np.array([cap for *_, cap in bounds])
        self.low = np.array([low for _, low, *_ in bounds]) * self._scale
        highs = np.array([high for _, _, high, *_ in bounds])
        self.high = np.minimum(highs, self._cap) * self._scale

    def start(self, rows: np.ndarray) -> None:
        """A new lifetime for these rows."""
        for estimator in self.estimators.values():
            estimator.start(rows, self.facts.score[rows])

    def update(self, rows: np.ndarray) -> None:
        """One decision has passed for these rows."""
        for estimator in self.estimators.values():
            estimator.update(rows, self.facts.score[rows])

    def read(self, rows: np.ndarray) -> np.ndarray:
        """What is shown, in canonical task order, (r, k, f)."""
        shown = np.ones((len(rows), len(self.facts.suite), len(self._names)))
        for i, name in enumerate(self._names):
            if i in self.estimators:
                shown[:, :, i] = self.estimators[i].value[rows]
            elif name != "present":
                shown[:, :, i] = COLUMNS[name].read(self.facts, rows)
        return np.asarray(np.minimum(shown, self._cap) * self._scale)

    def state_dict(self) -> dict[str, np.ndarray]:
        """Arrays of the estimators."""
        return {
            f"{i}.{name}": value.copy()
            for i, estimator in self.estimators.items()
            for name, value in vars(estimator).items()
            if isinstance(value, np.ndarray)
        }

    def load_state_dict(self, state: dict[str, np.ndarray]) -> None:
        """Take up the arrays of the same columns."""
        for name, value in state.items():
            i, _, attribute = name.partition(".")
            getattr(self.estimators[int(i)], attribute)[:] = value
