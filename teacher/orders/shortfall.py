"""Train what is furthest from its goal: mixtures by what is missing of each score.

None remembers anything: shares follow from the scores that are shown now, measured ones or what is
believed of them. Axes: n students, k tasks.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..choose import Floats, check_positive, check_within, proportional, softmax
from ..rules import Memory, View
from .plain import Memoryless, checked_weights, weights_of_tasks

HIGHEST_POWER = 100.0
# A threshold of 0 is mastered by everybody; distances relative to it must stay finite.
LOWEST_TARGET = 1e-3


@dataclass(frozen=True)
class Shortfall(Memoryless):
    """``p_k ~ floor + max(threshold_k + margin - score_k, 0) ^ power``: what is missing.

    More of a task the further its score is from its goal, as Sharma, Jha, Hegde and Ravindran
    (2018) and Jean, Firat and Johnson (2019) sample; the formula is ours. ``floor`` keeps a share
    of what is mastered, ``margin`` is what the goal lies above the threshold, both in units of the
    score.
    """

    floor: float = 0.02
    margin: float = 0.05
    power: float = 1.0

    kind: ClassVar[str] = "rule"
    mixes: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("score", "threshold")
    tuning: ClassVar[dict[str, tuple[Any, ...]]] = {
        "floor": (0.002, 0.02, 0.2),
        "margin": (0.0, 0.05, 0.1, 0.2),
        "power": (0.25, 0.5, 1.0, 2.0, 4.0),
    }

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        check_within("floor", self.floor, 0, 1)
        check_within("margin", self.margin, -1, 1)
        _check_power(self.power)

    def probabilities(self, memory: Memory, view: View) -> Floats:
        """Shares by what is missing, (n, k); uniform where nothing is and there is no floor."""
        missing = np.maximum(view["threshold"] + self.margin - view["score"], 0.0)
        return proportional(self.floor + missing**self.power, view.present)


@dataclass(frozen=True)
class WeightedShortfall(Shortfall):
    """``p_k ~ weights[k] (floor + max(threshold_k + margin - score_k, 0) ^ power)``.

    `Shortfall` with a weight for each task in the suite's own (canonical) order, as a static
    mixture has; all are alike where none are given. Tuned it is a static mixture that follows the
    scores: what can be known of one suite, and what is missing.
    """

    weights: tuple[float, ...] = ()

    needs: ClassVar[tuple[str, ...]] = ("score", "threshold", "task")

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        super().__post_init__()
        if self.weights:
            object.__setattr__(self, "weights", checked_weights(self.weights))

    def probabilities(self, memory: Memory, view: View) -> Floats:
        """Shares by what is missing and the weights, (n, k)."""
        shares = super().probabilities(memory, view)
        if not self.weights:
            return shares
        weights = weights_of_tasks(self.weights, view, type(self).__name__)
        return proportional(shares * weights, view.present)


@dataclass(frozen=True)
class Deficit(Memoryless):
    """``p_k ~ floor + (1 - score_k) ^ power``: what is missing of a perfect score.

    `Shortfall` that is told no threshold: its goal is 1 everywhere.
    """

    floor: float = 0.01
    power: float = 1.0

    kind: ClassVar[str] = "rule"
    mixes: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("score",)
    tuning: ClassVar[dict[str, tuple[Any, ...]]] = {
        "floor": (0.001, 0.01, 0.1),
        "power": (0.25, 0.5, 1.0, 2.0, 4.0),
    }

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        check_within("floor", self.floor, 0, 1)
        _check_power(self.power)

    def probabilities(self, memory: Memory, view: View) -> Floats:
        """Shares by what is missing, (n, k); uniform where nothing is and there is no floor."""
        missing = np.maximum(1.0 - view["score"], 0.0)
        return proportional(self.floor + missing**self.power, view.present)


@dataclass(frozen=True)
class A5C(Memoryless):
    """A5C: ``p_k ~ exp((threshold_k - score_k) / (threshold_k temperature))``.

    The sampling of Sharma, Jha, Hegde and Ravindran (2018) as it was published: a softmax of how
    far a task is from its target, relative to it. Their score is the mean of a task's last episodes
    while it is trained; a score that is shown here is a mean over examples already. They draw a
    task an episode, in several episodes side by side; here each example of a batch. The temperature
    is ours: no source that could be read tells theirs.
    """

    temperature: float = 0.2

    kind: ClassVar[str] = "rule"
    mixes: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("score", "threshold")
    tuning: ClassVar[dict[str, tuple[Any, ...]]] = {"temperature": (0.02, 0.05, 0.1, 0.2, 0.5, 2.0)}

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        check_positive("temperature", self.temperature)

    def probabilities(self, memory: Memory, view: View) -> Floats:
        """Softmax of the relative distance to the threshold, (n, k)."""
        target = np.maximum(view["threshold"], LOWEST_TARGET)
        return softmax((target - view["score"]) / target, view.present, self.temperature)


@dataclass(frozen=True)
class BaselineRatio(Memoryless):
    """``p_k ~ 1 / (min(score_k / threshold_k, 1) ^ power + floor)``: by the ratio to a baseline.

    After Jean, Firat and Johnson (2019), who sample tasks more that are worse than their baseline.
    What is known of it here is its summary alone, so the form and its parameters are ours, and the
    threshold stands for the score of a model that was trained on the task alone. ``1 / floor + 1``
    is how many times more a task without any success gets than one at its baseline.
    """

    power: float = 1.0
    floor: float = 0.1

    kind: ClassVar[str] = "rule"
    mixes: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("score", "threshold")
    tuning: ClassVar[dict[str, tuple[Any, ...]]] = {
        "power": (0.5, 1.0, 2.0, 4.0, 16.0),
        "floor": (0.01, 0.03, 0.1, 0.3, 1.0),
    }

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        _check_power(self.power)
        check_positive("floor", self.floor)

    def probabilities(self, memory: Memory, view: View) -> Floats:
        """Shares by how far a task is below its threshold, (n, k)."""
        ratio = view["score"] / np.maximum(view["threshold"], LOWEST_TARGET)
        weight = 1.0 / (np.clip(ratio, 0.0, 1.0) ** self.power + self.floor)
        return proportional(weight, view.present)


def _check_power(power: float) -> None:
    # A power of 0 would give what is mastered as much as what is not: 0 ** 0 is 1.
    if not 0.0 < power <= HIGHEST_POWER:
        raise ValueError(f"power must be in (0, {HIGHEST_POWER:g}], got {power!r}")
