"""The interface of a rule: three pure functions over (n, k) arrays.

Legend: n students, k tasks.
"""

import warnings
from functools import wraps
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np

from .streams import uniforms

Memory = dict[str, np.ndarray]
"""What a rule has learned in each student's lifetime; every array has a leading axis n."""

LIFETIME_STREAMS = 1_000_000
"""Stream numbers from here on are constant during a lifetime."""


class View:
    """What the environment shows to one decision.

    Columns of the observation are items (`view["score"]`, `view["progress:difference"]`) and, where
    their name allows, attributes (`view.score`): (n, k) float64.
    """

    def __init__(
        self,
        observation: np.ndarray,
        columns: tuple[str, ...],
        last: np.ndarray,
        decision: np.ndarray,
        seed: int,
    ) -> None:
        self._shown = np.asarray(observation, dtype=np.float64)
        self._columns = columns
        self._seed = seed
        self.last = last
        """Task chosen by the previous decision of this lifetime, -1 at the first, (n,) int64."""
        self.decision = decision
        """Decisions taken so far in this lifetime, (n,) int64."""
        self.present = (
            self["present"] > 0 if "present" in columns else np.ones(self._shown.shape[:2], bool)
        )
        """Which tasks exist, (n, k) bool."""

    def __getitem__(self, column: str) -> np.ndarray:
        if column not in self._columns:
            raise KeyError(
                f"this teacher is not shown {column!r}, only {', '.join(self._columns)}; "
                "name the column in its `needs`"
            )
        return np.asarray(self._shown[:, :, self._columns.index(column)])

    def __getattr__(self, name: str) -> np.ndarray:
        if name.startswith("_") or name not in self._columns:
            raise AttributeError(f"this teacher is not shown {name!r}; name it in its `needs`")
        return self[name]

    def uniform(self, stream: int = 0, count: int | None = None) -> np.ndarray:
        """Fresh numbers in [0, 1) for this decision, (n, k) or (n, count) float64.

        They depend on the teacher's seed, the student, the decision and `stream` alone.
        """
        return self._uniform(self.decision, stream, count)

    def lifetime_uniform(self, stream: int = 0, count: int | None = None) -> np.ndarray:
        """Numbers in [0, 1) that stay the same during a lifetime, (n, k) or (n, count) float64."""
        return self._uniform(np.zeros_like(self.decision), LIFETIME_STREAMS + stream, count)

    def _uniform(self, decision: np.ndarray, stream: int, count: int | None) -> np.ndarray:
        width = self._shown.shape[1] if count is None else count
        return uniforms(self._seed, self["key"][:, 0], decision, stream, width)


@runtime_checkable
class Rule(Protocol):
    """A teacher without a network: beliefs about each task, and probabilities that follow.

    The functions are pure: they return new arrays and change none that they were given. Rows are
    students and independent of each other.

    A class may also say what it is, for the card of a teacher: its `kind` (`rule`, `bandit`,
    `order`, `static`, or `ceiling` of what is no opponent but an estimate of what there is to win),
    whether it `sees_order`, `mixes` tasks or is `published`; and in `tuning` which values of each
    parameter to try: of numbers all that lie between the least and the largest, by their logarithm
    where these are positive and ten times apart.
    """

    @property
    def needs(self) -> tuple[str, ...]:
        """Columns of the observation that it must be shown."""

    def start(self, n: int, k: int) -> Memory:
        """Memory at the beginning of n lifetimes."""

    def observe(self, memory: Memory, view: View) -> Memory:
        """Memory after the outcome of `view.last` has become visible."""

    def probabilities(self, memory: Memory, view: View) -> np.ndarray:
        """Probability of each task to be chosen next, (n, k), rows sum to 1."""


@runtime_checkable
class Looks(Protocol):
    """A rule that takes something up from what it sees before each decision, the first too."""

    def look(self, memory: Memory, view: View) -> Memory:
        """Memory after seeing what is shown now."""


STOP, KEEP, GO_BACK, RESTART = "stop", "keep", "go_back", "restart"


@runtime_checkable
class Asks(Protocol):
    """A rule that asks for more than a choice, of whoever leads the lifetime."""

    def asks(self, memory: Memory, view: View) -> dict[str, np.ndarray]:
        """What is to be carried out with this decision, in this order, before its training.

        - `keep` (n, k + 1) bool: the student as it is now, once for each of these tasks, and in the
          last place for no task in particular;
        - `go_back` (n,) int64: to what was kept in this place, -1 for nobody;
        - `restart` (n,) bool: with a fresh optimizer;
        - `stop` (n,) bool: the lifetime ends with this decision.
        """


def remembered(rule: Rule, memory: Memory, view: View) -> Memory:
    """What a rule remembers after outcomes, in the rows that had one.

    Raises:
        ValueError: if it returns no memory.
    """
    has_outcome = view.last >= 0
    if not has_outcome.any():
        return memory
    after = rule.observe(memory, view)
    if not isinstance(after, dict):
        raise ValueError(
            f"{type(rule).__name__}.observe must return the memory after it, a dict of arrays, "
            f"got {type(after).__name__}"
        )
    if has_outcome.all():
        return after
    return {
        name: np.where(has_outcome.reshape(-1, *[1] * (value.ndim - 1)), value, memory[name])
        for name, value in after.items()
    }


def chances(rule: Rule, memory: Memory, view: View) -> np.ndarray:
    """A rule's probabilities without absent tasks, rows sum to 1, (n, k).

    All that are present are alike where it gives none of them any.

    Raises:
        ValueError: if they are no probabilities.
    """
    raw = np.asarray(rule.probabilities(memory, view), dtype=np.float64)
    if raw.shape != view.present.shape or not np.isfinite(raw).all() or (raw < 0).any():
        raise ValueError(
            f"{type(rule).__name__}.probabilities must return finite, non-negative "
            f"(n, k) = {view.present.shape}, got {raw.shape} with values from "
            f"{np.min(raw)} to {np.max(raw)}"
        )
    there = np.where(view.present, raw, 0.0)
    total = there.sum(axis=1, keepdims=True)
    everywhere = view.present / view.present.sum(axis=1, keepdims=True)
    return np.where(total > 0, there / np.where(total > 0, total, 1.0), everywhere)


_Class = TypeVar("_Class", bound=type)


def told_by_its_view(rule: _Class) -> _Class:
    """The same class, which leaves aside `feedback=`, that it was once made with, and says so."""
    make: Any = vars(rule)["__init__"]

    @wraps(make)
    def __init__(self: Any, *args: Any, **parameters: Any) -> None:
        if "feedback" in parameters:
            warnings.warn(
                f"{rule.__name__} takes no feedback, so {parameters.pop('feedback')!r} changes "
                "nothing: leave it out. The column measured, which it needs, shows it which scores "
                "are new",
                stacklevel=2,
            )
        make(self, *args, **parameters)

    type.__setattr__(rule, "__init__", __init__)
    return rule
