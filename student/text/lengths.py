"""How long the examples of a suite are, against what a model reads.

Legend: m examples.
"""

import numpy as np

from ..contract.stores import Store
from ..contract.tasks import SPLITS, Task, TaskSuite
from ..networks.tokenizers import position_limit
from .graders import Verify


def check_lengths(suite: TaskSuite, source: str) -> None:
    """Refuse examples that are longer than what the model reads.

    Raises:
        ValueError: naming the longest one, its length and the limit.
    """
    most = position_limit(source)
    parts = [(task, split) for task in suite.tasks for split in SPLITS] if most else []
    for task, split in parts:
        sizes = _sizes(task, task.splits[split].store)
        place = int(sizes.argmax())
        if most is not None and sizes[place] > most:
            raise ValueError(
                f"example {place + 1} of {split!r} of task {task.name!r} has {sizes[place]} tokens "
                f"with its answer, and the model {source!r} reads at most {most}; leave longer "
                f"ones out by max_tokens = {most} of the suite, or take another model"
            )


def _sizes(task: Task, store: Store) -> np.ndarray:
    """Tokens of every example that the model has to read, (m,) int64."""
    length = store.input_shape[0]
    if store.slack is None:
        return np.full(len(store), length)
    sizes = length - store.slack.sum(axis=1, dtype=np.int64)
    if isinstance(task.grader, Verify):
        # What is written may take as much room as the longest answer.
        sizes = length + 1 - store.slack[:, 0]
    return np.asarray(sizes)
