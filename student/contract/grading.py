"""What a grader is, and whom it asks.

A grader belongs to a task and keeps what it needs by split and by index of the example; it asks a
student for losses or for text, whatever the student is.

Legend: e examples, c candidates of all of them, p longest prompt, a longest answer, l tokens.
"""

from typing import Protocol

import numpy as np
from torch import Tensor


class Answering(Protocol):
    """A student that can be asked."""

    def losses(self, inputs: Tensor, targets: Tensor) -> np.ndarray:
        """Summed negative log likelihood of answers in nats, (c, l), (c, a) -> (c,)."""

    def generate(self, prompts: Tensor, length: int) -> list[list[int]]:
        """What greedy decoding writes behind prompts (e, p): at most `length` new tokens each.

        Nothing follows the end token, which may be there or be left out.
        """


class Grader(Protocol):
    """Judges held-out examples of one task."""

    def grade(
        self, split: str, index: np.ndarray, student: Answering
    ) -> tuple[np.ndarray, np.ndarray]:
        """Credit and confidence, (e,) float64 in [0, 1] each.

        Args:
            split: one of `SPLITS`.
            index: examples of the split, (e,) int64.
            student: who answers.
        """
