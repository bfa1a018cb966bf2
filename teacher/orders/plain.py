"""Fixed orders, mixtures and simple rules: the teachers that learn nothing.

They are the baselines of every comparison. None remembers anything: what they do follows from what
the environment shows now. Axes: n students, k tasks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..choose import (
    Bools,
    Floats,
    check_one_of,
    check_positive,
    check_within,
    greedy,
    otherwise,
    proportional,
    uniform,
)
from ..rules import Memory, View

# Scores and thresholds arrive as float32: 0.9 shown as 0.89999998 has reached a gate of 0.9.
ROUNDING = 1e-6


class Memoryless:
    """The two verbs of a rule that looks only at the present, and what most such rules declare."""

    kind: ClassVar[str] = "order"
    sees_order: ClassVar[bool] = False
    # Whether each training example's task is drawn from the probabilities, or one task a decision.
    mixes: ClassVar[bool] = False
    # Whether, with its defaults, it is the rule of a paper with the paper's settings.
    published: ClassVar[bool] = False
    needs: ClassVar[tuple[str, ...]] = ()
    tuning: ClassVar[dict[str, tuple[Any, ...]]] = {}

    def start(self, n: int, k: int) -> Memory:
        """Nothing to remember."""
        return {}

    def observe(self, memory: Memory, view: View) -> Memory:
        """Nothing to learn."""
        return memory


@dataclass(frozen=True)
class Proportional(Memoryless):
    """``p_k ~ size_k ^ (1 / temperature)``: sampling in proportion to data size.

    At temperature 1 this is "concatenate and shuffle", what is done by default; above 1 it moves
    towards uniform (temperature-scaled sampling, as in multilingual training).
    """

    temperature: float = 1.0

    kind: ClassVar[str] = "static"
    mixes: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("size",)

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        check_positive("temperature", self.temperature)

    def probabilities(self, memory: Memory, view: View) -> Floats:
        """Shares of the data, (n, k); uniform where all sizes are 0."""
        size = np.maximum(view["size"], 0.0)
        return proportional(size ** (1.0 / self.temperature), view.present)


@dataclass(frozen=True)
class TemperatureScaled(Proportional):
    """``p_k ~ size_k ^ (1 / temperature)`` with temperature 5 (Arivazhagan et al. 2019).

    `Proportional` with the temperature of massively multilingual translation, which samples rare
    languages more often than their data would.
    """

    temperature: float = 5.0

    published: ClassVar[bool] = True
    tuning: ClassVar[dict[str, tuple[Any, ...]]] = {"temperature": (2.0, 3.0, 5.0, 10.0, 30.0)}


@dataclass(frozen=True)
class Uniform(Memoryless):
    """``p_k = 1 / K``: every task equally often."""

    kind: ClassVar[str] = "static"

    def probabilities(self, memory: Memory, view: View) -> Floats:
        """Equal shares, (n, k)."""
        return uniform(view.present)


@dataclass(frozen=True)
class StaticMixture(Memoryless):
    """``p_k ~ weights[k]``, with k in the suite's own (canonical) order, all lifetime long."""

    weights: tuple[float, ...]

    kind: ClassVar[str] = "static"
    mixes: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("task",)

    def __post_init__(self) -> None:
        """Check the weights; ``ValueError`` unless they are finite, none negative, one positive."""
        object.__setattr__(self, "weights", checked_weights(self.weights))

    def probabilities(self, memory: Memory, view: View) -> Floats:
        """The weights where their tasks stand in this lifetime, (n, k)."""
        return proportional(weights_of_tasks(self.weights, view, "StaticMixture"), view.present)


def checked_weights(weights: Sequence[float]) -> tuple[float, ...]:
    """Weights of tasks as floats.

    Raises:
        ValueError: unless they are finite, none negative and one positive.
    """
    checked = tuple(float(weight) for weight in weights)
    if not (all(0.0 <= weight < np.inf for weight in checked) and any(checked)):
        raise ValueError(f"weights must be finite, none below 0 and not all 0, got {weights!r}")
    return checked


def weights_of_tasks(weights: Sequence[float], view: View, rule: str) -> Floats:
    """Weights in canonical order where their tasks stand in this lifetime, (n, k).

    Raises:
        ValueError: if there are not as many as tasks.
    """
    tasks = view.present.sum(axis=1)
    if (tasks != len(weights)).any():
        wrong = int(tasks[tasks != len(weights)][0])
        raise ValueError(
            f"{rule} has {len(weights)} weights but the suite has {wrong} tasks: give one weight "
            "per task, in the suite's order"
        )
    task = np.where(view.present, view["task"], 0).astype(np.int64)
    return np.asarray(weights, dtype=np.float64)[task]


