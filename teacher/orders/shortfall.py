"""Train what is furthest from its goal: mixtures by what is missing of each score.

None remembers anything: shares follow from the scores that are shown now, measured ones or what is
believed of them. Axes: n students, k tasks.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..choose import Floats, check_within, proportional
from ..rules import Memory, View
from .plain import Memoryless

HIGHEST_POWER = 100.0


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


def _check_power(power: float) -> None:
    # A power of 0 would give what is mastered as much as what is not: 0 ** 0 is 1.
    if not 0.0 < power <= HIGHEST_POWER:
        raise ValueError(f"power must be in (0, {HIGHEST_POWER:g}], got {power!r}")
