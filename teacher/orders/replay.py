"""Recorded schedules as teachers: played as they were, or the same decisions shuffled in time.

Axes: n students, k tasks, m recorded schedules, t decisions of the longest of them, w tasks that
were recorded.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..choose import Bools, Floats, otherwise, proportional
from ..rules import Memory, View

Ints = NDArray[np.int64]

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
    counts: Ints = field(init=False, repr=False)

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
        return _nothing_planned(n, np.shape(self.schedules)[1])

    def observe(self, memory: Memory, view: View) -> Memory:
        """Keep the schedule of each lifetime from its first outcome on."""
        which, plan = self._plan(memory, view)
        return {"which": which, "plan": plan}

    def probabilities(self, memory: Memory, view: View) -> Floats:
        """All on the recorded task, or after the end the recorded proportions, (n, k)."""
        which, plan = self._plan(memory, view)
        next_task = _now(plan, view)
        present: Bools = view.present
        task = np.where(present, view["task"], -1).astype(np.int64)
        lesson = (present & (task == next_task[:, None])).astype(np.float64)
        counts = _where_they_stand(self.counts[which].astype(np.float64), view)
        return otherwise(lesson, proportional(counts, present))

    def _plan(self, memory: Memory, view: View) -> tuple[Ints, Ints]:
        return _planned(np.asarray(self.schedules), self.keys, self.shuffled, memory, view)


@dataclass(frozen=True, eq=False)
class ReplayMixtures:
    """Play back recorded lifetimes of mixtures, decision by decision.

    ``mixtures`` is (m, t, w): the shares of the tasks in each decision, in the suite's own order,
    and rows of zeros after the end of a shorter one; shares are scaled to a sum of 1. ``keys`` is
    (m,), and says who gets which schedule as in ``Replay``. After the end, and where no recorded
    task exists, it is the mean of the recorded mixtures. With ``shuffled`` each lifetime plays
    its mixtures in a random order of its own: their mean stays, the order is lost.
    """

    mixtures: ArrayLike
    keys: ArrayLike
    shuffled: bool = False
    rows: Ints = field(init=False, repr=False)
    means: Floats = field(init=False, repr=False)

    kind: ClassVar[str] = "order"
    mixes: ClassVar[bool] = True
    sees_order: ClassVar[bool] = False
    needs: ClassVar[tuple[str, ...]] = ("task", "key")
    tuning: ClassVar[dict[str, tuple[Any, ...]]] = {}

    def __post_init__(self) -> None:
        """Check the record and number its rows; ``ValueError`` says what is wrong with it."""
        mixtures, keys = _mixtures(self.mixtures, self.keys)
        is_row = mixtures.any(axis=2)
        numbers = np.broadcast_to(np.arange(mixtures.shape[1]), is_row.shape)
        object.__setattr__(self, "mixtures", mixtures)
        object.__setattr__(self, "keys", keys)
        object.__setattr__(self, "rows", np.where(is_row, numbers, -1))
        object.__setattr__(self, "means", mixtures.sum(axis=1) / is_row.sum(axis=1)[:, None])

    def start(self, n: int, k: int) -> Memory:
        """No schedule yet: ``which`` (n,) is -1; ``plan`` (n, t) will be the rows to be played."""
        return _nothing_planned(n, self.rows.shape[1])

    def observe(self, memory: Memory, view: View) -> Memory:
        """Keep the schedule of each lifetime from its first outcome on."""
        which, plan = self._plan(memory, view)
        return {"which": which, "plan": plan}

    def probabilities(self, memory: Memory, view: View) -> Floats:
        """The recorded shares, or after the end their means, (n, k)."""
        which, plan = self._plan(memory, view)
        row = _now(plan, view)
        mixtures = np.asarray(self.mixtures)[which, np.maximum(row, 0)]
        shares = _where_they_stand(np.where(row[:, None] < 0, 0.0, mixtures), view)
        means = _where_they_stand(self.means[which], view)
        return proportional(otherwise(shares, means), view.present)

    def _plan(self, memory: Memory, view: View) -> tuple[Ints, Ints]:
        return _planned(self.rows, self.keys, self.shuffled, memory, view)


def _nothing_planned(n: int, decisions: int) -> Memory:
    return {
        "which": np.full(n, -1, dtype=np.int64),
        "plan": np.full((n, decisions), -1, dtype=np.int64),
    }


def _planned(
    schedules: Ints, keys: ArrayLike, shuffled: bool, memory: Memory, view: View
) -> tuple[Ints, Ints]:
    """Which schedule every student plays, (n,), and its decisions in playing order, (n, t)."""
    which, plan = memory["which"], memory["plan"]
    new = which < 0
    if not new.any():
        return which, plan
    which = np.where(new, _match(np.asarray(keys), view), which)
    playing = _in_playing_order(schedules[which], shuffled, view)
    return which, np.where(new[:, None], playing, plan)


def _match(keys: NDArray[Any], view: View) -> Ints:
    """The schedule with each student's key, or a random one, (n,)."""
    names = _names(keys)
    same = _names(view["key"][:, :1]) == names
    random = (view.lifetime_uniform(PICK_STREAM, 1)[:, 0] * len(names)).astype(np.int64)
    return np.where(same.any(axis=1), same.argmax(axis=1), random)


