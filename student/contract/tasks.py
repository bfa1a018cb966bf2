"""Tasks and suites: what there is to learn, in four splits, encoded once into tensors.

Legend: k tasks, m examples of one split, b batch, l answer positions.
"""

import heapq
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .grading import Grader
from .stores import IGNORED as IGNORED
from .stores import NO_TOKEN as NO_TOKEN
from .stores import WHOLE, Crop, PaddedStore, Store, end_to_end, wide

SPLITS = ("train", "probe", "test", "stress")
"""`train` is drawn from, `probe` is what a teacher sees, `test` is what is reported, `stress` is
harder than all of them."""


class Examples:
    """Encoded examples of one split of one task.

    Args:
        inputs: (m, ...): float features or integer tokens.
        targets: (m, l) int64: the class wanted at each answer position, `IGNORED` elsewhere; plain
            classification has l = 1.

    Raises:
        ValueError: if targets do not go with inputs, or an example has none.
    """

    def __init__(self, inputs: Tensor, targets: Tensor) -> None:
        if targets.ndim != 2 or len(targets) != len(inputs):
            raise ValueError(
                f"targets must be (m, l) with m = {len(inputs)} as in inputs, "
                f"got {tuple(targets.shape)}"
            )
        if len(inputs) and not bool((targets != IGNORED).any(dim=1).all()):
            raise ValueError("every example needs at least one target that is not IGNORED")
        self._hold(PaddedStore(inputs, targets), 0, len(inputs))

    @classmethod
    def stored(cls, store: Store, first: int = 0, last: int | None = None) -> "Examples":
        """The examples from `first` to before `last` of a store, all of them by default.

        Tasks whose examples stand in one store, one task behind the other, make a pool without a
        copy.
        """
        examples = cls.__new__(cls)
        examples._hold(store, first, len(store) if last is None else last)
        return examples

    def _hold(self, store: Store, first: int, last: int) -> None:
        self._whole, self._first, self._last = store, first, last

    @classmethod
    def end_to_end(cls, parts: Sequence["Examples"]) -> "Examples":
        """The examples of all parts; a copy, unless they stand so in one store."""
        whole = parts[0]._whole
        follows = all(a._last == b._first for a, b in itertools.pairwise(parts))
        if follows and all(part._whole is whole for part in parts):
            return cls.stored(whole, parts[0]._first, parts[-1]._last)
        return cls.stored(end_to_end([part.store for part in parts]))

    @cached_property
    def store(self) -> Store:
        """Where they are, and nothing else."""
        if (self._first, self._last) == (0, len(self._whole)):
            return self._whole
        return self._whole.part(self._first, self._last)

    @property
    def inputs(self) -> Tensor:
        """Inputs (m, ...) in the layout of the suite; a padded copy where they are stored ragged.

        For small uses, such as a look at an example: 100,000 texts as long as the longest take
        gigabytes.
        """
        store = self.store
        return wide(store.inputs) if isinstance(store, PaddedStore) else self.taken_whole()[0]

    @property
    def targets(self) -> Tensor:
        """Targets (m, l) int64, likewise."""
        store = self.store
        return wide(store.targets) if isinstance(store, PaddedStore) else self.taken_whole()[1]

    def taken_whole(self) -> tuple[Tensor, Tensor]:
        """Inputs and targets of all, as copies."""
        return self.store.take(np.arange(len(self)))

    def blocks(self, size: int = 2048) -> Iterator[tuple[Tensor, Tensor]]:
        """Inputs and targets of all, so many examples at a time."""
        for first in range(0, len(self), size):
            yield self.store.take(np.arange(first, min(first + size, len(self))))

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one example's input."""
        return self._whole.input_shape

    @property
    def answer_length(self) -> int:
        """Positions of the targets, l."""
        return self._whole.answer_length

    def __len__(self) -> int:
        return self._last - self._first

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "store"}


