"""Inputs of d signs, all 2^d of them, divided once for all the tasks that are made of them.

Legend: d signs, m inputs (2^d), w numbers of an input as a student sees it, k tasks.
"""

from collections.abc import Callable

import numpy as np
import torch

from ..contract.streams import stream_key, uniform
from ..contract.tasks import Examples, Task

Layout = Callable[[np.ndarray], np.ndarray]
"""Turns signs (m, d) into what a student sees, (m, w)."""

_HELD_OUT = {"probe": (0.0, 0.0625), "test": (0.0625, 0.125), "stress": (0.125, 0.1875)}
_TRAIN_FROM = 0.1875


class Signs:
    """All inputs of d numbers that are +1 or -1.

    A hash of the signs reserves a sixteenth of all inputs for each of probe, test and stress. It
    knows of no tasks, so no held-out input is trained on under any task. In `stress`, Gaussian
    noise lies on the signs.

    Args:
        n_signs: d, in [8, 16].
        stress_noise: standard deviation of the noise in `stress`.

    Raises:
        ValueError: for another d.
    """

    def __init__(self, n_signs: int, stress_noise: float = 0.4) -> None:
        if not 8 <= n_signs <= 16:
            raise ValueError(f"n_signs must be in [8, 16], got {n_signs}")
        self._numbers = np.arange(2**n_signs)
        self.values = 1.0 - 2.0 * ((self._numbers[:, None] >> np.arange(n_signs)) & 1)
        """(m, d)."""
        noise = np.random.default_rng(n_signs).normal(0.0, stress_noise, self.values.shape)
        self._noisy = self.values + noise
        self._bucket = uniform(stream_key(n_signs), self._numbers)

    def negative(self, *places: int) -> np.ndarray:
        """Whether the product of the signs at these places is -1, (m,) bool."""
        return np.asarray(self.values[:, list(places)].prod(axis=1) < 0)

    def lots(self, purpose: int) -> np.ndarray:
        """A number in [0, 1) for each input that depends on it and the purpose alone, (m,)."""
        return uniform(stream_key(self.values.shape[1], purpose), self._numbers)

    def splits(
        self,
        labels: np.ndarray,
        layout: Layout,
        train_labels: np.ndarray | None = None,
        train_size: int | None = None,
    ) -> dict[str, Examples]:
        """Examples of all splits.

        Args:
            labels: class of each input, (m,).
            layout: what a student sees of the signs.
            train_labels: what `train` says instead, (m,).
            train_size: only so many inputs to train on, those of the highest hash.
        """
        held_out = {}
        for split, (low, high) in _HELD_OUT.items():
            member = (self._bucket >= low) & (self._bucket < high)
            signs = self._noisy if split == "stress" else self.values
            held_out[split] = _examples(layout(signs[member]), labels[member])
        train = np.flatnonzero(self._bucket >= _TRAIN_FROM)
        if train_size is not None:
            train = train[np.argsort(-self._bucket[train])[:train_size]]
        train_labels = labels if train_labels is None else train_labels
        return {"train": _examples(layout(self.values[train]), train_labels[train]), **held_out}


def beside(place: int, k: int, strength: float = 1.0) -> Layout:
    """The signs, and beside them a one-hot task of this strength, w = d + k."""
    cue = strength * np.eye(k)[place]
    return lambda signs: np.concatenate([signs, np.tile(cue, (len(signs), 1))], axis=1)


def inside(place: int, k: int) -> Layout:
    """The signs at the task's own place among zeros, w = k d."""
    return lambda signs: np.kron(np.eye(k)[place], signs)


def _examples(inputs: np.ndarray, labels: np.ndarray) -> Examples:
    return Examples(
        torch.tensor(inputs, dtype=torch.float32), torch.tensor(labels[:, None], dtype=torch.int64)
    )


def parity_chain(signs: Signs, length: int, k: int, category: str) -> list[Task]:
    """Products of the first 1 to `length` signs, each needing the one before, of k tasks."""
    return [
        Task(
            name=f"parity-{i + 1}",
            splits=signs.splits(signs.negative(*range(i + 1)), beside(i, k)),
            difficulty=float(i + 1),
            skills=tuple(f"sign-{j + 1}" for j in range(i + 1)),
            prerequisites=(f"parity-{i}",) if i else (),
            category=category,
            chance=0.5,
            endless=True,
        )
        for i in range(length)
    ]
