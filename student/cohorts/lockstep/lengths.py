"""How long the batches of members are: as long as their own examples, whoever else is there.

A number's last bit may change with the shape of the tensors that it is computed in, so that shape
must depend on nothing but a member's own batch. Members whose batches are equally long are computed
together; where several are, lengths are rounded up to a few sizes, so that they meet.

Legend: c members, b batch, e examples, l places of the layout, a answer positions.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from ...contract.stores import WHOLE, Crop, Store

MOST_EXAMPLES = 32
"""Examples of a member that are evaluated at once, where they are of several lengths."""
MOST_TOKENS = 4096
"""Their places altogether."""
MOST_LOGITS = 32_000_000
"""Their logits altogether."""
_SHORTEST = 8


class Lengths:
    """What may be cropped off batches of examples.

    Args:
        store: the examples.
        crops: whether students read batches without what all examples leave empty in front, and
            behind.
        coarse: whether lengths are rounded up.
    """

    def __init__(self, store: Store, crops: tuple[bool, bool], coarse: bool) -> None:
        slack = store.slack
        self._coarse = coarse
        self._slack = (
            None if slack is None or not any(crops) else slack * np.array(crops, dtype=np.int32)
        )
        length = math.prod(store.input_shape)
        back = store.answer_length if store.answers_follow else length
        front = length - back + 1 if store.answers_follow else 0
        self._whole = np.array([front, back])
        self._answers = store.answer_length, store.answers_follow

    @property
    def differ(self) -> bool:
        """Whether batches can be of several lengths."""
        return self._slack is not None

    def crop(self, index: np.ndarray) -> np.ndarray:
        """What is cropped off the batches (..., b) in front and behind, (..., 2)."""
        crop = self._empty(index).min(axis=-2)
        if self._coarse:
            crop = self._whole - np.minimum(_rounded(self._whole - crop), self._whole)
        return np.asarray(crop)

    def longest_first(self) -> np.ndarray:
        """Places of all examples, those first that leave least empty."""
        assert self._slack is not None
        return np.argsort(self._slack.sum(axis=1), kind="stable")

    def groups(self, index: np.ndarray) -> list[tuple[np.ndarray, Crop]]:
        """Members whose batches (c, b) are equally long, with what is cropped off them."""
        if self._slack is None:
            return [(np.arange(len(index)), WHOLE)]
        different, which = np.unique(self.crop(index), axis=0, return_inverse=True)
        return [
            (np.flatnonzero(which.ravel() == group), Crop(*crop))
            for group, crop in enumerate(different.tolist())
        ]

    def parts(self, index: np.ndarray, n_outputs: int) -> Iterator[tuple[np.ndarray, Crop]]:
        """Parts of a member's examples (e,) that are evaluated at once, the longest first.

        Yields:
            Places in `index`, (m,), of examples of about the same length, and their crop.
        """
        order = np.argsort(-self._empty(index).sum(axis=1), kind="stable")
        end = len(order)
        while end:
            size = min(MOST_EXAMPLES, end)
            while True:
                places = order[end - size : end]
                crop = Crop(*self.crop(index[places]).tolist())
                tokens, answers = self._sizes(crop)
                too_many = size * tokens > MOST_TOKENS or size * answers * n_outputs > MOST_LOGITS
                if size == 1 or not too_many:
                    break
                size = -(-size // 2)
            yield places, crop
            end -= size

    def pieces(self, index: np.ndarray, least: int) -> list[tuple[np.ndarray, Crop]]:
        """A batch (b,) in pieces of rows of about the same length, the longest first.

        No piece takes more room than the batch's longest row, or than `least` places.

        Returns:
            Places in `index`, (m,), and their crop.
        """
        assert self._slack is not None
        places = np.argsort(self._slack[index].sum(axis=1), kind="stable")
        order = index[places]
        room, start = least, 0
        made = []
        while start < len(order):
            size = 1
            while start + size < len(order):
                if (size + 1) * self._length(order[start : start + size + 1]) > room:
                    break
                size += 1
            rows = order[start : start + size]
            room = max(room, self._length(rows) if size == 1 else 0)
            made.append((places[start : start + size], Crop(*self.crop(rows).tolist())))
            start += size
        return made

    def _empty(self, index: np.ndarray) -> np.ndarray:
        """Places that these examples leave empty in front and behind, (..., 2)."""
        if self._slack is None:
            return np.zeros((*index.shape, 2), dtype=np.int32)
        return np.asarray(self._slack[index])

    def _length(self, index: np.ndarray) -> int:
        """Places of each row of a batch (b,)."""
        return self._sizes(Crop(*self.crop(index).tolist()))[0]

    def _sizes(self, crop: Crop) -> tuple[int, int]:
        """Places and answer positions of an example that is cropped so."""
        answers, follow = self._answers
        length = int(self._whole.sum()) - follow - crop.front - crop.back
        return length, answers - (crop.back if follow else 0)


def at_least(fewest: int, members: np.ndarray) -> np.ndarray:
    """These members first, one of them again where they are too few to be computed together."""
    return np.repeat(members, fewest) if len(members) == 1 else members


def in_chunks(members: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    """So many of them at a time."""
    for start in range(0, len(members), size):
        yield members[start : start + size]


def _rounded(lengths: np.ndarray) -> np.ndarray:
    """The next of 8, 12, 16, 24, 32, 48, ...; 0 stays 0."""
    least = np.maximum(lengths, _SHORTEST)
    power = 2 ** np.floor(np.log2(least)).astype(np.int64)
    up = np.where(
        least == power, power, np.where(2 * least <= 3 * power, 3 * power // 2, 2 * power)
    )
    return np.where(lengths > 0, up, 0)