@dataclass(frozen=True)
class Task:
    """One kind of data, with its own held-out sets.

    Args:
        name: unique in its suite; decisions are recorded under it.
        splits: one `Examples` for each name in `SPLITS`.
        difficulty: breaks ties in the true order, lower first.
        skills: what it exercises.
        prerequisites: names of tasks that come before it in the true order.
        category: group for coverage audits.
        importance: weight in every mean over tasks.
        cost: tokens per example (1 for examples that are not text).
        chance: accuracy of guessing; `score = max(0, (accuracy - chance) / (1 - chance))`.
        endless: the training pool stands for a generator of unlimited data.
        threshold: score from which the task counts as mastered.
        grader: judges held-out examples; `None` for exact match of every answer token, which is
            what greedy decoding would write.
    """

    name: str
    splits: dict[str, Examples]
    difficulty: float = 0.0
    skills: tuple[str, ...] = ()
    prerequisites: tuple[str, ...] = ()
    category: str = ""
    importance: float = 1.0
    cost: float = 1.0
    chance: float = 0.0
    endless: bool = False
    threshold: float = 0.9
    grader: "Grader | None" = None

    def __post_init__(self) -> None:
        for split in SPLITS:
            if split not in self.splits or len(self.splits[split]) == 0:
                raise ValueError(
                    f"task {self.name!r} has no {split!r} examples; "
                    f"every task needs all of {', '.join(SPLITS)}"
                )
        for name, value, low, high in (
            ("importance", self.importance, 0.0, np.inf),
            ("cost", self.cost, 0.0, np.inf),
            ("threshold", self.threshold, 0.0, 1.0),
        ):
            if not (low < value <= high and np.isfinite(value)):
                raise ValueError(
                    f"{name} of task {self.name!r} must be finite, above {low:g} and at most "
                    f"{high:g}, got {value}"
                )
        if not 0.0 <= self.chance < 1.0:
            raise ValueError(f"chance of task {self.name!r} must be in [0, 1), got {self.chance}")


@dataclass(frozen=True)
class Pool:
    """One split of all tasks, end to end."""

    examples: Examples
    sizes: np.ndarray
    """Examples per task, (k,) int64."""
    offsets: np.ndarray
    """Where each task begins, (k,) int64."""

    @property
    def inputs(self) -> Tensor:
        """See `Examples.inputs`, (sum m, ...)."""
        return self.examples.inputs

    @property
    def targets(self) -> Tensor:
        """See `Examples.targets`, (sum m, l)."""
        return self.examples.targets

    @property
    def slack(self) -> np.ndarray | None:
        """Places of the layout that each example leaves empty in front and behind, (sum m, 2).

        None where none of them leaves any.
        """
        return self.examples.store.slack

    def take(self, index: np.ndarray, crop: Crop = WHOLE) -> tuple[Tensor, Tensor]:
        """Inputs (..., *input shape) and targets (..., l) of the examples at these places (...).

        They are copies in the layout of the suite, without the places of `crop`.
        """
        inputs, targets = self.examples.store.take(index.reshape(-1), crop)
        return (
            inputs.view(*index.shape, *inputs.shape[1:]),
            targets.view(*index.shape, targets.shape[1]),
        )

    def to(self, device: torch.device) -> "Pool":
        """The same pool with its batches on another device."""
        store = self.examples.store.to(device)
        return Pool(Examples.stored(store), self.sizes, self.offsets)


