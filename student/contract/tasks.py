"""Tasks and suites: what there is to learn, in four splits, encoded once into tensors.

Legend: k tasks, m examples of one split, b batch, l answer positions.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from .grading import Grader

SPLITS = ("train", "probe", "test", "stress")
"""`train` is drawn from, `probe` is what a teacher sees, `test` is what is reported, `stress` is
harder than all of them."""

IGNORED = -100
"""Target of a position that is neither trained on nor scored (torch's `ignore_index`)."""

NO_TOKEN = -1
"""Input where a pretrained model sees nothing: in front of a prompt and behind an answer or text.
It is no row of a table: the model gets an attention mask that leaves it out."""


@dataclass(frozen=True)
class Examples:
    """Encoded examples of one split of one task.

    `inputs` is (m, ...): float features or integer tokens. `targets` is (m, l) int64: the class
    wanted at each answer position, `IGNORED` elsewhere; plain classification has l = 1.
    """

    inputs: Tensor
    targets: Tensor

    def __post_init__(self) -> None:
        if self.targets.ndim != 2 or len(self.targets) != len(self.inputs):
            raise ValueError(
                f"targets must be (m, l) with m = {len(self.inputs)} as in inputs, "
                f"got {tuple(self.targets.shape)}"
            )
        if len(self) and not bool((self.targets != IGNORED).any(dim=1).all()):
            raise ValueError("every example needs at least one target that is not IGNORED")

    def __len__(self) -> int:
        return len(self.inputs)


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
    """One split of all tasks, end to end: `inputs` (sum m, ...), `targets` (sum m, l)."""

    inputs: Tensor
    targets: Tensor
    sizes: np.ndarray
    """Examples per task, (k,) int64."""
    offsets: np.ndarray
    """Where each task begins, (k,) int64."""

    def to(self, device: torch.device) -> "Pool":
        """The same pool on another device."""
        return Pool(self.inputs.to(device), self.targets.to(device), self.sizes, self.offsets)


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
        names = self.names
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"suite {self.name!r} has tasks of the same name: {', '.join(twice)}")
        first = self.tasks[0].splits["train"]
        for task in self.tasks:
            for split, examples in task.splits.items():
                if (
                    examples.inputs.shape[1:] != first.inputs.shape[1:]
                    or examples.targets.shape[1:] != first.targets.shape[1:]
                ):
                    raise ValueError(
                        f"{split!r} of task {task.name!r} has examples of another shape than "
                        f"'train' of task {self.tasks[0].name!r}; pad them alike"
                    )
                if int(examples.targets.max()) >= self.n_outputs:
                    raise ValueError(
                        f"{split!r} of task {task.name!r} has the target "
                        f"{int(examples.targets.max())}, but there are {self.n_outputs} outputs"
                    )
        object.__setattr__(self, "order", true_order(self.tasks))

    def __len__(self) -> int:
        return len(self.tasks)

    @property
    def names(self) -> list[str]:
        """Task names, k of them."""
        return [task.name for task in self.tasks]

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one example's input."""
        return tuple(self.tasks[0].splits["train"].inputs.shape[1:])

    @property
    def tokens(self) -> bool:
        """Whether inputs are integer tokens."""
        return not self.tasks[0].splits["train"].inputs.is_floating_point()

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
        return Pool(
            torch.cat([part.inputs for part in parts]),
            torch.cat([part.targets for part in parts]),
            sizes,
            np.concatenate([[0], np.cumsum(sizes)[:-1]]),
        )


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
    order: list[int] = []
    waiting = sorted(range(len(tasks)), key=lambda i: (tasks[i].difficulty, i))
    while waiting:
        done = {tasks[i].name for i in order}
        ready = [i for i in waiting if done.issuperset(tasks[i].prerequisites)]
        if not ready:
            circle = ", ".join(tasks[i].name for i in waiting)
            raise ValueError(f"the prerequisites of these tasks form a circle: {circle}")
        order.append(ready[0])
        waiting.remove(ready[0])
    return tuple(order)
