"""Random streams without state: every number is a hash of what it is for.

A batch is named by (student seed, task, position), not by how many draws came before it, so batch
j of task i is the same under every teacher, in every cohort and after every resume. All functions
are vectorised over numpy arrays that broadcast.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

UInt64Array = NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def mix(value: UInt64Array) -> UInt64Array:
    """Finalizer of SplitMix64 (Steele, Lea and Flood 2014): a bijection that scatters all bits."""
    value = (value ^ (value >> np.uint64(30))) * _MIX_1
    value = (value ^ (value >> np.uint64(27))) * _MIX_2
    return value ^ (value >> np.uint64(31))


def stream_key(*parts: ArrayLike) -> UInt64Array:
    """64 random bits named by integers (seed, purpose, task, ...); the parts broadcast."""
    key = np.uint64(0)
    with np.errstate(over="ignore"):
        for part in parts:
            bits = np.asarray(part, dtype=np.int64).astype(np.uint64)
            key = mix(np.atleast_1d(key + _GOLDEN) ^ mix(np.atleast_1d(bits + _GOLDEN)))
    return np.asarray(key, dtype=np.uint64)


def uniform(key: UInt64Array, position: ArrayLike) -> NDArray[np.float64]:
    """Numbers in [0, 1) at the positions of a stream; `key` and `position` broadcast."""
    bits = stream_bits(key, position)
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53


def stream_bits(key: UInt64Array, position: ArrayLike) -> UInt64Array:
    """64 random bits at the positions of a stream; `key` and `position` broadcast."""
    steps = np.asarray(position, dtype=np.int64).astype(np.uint64)
    with np.errstate(over="ignore"):
        return mix(np.atleast_1d(key + (steps + np.uint64(1)) * _GOLDEN))


def shuffled(key: UInt64Array, position: ArrayLike, size: ArrayLike) -> NDArray[np.int64]:
    """Index at `position` of an endless sequence of fresh permutations of range(size).

    Position p belongs to epoch p // size; within an epoch no index comes twice. The permutation
    is a four-round Feistel network, walked until it lands inside the range (Black and Rogaway
    2002), so nothing is stored and any position costs the same.
    """
    key, where, sizes = np.broadcast_arrays(
        key, np.asarray(position, dtype=np.int64), np.asarray(size, dtype=np.int64)
    )
    epoch_key = stream_bits(key, where // sizes)
    bits = np.ceil(np.log2(np.maximum(sizes, 2))).astype(np.uint64)
    half_bits = (bits + np.uint64(1)) // np.uint64(2)
    value = (where % sizes).astype(np.uint64)
    limit = sizes.astype(np.uint64)
    value = _feistel(value, epoch_key, half_bits)
    outside = value >= limit
    while outside.any():
        value[outside] = _feistel(value[outside], epoch_key[outside], half_bits[outside])
        outside = value >= limit
    return value.astype(np.int64)


def _feistel(value: UInt64Array, key: UInt64Array, half_bits: Any) -> UInt64Array:
    """One pass of a balanced Feistel network over 2 * half_bits bits."""
    mask = (np.uint64(1) << half_bits) - np.uint64(1)
    left, right = value >> half_bits, value & mask
    with np.errstate(over="ignore"):
        for turn in range(4):
            mixed = mix(key + (right + np.uint64(turn << 32)) * _GOLDEN)
            left, right = right, left ^ (mixed & mask)
    return (left << half_bits) | right
