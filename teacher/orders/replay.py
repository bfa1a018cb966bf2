"""Recorded schedules as teachers: played as they were, or with the same counts shuffled in time.

Axes: n students, k tasks, m recorded schedules, t decisions of the longest of them.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..choose import Bools, Floats, otherwise, proportional
from ..rules import Memory, View

PICK_STREAM = 0
SHUFFLE_STREAM = 1


@dataclass(frozen=True, eq=False)
class Replay:
    """Play back recorded lifetimes, decision by decision.

    ``schedules`` is (m, t): which task each decision chose, as an index in the suite's own order,
    -1 after the end of a shorter one. ``keys`` is (m,): the student's ``key`` column in that
    lifetime. A student whose key was recorded gets its own schedule (the first, if there are
    several), any other student one that is picked at random for its lifetime. After the end, and
    where a recorded task does not exist, the task is drawn in the recorded proportions. With
    ``shuffled`` each lifetime plays its schedule in a random order of its own: the counts stay,
    the order is lost.
    """

    schedules: ArrayLike
    keys: ArrayLike
    shuffled: bool = False
    counts: NDArray[np.int64] = field(init=False, repr=False)

    kind: ClassVar[str] = "order"
    sees_order: ClassVar[bool] = False
    needs: ClassVar[tuple[str, ...]] = ("task", "key")
    tuning: ClassVar[dict[str, tuple[Any, ...]]] = {}

    def __post_init__(self) -> None:
        """Check the record and count its tasks; ``ValueError`` says what is wrong with it."""
        schedules, keys = _record(self.schedules, self.keys)
        width = int(schedules.max()) + 1
        counts = np.stack([(schedules == task).sum(axis=1) for task in range(width)], axis=1)
        object.__setattr__(self, "schedules", schedules)
        object.__setattr__(self, "keys", keys)
        object.__setattr__(self, "counts", counts)

    def start(self, n: int, k: int) -> Memory:
        """No schedule yet: ``which`` (n,) is -1; ``plan`` (n, t) will be what is to be played."""
        decisions = np.shape(self.schedules)[1]
        return {
            "which": np.full(n, -1, dtype=np.int64),
            "plan": np.full((n, decisions), -1, dtype=np.int64),
        }

    def observe(self, memory: Memory, view: View) -> Memory:
        """Keep the schedule of each lifetime from its first outcome on."""
        which, plan = self._plan(memory, view)
        return {"which": which, "plan": plan}

    def probabilities(self, memory: Memory, view: View) -> Floats:
        """All on the recorded task, or after the end the recorded proportions, (n, k)."""
        which, plan = self._plan(memory, view)
        decisions = plan.shape[1]
        step = np.minimum(view.decision, decisions - 1)
        next_task = np.where(view.decision < decisions, plan[np.arange(len(plan)), step], -1)
        present: Bools = view.present
        task = np.where(present, view["task"], -1).astype(np.int64)
        lesson = (present & (task == next_task[:, None])).astype(np.float64)
        has_count = present & (task < self.counts.shape[1])
        counts = np.where(has_count, self.counts[which[:, None], np.where(has_count, task, 0)], 0)
        return otherwise(lesson, proportional(counts.astype(np.float64), present))

    def _plan(self, memory: Memory, view: View) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Which schedule every student plays, (n,), and its decisions in playing order, (n, t)."""
        which, plan = memory["which"], memory["plan"]
        new = which < 0
        if not new.any():
            return which, plan
        which = np.where(new, self._match(view), which)
        return which, np.where(new[:, None], self._playing_order(which, view), plan)

    def _match(self, view: View) -> NDArray[np.int64]:
        """The schedule with each student's key, or a random one, (n,)."""
        keys = _names(np.asarray(self.keys))
        same = _names(view["key"][:, :1]) == keys
        random = (view.lifetime_uniform(PICK_STREAM, 1)[:, 0] * len(keys)).astype(np.int64)
        return np.where(same.any(axis=1), same.argmax(axis=1), random)

    def _playing_order(self, which: NDArray[np.int64], view: View) -> NDArray[np.int64]:
        """The chosen schedules in the order they are played, (n, t)."""
        plan: NDArray[np.int64] = np.asarray(self.schedules)[which]
        if not self.shuffled:
            return plan
        place = view.lifetime_uniform(SHUFFLE_STREAM, plan.shape[1])
        order = np.argsort(np.where(plan < 0, np.inf, place), axis=1, kind="stable")
        return np.take_along_axis(plan, order, axis=1)


def _names(keys: NDArray[Any]) -> NDArray[np.int64]:
    """Keys as the 24-bit numbers that they stand for: float32 or float64, they compare equal."""
    return np.round(keys * 2.0**24).astype(np.int64)


def _record(schedules: ArrayLike, keys: ArrayLike) -> tuple[NDArray[np.int64], Floats]:
    """Checked copies: schedules (m, t) and keys (m,)."""
    plans = np.array(schedules, dtype=np.int64)
    names = np.array(keys, dtype=np.float64)
    if plans.ndim != 2 or 0 in plans.shape:
        raise ValueError(f"schedules must be (m, t) with m, t >= 1, got shape {plans.shape}")
    if names.shape != (len(plans),):
        raise ValueError(f"keys must be ({len(plans)},), one per schedule, got {names.shape}")
    is_task = plans >= 0
    if (plans < -1).any() or not is_task[:, 0].all() or (is_task[:, 1:] & ~is_task[:, :-1]).any():
        raise ValueError("schedules must hold task indices >= 0, with -1 only after their end")
    return plans, names
