"""What a grader is, and whom it asks.

A grader belongs to a task and keeps what it needs by split and by index of the example; it asks
students for losses or for text, whatever they are.

Legend: r students, e examples of each, u different ones of all students, c candidates of all of
them, p prompt positions, l positions, a answer positions.
"""

from typing import Protocol

import numpy as np
from torch import Tensor


class Answering(Protocol):
    """Students that can be asked, r of them; `who` says by number which one each row is for."""

    def losses(self, who: np.ndarray, inputs: Tensor, targets: Tensor) -> np.ndarray:
        """Summed negative log likelihood of answers in nats, (c,), (c, l), (c, a) -> (c,)."""

    def generate(self, who: np.ndarray, prompts: Tensor, length: int, end: int) -> list[list[int]]:
        """What greedy decoding writes behind prompts (u, p): at most `length` new tokens each.

        Nothing follows the `end` token, which may be there or be left out.
        """


class Grader(Protocol):
    """Judges held-out examples of one task."""

    def grade(
        self, split: str, index: np.ndarray, students: Answering
    ) -> tuple[np.ndarray, np.ndarray]:
        """Credit and confidence, (r, e) float64 in [0, 1] each.

        Args:
            split: one of `SPLITS`.
            index: examples of the split that each student is asked, (r, e) int64.
            students: who answers.
        """
