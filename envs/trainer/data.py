"""Whose task every row of a dataset is.

Legend: k tasks, r rows.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np


class Joined:
    """Datasets of one task each as one; for those that are no Hugging Face datasets."""

    def __init__(self, parts: Mapping[str, Any]) -> None:
        self.parts = list(parts.values())
        self.ends = np.cumsum([len(part) for part in self.parts])
        self.tasks = [name for name, part in parts.items() for _ in range(len(part))]

    def __len__(self) -> int:
        return len(self.tasks)

    def __getitem__(self, row: int) -> Any:
        part = int(np.searchsorted(self.ends, row, side="right"))
        return self.parts[part][int(row) - int(self.ends[part]) + len(self.parts[part])]


class Subset:
    """Some rows of a dataset."""

    def __init__(self, dataset: Any, rows: np.ndarray) -> None:
        self.dataset, self.rows = dataset, rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, row: int) -> Any:
        return self.dataset[int(self.rows[row])]


def is_table(dataset: Any) -> bool:
    """Whether it is a `datasets.Dataset`."""
    return hasattr(dataset, "column_names") and hasattr(dataset, "select")


def joined(
    data: Any, column: str, names: Sequence[str], concatenated: Callable[[list[Any]], Any]
) -> Any:
    """The training data as one dataset, of which `tasks_of` knows the tasks.

    Args:
        data: a dataset with this column, or task -> dataset.
        column: that names the task of a row.
        names: of the tutor's tasks.
        concatenated: puts `datasets.Dataset`s one after the other.

    Raises:
        ValueError: for a stream, and for tasks that the tutor does not have.
    """
    for dataset in data.values() if isinstance(data, Mapping) else [data]:
        _refuse_streams(dataset)
    if not isinstance(data, Mapping):
        return data
    unknown = [name for name in data if name not in names]
    if unknown:
        raise ValueError(
            f"train_dataset has the task {unknown[0]!r}, which the tutor does not; "
            f"its tasks are {', '.join(names)}"
        )
    if not all(is_table(part) for part in data.values()):
        return Joined(data)
    return concatenated([labelled(part, column, name) for name, part in data.items()])


def labelled(dataset: Any, column: str, name: str) -> Any:
    """The same table with this task in the column of all rows."""
    if column in dataset.column_names:
        dataset = dataset.remove_columns(column)
    return dataset.add_column(column, [name] * len(dataset))


def tasks_of(dataset: Any, column: str) -> list[str]:
    """The name of the task of every row, r of them.

    Raises:
        ValueError: where the column is missing.
    """
    if isinstance(dataset, Joined):
        return dataset.tasks
    if is_table(dataset):
        if column not in dataset.column_names:
            raise ValueError(
                f"the dataset has no column {column!r} that names the task of a row; it has "
                f"{', '.join(dataset.column_names)}; name it with task_column=, or give "
                "task -> dataset"
            )
        values: Iterable[Any] = list(dataset[column])
        feature = dataset.features[column]
        if hasattr(feature, "int2str"):
            values = feature.int2str(values)
        return [str(value) for value in values]
    try:
        return [str(dataset[row][column]) for row in range(len(dataset))]
    except (KeyError, TypeError, IndexError):
        raise ValueError(
            f"the rows of the dataset have no {column!r} that names their task; name it with "
            "task_column=, or give task -> dataset"
        ) from None


def rows_of(tasks: Sequence[str], names: Sequence[str], what: str) -> list[np.ndarray]:
    """The rows of every task, k arrays.

    Args:
        tasks: of every row.
        names: of the tutor's tasks.
        what: the dataset's name in a complaint.

    Raises:
        ValueError: for an unknown task, and for a task without rows.
    """
    of = np.array(tasks, dtype=object)
    unknown = sorted(set(tasks) - set(names))
    if unknown:
        raise ValueError(
            f"{what} has the task {unknown[0]!r}, which the tutor does not; "
            f"its tasks are {', '.join(names)}"
        )
    rows = [np.flatnonzero(of == name) for name in names]
    for name, places in zip(names, rows, strict=True):
        if not len(places):
            raise ValueError(f"{what} has no example of the tutor's task {name!r}")
    return rows


def split(data: Any, column: str, names: Sequence[str]) -> dict[str, Any]:
    """The held-out data as task -> dataset; more than the tutor's tasks may be in it.

    Raises:
        ValueError: where a task has none.
    """
    if data is None:
        raise ValueError(
            "the tutor needs held-out data of every task: give eval_dataset={'add': ..., ...}, "
            f"or one with the column {column!r}"
        )
    if isinstance(data, Mapping):
        missing = [name for name in names if name not in data]
        if missing:
            raise ValueError(
                f"eval_dataset has nothing of the tutor's task {missing[0]!r}; "
                f"it has {', '.join(map(str, data))}"
            )
        return dict(data)
    _refuse_streams(data)
    rows = rows_of(tasks_of(data, column), names, "eval_dataset")
    if is_table(data):
        return {name: data.select(one) for name, one in zip(names, rows, strict=True)}
    return {name: Subset(data, one) for name, one in zip(names, rows, strict=True)}


def _refuse_streams(dataset: Any) -> None:
    stream = any(kind.__name__ == "IterableDataset" for kind in type(dataset).__mro__)
    if stream or not (hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")):
        raise ValueError(
            f"a tutor has to pick rows by their task, which a stream ({type(dataset).__name__}) "
            "does not allow; load the dataset without streaming=True"
        )
