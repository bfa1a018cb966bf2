"""Rows of a picture of many tasks: each task one, or tasks that belong together.

Legend: k tasks, g rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .wording import name_of_order

MOST_ROWS = 40
"""Of one picture; with more tasks several of them share a row."""


@dataclass(frozen=True)
class TaskRows:
    """Rows from bottom to top.

    Args:
        row: of each task, (k,).
        labels: of the rows, g of them; empty where a row goes on with the group of the one below.
        edges: rows that a group begins with, all but the first.
        note: a sentence on what a row is; empty where each task has one of its own.
    """

    row: np.ndarray
    labels: tuple[str, ...]
    edges: tuple[int, ...] = ()
    note: str = ""

    def total(self, values: np.ndarray) -> np.ndarray:
        """Sums over the tasks of each row, (k, c) -> (g, c)."""
        sums = np.zeros((len(self.labels), *values.shape[1:]))
        np.add.at(sums, self.row, values)
        return sums

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Means over the tasks of each row, (k, c) -> (g, c)."""
        size = np.bincount(self.row, minlength=len(self.labels))
        return self.total(values) / size.reshape(-1, *[1] * (values.ndim - 1))


def rows_for(
    tasks: Sequence[Mapping[str, Any]], order: Sequence[int], most: int = MOST_ROWS
) -> TaskRows:
    """Rows for tasks in their order, the first at the bottom, at most so many.

    Of more tasks those that follow each other share a row, within their category where there are
    several, or else within their layer: as many steps from those that need nothing.

    Args:
        tasks: facts of each, as `environment.json` has them, k of them.
        order: task indices.
        most: rows.
    """
    names = [str(task["name"]) for task in tasks]
    if len(tasks) <= most:
        row = np.empty(len(tasks), dtype=np.int64)
        row[list(order)] = np.arange(len(tasks))
        return TaskRows(row, tuple(names[i] for i in order))
    kind, groups = _groups(tasks, order, most)
    size = _row_size([len(group) for group in groups.values()], most)
    row, labels, edges = np.empty(len(tasks), dtype=np.int64), list[str](), list[int]()
    for name, group in groups.items():
        edges.append(len(labels))
        for i, members in enumerate(np.array_split(group, -(-len(group) // size))):
            row[members] = len(labels)
            labels.append((f"{name} ({len(group):,})" if i == 0 else "") if name else "")
            if not name:
                labels[-1] = f"{names[members[0]]} …"
    whose = f" of one {kind}" if kind else ""
    note = (
        f" {len(tasks):,} tasks are drawn in {len(labels)} rows: up to {size:,}{whose} that follow "
        f"each other in the {name_of_order(tasks)} share one"
    )
    note += f"; behind the name of a {kind} is how many it has." if kind else ", which bears the "
    note += "" if kind else "name of the first."
    return TaskRows(row, tuple(labels), tuple(edges[1:]), note)


def _groups(
    tasks: Sequence[Mapping[str, Any]], order: Sequence[int], most: int
) -> tuple[str, dict[str, list[int]]]:
    """What groups are called, and the tasks of each in their order; the earliest group first."""
    whose = {
        "category": [str(task.get("category") or "") for task in tasks],
        "layer": [f"layer {layer + 1}" for layer in layers_of(tasks, order)],
    }
    for kind, group_of in whose.items():
        groups: dict[str, list[int]] = {}
        for i in order:
            groups.setdefault(group_of[i], []).append(i)
        if 2 <= len(groups) <= most and "" not in groups:
            place = {task: at for at, task in enumerate(order)}
            means = {name: np.mean([place[i] for i in own]) for name, own in groups.items()}
            return kind, {name: groups[name] for name in sorted(groups, key=lambda n: means[n])}
    return "", {"": list(order)}


def layers_of(tasks: Sequence[Mapping[str, Any]], order: Sequence[int]) -> list[int]:
    """How many steps each task is from those that need nothing, k of them.

    Args:
        tasks: facts of each, with what it needs.
        order: task indices, none before what it needs.
    """
    index = {task["name"]: i for i, task in enumerate(tasks)}
    layer = [0] * len(tasks)
    for i in order:
        needs = [layer[index[name]] + 1 for name in tasks[i].get("prerequisites") or ()]
        layer[i] = max(needs, default=0)
    return layer


def _row_size(sizes: Sequence[int], most: int) -> int:
    """Tasks of a row with which groups of these sizes take at most so many rows.

    About as few as there can be, where a few more make rows alike: one of fewer tasks than the
    others would look like a choice of the teacher.
    """
    least = -(-sum(sizes) // most)
    while sum(-(-one // least) for one in sizes) > most:
        least += 1
    uneven = {
        size: sum(one % -(-one // size) > 0 for one in sizes)
        for size in range(least, 2 * least + 1)
    }
    return min(uneven, key=lambda size: (uneven[size], size))
