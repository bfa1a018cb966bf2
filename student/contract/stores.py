"""How encoded examples lie in memory, and how batches are made of them.

A suite has one layout: inputs of l places and targets of a. Examples that do not fill it leave
places empty in front or behind, and a batch of them can be made without the places that all of its
examples leave empty.

Legend: m examples, b batch, l places, a answer positions, p places up to the first answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from .ragged import Ragged

IGNORED = -100
"""Target of a position that is neither trained on nor scored (torch's `ignore_index`)."""

NO_TOKEN = -1
"""Input where a pretrained model sees nothing: in front of a prompt and behind an answer or text.
It is no row of a table: the model gets an attention mask that leaves it out."""


class Crop(NamedTuple):
    """Places that are left out of a batch."""

    front: int
    back: int


WHOLE = Crop(0, 0)
"""The whole layout."""


class Store(Protocol):
    """Encoded examples, in whatever form."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one example's input in the layout."""

    @property
    def answer_length(self) -> int:
        """The a of the layout."""

    @property
    def is_tokens(self) -> bool:
        """Whether inputs are integer tokens."""

    @property
    def answers_follow(self) -> bool:
        """Whether the last a places predict the answers.

        What is cropped behind is then cropped off the targets, too; texts that have a class are
        cropped behind for themselves.
        """

    @property
    def slack(self) -> np.ndarray | None:
        """Places that each example leaves empty in front and behind, (m, 2) int32.

        None where nothing can be cropped off any.
        """

    def __len__(self) -> int:
        """Number of examples, m."""

    def take(self, index: np.ndarray, crop: Crop = WHOLE) -> tuple[Tensor, Tensor]:
        """Inputs (b, ...) and targets (b, a) of examples (b,), as copies in their final types."""

    def part(self, first: int, last: int) -> "Store":
        """The examples from `first` to before `last`, without a copy of their tokens."""

    def to(self, device: torch.device) -> "Store":
        """The same examples, whose batches are on another device."""

    def largest_target(self) -> int:
        """The highest class among the targets."""


@dataclass(frozen=True)
class PaddedStore:
    """Examples as tensors: inputs (m, ...) and targets (m, a), of any integers or floats."""

    inputs: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """See `Store`."""
        return tuple(self.inputs.shape[1:])

    @property
    def answer_length(self) -> int:
        """See `Store`."""
        return self.targets.shape[1]

    @property
    def is_tokens(self) -> bool:
        """See `Store`."""
        return not self.inputs.is_floating_point()

    @cached_property
    def answers_follow(self) -> bool:
        """See `Store`; a text with one target and nothing at its end has a class."""
        ends = self.inputs[:, -1] != NO_TOKEN if self.inputs.ndim == 2 else torch.ones(1)
        return self.answer_length > 1 or bool(ends.all())

    @cached_property
    def slack(self) -> np.ndarray | None:
        """See `Store`."""
        if not self.is_tokens or self.inputs.ndim != 2 or self.inputs.dtype == torch.uint8:
            return None
        present = (self.inputs != NO_TOKEN).cpu().numpy()
        length, a = self.inputs.shape[1], self.answer_length
        if present[:, [0, -1]].all():
            return None
        first, behind = present.argmax(axis=1), present[:, ::-1].argmax(axis=1)
        if self.answers_follow:
            asked = (self.targets != IGNORED).cpu().numpy()
            first = np.minimum(first, length - a)
            behind = np.minimum(behind, asked[:, ::-1].argmax(axis=1))
        else:
            first = np.zeros_like(first)
        slack = np.stack([first, behind], axis=1).astype(np.int32)
        return slack if slack.any() else None

    def take(self, index: np.ndarray, crop: Crop = WHOLE) -> tuple[Tensor, Tensor]:
        """See `Store`."""
        where = torch.as_tensor(index, device=self.inputs.device)
        inputs, targets = (part.index_select(0, where) for part in (self.inputs, self.targets))
        if crop != WHOLE:
            inputs = inputs[:, crop.front : inputs.shape[1] - crop.back]
            back = crop.back if self.answers_follow else 0
            targets = targets[:, : targets.shape[1] - back]
        return wide(inputs), wide(targets)

    def part(self, first: int, last: int) -> "PaddedStore":
        """See `Store`."""
        return PaddedStore(self.inputs[first:last], self.targets[first:last])

    def to(self, device: torch.device) -> "PaddedStore":
        """See `Store`."""
        if device == self.inputs.device:
            return self
        return PaddedStore(self.inputs.to(device), self.targets.to(device))

    def largest_target(self) -> int:
        """See `Store`."""
        return int(self.targets.max())


@dataclass(frozen=True)
class RaggedStore:
    """Examples as tokens end to end, without padding.

    Args:
        inputs: what is read: a prompt and its answer without the last token, or a text.
        targets: what is wanted: all tokens of the answer, or one class.
        length: l of the layout.
        answer_length: a of the layout.
        answers_follow: see `Store`.
        device: where batches are.
    """

    inputs: Ragged
    targets: Ragged
    length: int
    answer_length: int
    answers_follow: bool
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """See `Store`."""
        return (self.length,)

    @property
    def is_tokens(self) -> bool:
        """See `Store`."""
        return True

    @cached_property
    def slack(self) -> np.ndarray | None:
        """See `Store`."""
        front, behind = np.zeros(len(self), np.int32), self.length - self.inputs.lengths
        if self.answers_follow:
            behind = self.answer_length - self.targets.lengths
            front = self.length - self.inputs.lengths - behind
        slack = np.stack([front, behind], axis=1).astype(np.int32)
        return slack if slack.any() else None

    def take(self, index: np.ndarray, crop: Crop = WHOLE) -> tuple[Tensor, Tensor]:
        """See `Store`."""
        index = np.asarray(index)
        front = np.zeros(len(index), np.int64) if self.slack is None else self.slack[index, 0]
        width = self.length - crop.front - crop.back
        inputs = self.inputs.window(index, crop.front - front, width, NO_TOKEN)
        answers = self.answer_length - (crop.back if self.answers_follow else 0)
        targets = self.targets.window(index, np.zeros_like(index), answers, IGNORED)
        return torch.from_numpy(inputs).to(self.device), torch.from_numpy(targets).to(self.device)

    def part(self, first: int, last: int) -> "RaggedStore":
        """See `Store`."""
        inputs, targets = self.inputs.part(first, last), self.targets.part(first, last)
        return RaggedStore(
            inputs, targets, self.length, self.answer_length, self.answers_follow, self.device
        )

    def to(self, device: torch.device) -> "RaggedStore":
        """See `Store`; the tokens stay where they are."""
        return RaggedStore(
            self.inputs, self.targets, self.length, self.answer_length, self.answers_follow, device
        )

    def largest_target(self) -> int:
        """See `Store`."""
        return int(self.targets.flat.max())


@dataclass(frozen=True)
class CharacterStore:
    """Characters without padding in a layout that is never cropped, with a target for every place.

    Args:
        rows: prompts with separators, and answers.
        padding: character in front of prompts and behind answers.
    """

    rows: RaggedStore
    padding: int

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """See `Store`."""
        return self.rows.input_shape

    @property
    def answer_length(self) -> int:
        """See `Store`."""
        return self.rows.length

    @property
    def is_tokens(self) -> bool:
        """See `Store`."""
        return True

    @property
    def answers_follow(self) -> bool:
        """See `Store`."""
        return True

    @property
    def slack(self) -> np.ndarray | None:
        """See `Store`; networks of characters know places by their number."""
        return None

    def take(self, index: np.ndarray, crop: Crop = WHOLE) -> tuple[Tensor, Tensor]:
        """See `Store`."""
        inputs, targets = self.rows.take(index)
        front = inputs.shape[1] - targets.shape[1]
        filled = inputs.masked_fill(inputs == NO_TOKEN, self.padding)
        return filled, torch.nn.functional.pad(targets, (front, 0), value=IGNORED)

    def part(self, first: int, last: int) -> "CharacterStore":
        """See `Store`."""
        return CharacterStore(self.rows.part(first, last), self.padding)

    def to(self, device: torch.device) -> "CharacterStore":
        """See `Store`."""
        return CharacterStore(self.rows.to(device), self.padding)

    def largest_target(self) -> int:
        """See `Store`."""
        return self.rows.largest_target()


def end_to_end(parts: Sequence[Store]) -> Store:
    """The examples of all parts in one store; tokens are copied."""
    if len(parts) == 1:
        return parts[0]
    characters = [part for part in parts if isinstance(part, CharacterStore)]
    if len(characters) == len(parts):
        rows = end_to_end([part.rows for part in characters])
        assert isinstance(rows, RaggedStore)
        return CharacterStore(rows, characters[0].padding)
    ragged = [part for part in parts if isinstance(part, RaggedStore)]
    if len(ragged) == len(parts) and len({part.answers_follow for part in ragged}) == 1:
        first = ragged[0]
        return RaggedStore(
            Ragged.joined([part.inputs for part in ragged]),
            Ragged.joined([part.targets for part in ragged]),
            first.length,
            first.answer_length,
            first.answers_follow,
        )
    padded = [
        (part.inputs, part.targets)
        if isinstance(part, PaddedStore)
        else part.take(np.arange(len(part)))
        for part in parts
    ]
    return PaddedStore(*(torch.cat(tensors) for tensors in zip(*padded, strict=True)))


def wide(tensor: Tensor) -> Tensor:
    """Small integers as int64, which torch's tables and losses want; all else as it is."""
    small = (torch.uint8, torch.int8, torch.int16, torch.int32)
    return tensor.long() if tensor.dtype in small else tensor
