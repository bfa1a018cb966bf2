"""A member of a cohort as something that can be asked, for graders.

Legend: r rows, k tasks, e evaluation examples, c candidates, l tokens, a answer positions.
"""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ...contract.grading import Answering
from ...contract.tasks import IGNORED, NO_TOKEN, TaskSuite
from .row_stack import RowStack

_TOGETHER = 32
"""Candidates or prompts that are looked at together."""


class Member:
    """One student of a stack, as `Answering`.

    Args:
        stack: what its row means.
        row: its numbers, (1, p).
    """

    def __init__(self, stack: RowStack, row: Tensor) -> None:
        self._stack, self._row = stack, row

    def losses(self, inputs: Tensor, targets: Tensor) -> np.ndarray:
        """See `Answering.losses`."""
        device = self._row.device
        with torch.no_grad():
            parts = [
                self._loss(part.to(device), answers.to(device))
                for part, answers in zip(
                    torch.split(inputs, _TOGETHER), torch.split(targets, _TOGETHER), strict=True
                )
            ]
        return torch.cat(parts).double().cpu().numpy()

    def _loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        logits = self._stack.logits(self._row, inputs[None])[0]
        losses = F.cross_entropy(logits.mT, targets, ignore_index=IGNORED, reduction="none")
        return losses.sum(dim=1)

    def generate(self, prompts: Tensor, length: int) -> list[list[int]]:
        """See `Answering.generate`."""
        answers = []
        with torch.no_grad():
            for part in torch.split(prompts.to(self._row.device), _TOGETHER):
                used = (part != NO_TOKEN).any(dim=0)
                cropped = part[:, int(used.int().argmax()) :]
                answers += self._stack.generate(self._row[0], cropped, length)
        return answers


def grade(
    suite: TaskSuite,
    split: str,
    tasks: np.ndarray,
    index: np.ndarray,
    students: Sequence[Answering],
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
    for row, task in np.argwhere(np.isin(tasks, _graded(suite))):
        grader = suite.tasks[tasks[row, task]].grader
        assert grader is not None
        credit[row, task], confidence[row, task] = grader.grade(
            split, index[row, task], students[row]
        )
    return credit, confidence


def _graded(suite: TaskSuite) -> list[int]:
    return [i for i, task in enumerate(suite.tasks) if task.grader is not None]
