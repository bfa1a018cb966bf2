"""Members of a cohort as students that can be asked, for graders.

Legend: r students, k tasks, e evaluation examples, c candidates or prompts of all of them, l
tokens, a answer positions, s rows of a slip: what one student is asked at once; p numbers in a
student's row, v outputs.
"""

from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ...contract.cohort import Rows
from ...contract.stores import PaddedStore
from ...contract.tasks import IGNORED, TaskSuite
from .lengths import Lengths
from .row_stack import ALIGNMENT, RowStack

_ALONE = 32
"""Rows of a slip where students are asked one after the other."""
_MEMBERS = 64
"""Members that are graded together: what they are asked is laid out at once."""


class Students:
    """Members of a stack, as `Answering`.

    What a student is asked is cut into slips, and slips are computed together. All slips have the
    same number of rows, the last one of a student filled up with its last row: so no bit of what a
    student answers depends on who else is asked. Where students are computed one by one, nothing
    is filled up.

    Args:
        stack: what rows mean.
        weights: of all members, (n, p).
        rows: the members, (r,).
        together: examples that are computed together at most, or those of one slip.
    """

    def __init__(self, stack: RowStack, weights: Tensor, rows: Rows, together: int) -> None:
        self._stack, self._weights, self._rows = stack, weights, np.asarray(rows)
        self._together = together
        # Stacks that are evaluated in parts hold pretrained models, of which one row is enough.
        self._single = stack.alone or stack.evaluated_together > 0

    def of(self, which: np.ndarray) -> "Students":
        """Some of these students."""
        return Students(self._stack, self._weights, self._rows[which], self._together)

    def losses(self, who: np.ndarray, inputs: Tensor, targets: Tensor) -> np.ndarray:
        """See `Answering.losses`."""
        result = np.zeros(len(who))
        # Whatever the rows are: others may be asked shorter ones, which must change nothing here.
        if self._single and any(self._stack.crops):
            store = PaddedStore(inputs, targets)
            lengths = Lengths(store, self._stack.crops, coarse=False)
            for student in np.unique(who):
                index = np.flatnonzero(who == student)
                row = self._weights[self._rows[student]][None]
                for places, crop in lengths.parts(index, self._stack.n_outputs):
                    result[index[places]] = self._of_one(row, store.take(index[places], crop))
            return result
        for weights, slips in self._slips(who):
            wanted = targets[slips].to(weights.device)
            with torch.no_grad():
                logits = self._stack.logits(weights, inputs[slips].to(weights.device))
                losses = F.cross_entropy(
                    logits.movedim(-1, 1), wanted, ignore_index=IGNORED, reduction="none"
                )
            count = len(slips)
            result[slips] = losses.sum(dim=-1)[:count].double().cpu().numpy()
        return result

    @torch.no_grad()
    def _of_one(self, row: Tensor, batch: tuple[Tensor, Tensor]) -> np.ndarray:
        """Losses of one student (1, p) on inputs (m, l) and targets (m, a), (m,)."""
        inputs, targets = (part.to(row.device) for part in batch)
        logits = self._stack.logits(row, inputs[None], targets.shape[1])[0]
        losses = F.cross_entropy(logits.mT, targets, ignore_index=IGNORED, reduction="none")
        return losses.sum(dim=1).double().cpu().numpy()

    def generate(self, who: np.ndarray, prompts: Tensor, length: int, end: int) -> list[list[int]]:
        """See `Answering.generate`."""
        texts: dict[int, list[int]] = {}
        for weights, slips in self._slips(who):
            with torch.no_grad():
                read = prompts[slips].to(weights.device)
                written = self._stack.generate(weights, read, length, end)
            texts.update(zip(slips.ravel().tolist(), written, strict=True))
        return [texts[place] for place in range(len(who))]

    def _slips(self, who: np.ndarray) -> Iterator[tuple[Tensor, np.ndarray]]:
        """Weights (g, p) of g students at a time, and the places in `who` of their rows, (g, s)."""
        size = _ALONE if self._single else ALIGNMENT
        order = np.argsort(who, kind="stable")
        counts = np.bincount(who, minlength=len(self._rows))
        within = np.arange(len(who)) - np.repeat(np.cumsum(counts) - counts, counts)
        number = -(-counts // size)
        slip = np.repeat(np.cumsum(number) - number, counts) + within // size
        table = np.full((number.sum(), size), -1)
        table[slip, within % size] = order
        students = self._rows[np.repeat(np.arange(len(counts)), number)]
        group = 1 if self._single else max(2, self._together // size)
        for start in range(0, len(table), group):
            slips, members = table[start : start + group], students[start : start + group]
            if self._single:
                slips = slips[:, slips[0] >= 0]
            elif len(slips) == 1:
                # The bits of one student alone may be others: two are always safe.
                slips, members = np.repeat(slips, 2, axis=0), np.repeat(members, 2)
            last = np.maximum.accumulate(np.where(slips >= 0, np.arange(slips.shape[1]), 0), axis=1)
            yield (
                self._weights[torch.as_tensor(members, device=self._weights.device)],
                np.take_along_axis(slips, last, axis=1),
            )


def grade(
    suite: TaskSuite,
    split: str,
    tasks: np.ndarray,
    index: np.ndarray,
    students: Students,
    figures: tuple[np.ndarray, np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """Credit and confidence, with what graders say where a task has one, (r, k, e) float each.

    Args:
        suite: whose tasks have graders.
        split: that is evaluated.
        tasks: of every cell, (r, k).
        index: of every example within this split of its task, (r, k, e).
        students: one for each row.
        figures: right and confidence by exact match, (r, k, e) each.
    """
    credit, confidence = (values.astype(np.float64) for values in figures)
    for which, task in enumerate(suite.tasks):
        rows, columns = np.nonzero(tasks == which)
        if task.grader is None or not len(rows):
            continue
        for part in np.array_split(np.arange(len(rows)), -(-len(rows) // _MEMBERS)):
            row, column = rows[part], columns[part]
            credit[row, column], confidence[row, column] = task.grader.grade(
                split, index[row, column], students.of(row)
            )
    return credit, confidence
