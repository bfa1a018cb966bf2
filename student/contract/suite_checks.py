"""Checks that a suite is fit to teach and to test with.

Each check raises a ``ValueError`` that says in a sentence what is wrong; `check_suite` stops at the
first one.

Legend: k tasks, m examples of one split, l answer positions.
"""

import itertools
from collections import Counter
from collections.abc import Callable, Collection
from hashlib import blake2b

import numpy as np
import torch

from .tasks import IGNORED, SPLITS, Examples, TaskSuite

_LUCK = 0.25
"""Score that a constant answer may reach by the luck of a small test."""


def check_suite(suite: TaskSuite, skip: Collection[str] = ()) -> None:
    """Check what a suite promises and its constructor cannot see, or not again.

    Args:
        suite: to be checked.
        skip: names in `SUITE_CHECKS` to leave out, for what is meant to be so: a distractor that
            is scored by plain accuracy needs no `chance`.

    Raises:
        ValueError: for the first promise that is broken, and for a check that does not exist.
    """
    unknown = set(skip) - set(SUITE_CHECKS)
    if unknown:
        raise ValueError(f"there is no check {min(unknown)!r}; they are {', '.join(SUITE_CHECKS)}")
    for name, check in SUITE_CHECKS.items():
        if name not in skip:
            check(suite)


def check_split_sizes(suite: TaskSuite) -> None:
    """Every task has examples in every split, and there is no other split."""
    for task in suite.tasks:
        sizes = {split: len(examples) for split, examples in task.splits.items()}
        if set(sizes) != set(SPLITS):
            raise ValueError(f"task {task.name!r} must have the splits {SPLITS}, has {list(sizes)}")
        empty = [split for split, size in sizes.items() if size == 0]
        if empty:
            raise ValueError(f"task {task.name!r} has no {empty[0]!r} examples")


def check_values(suite: TaskSuite) -> None:
    """Inputs are finite, and targets are classes of the output or `IGNORED`."""
    for name, split, examples in _parts(suite):
        for inputs, targets in examples.blocks():
            if not bool(torch.isfinite(inputs).all()):
                raise ValueError(f"{split!r} of task {name!r} has inputs that are not finite")
            asked = targets[targets != IGNORED]
            wrong = asked[(asked < 0) | (asked >= suite.n_outputs)]
            if len(wrong):
                raise ValueError(
                    f"{split!r} of task {name!r} has the target {int(wrong[0])}; targets are in "
                    f"[0, n_outputs = {suite.n_outputs}), or {IGNORED} where there is nothing to "
                    "answer"
                )


def check_splits(suite: TaskSuite) -> None:
    """No input of a task is in two of its splits; suites without examples of their own pass."""
    if suite.cohort != "stacked":
        return
    for task in suite.tasks:
        inputs = {split: _digests(task.splits[split]) for split in SPLITS}
        for one, other in itertools.combinations(SPLITS, 2):
            shared = len(inputs[one] & inputs[other])
            if shared:
                raise ValueError(
                    f"{shared} inputs of task {task.name!r} are both in {one!r} and in {other!r}; "
                    "what is tested must not be what was trained on or shown to the teacher"
                )


def check_order(suite: TaskSuite) -> None:
    """The true order names every task once, prerequisites first."""
    order, names = list(suite.order), suite.names
    if sorted(order) != list(range(len(suite))):
        raise ValueError(f"the order must name each of the {len(suite)} tasks once, is {order}")
    place = {names[task]: position for position, task in enumerate(order)}
    for task in suite.tasks:
        for needed in task.prerequisites:
            if needed not in place:
                raise ValueError(f"task {task.name!r} has the unknown prerequisite {needed!r}")
            if place[needed] >= place[task.name]:
                raise ValueError(
                    f"task {task.name!r} stands before its prerequisite {needed!r} in the order"
                )


def check_chance(suite: TaskSuite) -> None:
    """One answer to everything is worth little: no more than luck above the chance level."""
    if suite.cohort != "stacked":
        return
    for task in suite.tasks:
        constant = _most_frequent(task.splits["train"])
        for split in ("probe", "test"):
            examples = task.splits[split]
            right = [
                ((targets == constant) | (targets == IGNORED)).all(dim=1)
                for _, targets in examples.blocks()
            ]
            accuracy = float(torch.cat(right).double().mean())
            score = (accuracy - task.chance) / (1.0 - task.chance)
            # A test of few examples may hold more of one answer than there should be.
            if score > _LUCK + 2.0 / np.sqrt(max(len(examples), 1)):
                raise ValueError(
                    f"always giving the most frequent answer is right on {accuracy:.0%} of "
                    f"{split!r} of task {task.name!r}, but its chance level is {task.chance:g}; "
                    f"set chance={accuracy:.2f} or balance the answers"
                )


SUITE_CHECKS: dict[str, Callable[[TaskSuite], None]] = {
    "sizes": check_split_sizes,
    "values": check_values,
    "splits": check_splits,
    "order": check_order,
    "chance": check_chance,
}
"""All checks of a suite, by name."""


def _parts(suite: TaskSuite) -> list[tuple[str, str, Examples]]:
    return [
        (task.name, split, examples)
        for task in suite.tasks
        for split, examples in task.splits.items()
    ]


def _digests(examples: Examples) -> set[bytes]:
    """The different inputs, by their hashes."""
    return {
        blake2b(row.tobytes(), digest_size=16).digest()
        for inputs, _ in examples.blocks()
        for row in inputs.numpy()
    }


def _most_frequent(examples: Examples) -> torch.Tensor:
    """Targets (l,) of the answer that most examples have."""
    count = Counter(row.tobytes() for _, targets in examples.blocks() for row in targets.numpy())
    most = max(count.values())
    # The lowest of those that are as frequent, whatever the order of the examples.
    rows = [np.frombuffer(row, np.int64) for row, times in count.items() if times == most]
    return torch.from_numpy(min(rows, key=tuple).copy())
