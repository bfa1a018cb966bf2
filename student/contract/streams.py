"""Random streams without state: every number is a hash of what it is for.

A batch is named by (student seed, task, position), not by how many draws came before it, so batch
j of task i is the same under every teacher, in every cohort and after every resume. All functions
are vectorised over numpy arrays that broadcast.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

UInt32Array = NDArray[np.uint32]
UInt64Array = NDArray[np.uint64]

_ONE = np.uint32(1)
_TWISTS = (np.uint32(0), np.uint32(0x9E3779B9), np.uint32(0x3C6EF372))
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
    key: UInt64Array = np.zeros(1, dtype=np.uint64)
    with np.errstate(over="ignore"):
        for part in parts:
            bits = np.asarray(part, dtype=np.int64).astype(np.uint64)
            key = mix((key + _GOLDEN) ^ mix(np.atleast_1d(bits + _GOLDEN)))
    return key


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
    is a six-round Feistel network, walked until it lands inside the range (Black and Rogaway
    2002), so nothing is stored and any position costs the same. Sizes are below 2**31; the three
    arguments broadcast.
    """
    sizes = np.asarray(size, dtype=np.int64)
    epoch, within = np.divmod(np.asarray(position, dtype=np.int64), sizes)
    epoch_key = stream_bits(key, epoch)
    shape = np.broadcast_shapes(within.shape, epoch_key.shape)
    low, high = epoch_key.astype(np.uint32), (epoch_key >> np.uint64(32)).astype(np.uint32)
    # Six rounds on fewer than six bits would leave some permutations rarer than others.
    bits = np.frexp(np.maximum(sizes, 64) - 1)[1].astype(np.uint32)
    # Two keys, the bits of the lower half, the bits of all, the end of the range.
    network = [low, high, (bits + 1) // 2, bits, sizes.astype(np.uint32)]
    start = np.broadcast_to(within, shape).astype(np.uint32)
    value = np.ascontiguousarray(_feistel(start, network))
    flat = value.reshape(-1)
    outside = np.flatnonzero(value >= network[-1])
    if len(outside):
        network = [np.broadcast_to(part, shape).ravel()[outside] for part in network]
    while len(outside):
        flat[outside] = walked = _feistel(flat[outside], network)
        still = walked >= network[-1]
        outside, network = outside[still], [part[still] for part in network]
    return value.astype(np.int64)


def _feistel(value: UInt32Array, network: list[UInt32Array]) -> UInt32Array:
    """One pass of the Feistel network; halves may differ by a bit."""
    low_key, high_key, low_bits, bits, _ = network
    low_mask, high_mask = (_ONE << low_bits) - _ONE, (_ONE << (bits - low_bits)) - _ONE
    low, high = value & low_mask, value >> low_bits
    for twist in _TWISTS:
        high ^= _scattered(low ^ low_key ^ twist) & high_mask
        low ^= _scattered(high ^ high_key ^ twist) & low_mask
    return (high << low_bits) | low


def _scattered(value: UInt32Array) -> UInt32Array:
    """A bijection that scatters all 32 bits, in place (the constants are Wellons's `lowbias32`)."""
    value ^= value >> np.uint32(16)
    value *= np.uint32(0x7FEB352D)
    value ^= value >> np.uint32(15)
    value *= np.uint32(0x846CA68B)
    value ^= value >> np.uint32(16)
    return value
