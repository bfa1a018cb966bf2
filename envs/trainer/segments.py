"""What a segment of training takes: tasks by their shares, rows of each task by its own stream.

Every draw is named by what it is for and by how many came before it, so nothing has to be stored
but these counts, and a segment is the same in every process and after every resume.

Legend: k tasks, m draws of a segment, p places in the order of a loader.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import gcd

import numpy as np

from lessonplan.student.contract import shuffled, stream_key, uniform

_TASK, _ROW = 601, 602


@dataclass(frozen=True)
class Order:
    """How a loader lays out what was drawn; by default as it was drawn.

    Args:
        per_step: places that one optimizer step takes, in all processes together.
        block: draws that are repeated as one.
        together: times that each draw of a block comes in a row, as the generations of a prompt.
        rounds: times that a block comes, as often as its generations are trained on.
    """

    per_step: int
    block: int = 1
    together: int = 1
    rounds: int = 1

    @property
    def whole(self) -> int:
        """The fewest steps that end with a whole block."""
        cycle = self.block * self.together * self.rounds
        return cycle // gcd(cycle, self.per_step)

    def draws(self, steps: int) -> int:
        """Draws that so many steps begin with, whole blocks of them."""
        cycle = self.block * self.together * self.rounds
        return -(-steps * self.per_step // cycle) * self.block

    def laid_out(self, rows: np.ndarray) -> np.ndarray:
        """The rows (m,) of whole blocks as the loader wants them, (p,)."""
        blocks = np.repeat(rows.reshape(-1, self.block), self.together, axis=1)
        return np.repeat(blocks, self.rounds, axis=0).ravel()


class Draws:
    """Draws tasks by shares, and rows of each task without repetition within an epoch of it.

    Args:
        rows: of each task in the dataset, k arrays.
        seed: names the streams.
    """

    def __init__(self, rows: Sequence[np.ndarray], seed: int) -> None:
        self.rows, self.seed = rows, seed

    def tasks(self, shares: np.ndarray, counts: np.ndarray, count: int) -> np.ndarray:
        """The task of each of the next draws, (count,).

        Args:
            shares: of the tasks, sums to 1, (k,).
            counts: draws of each task so far, (k,).
            count: draws.
        """
        if (shares == 1.0).any():
            return np.full(count, shares.argmax())
        lots = uniform(stream_key(self.seed, _TASK), int(counts.sum()) + np.arange(count))
        drawn = np.searchsorted(np.cumsum(shares), lots, side="right")
        # Rounding can leave the sum just below a lot of almost 1.
        tasks: np.ndarray = np.minimum(drawn, np.flatnonzero(shares)[-1])
        return tasks

    def rows_of(self, tasks: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """Rows of the dataset for draws of these tasks (m,) after so many of each (k,), (m,)."""
        result = np.zeros(len(tasks), dtype=np.int64)
        for task in np.unique(tasks):
            where = np.flatnonzero(tasks == task)
            position = int(counts[task]) + np.arange(len(where))
            key = stream_key(self.seed, _ROW, task)
            result[where] = self.rows[task][shuffled(key, position, len(self.rows[task]))]
        return result


class SegmentSampler:
    """Yields the rows of one segment, then stops, so that no loader can fetch beyond it.

    Args:
        length: places of a segment.
    """

    def __init__(self, length: int) -> None:
        self.length = length
        self.rows: list[int] = []

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[int]:
        yield from self.rows
