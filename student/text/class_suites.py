"""Suites of texts to be classified by a pretrained encoder.

Inputs are (m, l): the tokens of a text as the tokenizer writes it, special tokens included,
NO_TOKEN behind them. Targets are (m, 1): the class.

Legend: k tasks, m examples, l tokens.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..contract.ragged import Ragged
from ..contract.stores import RaggedStore
from ..contract.tasks import SPLITS, Examples, Task, TaskSuite
from ..networks.tokenizers import text_limit
from .characters import Pair, TextTask
from .tokens import opened

TokenisedRows = dict[str, list[tuple[tuple[int, ...], str]]]
"""Tokens and label of every example, by split."""

_USUAL = 512
"""Most tokens of a text where nobody knows better."""


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
    before stress before train. The suite's notes say how many were cut and left out.

    Args:
        name: of the suite.
        tasks: with pairs of text and label.
        tokenizer: where it is (a name, a folder or a hub id), or the tokenizer itself.
        length: most tokens of a text; by default the limit of the tokenizer, of its model where
            it has none, or else 512. The suite is no longer than its longest text.
        shared: whether tasks have labels in common.

    Raises:
        ValueError: for a task with one label only, a label that is only in `stress`, or a split
            that has no text of its own.
    """
    source, tokenizer = opened(tokenizer)
    if length is not None and length < 1:
        raise ValueError(f"length must be at least 1, got {length}")
    limit = text_limit(source, tokenizer)
    notes: list[str] = []
    if limit is None and length is None:
        notes.append(
            f"neither the tokenizer nor its model says how long a text may be: {_USUAL} tokens"
        )
    limit = limit or length or _USUAL
    length = min(length or limit, limit)
    rows = [_tokenised(task, tokenizer, length) for task in tasks]
    notes += _cut(tasks, rows, tokenizer, length)
    notes += _keep_in_one_split(tasks, rows)
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
        notes=tuple(notes),
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


def _cut(
    tasks: Sequence[TextTask[Pair]], rows: Sequence[TokenisedRows], tokenizer: Any, length: int
) -> list[str]:
    """A sentence on the texts that were cut, if there are any."""
    full = [
        text
        for task, one in zip(tasks, rows, strict=True)
        for split in one
        for (text, _), (tokens, _) in zip(task.splits[split], one[split], strict=True)
        if len(tokens) == length
    ]
    if not full:
        return []
    whole = tokenizer(full, return_attention_mask=False, verbose=False)["input_ids"]
    cut = sum(len(tokens) > length for tokens in whole)
    return [f"texts of more than {length} tokens, cut at their ends: {cut}"] * (cut > 0)


def _keep_in_one_split(tasks: Sequence[TextTask[Pair]], rows: Sequence[TokenisedRows]) -> list[str]:
    """Leave out what would be the same input in two splits, and say how much that is."""
    split_of: dict[tuple[int, ...], str] = {}
    left_out = 0
    for split in ("test", "probe", "stress", "train"):
        for task, one in zip(tasks, rows, strict=True):
            kept = [row for row in one[split] if split_of.setdefault(row[0], split) == split]
            if not kept:
                raise ValueError(
                    f"no text of {split!r} of task {task.name!r} is left that is not in another "
                    "split in the same tokens; allow longer texts, or give other ones"
                )
            left_out += len(one[split]) - len(kept)
            one[split] = kept
    if not left_out:
        return []
    return [f"texts left out because another split has them in the same tokens: {left_out}"]


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
        inputs = Ragged.of([tokens for tokens, _ in examples])
        classes = [[index["" if shared else task.name, label]] for _, label in examples]
        store = RaggedStore(inputs, Ragged.of(classes), width, 1, answers_follow=False)
        splits[split] = Examples.stored(store)
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
