"""A graph of prerequisites, and what passes along its edges.

Arrays are (k, n), canonical tasks by students: an edge then joins contiguous rows. Every step is
elementwise over the students, so that none depends on its neighbours. What passes through several
tasks takes a step per task; what passes to the next tasks only, a step for the first neighbours of
all tasks, one for the second ones, and so on.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..choose import Bools, Floats

Place = slice | NDArray[np.int64]
"""Where some tasks stand; a slice if they follow one another, which is faster."""
Edges = list[tuple[NDArray[np.int64], NDArray[np.int64]]]
"""Different tasks and one neighbour of each: first their first ones, then their second ones, ..."""


class TaskGraph:
    """Which tasks come directly before which.

    Args:
        prerequisites: of each task, the indices of its direct prerequisites.

    Raises:
        ValueError: for an index that is no task, or prerequisites in a circle.
    """

    def __init__(self, prerequisites: Sequence[Sequence[int]]) -> None:
        before = [sorted({int(task) for task in tasks}) for tasks in prerequisites]
        after: list[list[int]] = [[] for _ in before]
        for task, tasks in enumerate(before):
            if tasks and not 0 <= tasks[0] <= tasks[-1] < len(before):
                raise ValueError(
                    f"prerequisites of task {task} must be tasks from 0 to {len(before) - 1}, "
                    f"got {tasks}"
                )
            for prerequisite in tasks:
                after[prerequisite].append(task)
        self.order = _sorted(before)
        """All tasks, each after its prerequisites."""
        self._before = _places(before)
        self._closest = _places(_without_detours(before, self.order))
        self._to_before, self._to_after = _edges(before), _edges(after)
        # Small whole numbers, which float32 adds without rounding: the fastest way to count.
        self._comes_before = np.zeros((len(before), len(before)), dtype=np.float32)
        for task, tasks in enumerate(before):
            self._comes_before[task, tasks] = 1.0

    def __len__(self) -> int:
        return len(self.order)

    def lowest_ancestor(self, values: Floats) -> Floats:
        """The lowest value of all that comes before each task, directly or not, inf if nothing."""
        lowest, lowest_so_far = np.full(values.shape, np.inf), values.copy()
        rows, rows_so_far = list(lowest), list(lowest_so_far)
        for task in self.order:
            if task in self._closest:
                np.minimum.reduce(lowest_so_far[self._closest[task]], axis=0, out=rows[task])
                np.minimum(rows_so_far[task], rows[task], out=rows_so_far[task])
        return lowest

    def lowest_successor(self, values: Floats) -> Floats:
        """The lowest value of the tasks directly after each task, inf if there are none."""
        lowest = np.full(values.shape, np.inf)
        for tasks, after in self._to_after:
            lowest[tasks] = np.minimum(lowest[tasks], values[after])
        return lowest

    def pass_on(
        self, attention: Floats, present: Bools, to_before: float, to_after: float
    ) -> Floats:
        """Attention after each task has given shares of its own to its neighbours.

        From the last task to the first, a task gives ``to_before`` of what it has, received shares
        included, in equal parts to its direct prerequisites; and ``to_after`` of the rest to its
        direct successors, who do not pass it on. A task without prerequisites or successors loses
        these shares all the same. Tasks that are not present neither give nor count; what stands
        in their places has no meaning.
        """
        share, amount = _equal_parts(self._comes_before, present, to_before), attention.copy()
        rows = list(amount)
        for task in reversed(self.order):
            if task in self._before:
                amount[self._before[task]] += share[task] * rows[task]
        amount *= 1.0 - to_before
        gifts = _equal_parts(self._comes_before.T, present, to_after) * amount
        after: Floats = amount * (1.0 - to_after)
        for tasks, givers in self._to_before:
            after[tasks] += gifts[givers]
        return after


def _equal_parts(neighbours: NDArray[np.float32], present: Bools, share: float) -> Floats:
    """What part of its own each task gives to each of its present neighbours, (k, n).

    ``neighbours`` (k, k) is 1 where the task of a row has the task of a column as a neighbour.
    """
    count = (neighbours @ present.astype(np.float32)).astype(np.float64)
    return np.where(present, share / np.maximum(count, 1.0), 0.0)


def _places(neighbours: list[list[int]]) -> dict[int, Place]:
    """Where the neighbours of each task stand, of those that have some."""
    return {task: _place(sorted(near)) for task, near in enumerate(neighbours) if near}


def _place(tasks: list[int]) -> Place:
    if tasks[-1] - tasks[0] + 1 == len(tasks):
        return slice(tasks[0], tasks[-1] + 1)
    return np.array(tasks)


def _edges(neighbours: list[list[int]]) -> Edges:
    """All pairs of a task and a neighbour; a task is only once in each part of them."""
    pairs: Edges = []
    for i in range(max(map(len, neighbours), default=0)):
        tasks = np.array([task for task, near in enumerate(neighbours) if len(near) > i])
        pairs.append((tasks, np.array([neighbours[task][i] for task in tasks])))
    return pairs


def _without_detours(before: list[list[int]], order: Sequence[int]) -> list[list[int]]:
    """The prerequisites of each task that do not come before another one of them."""
    ancestors: dict[int, set[int]] = {}
    for task in order:
        ancestors[task] = set(before[task]).union(*(ancestors[earlier] for earlier in before[task]))
    return [
        [earlier for earlier in tasks if not any(earlier in ancestors[other] for other in tasks)]
        for tasks in before
    ]


def _sorted(before: list[list[int]]) -> tuple[int, ...]:
    """The tasks, each after its prerequisites; ``ValueError`` if some wait for one another."""
    order: list[int] = []
    waiting = dict(enumerate(before))
    while waiting:
        ready = [task for task, tasks in waiting.items() if not waiting.keys() & set(tasks)]
        if not ready:
            raise ValueError(
                f"the prerequisites of tasks {sorted(waiting)} run in a circle or follow one: "
                "a task cannot come before itself"
            )
        order += ready
        for task in ready:
            del waiting[task]
    return tuple(order)
