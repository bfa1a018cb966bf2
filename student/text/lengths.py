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
    if most is None:
        return
    for task in suite.tasks:
        for split in SPLITS:
            _check_examples(task, split, source, most)
            if isinstance(task.grader, Verify):
                _check_written(task.name, split, task.grader, source, most)


def _check_examples(task: Task, split: str, source: str, most: int) -> None:
    """Prompts with their own answers."""
    sizes = _sizes(task.splits[split].store)
    if isinstance(task.grader, Verify):
        # What is written has an end, too.
        sizes = sizes + 1
    place = int(sizes.argmax())
    if sizes[place] > most:
        raise ValueError(
            f"example {place + 1} of {split!r} of task {task.name!r} has {sizes[place]} tokens "
            f"with its answer, and the model {source!r} reads at most {most}; leave longer "
            f"ones out by max_tokens = {most} of the suite, or take another model"
        )


def _check_written(name: str, split: str, grader: Verify, source: str, most: int) -> None:
    """Prompts with what students may write, which is as long as the suite's longest answer."""
    prompts = grader.prompts[split]
    rooms = grader.rooms(prompts)
    place = int((prompts.lengths + rooms).argmax())
    size, room = int(prompts.lengths[place]), int(rooms[place])
    if size + room > most:
        raise ValueError(
            f"example {place + 1} of {split!r} of task {name!r} has a prompt of {size} tokens, and "
            f"up to {room} may be written, but the model {source!r} reads {most}; make the suite "
            f"with this model's name as tokenizer, or with max_tokens = {most // 2}"
        )


def _sizes(store: Store) -> np.ndarray:
    """Tokens of every example that the model has to read, (m,) int64."""
    length = store.input_shape[0]
    if store.slack is None:
        return np.full(len(store), length)
    return np.asarray(length - store.slack.sum(axis=1, dtype=np.int64))