@dataclass(frozen=True)
class InOrder(Memoryless):
    """The lowest task in the true order whose score is below ``gate``.

    When none is, the lowest below its own threshold; when none is that either, uniform. A share
    ``review`` goes evenly to the tasks that come before the current one, if there are any.
    """

    gate: float = 0.9
    review: float = 0.0

    _direction: ClassVar[float] = 1.0

    sees_order: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("order", "score", "threshold")
    tuning: ClassVar[dict[str, tuple[Any, ...]]] = {
        "gate": (0.5, 0.7, 0.8, 0.9, 0.95),
        "review": (0.0, 0.1, 0.2, 0.4),
    }

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        check_within("gate", self.gate, 0, 1)
        check_within("review", self.review, 0, 1)

    def probabilities(self, memory: Memory, view: View) -> Floats:
        """The current task and the review before it, (n, k)."""
        order = self._direction * view["order"]
        below_gate, below_threshold = _unmastered(view, self.gate)
        current = otherwise(greedy(-order, below_gate), greedy(-order, below_threshold))
        position = (current * order).sum(axis=1, keepdims=True)
        easier = view.present & (order < position) & current.any(axis=1, keepdims=True)
        review = np.where(easier.any(axis=1, keepdims=True), self.review, 0.0)
        lesson = (1.0 - review) * current + review * uniform(easier)
        return otherwise(lesson, uniform(view.present))


@dataclass(frozen=True)
class Reverse(InOrder):
    """The highest task in the true order whose score is below ``gate``: `InOrder` from the end.

    When none is, the highest below its own threshold; when none is that either, uniform. A share
    ``review`` goes evenly to the tasks that come after the current one, if there are any. The
    control of every order ("anti-curriculum" in Wu, Dyer, Neyshabur 2021).
    """

    _direction: ClassVar[float] = -1.0


@dataclass(frozen=True)
class HighestUnmastered(Memoryless):
    """The task with the highest score below ``gate``: finish what is nearly learned.

    Tasks with the same score share equally, so a student that scores exactly 0 everywhere gets
    all tasks. When none is below the gate, the lowest score below its threshold; else uniform.
    """

    gate: float = 0.9

    kind: ClassVar[str] = "rule"
    needs: ClassVar[tuple[str, ...]] = ("score", "threshold")
    tuning: ClassVar[dict[str, tuple[Any, ...]]] = {"gate": (0.5, 0.7, 0.8, 0.9, 0.95, 0.99)}

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        check_within("gate", self.gate, 0, 1)

    def probabilities(self, memory: Memory, view: View) -> Floats:
        """All on the most nearly learned task, (n, k)."""
        score = view["score"]
        below_gate, below_threshold = _unmastered(view, self.gate)
        lesson = otherwise(greedy(score, below_gate), greedy(-score, below_threshold))
        return otherwise(lesson, uniform(view.present))


@dataclass(frozen=True)
class Learnability(Memoryless):
    """``floor + score (1 - score)``: tasks neither too easy nor too hard (Tzannetos et al. 2023).

    ``choice="proportional"`` samples in proportion to it, ``"greedy"`` takes the highest. Without a
    ``floor``, as published, tasks at exactly 0 or 1 get nothing, unless all are: where scores come
    from training examples alone, such a task is never heard of again.
    """

    choice: str = "proportional"
    floor: float = 0.0

    kind: ClassVar[str] = "rule"
    needs: ClassVar[tuple[str, ...]] = ("score",)
    tuning: ClassVar[dict[str, tuple[Any, ...]]] = {
        "choice": ("proportional", "greedy"),
        "floor": (0.0, 0.02, 0.1),
    }

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        check_one_of("choice", self.choice, ("proportional", "greedy"))
        check_within("floor", self.floor, 0, 1)

    def probabilities(self, memory: Memory, view: View) -> Floats:
        """Shares by learnability, (n, k)."""
        score = np.clip(view["score"], 0.0, 1.0)
        choose = greedy if self.choice == "greedy" else proportional
        return choose(self.floor + score * (1.0 - score), view.present)


@dataclass(frozen=True)
class RandomPacing(Memoryless):
    """A random order with a growing set of tasks (Wu, Dyer, Neyshabur 2021, "random-curriculum").

    Each lifetime has its own random order. Its first ``1 + floor((K - 1) spent / pace)`` tasks are
    sampled uniformly, ``spent`` being the fraction of the budget that is used: one task at the
    beginning, all from ``pace`` on.
    """

    pace: float = 0.5

    kind: ClassVar[str] = "rule"
    published: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("remaining",)
    tuning: ClassVar[dict[str, tuple[Any, ...]]] = {"pace": (0.1, 0.2, 0.4, 0.5, 0.8)}

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        check_within("pace", self.pace, 0, 1)

    def probabilities(self, memory: Memory, view: View) -> Floats:
        """Uniform over the tasks admitted so far, (n, k)."""
        present: Bools = view.present
        share_spent = 1.0 - np.where(present, view["remaining"], 0.0).max(axis=1)
        growth = np.clip((share_spent + ROUNDING) / max(self.pace, ROUNDING), 0.0, 1.0)
        tasks = present.sum(axis=1)
        last = np.floor((tasks - 1) * growth).astype(np.int64)
        place = np.where(present, view.lifetime_uniform(0, present.shape[1]), np.inf)
        cutoff = np.take_along_axis(np.sort(place, axis=1), last[:, None], axis=1)
        return uniform(present & (place <= cutoff))


def _unmastered(view: View, gate: float) -> tuple[Bools, Bools]:
    """Which present tasks score below the gate, and which below their threshold, both (n, k)."""
    score = view["score"]
    below_gate: Bools = view.present & (score < gate - ROUNDING)
    below_threshold: Bools = view.present & (score < view["threshold"] - ROUNDING)
    return below_gate, below_threshold