def _in_playing_order(plan: Ints, shuffled: bool, view: View) -> Ints:
    """The chosen schedules in the order they are played, (n, t)."""
    if not shuffled:
        return plan
    place = view.lifetime_uniform(SHUFFLE_STREAM, plan.shape[1])
    order = np.argsort(np.where(plan < 0, np.inf, place), axis=1, kind="stable")
    return np.take_along_axis(plan, order, axis=1)


def _now(plan: Ints, view: View) -> Ints:
    """What the plans (n, t) have for this decision, -1 after their end, (n,)."""
    decisions = plan.shape[1]
    step = np.minimum(view.decision, decisions - 1)
    return np.where(view.decision < decisions, plan[np.arange(len(plan)), step], -1)


def _where_they_stand(values: Floats, view: View) -> Floats:
    """Values of recorded tasks (n, w) where these stand, 0 for tasks without one, (n, k)."""
    task = np.where(view.present, view["task"], -1).astype(np.int64)
    known = view.present & (task < values.shape[1])
    return np.where(known, np.take_along_axis(values, np.where(known, task, 0), axis=1), 0.0)


def _names(keys: NDArray[Any]) -> Ints:
    """Keys as the 24-bit numbers that they stand for: float32 or float64, they compare equal."""
    return np.round(keys * 2.0**24).astype(np.int64)


def _record(schedules: ArrayLike, keys: ArrayLike) -> tuple[Ints, Floats]:
    """Checked copies: schedules (m, t) and keys (m,)."""
    plans = np.array(schedules, dtype=np.int64)
    if plans.ndim != 2 or 0 in plans.shape:
        raise ValueError(f"schedules must be (m, t) with m, t >= 1, got shape {plans.shape}")
    names = _one_each(keys, len(plans))
    is_task = plans >= 0
    if (plans < -1).any() or not is_task[:, 0].all() or (is_task[:, 1:] & ~is_task[:, :-1]).any():
        raise ValueError("schedules must hold task indices >= 0, with -1 only after their end")
    return plans, names


def _mixtures(mixtures: ArrayLike, keys: ArrayLike) -> tuple[Floats, Floats]:
    """Checked copies: mixtures (m, t, w), rows with a sum of 1 or 0, and keys (m,)."""
    shares = np.array(mixtures, dtype=np.float64)
    if shares.ndim != 3 or 0 in shares.shape:
        raise ValueError(f"mixtures must be (m, t, w) with all >= 1, got shape {shares.shape}")
    names = _one_each(keys, len(shares))
    if not (np.isfinite(shares).all() and (shares >= 0).all()):
        raise ValueError(
            "mixtures must hold finite shares >= 0, got values from "
            f"{np.min(shares)} to {np.max(shares)}"
        )
    total = shares.sum(axis=2, keepdims=True)
    is_row = total[:, :, 0] > 0
    if not is_row[:, 0].all() or (is_row[:, 1:] & ~is_row[:, :-1]).any():
        raise ValueError("mixtures must have a share above 0 in each row, zeros only after the end")
    return shares / np.where(total > 0, total, 1.0), names


def _one_each(keys: ArrayLike, count: int) -> Floats:
    """A copy of the keys, (m,), one per schedule."""
    names = np.array(keys, dtype=np.float64)
    if names.shape != (count,):
        raise ValueError(f"keys must be ({count},), one per schedule, got {names.shape}")
    return names
