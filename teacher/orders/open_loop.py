"""A schedule of mixtures that looks at nothing: what there is to win, by estimate.

Axes: n students, k tasks, m knots.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..choose import Floats, check_positive, softmax
from ..rules import Memory, View
from .plain import Memoryless

HIGHEST_LOG_WEIGHT = 1e3


@dataclass(frozen=True)
class OpenLoop(Memoryless):
    """A schedule of mixtures over the lifetime that sees no score: the ceiling of a suite.

    ``weights`` (m, k) are log-weights at m knots, tasks in the suite's own (canonical) order. The
    first knot is at decision 0, the last at decision ``horizon``, the others evenly between; ``p``
    is the softmax of what lies linearly between two knots, and constant after the last. With one
    knot it is a static mixture. Tuned for each suite by an optimiser that looks at nothing but what
    lifetimes cost, it estimates what there is to win there: a lower bound of it where the optimiser
    stopped early, and nothing of it carries over to another suite. So it is no opponent: its kind
    is ``ceiling``.
    """

    weights: tuple[tuple[float, ...], ...]
    horizon: float

    kind: ClassVar[str] = "ceiling"
    mixes: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("task",)

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        object.__setattr__(self, "weights", _checked(self.weights))
        check_positive("horizon", self.horizon)

    def probabilities(self, memory: Memory, view: View) -> Floats:
        """The mixture of this decision where its tasks stand in this lifetime, (n, k)."""
        knots = np.array(self.weights)
        tasks = view.present.sum(axis=1)
        if (tasks != knots.shape[1]).any():
            wrong = int(tasks[tasks != knots.shape[1]][0])
            raise ValueError(
                f"OpenLoop has {knots.shape[1]} weights a knot but the suite has {wrong} tasks: "
                "give one per task, in the suite's order"
            )
        place = np.clip(view.decision / self.horizon, 0.0, 1.0) * (len(knots) - 1)
        before = np.floor(place).astype(np.int64)
        after = np.minimum(before + 1, len(knots) - 1)
        part = (place - before)[:, None]
        now = (1.0 - part) * knots[before] + part * knots[after]
        task = np.where(view.present, view["task"], 0).astype(np.int64)
        return softmax(np.take_along_axis(now, task, axis=1), view.present)


def _checked(weights: Sequence[Sequence[float]]) -> tuple[tuple[float, ...], ...]:
    """Log-weights as tuples of floats; ``ValueError`` unless all knots have as many, all finite."""
    wanted = "weights must be m knots of k log-weights each, as ((0.0, -1.0), (0.0, 0.0))"
    try:
        knots = tuple(tuple(float(weight) for weight in knot) for knot in weights)
    except TypeError:
        raise ValueError(f"{wanted}, got {weights!r:.200}") from None
    if not knots or not knots[0] or any(len(knot) != len(knots[0]) for knot in knots):
        raise ValueError(f"{wanted}, got {len(knots)} knots of {[len(knot) for knot in knots]}")
    if not all(abs(weight) <= HIGHEST_LOG_WEIGHT for knot in knots for weight in knot):
        raise ValueError(
            f"weights must be log-weights in [-{HIGHEST_LOG_WEIGHT:g}, {HIGHEST_LOG_WEIGHT:g}], "
            f"got {weights!r:.200}"
        )
    return knots
