"""Examples end to end without padding, and the same as tensors."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lessonplan.student import IGNORED, NO_TOKEN, SPLITS, Examples, Task, TaskSuite
from lessonplan.student.contract.ragged import Ragged, interleaved
from lessonplan.student.contract.stores import Crop, PaddedStore, RaggedStore

ROWS = [([5, 6, 7], [8, 0]), ([5], [6, 7, 0]), ([9, 9], [0])]
"""Prompts, and answers with their ends."""
N, G = NO_TOKEN, IGNORED


def questions(rows, first=0):
    """Prompts of up to 4 tokens and answers of up to 3 in a layout of 4 + 3 - 1 places."""
    inputs = Ragged.of([[*prompt, *answer[:-1]] for prompt, answer in rows])
    return RaggedStore(inputs, Ragged.of([answer for _, answer in rows]), 6, 3, True)


def texts(rows):
    return RaggedStore(Ragged.of(rows), Ragged.of([[i] for i in range(len(rows))]), 5, 1, False)


def test_prompts_are_pushed_to_the_right_and_answers_begin_in_one_place():
    inputs, targets = questions(ROWS).take(np.arange(3))
    assert inputs.tolist() == [[N, 5, 6, 7, 8, N], [N, N, N, 5, 6, 7], [N, N, 9, 9, N, N]]
    assert targets.tolist() == [[8, 0, G], [6, 7, 0], [0, G, G]]


def test_a_batch_can_be_made_without_what_all_its_examples_leave_empty():
    store = questions(ROWS)
    assert store.slack.tolist() == [[1, 1], [3, 0], [2, 2]]
    inputs, targets = store.take(np.array([2, 0]), Crop(1, 1))
    assert inputs.tolist() == [[N, 9, 9, N], [5, 6, 7, 8]]
    assert targets.tolist() == [[0, G], [8, 0]]


def test_texts_with_a_class_are_cropped_at_their_end_and_keep_their_target():
    store = texts([[5, 6, 7], [8]])
    assert store.slack.tolist() == [[0, 2], [0, 4]]
    inputs, targets = store.take(np.array([1, 0]), Crop(0, 2))
    assert inputs.tolist() == [[8, N, N], [5, 6, 7]]
    assert targets.tolist() == [[1], [0]]


@pytest.mark.parametrize(
    "store", [questions(ROWS), texts([[5, 6, 7], [8]])], ids=["pairs", "texts"]
)
def test_tensors_of_the_same_examples_are_cropped_alike(store):
    index = np.array([1, 0])
    padded = PaddedStore(*store.take(np.arange(len(store))))
    assert padded.slack.tolist() == store.slack.tolist()
    assert padded.answers_follow == store.answers_follow
    crop = Crop(*store.slack[index].min(axis=0).tolist())
    for one, other in zip(store.take(index, crop), padded.take(index, crop), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize(
    ("inputs", "targets"),
    [
        (torch.zeros(2, 3), torch.zeros(2, 1, dtype=torch.int64)),
        (torch.ones(2, 3, dtype=torch.int64), torch.tensor([[G, 1, G], [G, 1, 1]])),
        (torch.ones(2, 3, dtype=torch.uint8), torch.ones(2, 3, dtype=torch.int16)),
    ],
    ids=["features", "characters", "small characters"],
)
def test_nothing_is_cropped_off_features_and_characters(inputs, targets):
    store = PaddedStore(inputs, targets)
    assert store.slack is None
    assert [part.dtype for part in store.take(np.arange(2))][1] == torch.int64


def test_tasks_in_one_store_make_a_pool_without_a_copy():
    store = questions(ROWS)
    parts = [Examples.stored(store, 0, 1), Examples.stored(store, 1, 3)]
    assert Examples.end_to_end(parts).store is store
    assert (
        Examples.end_to_end(parts[::-1]).inputs.tolist()
        == store.take(np.array([1, 2, 0]))[0].tolist()
    )
    assert [len(part) for part in parts] == [1, 2]
    assert parts[1].targets.tolist() == [[6, 7, 0], [0, G, G]]


def test_a_suite_of_unequal_rows_is_validated_without_padding_it():
    splits = {split: Examples.stored(questions(ROWS)) for split in SPLITS}
    suite = TaskSuite("s", (Task("a", splits), Task("b", splits)), n_outputs=10)
    assert (suite.input_shape, suite.answer_length, suite.tokens) == ((6,), 3, True)
    assert suite.pool("test").take(np.array([[4], [0]]))[1].tolist() == [[[6, 7, 0]], [[8, 0, G]]]
    with pytest.raises(ValueError, match="target 8, but there are 8 outputs"):
        TaskSuite("s", (Task("a", splits),), n_outputs=8)


numbers = st.lists(st.lists(st.integers(0, 300), min_size=1, max_size=6), min_size=1, max_size=8)


@given(numbers, st.data())
def test_rows_are_what_lists_of_them_are(rows, data):
    ragged = Ragged.of(rows)
    index = data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=9))
    cut = data.draw(st.integers(0, len(rows)))
    part = ragged.part(cut, len(rows))
    assert _lists(ragged.take(np.array(index, dtype=np.int64))) == [rows[i] for i in index]
    assert _lists(part) == rows[cut:]
    assert _lists(Ragged.joined([part, ragged])) == rows[cut:] + rows
    assert _lists(part.without_last()) == [row[:-1] for row in rows[cut:]]
    assert _lists(interleaved(part, part)) == [row + row for row in rows[cut:]]
    assert part.padded(6, -1, right=True).tolist() == [
        [-1] * (6 - len(row)) + row for row in rows[cut:]
    ]


def test_numbers_above_those_that_were_promised_keep_their_value():
    assert Ragged.of([[1, 300]], highest=10).values.tolist() == [1, 300]
    assert Ragged.of([[1, 2]], highest=300).values.dtype == np.uint16


def _lists(ragged):
    return [part.tolist() for part in np.split(ragged.flat, np.cumsum(ragged.lengths)[:-1])][
        : len(ragged)
    ]
