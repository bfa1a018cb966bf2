"""Lifetimes in blocks, so that what is computed of them takes a bounded memory.

Legend: l lifetimes.
"""

from collections.abc import Iterator

import numpy as np

BLOCK_BYTES = 1 << 25
"""Of float64 values that are computed with at once."""


def rows_in_block(row: np.ndarray) -> int:
    """Rows like this one that are computed with at once, at least one."""
    return max(1, BLOCK_BYTES // max(1, 8 * row.size))


def blocks_of(values: np.ndarray) -> Iterator[slice]:
    """The lifetimes of values (l, ...), a few at a time."""
    rows = rows_in_block(values[0])
    for start in range(0, len(values), rows):
        yield slice(start, start + rows)