@dataclass(frozen=True)
class TaskSuite:
    """*k* tasks that belong together.

    Args:
        name: of the suite.
        tasks: in the order that is canonical for records and figures.
        n_outputs: classes of the model's output.
        vocabulary: characters by token for text suites, empty otherwise.
        cohort: the kind of cohort that its students need: `stacked` (networks), `simulated` (no
            network), `rl` (agents in environments), or in configs one's own as `module:name`.
        tokenizer: where the tokenizer is that wrote the inputs (a name, a folder or a hub id), for
            suites of a pretrained model, empty otherwise.
        classes: names of the outputs for suites that classify texts, empty otherwise.
        notes: what there is to say about how it was read: what was taken for what, what was left
            out, one sentence each; empty for suites that are made, not read.
    """

    name: str
    tasks: tuple[Task, ...]
    n_outputs: int
    vocabulary: tuple[str, ...] = ()
    cohort: str = "stacked"
    tokenizer: str = ""
    classes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    order: tuple[int, ...] = field(init=False)
    """The true order: task indices, prerequisites first, by difficulty among equals."""

    def __post_init__(self) -> None:
        if not self.tasks:
            raise ValueError(f"suite {self.name!r} has no tasks")
        twice = sorted(name for name, count in Counter(self.names).items() if count > 1)
        if twice:
            raise ValueError(f"suite {self.name!r} has tasks of the same name: {', '.join(twice)}")
        self._check_examples()
        object.__setattr__(self, "order", true_order(self.tasks))

    def _check_examples(self) -> None:
        first = self.tasks[0].splits["train"]
        for task in self.tasks:
            for split, examples in task.splits.items():
                shape = examples.input_shape, examples.answer_length
                if shape != (first.input_shape, first.answer_length):
                    raise ValueError(
                        f"{split!r} of task {task.name!r} has examples of another shape than "
                        f"'train' of task {self.tasks[0].name!r}; pad them alike"
                    )
                highest = examples.store.largest_target()
                if highest >= self.n_outputs:
                    raise ValueError(
                        f"{split!r} of task {task.name!r} has the target {highest}, but there are "
                        f"{self.n_outputs} outputs"
                    )

    def __len__(self) -> int:
        return len(self.tasks)

    @property
    def names(self) -> list[str]:
        """Task names, k of them."""
        return [task.name for task in self.tasks]

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one example's input."""
        return self.tasks[0].splits["train"].input_shape

    @property
    def answer_length(self) -> int:
        """Answer positions of one example."""
        return self.tasks[0].splits["train"].answer_length

    @property
    def tokens(self) -> bool:
        """Whether inputs are integer tokens."""
        return self.tasks[0].splits["train"].store.is_tokens

    def values(self, field_name: str) -> np.ndarray:
        """A numeric field of every task (`importance`, `cost`, ...), (k,) float64."""
        return np.array([getattr(task, field_name) for task in self.tasks], dtype=np.float64)

    def sizes(self, split: str) -> np.ndarray:
        """Examples per task, (k,) int64."""
        return np.array([len(task.splits[split]) for task in self.tasks], dtype=np.int64)

    def pool(self, split: str) -> Pool:
        """All examples of one split, end to end."""
        if split not in SPLITS:
            raise ValueError(f"split must be one of {', '.join(SPLITS)}, got {split!r}")
        parts = [task.splits[split] for task in self.tasks]
        sizes = self.sizes(split)
        offsets = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        return Pool(Examples.end_to_end(parts), sizes, offsets)


def blank_splits(train: int, probe: int, test: int, stress: int) -> dict[str, Examples]:
    """Placeholder examples for students that learn without any, so that sizes have a meaning.

    Every split holds as many examples as named here, inputs (m, 1) and targets (m, 1), all zero.
    """
    sizes = {"train": train, "probe": probe, "test": test, "stress": stress}
    return {
        split: Examples(torch.zeros(size, 1), torch.zeros(size, 1, dtype=torch.int64))
        for split, size in sizes.items()
    }


def true_order(tasks: Sequence[Task]) -> tuple[int, ...]:
    """Topological order of the prerequisites, by difficulty (then position) among equals.

    Raises:
        ValueError: for an unknown prerequisite or a circle.
    """
    index = {task.name: i for i, task in enumerate(tasks)}
    for task in tasks:
        unknown = [name for name in task.prerequisites if name not in index]
        if unknown:
            raise ValueError(
                f"task {task.name!r} has the unknown prerequisite {unknown[0]!r}; "
                f"the tasks are {', '.join(index)}"
            )
    before = [{index[name] for name in task.prerequisites} for task in tasks]
    after: list[list[int]] = [[] for _ in tasks]
    for i, earlier in enumerate(before):
        for j in earlier:
            after[j].append(i)
    easiest = sorted(range(len(tasks)), key=lambda i: (tasks[i].difficulty, i))
    place = {i: rank for rank, i in enumerate(easiest)}
    missing = [len(earlier) for earlier in before]
    ready = [rank for rank, i in enumerate(easiest) if not missing[i]]
    order: list[int] = []
    while ready:
        order.append(easiest[heapq.heappop(ready)])
        for i in after[order[-1]]:
            missing[i] -= 1
            if not missing[i]:
                heapq.heappush(ready, place[i])
    if len(order) < len(tasks):
        circle = ", ".join(tasks[i].name for i in easiest if missing[i])
        raise ValueError(f"the prerequisites of these tasks form a circle: {circle}")
    return tuple(order)
