"""A graph of prerequisites, and what passes along its edges.

Arrays are (k, n), canonical tasks by students: an edge then joins contiguous rows. Every step is
elementwise over the students, so that none depends on its neighbours. What passes through several
tasks takes a step per edge; what passes to the next tasks only, a step for the first neighbours of
all tasks, one for the second ones, and so on.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .choose import Bools, Floats

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
        self._before, self._closest = before, _without_detours(before, self.order)
        self._to_before, self._to_after = _edges(before), _edges(after)

    def __len__(self) -> int:
        return len(self.order)

    def lowest_ancestor(self, values: Floats) -> Floats:
        """The lowest value of all that comes before each task, directly or not, inf if nothing."""
        lowest, reached = np.full(values.shape, np.inf), values.copy()
        rows, reached_rows = list(lowest), list(reached)
        for task in self.order:
            for earlier in self._closest[task]:
                np.minimum(rows[task], reached_rows[earlier], out=rows[task])
            np.minimum(reached_rows[task], rows[task], out=reached_rows[task])
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
        share, held = _equal_parts(self._to_before, present, to_before), attention.copy()
        rows = list(held)
        for task in reversed(self.order):
            if self._before[task]:
                gift = share[task] * rows[task]
                for earlier in self._before[task]:
                    rows[earlier] += gift
        held *= 1.0 - to_before
        gifts = _equal_parts(self._to_after, present, to_after) * held
        kept: Floats = held * (1.0 - to_after)
        for tasks, givers in self._to_before:
            kept[tasks] += gifts[givers]
        return kept


def _equal_parts(edges: Edges, present: Bools, share: float) -> Floats:
    """What part of its own each task gives to each of its present neighbours, (k, n)."""
    count = np.zeros(present.shape)
    for tasks, neighbours in edges:
        count[tasks] += present[neighbours]
    return np.where(present, share / np.maximum(count, 1.0), 0.0)


def _edges(neighbours: list[list[int]]) -> Edges:
    """All pairs of a task and a neighbour; a task is only once in each part of them."""
    pairs: Edges = []
    for i in range(max(map(len, neighbours), default=0)):
        tasks = np.array([task for task, found in enumerate(neighbours) if len(found) > i])
        pairs.append((tasks, np.array([neighbours[task][i] for task in tasks])))
    return pairs


def _without_detours(before: list[list[int]], order: Sequence[int]) -> list[list[int]]:
    """The prerequisites of each task that do not come before another one of them."""
    reached: dict[int, set[int]] = {}
    for task in order:
        reached[task] = set(before[task]).union(*(reached[earlier] for earlier in before[task]))
    return [
        [earlier for earlier in tasks if not any(earlier in reached[other] for other in tasks)]
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
