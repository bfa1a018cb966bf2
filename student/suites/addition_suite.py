"""Addition: sums of 1 to 9 digits, written as text (Matiisen et al. 2017).

The suite in which teacher-student curricula were first shown: long sums are out of reach until
short ones are known. As published, a task is a number of digits D, both numbers are D random
digits (leading zeros are dropped, so a few are shorter), the prompt is written backwards, so that
"12+345" reads `543+21` and the ones come first, and a sum counts only when every digit of it is
right. Published students stop at 0.99; here a task is mastered at 0.9 as everywhere.

Legend: m sums. A sum is a row of four numbers: two addends, and how many zeros are written before
each of them.
"""

import numpy as np

from ..contract.streams import stream_key, uniform
from ..contract.tasks import TaskSuite
from ..text.characters import Pair, TextTask, text_suite

_SUM, _CARRY, _ZEROS, _SPLIT = 501, 502, 503, 504
_HELD_OUT = ("probe", "test", "stress")
_HELD_OUT_SHARE = 0.125
_MOST_DIGITS = 15
"""Digits of a number that is still drawn evenly from 53 random bits."""
_MOST_ZEROS = 2


def addition(
    n_digits: int = 9,
    train_size: int = 10_000,
    held_out: int = 128,
    reversed_answer: bool = False,
) -> TaskSuite:
    """Sums of 1 to `n_digits` digits, one task for each; the true order is by digits.

    A hash of the prompt reserves an eighth of all prompts for each of probe, test and stress, in
    all tasks alike, so no held-out prompt is ever trained on. `stress` holds sums in which every
    place carries.

    Of one digit there are only 100 sums: a student learns those that it is shown by heart, and
    nothing about the others (a decoder that knew all of its 61 scored 0.04 on the rest). So the
    first task departs from the published one: up to two zeros may stand before a number, which
    makes 900 prompts, and what is held out there is the prompt, not the sum: `5+07` where
    `05+7` is trained on. All other tasks hold out the sum as it is written; `2+11` may still be
    trained on where `11+2` is held out.

    The train pool of every task is `train_size` draws from the generator, so short sums come again
    in it, as they do in an endless stream. Scores are plain accuracy, as published: who always
    answers 9 has a tenth of the first task.

    Args:
        n_digits: tasks.
        train_size: training examples of each task.
        held_out: most examples of a task in each of probe, test and stress.
        reversed_answer: write the ones of the answer first too, which is easier for students that
            write from left to right: every carry is then known when it is needed.

    Raises:
        ValueError: if `n_digits` is not in [1, 15], or a size is below 1.
    """
    if not 1 <= n_digits <= _MOST_DIGITS:
        raise ValueError(f"n_digits must be in [1, {_MOST_DIGITS}], got {n_digits}")
    for name, value in (("train_size", train_size), ("held_out", held_out)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")
    tasks = []
    for digits in range(1, n_digits + 1):
        sums = {split: _different(split, digits, held_out) for split in _HELD_OUT}
        sums["train"] = _drawn("train", digits, train_size)
        tasks.append(
            TextTask(
                name=f"add-{digits}",
                splits={split: _written(rows, reversed_answer) for split, rows in sums.items()},
                difficulty=float(digits),
                skills=tuple(f"place-{place + 1}" for place in range(digits)),
                prerequisites=(f"add-{digits - 1}",) if digits > 1 else (),
                category="addition",
                endless=True,
            )
        )
    return text_suite("addition", tasks)


def _drawn(split: str, digits: int, size: int) -> np.ndarray:
    """The first `size` draws of the generator that belong to a split, (size, 4)."""
    draws = np.zeros((0, 4), dtype=np.int64)
    begin, count = 0, 2 * size + 64
    while len(draws) < size:
        sums = _sums(split, digits, np.arange(begin, begin + count))
        draws = np.concatenate([draws, sums[_split_of(sums) == split]])
        begin += count
    return draws[:size]


def _different(split: str, digits: int, size: int) -> np.ndarray:
    """Up to `size` different sums of a split, in the order of the generator, (m, 4)."""
    sums = _sums(split, digits, np.arange(64 * size + 1024))
    sums = sums[_split_of(sums) == split]
    _, first = np.unique(sums, axis=0, return_index=True)
    return np.asarray(sums[np.sort(first)[:size]])


def _split_of(sums: np.ndarray) -> np.ndarray:
    """The split that each sum belongs to in every task, (m, 4) -> (m,) text."""
    lots = uniform(stream_key(_SPLIT, *sums.T), 0)
    names = np.array([*_HELD_OUT, "train"])
    return names[np.minimum(lots / _HELD_OUT_SHARE, len(_HELD_OUT)).astype(np.int64)]


def _sums(split: str, digits: int, position: np.ndarray) -> np.ndarray:
    """The sums that the generator of a split has at each position, (m, 4)."""
    zeros = np.zeros((len(position), 2), dtype=np.int64)
    if digits == 1:
        lots = uniform(stream_key(_ZEROS, np.arange(2)), position[:, None])
        zeros = (lots * (_MOST_ZEROS + 1)).astype(np.int64)
    addends = _carrying(digits, position) if split == "stress" else _addends(digits, position)
    return np.concatenate([addends, zeros], axis=1)


def _addends(digits: int, position: np.ndarray) -> np.ndarray:
    """Two numbers of so many random digits, (m, 2)."""
    lots = uniform(stream_key(_SUM, digits, np.arange(2)), position[:, None])
    return np.asarray((lots * 10**digits).astype(np.int64))


def _carrying(digits: int, position: np.ndarray) -> np.ndarray:
    """Two numbers whose sum carries at every place, (m, 2)."""
    pairs = np.stack(np.divmod(np.arange(100), 10), axis=1)
    numbers = np.zeros((len(position), 2), dtype=np.int64)
    for place in range(digits):
        # Above the ones a carry comes in, so digits that make 9 carry too.
        able = pairs[pairs.sum(axis=1) >= (9 if place else 10)]
        lots = uniform(stream_key(_CARRY, digits, place), position)
        numbers += able[(lots * len(able)).astype(np.int64)] * 10**place
    return numbers


def _written(sums: np.ndarray, reversed_answer: bool) -> list[Pair]:
    """Prompts and answers as the student sees them."""
    pairs = []
    for first, second, *zeros in sums.tolist():
        prompt = f"{'0' * zeros[0]}{first}+{'0' * zeros[1]}{second}"
        answer = str(first + second)
        pairs.append((prompt[::-1], answer[::-1] if reversed_answer else answer))
    return pairs
