"""Teacher-Student Curriculum Learning: practise what is being learned fastest.

The four algorithms of Matiisen et al. 2017 (tambetm/TSCL). They differ in how they estimate the
slope ``Q_k`` of a task's learning curve and agree on what follows from it. Axes: n students, k
tasks, w the length of a window of past observations.

Only what was measured since the previous decision counts, which the column ``measured`` shows:
every task's score, or that of the chosen task alone. What is known of the others stays.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..choose import (
    Floats,
    check_one_of,
    check_positive,
    check_within,
    epsilon_greedy,
    otherwise,
    softmax,
)
from ..estimate import (
    CHANGE,
    MEASURED,
    chosen_task,
    measured_tasks,
    push_changes,
    push_scores,
    slope,
    start_changes,
    start_windows,
)
from ..rules import Memory, View, told_by_its_view

THOMPSON_STREAM = 1


@dataclass(frozen=True)
class TSCL:
    """What the four algorithms share: a policy on the slopes ``Q`` that each of them estimates.

    ``policy`` is ``"epsilon_greedy"``, ``(1 - epsilon) [k = argmax Q] + epsilon / K`` where equal
    slopes share equally, or ``"softmax"``, ``exp(Q_k / temperature)``. With ``absolute`` the size
    of a slope counts, not its sign, so that a task that is being forgotten is practised again.
    """

    policy: str = "epsilon_greedy"
    epsilon: float = 0.1
    temperature: float = 4e-4
    absolute: bool = False

    kind: ClassVar[str] = "bandit"
    sees_order: ClassVar[bool] = False
    mixes: ClassVar[bool] = False
    published: ClassVar[bool] = True
    policies: ClassVar[tuple[str, ...]] = ("epsilon_greedy", "softmax")

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        check_one_of("policy", self.policy, self.policies)
        check_within("epsilon", self.epsilon, 0, 1)
        check_positive("temperature", self.temperature)

    def _choose(self, value: Floats, view: View) -> Floats:
        """The policy on the slopes, (n, k)."""
        value = np.abs(value) if self.absolute else value
        if self.policy == "softmax":
            return softmax(value, view.present, self.temperature)
        return epsilon_greedy(value, view.present, self.epsilon)


@told_by_its_view
@dataclass(frozen=True)
class TSCLOnline(TSCL):
    """TSCL, Online algorithm: ``Q_k <- Q_k + learning_rate (x_k(t) - x_k(t - 1) - Q_k)``, from 0.

    ``x_k`` is the score of task k. The first change is taken from the score before training
    (published: from 0, the score of a student that knows nothing).
    """

    learning_rate: float = 0.1

    needs: ClassVar[tuple[str, ...]] = (CHANGE, MEASURED)
    tuning: ClassVar[dict[str, tuple[Any, ...]]] = {
        "learning_rate": (0.05, 0.1, 0.3),
        "epsilon": (0.05, 0.1, 0.3),
        "absolute": (False, True),
    }

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        super().__post_init__()
        check_within("learning_rate", self.learning_rate, 0, 1)

    def start(self, n: int, k: int) -> Memory:
        """No slope is known: ``value`` (n, k) zeros."""
        return {"value": np.zeros((n, k))}

    def observe(self, memory: Memory, view: View) -> Memory:
        """Move the slopes of the tasks that were measured towards their last change."""
        value = memory["value"]
        step = self.learning_rate * (view[CHANGE] - value)
        return {"value": value + np.where(measured_tasks(view), step, 0.0)}

    def probabilities(self, memory: Memory, view: View) -> Floats:
        """The policy on the averaged changes, (n, k)."""
        return self._choose(memory["value"], view)


@told_by_its_view
@dataclass(frozen=True)
class TSCLNaive(TSCL):
    """TSCL, Naive algorithm: hold still for ``window`` decisions, then look at what came of it.

    ``Q_k <- Q_k + learning_rate (s_k - Q_k)``, from 0, at the end of every ``window`` decisions;
    ``s_k`` is the least-squares slope of the scores of task k during them against 0, 1, 2, ..., and
    1 for fewer than two scores. Where every task is measured, the probabilities are held and every
    slope counts, as in the released code; where some are not, the chosen task itself is held and
    only slopes of what was measured count, as in the paper's Algorithm 2.
    """

    window: int = 10
    learning_rate: float = 0.1

    needs: ClassVar[tuple[str, ...]] = ("score", MEASURED)
    tuning: ClassVar[dict[str, tuple[Any, ...]]] = {
        "window": (3, 5, 10),
        "learning_rate": (0.1, 0.3, 1.0),
        "epsilon": (0.05, 0.1, 0.3),
        "absolute": (False, True),
    }

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        super().__post_init__()
        check_within("window", self.window, 2)
        check_within("learning_rate", self.learning_rate, 0, 1)

    def start(self, n: int, k: int) -> Memory:
        """Slopes ``value`` (n, k), and of the window so far ``spent`` (n,) and, (n, k), ``count``.

        ``first`` (n, k) is a task's first score in the window, ``total`` (n, k) the sum of its
        scores above it, and ``moment`` (n, k) the same, each times its place 0, 1, 2, ...
        """
        floats = {name: np.zeros((n, k)) for name in ("value", "first", "total", "moment")}
        counts = {"count": np.zeros((n, k), np.int64), "spent": np.zeros(n, np.int64)}
        return floats | counts

    def observe(self, memory: Memory, view: View) -> Memory:
        """Add what was measured; at the end of the window move the slopes and begin another."""
        measured, count = measured_tasks(view), memory["count"]
        first = np.where(measured & (count == 0), view["score"], memory["first"])
        # Relative to one of the scores: a flat line has slope 0 to the bit, and ties with others.
        above = np.where(measured, view["score"] - first, 0.0)
        total, moment = memory["total"] + above, memory["moment"] + count * above
        count = count + measured
        decisions = memory["spent"] + chosen_task(view).any(axis=1)
        at_end = np.expand_dims(decisions >= self.window, 1)
        spread = count * (count * count - 1) / 12.0
        rise = moment - 0.5 * (count - 1) * total
        target = np.where(count >= 2, rise / np.where(count >= 2, spread, 1.0), 1.0)
        step = self.learning_rate * (target - memory["value"])
        return {
            "value": memory["value"] + np.where(at_end & measured, step, 0.0),
            "first": np.where(at_end, 0.0, first),
            "total": np.where(at_end, 0.0, total),
            "moment": np.where(at_end, 0.0, moment),
            "count": np.where(at_end, 0, count),
            "spent": np.where(at_end[:, 0], 0, decisions),
        }

    def probabilities(self, memory: Memory, view: View) -> Floats:
        """The policy on the slopes, or the task that is held, (n, k)."""
        policy = self._choose(memory["value"], view)
        partly = (view.present & ~measured_tasks(view)).any(axis=1)
        current = chosen_task(view) & (partly & (memory["spent"] > 0))[:, None]
        return otherwise(current.astype(np.float64), policy)


@told_by_its_view
@dataclass(frozen=True)
class TSCLWindow(TSCL):
    """TSCL, Window algorithm: the slope over the last scores, without any averaging.

    ``Q_k`` = least-squares slope of the last ``window`` scores of task k over the decisions after
    which they were measured, 1 for fewer than two scores. As published, a student's scores before
    its first training are not part of the window.
    """

    window: int = 10

    needs: ClassVar[tuple[str, ...]] = ("score", MEASURED)
    tuning: ClassVar[dict[str, tuple[Any, ...]]] = {
        "window": (5, 10, 20),
        "epsilon": (0.05, 0.1, 0.3),
        "absolute": (False, True),
    }

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        super().__post_init__()
        check_within("window", self.window, 2)

    def start(self, n: int, k: int) -> Memory:
        """Empty windows: ``scores`` and ``times`` (n, w, k), ``count`` (n, k)."""
        return start_windows(n, k, self.window)

    def observe(self, memory: Memory, view: View) -> Memory:
        """Add the scores that were measured, and when they were."""
        return push_scores(memory, view)

    def probabilities(self, memory: Memory, view: View) -> Floats:
        """The policy on the slopes, (n, k)."""
        return self._choose(slope(memory["scores"], memory["times"], memory["count"]), view)


@told_by_its_view
@dataclass(frozen=True)
class TSCLSampling(TSCL):
    """TSCL, Sampling algorithm: one of the last changes of score stands for the slope.

    Each task keeps its last ``window`` changes of score ``d_k = x_k(t) - x_k(t - 1)``. With
    ``policy="thompson"`` one of them is drawn per task, uniformly, and epsilon-greedy acts on the
    draws; ``"epsilon_greedy"`` and ``"softmax"`` act on their means. A task without any counts as
    1. The first change is taken from the score before training (published: from 0, the score of a
    student that knows nothing).
    """

    policy: str = "thompson"
    window: int = 10

    policies: ClassVar[tuple[str, ...]] = ("thompson", "epsilon_greedy", "softmax")
    needs: ClassVar[tuple[str, ...]] = (CHANGE, MEASURED)
    tuning: ClassVar[dict[str, tuple[Any, ...]]] = {
        "window": (5, 10, 20),
        "epsilon": (0.05, 0.1, 0.3),
        "absolute": (False, True),
    }

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        super().__post_init__()
        check_within("window", self.window, 1)

    def start(self, n: int, k: int) -> Memory:
        """Empty windows: ``changes`` (n, w, k), ``count`` (n, k)."""
        return start_changes(n, k, self.window)

    def observe(self, memory: Memory, view: View) -> Memory:
        """Add the changes of the scores that were measured."""
        return push_changes(memory, view)

    def probabilities(self, memory: Memory, view: View) -> Floats:
        """The policy on the drawn or mean changes, (n, k)."""
        changes = memory["changes"]
        sizes = np.minimum(memory["count"], self.window)
        if self.policy == "thompson":
            slot = (view.uniform(THOMPSON_STREAM) * sizes).astype(np.int64)
            value = np.take_along_axis(changes, slot[:, None, :], axis=1)[:, 0, :]
        else:
            value = changes.sum(axis=1, dtype=np.float64) / np.maximum(sizes, 1)
        return self._choose(np.where(sizes > 0, value, 1.0), view)
