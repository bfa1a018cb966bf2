"""The mastering rate curriculum: attention to what is ready to be learned, on a task graph.

Axes: n students, k tasks, w the length of a window of past scores.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..choose import (
    Bools,
    Floats,
    check_one_of,
    check_positive,
    check_within,
    explore,
    greedy,
    proportional,
    softmax,
)
from ..estimate import MEASURED, absolute_slope, push_scores, start_windows, window_mean
from ..rules import Memory, View, told_by_its_view
from .graph import TaskGraph


@told_by_its_view
@dataclass(frozen=True)
class MasteringRate:
    """Mastering rate on a graph of tasks (Willems, Lahlou and Bengio 2020).

    ``m_k = (s_k - lowest_k) / (highest_k - lowest_k)`` with s the mean of the last ``window``
    scores; ``lowest`` and ``highest`` begin with the parameters and widen with the mean of a full
    window. Attention ``a_k = A_k^power ((1 - potential) |LP_k| / max |LP| + potential (1 - m_k)) (1
    - S_k)``, where A is the lowest m of all tasks before k, S the lowest of those directly after it
    (1 and 0 where there are none), and LP the least-squares slope of the last ``window`` scores (0
    for fewer than two). Then, from the last task to the first, each gives ``to_prerequisites`` of
    what it has to its prerequisites, who pass it on, and ``to_successors`` of the rest to its
    successors, who do not. ``choice="proportional"`` samples by ``a_k + 1e-8``, ``"greedy"`` takes
    the highest, ``"softmax"`` samples by ``exp(a_k / temperature)``; a share ``epsilon`` of the
    choices is uniform.

    ``prerequisites`` are those of each task, in the suite's own (canonical) order. Tasks that do
    not exist now are left out of it. As published, a student's scores before its first training
    are not part of the window.
    """

    prerequisites: tuple[tuple[int, ...], ...]
    window: int = 10
    power: float = 6.0
    potential: float = 0.5
    to_prerequisites: float = 0.2
    to_successors: float = 0.05
    lowest: float = 0.0
    highest: float = 1.0
    choice: str = "proportional"
    epsilon: float = 0.0
    temperature: float = 4e-4
    graph: TaskGraph = field(init=False, repr=False, compare=False)

    kind: ClassVar[str] = "bandit"
    sees_order: ClassVar[bool] = True
    published: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("score", "task", MEASURED)
    tuning: ClassVar[dict[str, tuple[Any, ...]]] = {
        "window": (5, 10, 20),
        "power": (1.0, 3.0, 6.0),
        "potential": (0.0, 0.5, 1.0),
        "choice": ("proportional", "greedy"),
        "epsilon": (0.0, 0.1),
    }

    # Added to each attention before sampling in proportion, as published.
    _least: ClassVar[float] = 1e-8

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        graph = TaskGraph(self.prerequisites)
        plain = tuple(tuple(int(task) for task in tasks) for tasks in self.prerequisites)
        object.__setattr__(self, "prerequisites", plain)
        object.__setattr__(self, "graph", graph)
        check_within("window", self.window, 2)
        check_positive("power", self.power)
        for share in ("potential", "to_prerequisites", "to_successors", "epsilon"):
            check_within(share, getattr(self, share), 0, 1)
        if not 0.0 <= self.lowest < self.highest <= 1.0:
            raise ValueError(
                "lowest must be below highest, both in [0, 1], "
                f"got lowest={self.lowest!r} and highest={self.highest!r}"
            )
        check_one_of("choice", self.choice, ("proportional", "greedy", "softmax"))
        check_positive("temperature", self.temperature)

    def start(self, n: int, k: int) -> Memory:
        """Empty windows; ``mean``, ``lowest`` and ``highest`` (n, k), the mean at the lowest."""
        lowest, highest = np.full((n, k), self.lowest), np.full((n, k), self.highest)
        bounds = {"mean": lowest, "lowest": lowest.copy(), "highest": highest}
        return start_windows(n, k, self.window) | bounds

    def observe(self, memory: Memory, view: View) -> Memory:
        """Add the scores that were measured, and widen the bounds where a window is full."""
        windows = push_scores(memory, view)
        mean, full = window_mean(windows), windows["count"] >= self.window
        return windows | {
            "mean": np.where(windows["count"] > 0, mean, memory["mean"]),
            "lowest": np.where(full, np.minimum(memory["lowest"], mean), memory["lowest"]),
            "highest": np.where(full, np.maximum(memory["highest"], mean), memory["highest"]),
        }

    def probabilities(self, memory: Memory, view: View) -> Floats:
        """The choice by attention, mixed with uniform, (n, k)."""
        attention, present = self._attention(memory, view), view.present
        if self.choice == "softmax":
            share = softmax(attention, present, self.temperature)
        elif self.choice == "greedy":
            share = greedy(attention, present)
        else:
            share = proportional(attention + self._least, present)
        return explore(share, present, self.epsilon)

    def _attention(self, memory: Memory, view: View) -> Floats:
        """Attention to each task where it stands, (n, k)."""
        place, canonical = self._places(view)

        def by_task(values: NDArray[Any], absent: float) -> Floats:
            table = np.full((len(self.graph), len(view.last)), absent)
            table.reshape(-1)[canonical] = values.reshape(-1)[place]
            return table

        mastery = _mastery(memory)
        interest = by_task(self._interest(memory, mastery, view.present), 0.0)
        mastery = by_task(mastery, np.inf)
        before = np.minimum(self.graph.lowest_ancestor(mastery), 1.0)
        after = self.graph.lowest_successor(mastery)
        attention = before**self.power * interest * (1.0 - np.where(after > 1.0, 0.0, after))
        result = self.graph.pass_on(
            attention, mastery < np.inf, self.to_prerequisites, self.to_successors
        )
        shown_order = np.zeros(view.present.shape)
        shown_order.reshape(-1)[place] = result.reshape(-1)[canonical]
        return shown_order

    def _interest(self, memory: Memory, mastery: Floats, present: Bools) -> Floats:
        """Progress relative to the largest, and what is left to master, (n, k)."""
        progress = np.where(present, absolute_slope(memory), 0.0)
        largest = progress.max(axis=1, keepdims=True)
        relative = progress / np.where(largest > 0.0, largest, 1.0)
        return (1.0 - self.potential) * relative + self.potential * (1.0 - mastery)

    def _places(self, view: View) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where every present task stands in a flat (n, k) array as shown, and in a flat (k, n)."""
        place = np.flatnonzero(view.present)
        task = view["task"].reshape(-1)[place].astype(np.int64)
        if len(task) and task.max() >= len(self.graph):
            raise ValueError(
                f"MasteringRate has prerequisites for {len(self.graph)} tasks but the suite has at "
                f"least {task.max() + 1}: give one tuple per task, in the suite's order"
            )
        n, k = view.present.shape
        return place, task * n + place // k


def _mastery(memory: Memory) -> Floats:
    """How much of the way from the lowest to the highest score each task has come, (n, k)."""
    lowest, highest = memory["lowest"], memory["highest"]
    mean = np.minimum(np.maximum(memory["mean"], lowest), highest)
    mastery: Floats = (mean - lowest) / (highest - lowest)
    return mastery
