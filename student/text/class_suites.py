"""Suites of texts to be classified by a pretrained encoder.

Inputs are (m, l): the tokens of a text as the tokenizer writes it, special tokens included,
NO_TOKEN behind them. Targets are (m, 1): the class.

Legend: k tasks, m examples, l tokens.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from ..contract.tasks import NO_TOKEN, SPLITS, Examples, Task, TaskSuite
from .characters import Pair, TextTask
from .tokens import opened

TokenisedRows = dict[str, list[tuple[tuple[int, ...], str]]]
"""Tokens and label of every example, by split."""


def class_suite(
    name: str,
    tasks: Sequence[TextTask[Pair]],
    tokenizer: Any,
    length: int | None = None,
    shared: bool = False,
) -> TaskSuite:
    """A suite of tasks in plain text, each example a text with its label.

    A class is a label of one task: "1" of a task is not "1" of another. Where the labels mean the
    same everywhere, `shared` makes one class of them. The chance level of a task is the share of
    its most frequent label over train, probe and test: what a student gets that always says so.

    A text longer than `length` is cut at its end. Of texts that look the same then, or look the
    same to the tokenizer, those of one split only are left, over all tasks: of test before probe
    before stress before train.

    Args:
        name: of the suite.
        tasks: with pairs of text and label.
        tokenizer: where it is (a name, a folder or a hub id), or the tokenizer itself.
        length: most tokens of a text; the tokenizer's own limit by default. The suite is no longer
            than its longest text.
        shared: whether tasks have labels in common.

    Raises:
        ValueError: for a task with one label only, a label that is only in `stress`, or a split
            that has no text of its own.
    """
    source, tokenizer = opened(tokenizer)
    length = min(length or tokenizer.model_max_length, tokenizer.model_max_length)
    if length < 1:
        raise ValueError(f"length must be at least 1, got {length}")
    rows = [_tokenised(task, tokenizer, length) for task in tasks]
    _keep_in_one_split(tasks, rows)
    index = _classes(tasks, shared)
    width = max(len(tokens) for one in rows for split in one.values() for tokens, _ in split)
    encoded = tuple(
        _task(task, one, index, width, shared) for task, one in zip(tasks, rows, strict=True)
    )
    return TaskSuite(
        name,
        encoded,
        n_outputs=len(index),
        tokenizer=source,
        classes=tuple(label if shared else f"{task}: {label}" for task, label in index),
    )


def _tokenised(task: TextTask[Pair], tokenizer: Any, length: int) -> TokenisedRows:
    rows: TokenisedRows = {}
    for split, pairs in task.splits.items():
        if not pairs:
            raise ValueError(f"task {task.name!r} has no {split!r} examples")
        tokens = tokenizer(
            [text for text, _ in pairs],
            truncation=True,
            max_length=length,
            return_attention_mask=False,
        )["input_ids"]
        rows[split] = [(tuple(row), pair[1]) for row, pair in zip(tokens, pairs, strict=True)]
    return rows


def _keep_in_one_split(tasks: Sequence[TextTask[Pair]], rows: Sequence[TokenisedRows]) -> None:
    """Leave out what would be the same input in two splits."""
    split_of: dict[tuple[int, ...], str] = {}
    for split in ("test", "probe", "stress", "train"):
        for task, one in zip(tasks, rows, strict=True):
            kept = [row for row in one[split] if split_of.setdefault(row[0], split) == split]
            if not kept:
                raise ValueError(
                    f"no text of {split!r} of task {task.name!r} is left that is not in another "
                    "split in the same tokens; allow longer texts, or give other ones"
                )
            one[split] = kept


def _classes(tasks: Sequence[TextTask[Pair]], shared: bool) -> dict[tuple[str, str], int]:
    """Class of every (task, label); of ("", label) where labels are shared."""
    index: dict[tuple[str, str], int] = {}
    for task in tasks:
        labels = {label for split in SPLITS[:3] for _, label in task.splits[split]}
        if len(labels) < 2:
            raise ValueError(
                f"task {task.name!r} has the label {min(labels)!r} only; there is nothing to tell "
                "apart, two labels are needed"
            )
        strange = {label for _, label in task.splits["stress"]} - labels
        if strange:
            raise ValueError(
                f"the label {min(strange)!r} of task {task.name!r} is in 'stress' only; nobody "
                "could know it"
            )
        for label in sorted(labels):
            index.setdefault(("" if shared else task.name, label), len(index))
    return index


def _task(
    task: TextTask[Pair],
    rows: TokenisedRows,
    index: Mapping[tuple[str, str], int],
    width: int,
    shared: bool,
) -> Task:
    splits = {}
    for split, examples in rows.items():
        inputs = np.full((len(examples), width), NO_TOKEN, dtype=np.int64)
        for row, (tokens, _) in zip(inputs, examples, strict=True):
            row[: len(tokens)] = tokens
        classes = [index["" if shared else task.name, label] for _, label in examples]
        splits[split] = Examples(torch.from_numpy(inputs), torch.tensor(classes)[:, None])
    labels = [label for split in SPLITS[:3] for _, label in rows[split]]
    return Task(
        name=task.name,
        splits=splits,
        difficulty=task.difficulty,
        skills=task.skills,
        prerequisites=task.prerequisites,
        category=task.category,
        importance=task.importance,
        threshold=task.threshold,
        cost=float(np.mean([len(tokens) for tokens, _ in rows["train"]])),
        chance=max(labels.count(label) for label in set(labels)) / len(labels),
        endless=task.endless,
    )
