"""Rules that sample tasks by the size of their learning progress.

Progress counts whichever way it goes: a task that is being forgotten is as interesting as one that
is being learned. Axes: n students, k tasks, w the length of a window of past observations.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..choose import (
    Bools,
    Floats,
    check_one_of,
    check_positive,
    check_within,
    explore,
    otherwise,
    proportional,
    uniform,
)
from ..estimate import (
    CHANGE,
    MEASURED,
    absolute_slope,
    measured_tasks,
    push_changes,
    push_scores,
    start_changes,
    start_windows,
)
from ..rules import Memory, View, told_by_its_view

# A change of score below this is the rounding of float32, a spread of progress below it nothing.
ROUNDING = 1e-6
SPREADLESS = 1e-9


@told_by_its_view
@dataclass(frozen=True)
class ALPProportional:
    """``p_k = (1 - uniform_share) ALP_k / sum ALP + uniform_share / K``: absolute progress.

    With ``estimate="slope"``, ``ALP_k = |least-squares slope|`` of the task's last ``window``
    scores over the decisions after which they were measured, 0 for fewer than two: the defaults are
    "gProp Linreg" of Willems, Lahlou and Bengio (2020). With ``"change"`` it is the mean of the
    task's last ``window`` absolute changes of score: at 1 the absolute learning progress ``|r -
    r_before|`` of Portelas et al. (2019), whose nearest earlier task is, among finitely many tasks,
    the same one; they take ``uniform_share=0.2``. Without any progress, all tasks equally.
    """

    window: int = 10
    estimate: str = "slope"
    uniform_share: float = 0.1

    kind: ClassVar[str] = "bandit"
    sees_order: ClassVar[bool] = False
    published: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("score", CHANGE, MEASURED)
    tuning: ClassVar[dict[str, tuple[Any, ...]]] = {
        "window": (5, 10, 20),
        "estimate": ("slope", "change"),
        "uniform_share": (0.05, 0.1, 0.2, 0.4),
    }

    # Added to each absolute progress, as published: without any of it, all tasks are equal.
    _least: ClassVar[float] = 1e-8

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        check_one_of("estimate", self.estimate, ("slope", "change"))
        check_within("window", self.window, 2 if self.estimate == "slope" else 1)
        check_within("uniform_share", self.uniform_share, 0, 1)

    def start(self, n: int, k: int) -> Memory:
        """Empty windows of scores, or of ``changes`` (n, w, k) with their ``count`` (n, k)."""
        if self.estimate == "slope":
            return start_windows(n, k, self.window)
        return start_changes(n, k, self.window)

    def observe(self, memory: Memory, view: View) -> Memory:
        """Add the scores that were measured, or the sizes of their changes."""
        if self.estimate == "slope":
            return push_scores(memory, view)
        return push_changes(memory, view, absolute=True)

    def probabilities(self, memory: Memory, view: View) -> Floats:
        """Shares by absolute learning progress, mixed with uniform, (n, k)."""
        if self.estimate == "slope":
            progress = absolute_slope(memory)
        else:
            total = memory["changes"].sum(axis=1, dtype=np.float64)
            progress = total / np.clip(memory["count"], 1, self.window)
        share = proportional(progress + self._least, view.present)
        return explore(share, view.present, self.uniform_share)


@told_by_its_view
@dataclass(frozen=True)
class BidirectionalProgress:
    """Bidirectional learning progress (Kanitscheider et al. 2021, as in Syllabus).

    Each measured score s counts from the score s0 before training, ``p = max(s - min(s0,
    baseline_cap), 0) / (1 - min(s0, baseline_cap))``. Two moving averages follow it, ``fast +=
    fast_rate (p - fast)`` and then ``slow += slow_rate (fast - slow)``, both from the first p on.
    Progress is ``LP = |f(fast) - f(slow)|`` with ``f(p) = p (1 - theta) / (p + theta (1 - 2 p))``,
    which makes the first successes count most. Tasks with ``LP > 0``, or with any success so far
    (an average of s, moving by ``fast_rate``), are sampled in proportion to the sigmoid of LP's
    z-score among them; the others not at all. When there are none, all tasks equally. A share
    ``uniform_share`` goes to all tasks: 0 in Syllabus' ``LearningProgress``, 0.25 in its
    ``OnlineLearningProgress``. Two thresholds are not published: a score less than 1e-6 above the
    baseline has gained nothing, and where LP has a standard deviation of at most 1e-9 among the
    tasks, their z-scores are 0, so that they share equally.
    """

    fast_rate: float = 0.1
    slow_rate: float = 0.1
    theta: float = 0.1
    baseline_cap: float = 0.75
    uniform_share: float = 0.0

    kind: ClassVar[str] = "bandit"
    sees_order: ClassVar[bool] = False
    published: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("score", CHANGE, MEASURED)
    tuning: ClassVar[dict[str, tuple[Any, ...]]] = {
        "fast_rate": (0.05, 0.1, 0.3),
        "slow_rate": (0.05, 0.1, 0.3),
        "theta": (0.1, 0.5),
        "uniform_share": (0.0, 0.25),
    }

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        for name in ("fast_rate", "slow_rate"):
            check_positive(name, getattr(self, name))
            check_within(name, getattr(self, name), 0, 1)
        # At 0 and 1 the reweighting divides by 0.
        check_within("theta", self.theta, SPREADLESS, 1 - SPREADLESS)
        check_within("baseline_cap", self.baseline_cap, 0, 1 - SPREADLESS)
        check_within("uniform_share", self.uniform_share, 0, 1)

    def start(self, n: int, k: int) -> Memory:
        """Nothing seen yet: ``begun`` (n,) bool, and four averages (n, k)."""
        return {"begun": np.zeros(n, dtype=bool)} | {
            name: np.zeros((n, k)) for name in ("baseline", "fast", "slow", "success")
        }

    def observe(self, memory: Memory, view: View) -> Memory:
        """Move the averages of the tasks that were measured."""
        memory = self._begin(memory, view)
        rate = np.where(measured_tasks(view), self.fast_rate, 0.0)
        slow_rate = np.where(rate > 0.0, self.slow_rate, 0.0)
        gain = _gain(view["score"], memory["baseline"])
        fast = memory["fast"] + rate * (gain - memory["fast"])
        return {
            "begun": memory["begun"],
            "baseline": memory["baseline"],
            "fast": fast,
            "slow": memory["slow"] + slow_rate * (fast - memory["slow"]),
            "success": memory["success"] + rate * (view["score"] - memory["success"]),
        }

    def probabilities(self, memory: Memory, view: View) -> Floats:
        """Sigmoid of the z-scored progress over the tasks that move, (n, k)."""
        memory = self._begin(memory, view)
        progress = np.abs(self._reweight(memory["fast"]) - self._reweight(memory["slow"]))
        moving = view.present & ((progress > 0.0) | (memory["success"] > 0.0))
        weight = np.where(moving, 1.0 / (1.0 + np.exp(-_z_score(progress, moving))), 0.0)
        share = otherwise(proportional(weight, moving), uniform(view.present))
        return explore(share, view.present, self.uniform_share)

    def _reweight(self, p: Floats) -> Floats:
        return p * (1.0 - self.theta) / (p + self.theta * (1.0 - 2.0 * p))

    def _begin(self, memory: Memory, view: View) -> Memory:
        """Baseline and averages from the scores before training, where there are none yet."""
        new = ~memory["begun"]
        if not new.any():
            return memory
        before = np.clip(view["score"] - view[CHANGE], 0.0, 1.0)
        baseline = np.minimum(before, self.baseline_cap)
        first = _gain(before, baseline)
        averages = {"baseline": baseline, "fast": first, "slow": first, "success": before}
        return {"begun": np.ones_like(new)} | {
            name: np.where(new[:, None], value, memory[name]) for name, value in averages.items()
        }


def _gain(score: Floats, baseline: Floats) -> Floats:
    """How much of what was missing before training has been gained, (n, k) in [0, 1]."""
    gain = score - baseline
    return np.where(gain > ROUNDING, gain, 0.0) / (1.0 - baseline)


def _z_score(values: Floats, among: Bools) -> Floats:
    """Deviation of each value from the mean of those ``among``, in standard deviations, (n, k).

    0 where they are all the same, and where the task is not among them.
    """
    count = np.maximum(among.sum(axis=1, keepdims=True), 1)
    mean = np.where(among, values, 0.0).sum(axis=1, keepdims=True) / count
    deviation = np.where(among, values - mean, 0.0)
    spread = np.sqrt((deviation * deviation).sum(axis=1, keepdims=True) / count)
    return np.where(spread > SPREADLESS, deviation / np.where(spread > 0.0, spread, 1.0), 0.0)
