"""What the training examples of each task showed since a segment began, in one process.

Legend: k tasks, b examples of a batch, p processes.
"""

import numpy as np
import torch
from torch import Tensor

from lessonplan.student.contract import LOSS_LIMIT

from .shown import Shown

FIGURES = ("count", "loss", "accuracy", "token_accuracy")
"""What is told of the examples of a task: how many there were, and means over them."""


class Tally:
    """Sums on the device where training runs, so that no step waits for them.

    Args:
        k: tasks.
    """

    def __init__(self, k: int) -> None:
        self._sums: Tensor = torch.zeros(k, len(FIGURES), dtype=torch.float64)
        """The count, and sums over it of the other figures, (k, 4)."""

    def add(self, tasks: np.ndarray, shown: Shown) -> None:
        """Take in the examples of a batch, of these tasks (b,)."""
        # A loss that is no number is as bad as can be.
        loss = shown.loss.nan_to_num(LOSS_LIMIT, LOSS_LIMIT).clamp(max=LOSS_LIMIT)
        there = (shown.tokens > 0).to(loss.dtype)
        figures = torch.stack([there, loss, shown.right, shown.right_tokens], dim=1)
        self._sums = self._sums.to(loss.device, loss.dtype)
        whose = torch.nn.functional.one_hot(torch.from_numpy(tasks), len(self._sums))
        # A product adds in the same order each time, as scattering on a GPU does not.
        self._sums += whose.T.to(loss.device, loss.dtype) @ figures

    def add_whole(self, task: int, count: int, loss: Tensor) -> None:
        """Take in a batch of this task of which nothing but the mean loss is known."""
        figure = float(loss.detach().float().nan_to_num(LOSS_LIMIT, LOSS_LIMIT))
        self._sums[task, 0] += count
        self._sums[task, 1] += count * min(figure, LOSS_LIMIT)
        self._sums[task, 2:] = torch.nan

    def clear(self) -> None:
        """Begin a segment."""
        self._sums = torch.zeros_like(self._sums)

    @property
    def tensor(self) -> Tensor:
        """The sums where they are."""
        return self._sums

    @property
    def sums(self) -> np.ndarray:
        """The count, and sums over it of the other figures, (k, 4) float64; NaN of the unknown."""
        return self._sums.cpu().numpy().astype(np.float64)

    @sums.setter
    def sums(self, sums: np.ndarray) -> None:
        self._sums = torch.from_numpy(np.array(sums, dtype=np.float64))
