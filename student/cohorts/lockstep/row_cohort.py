"""What cohorts of networks have in common: a row of numbers per member, trained in chunks.

Legend: n students, k tasks, p parameters of one student (padded), c members of a chunk, b batch,
e evaluation examples.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...contract.batches import check_lesson, draw_examples, draw_tasks, evaluation_examples
from ...contract.cohort import Outcomes, Rows, Training, checked_mixture, fewer
from ...contract.scoring import Evaluation, evaluation_of, score_examples
from ...contract.tasks import Pool, TaskSuite
from ..kept_rows import KeptRows
from .answering import Students, grade
from .evaluating import ByLength
from .lengths import Lengths, at_least
from .optimizer import Adam, AdamState
from .preflight import one_torch_thread
from .row_stack import ALIGNMENT, RowStack
from .training import Feed, train_members


class RowCohort:
    """n students whose numbers stand in rows, trained in lockstep in chunks.

    Args:
        suite: what there is to learn.
        stack: what a row means.
        n: members.
        batch_size: training examples per student step.
        optimizer: update rule, with learning rate and clipping.
        evaluation_size: examples per task and split that a student is evaluated on; which ones
            is fixed by its seed.
        chunk: members whose steps are computed together.
        threads: chunks that run at the same time on a CPU.
        one_thread: whether products take one thread each, so that no bit depends on how many
            torch has.
        device: where the rows are.
    """

    def __init__(
        self,
        suite: TaskSuite,
        stack: RowStack,
        n: int,
        *,
        batch_size: int,
        optimizer: Adam | None,
        evaluation_size: int,
        chunk: int,
        threads: int,
        one_thread: bool,
        device: torch.device,
    ) -> None:
        self.suite, self.n = suite, n
        self.batch_size, self.evaluation_size = batch_size, evaluation_size
        self.optimizer = optimizer or Adam()
        self.device = device
        self.diverged = np.zeros(n, dtype=bool)
        self.stack = stack
        self._chunk = 1 if stack.alone else chunk
        self._threads = threads
        self._quiet = one_torch_thread if one_thread else nullcontext
        self._pools: dict[str, Pool] = {}
        self._lengths_of: dict[str, Lengths] = {}
        self._chance = suite.values("chance")
        self._weights = torch.zeros((n, stack.size), device=device)
        self._moments = (torch.zeros_like(self._weights), torch.zeros_like(self._weights))
        self._taken = torch.zeros(n, device=device)
        self._seeds = np.zeros(n, dtype=np.int64)
        self._drawn = np.zeros((n, len(suite)), dtype=np.int64)
        self._evaluation_sets: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        self._kept = KeptRows(n)
        self.reset(np.arange(n), np.arange(n))

    def reset(self, rows: Rows, seeds: np.ndarray) -> None:
        """Return these members to the base weights, or to those that their seeds draw."""
        for row, seed in zip(rows, seeds, strict=True):
            self._weights[row] = self.stack.initial(int(seed))
        index = torch.as_tensor(np.asarray(rows), device=self.device)
        for moment in self._moments:
            moment[index] = 0.0
        self._taken[index] = 0.0
        self._seeds[rows], self._drawn[rows], self.diverged[rows] = seeds, 0, False
        self._evaluation_sets.clear()

    def keep(self, rows: Rows, places: np.ndarray) -> None:
        """See `Returning.keep`."""
        self._kept.keep(rows, places, self._stores, self.diverged)

    def go_back(self, rows: Rows, places: np.ndarray) -> None:
        """See `Returning.go_back`."""
        self._kept.go_back(rows, places, self._stores, self.diverged)

    def restart(self, rows: Rows) -> None:
        """See `Returning.restart`."""
        index = torch.as_tensor(np.asarray(rows), device=self.device)
        for store in (*self._moments, self._taken):
            store[index] = 0.0

    @property
    def _stores(self) -> tuple[Tensor, ...]:
        """What training changes, with a row for each member."""
        return self._weights, *self._moments, self._taken

    def check_lesson(self, steps: int) -> None:
        """See `Drawing`."""
        check_lesson(self.n, steps, self.batch_size)

    def train(
        self,
        mixture: np.ndarray,
        steps: int,
        rows: Rows | None = None,
        fresh: bool = False,
        by_task: bool = False,
    ) -> Training:
        """See `Cohort.train`.

        The fresh batch is the one that comes next in a member's own stream: nothing that was
        trained on in this epoch of the data is in it, and the next training begins with it where
        the mixture stays.
        """
        rows = np.arange(self.n) if rows is None else np.asarray(rows)
        mixture = checked_mixture(mixture, steps, rows, len(self.suite))
        pool, size = self._pool("train"), self.batch_size
        drawn, seeds = self._drawn[rows], self._seeds[rows]
        tasks = draw_tasks(mixture, seeds, drawn, (steps + fresh) * size)
        index = draw_examples(pool, seeds, drawn, tasks[:, : steps * size])
        self._drawn[rows] = drawn
        if fresh:
            ahead = draw_examples(pool, seeds, drawn, tasks[:, steps * size :])
            index = np.concatenate([index, ahead], axis=1)
        index = index.reshape(len(rows), -1, size)
        result = Training(*np.zeros((5, len(rows))))
        shown = np.zeros((2, len(rows), steps * size)) if by_task else None

        def work(part: np.ndarray) -> None:
            training, seen = self._train_chunk(rows[part], index[part], steps, by_task)
            for name, values in training.figures.items():
                getattr(result, name)[part] = values[: len(part)]
            if shown is not None and seen is not None:
                shown[:, part] = seen[:, : len(part)].reshape(2, len(part), -1)

        self._each_chunk(work, len(rows), self._chunk)
        if shown is None:
            return result
        outcomes = Outcomes.summed(tasks[:, : steps * size], shown[0], shown[1], len(self.suite))
        return replace(result, by_task=outcomes)

    def _train_chunk(
        self, rows: Rows, index: np.ndarray, steps: int, by_task: bool
    ) -> tuple[Training, np.ndarray | None]:
        """All steps of one chunk; `index` is (c, steps, b), and one more where one is fresh."""
        members = at_least(self.stack.fewest, rows)
        where = torch.as_tensor(members, device=self.device)
        batches = np.repeat(index, len(members) // len(rows), axis=0).swapaxes(0, 1)
        stores = self._stores
        weights, first, second, updates = (values.index_select(0, where) for values in stores)
        alive = torch.as_tensor(~self.diverged[members], device=self.device)
        result = train_members(
            self.stack,
            self.optimizer,
            AdamState(weights, (first, second), updates),
            alive,
            Feed(self._pool("train"), self._lengths("train"), self.stack),
            batches[:steps],
            batches[steps:],
            by_task,
        )
        count = len(rows)
        for values, new in zip(stores, (weights, first, second, updates), strict=True):
            values.index_copy_(0, where[:count], new[:count])
        self.diverged[rows] = ~alive[:count].cpu().numpy()
        return result

    def evaluate(
        self,
        split: str,
        tasks: np.ndarray | None = None,
        rows: Rows | None = None,
        size: int | None = None,
    ) -> Evaluation:
        """See `Cohort.evaluate`."""
        rows = np.arange(self.n) if rows is None else np.asarray(rows)
        most = fewer(self.evaluation_size, size)
        index, used = (part[rows, :, :most] for part in self._evaluation_set(split))
        which = np.broadcast_to(np.arange(len(self.suite)), index.shape[:2])
        if tasks is not None:
            which = np.asarray(tasks)[:, None]
            index = np.take_along_axis(index, which[:, :, None], axis=1)
            used = np.take_along_axis(used, which[:, :, None], axis=1)
        right, loss, confidence = self._figures(split, rows, index)
        if any(task.grader for task in self.suite.tasks):
            within = index - self._pool(split).offsets[which][:, :, None]
            students = Students(self.stack, self._weights, rows, 8 * self._chunk * self.batch_size)
            with self._quiet():
                graded = grade(self.suite, split, which, within, students, (right, confidence))
            return evaluation_of(graded[0], loss, graded[1], used, self._chance[which])
        return evaluation_of(right, loss, confidence, used, self._chance[which])

    def _figures(
        self, split: str, rows: Rows, index: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Right, loss and confidence of each example (r, k, e), of the same shape each."""
        shape, lengths = index.shape, self._lengths(split)
        if lengths.differ:
            by_length = ByLength(self.stack, self._pool(split), lengths, self._chunk)
            with self._quiet():
                return by_length.figures(self._weights, rows, index)
        right = np.zeros(shape, dtype=bool)
        loss, confidence = np.zeros(shape, np.float32), np.zeros(shape, np.float32)

        def work(part: np.ndarray) -> None:
            right[part], loss[part], confidence[part] = self._evaluate_chunk(
                split, rows[part], index[part]
            )

        chunk = self._chunk
        if self.device.type == "cpu" and not self.stack.alone:
            # Without a backward pass eight times the examples take as much room.
            chunk = max(2, chunk * self.batch_size * 8 // (shape[1] * shape[2]))
        self._each_chunk(work, len(rows), chunk)
        return right, loss, confidence

    def _evaluate_chunk(
        self, split: str, rows: Rows, index: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Right, loss and confidence of each example, (c, k, e) each."""
        # The bits of one student were not tried on as many examples: two are always safe.
        members = at_least(1 if self.stack.alone else 2, rows)
        shape = index.shape
        # Filled up with the last example: in parts of one task each, so that no figure depends on
        # which others are evaluated, or so that every member's numbers begin on whole registers.
        part = _part(shape[2], self.stack.evaluated_together)
        index = np.pad(index, ((0, 0), (0, 0), (0, -shape[2] % part if part else 0)), mode="edge")
        flat = index.reshape(len(rows), -1)
        filled = np.pad(flat, ((0, 0), (0, -flat.shape[1] % (part or ALIGNMENT))), mode="edge")
        where = np.repeat(filled, len(members) // len(rows), axis=0)
        weights = self._weights[torch.as_tensor(members, device=self.device)]
        size = part or where.shape[1]
        with torch.no_grad():
            parts = [
                self._scored(weights, split, where[:, first : first + size])
                for first in range(0, where.shape[1], size)
            ]
        figures = (torch.cat(figure, dim=1).cpu().numpy() for figure in zip(*parts, strict=True))
        right, loss, confidence = (
            figure[: len(rows), : flat.shape[1]].reshape(index.shape)[:, :, : shape[2]]
            for figure in figures
        )
        return right, loss, confidence

    def _scored(
        self, weights: Tensor, split: str, where: np.ndarray
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Right, loss and confidence of the examples at these places (c, m), (c, m) each."""
        inputs, targets = self._pool(split).take(where)
        return score_examples(self.stack.logits(weights, inputs), targets)

    def student(self, row: int) -> nn.Module:
        """One member as a module of its own, as it is now."""
        return self.stack.module(self._weights[row])

    def state_dict(self) -> dict[str, Any]:
        """Weights, optimizers and positions of the random streams of all members."""
        return {
            "weights": self._weights.clone(),
            "moments": [moment.clone() for moment in self._moments],
            "taken": self._taken.clone(),
            "seeds": torch.from_numpy(self._seeds.copy()),
            "drawn": torch.from_numpy(self._drawn.copy()),
            "diverged": torch.from_numpy(self.diverged.copy()),
            **self._kept.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state of a cohort of the same suite, model and size."""
        for name, mine in (("weights", self._weights), ("drawn", self._drawn)):
            if tuple(state[name].shape) != tuple(mine.shape):
                raise ValueError(
                    f"the state holds {name!r} of shape {tuple(state[name].shape)}, this cohort's "
                    f"is {tuple(mine.shape)}; build it with the same suite, model and n"
                )
        self._weights.copy_(state["weights"])
        for moment, value in zip(self._moments, state["moments"], strict=True):
            moment.copy_(value)
        self._taken.copy_(state["taken"])
        self._seeds[:] = state["seeds"].numpy()
        self._drawn[:] = state["drawn"].numpy()
        self.diverged[:] = state["diverged"].numpy()
        self._kept.load_state_dict(state, self._stores)
        self._evaluation_sets.clear()

    def _pool(self, split: str) -> Pool:
        if split not in self._pools:
            self._pools[split] = self.suite.pool(split).to(self.device)
        return self._pools[split]

    def _lengths(self, split: str) -> Lengths:
        if split not in self._lengths_of:
            # In company lengths must be few; alone each batch may have its own.
            coarse = not self.stack.alone
            store = self._pool(split).examples.store
            self._lengths_of[split] = Lengths(store, self.stack.crops, coarse)
        return self._lengths_of[split]

    def _evaluation_set(self, split: str) -> tuple[np.ndarray, np.ndarray]:
        if split not in self._evaluation_sets:
            self._evaluation_sets[split] = evaluation_examples(
                self._pool(split), split, self._seeds, self.evaluation_size
            )
        return self._evaluation_sets[split]

    def _each_chunk(self, work: Callable[[np.ndarray], None], count: int, size: int) -> None:
        """Run `work` over range(count) in chunks, on several threads where there are several."""
        parts = np.array_split(np.arange(count), -(-count // size)) if count else []
        with self._quiet():
            if len(parts) < 2 or self._threads < 2:
                for part in parts:
                    work(part)
                return
            with ThreadPoolExecutor(self._threads) as threads:
                list(threads.map(work, parts))


def _part(size: int, most: int) -> int:
    """Into parts of how many examples `size` of them are best cut; 0 where they stay together."""
    return -(-size // -(-size // most)) if most else 0
