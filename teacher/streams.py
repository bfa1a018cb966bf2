"""Random streams of teachers.

Rules draw from numbers that are hashed from (teacher seed, student, decision): a row's choices do
not depend on how many rows there are, and nothing has to be stored. SB3's learners draw from the
global streams of torch, numpy and Python, so they run inside streams of their own.

Legend: n students.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.utils import set_random_seed

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def _mix(value: np.ndarray) -> np.ndarray:
    """Finalizer of MurmurHash3 (Appleby 2011): a bijection of 64 bits."""
    value = (value ^ (value >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    value = (value ^ (value >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return np.asarray(value ^ (value >> np.uint64(33)))


def uniforms(
    seed: int, key: np.ndarray, decision: np.ndarray, stream: int, count: int
) -> np.ndarray:
    """Numbers in [0, 1) that depend on all arguments, (n, count) float64.

    Args:
        seed: of the teacher.
        key: number in [0, 1) that names each student, (n,).
        decision: decisions taken in this lifetime, (n,).
        stream: tells several uses within one decision apart.
        count: numbers per student.
    """
    with np.errstate(over="ignore"):
        parts = (
            np.full(1, seed, dtype=np.int64),
            np.full(1, stream, dtype=np.int64),
            np.round(np.asarray(key) * 2**24).astype(np.int64)[:, None],
            np.asarray(decision, dtype=np.int64)[:, None],
            np.arange(count, dtype=np.int64),
        )
        bits = np.zeros(1, dtype=np.uint64)
        for part in parts:
            bits = _mix((bits ^ part.astype(np.uint64)) + _GOLDEN)
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53


class LearnerStreams:
    """The global random streams as one learner's own, kept between the times that it runs."""

    def __init__(self, seed: int) -> None:
        outside = _global_state()
        set_random_seed(seed)
        self.state = _global_state()
        _restore(outside)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Inside, the global streams are the learner's; outside nobody notices."""
        outside = _global_state()
        _restore(self.state)
        try:
            yield
        finally:
            self.state = _global_state()
            _restore(outside)


def global_state() -> dict[str, Any]:
    """States of the global streams as they are now; for a checkpoint taken while running."""
    return _global_state()


def _global_state() -> dict[str, Any]:
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "numpy": np.random.get_state(),
        "python": random.getstate(),
    }


def _restore(state: dict[str, Any]) -> None:
    torch.set_rng_state(state["torch"])
    if state["cuda"]:
        torch.cuda.set_rng_state_all(state["cuda"])
    np.random.set_state(state["numpy"])
    random.setstate(state["python"])
