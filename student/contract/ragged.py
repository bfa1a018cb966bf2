"""Rows of unequal length without padding.

Legend: m rows, b of them that are asked for.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Ragged:
    """Rows of numbers of any length, end to end: row i is `values[starts[i] : starts[i + 1]]`."""

    values: np.ndarray
    starts: np.ndarray

    @classmethod
    def of(cls, rows: Iterable[Sequence[int]], highest: int = 0) -> "Ragged":
        """Rows of numbers that are not negative, in as few bytes as they need.

        Args:
            rows: m of them.
            highest: number that other rows may have, and that must be held, too.
        """
        rows = list(rows)
        lengths = np.fromiter((len(row) for row in rows), dtype=np.int64, count=len(rows))
        numbers = (number for row in rows for number in row)
        flat = np.fromiter(numbers, dtype=np.int32, count=int(lengths.sum()))
        most = flat.max(initial=highest)
        return cls.cut(flat.astype(np.min_scalar_type(most)), lengths)

    @classmethod
    def cut(cls, flat: np.ndarray, lengths: np.ndarray) -> "Ragged":
        """Numbers end to end, cut into rows of these lengths."""
        return cls(flat, np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]))

    @classmethod
    def joined(cls, parts: Sequence["Ragged"]) -> "Ragged":
        """The rows of all parts, one part behind the other."""
        if len(parts) == 1:
            return parts[0]
        lengths = np.concatenate([part.lengths for part in parts])
        return cls.cut(np.concatenate([part.flat for part in parts]), lengths)

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> np.ndarray:
        """Numbers in every row, (m,) int64."""
        return np.diff(self.starts)

    @property
    def flat(self) -> np.ndarray:
        """The numbers of all rows, and no others."""
        return self.values[self.starts[0] : self.starts[-1]]

    def part(self, first: int, last: int) -> "Ragged":
        """Rows from `first` to before `last`, without a copy of their numbers."""
        return Ragged(self.values, self.starts[first : last + 1])

    def take(self, index: np.ndarray) -> "Ragged":
        """The rows at these places, in this order."""
        lengths = self.lengths[index]
        before = np.cumsum(lengths) - lengths
        places = np.repeat(self.starts[index] - before, lengths) + np.arange(lengths.sum())
        return Ragged.cut(self.values[places], lengths)

    def without_last(self) -> "Ragged":
        """Every row without its last number."""
        keep = np.ones(len(self.flat), dtype=bool)
        keep[self.starts[1:] - self.starts[0] - 1] = False
        return Ragged.cut(self.flat[keep], self.lengths - 1)

    def padded(self, width: int, fill: int, right: bool = False) -> np.ndarray:
        """The rows side by side, (m, width) int64, pushed to the left or to the right.

        Raises:
            ValueError: if a row is longer than `width`.
        """
        lengths = self.lengths
        if lengths.max(initial=0) > width:
            raise ValueError(f"a row has {lengths.max()} tokens, and there is room for {width}")
        first = lengths - width if right else np.zeros_like(lengths)
        return self.window(np.arange(len(self)), first, width, fill)

    def window(self, index: np.ndarray, first: np.ndarray, width: int, fill: int) -> np.ndarray:
        """`width` numbers of each of these rows, (b, width) int64.

        Args:
            index: rows, (b,).
            first: place in its row at which each window begins, (b,); may be below 0.
            width: of the windows.
            fill: stands where a row has no number.
        """
        begin, end = self.starts[index], self.starts[index + 1]
        place = (begin + first)[:, None] + np.arange(width)
        inside = (place >= begin[:, None]) & (place < end[:, None])
        numbers = np.full(place.shape, fill, dtype=np.int64)
        numbers[inside] = self.values[place[inside]]
        return numbers


def interleaved(one: Ragged, other: Ragged) -> Ragged:
    """Each row of `one` with the row of `other` behind it."""
    lengths = one.lengths + other.lengths
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    is_one = within < np.repeat(one.lengths, lengths)
    flat = np.empty(len(within), dtype=np.result_type(one.values, other.values))
    flat[is_one], flat[~is_one] = one.flat, other.flat
    return Ragged.cut(flat, lengths)
