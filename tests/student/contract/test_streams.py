"""Random streams, and the batches and evaluation sets that are drawn from them."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lessonplan.student.contract.batches import draw_examples, draw_tasks, evaluation_examples
from lessonplan.student.contract.streams import mix, shuffled, stream_bits, stream_key, uniform
from lessonplan.student.contract.tasks import Examples, Pool

SIZES = np.array([5, 16, 33])


def blank(total):
    return Examples(torch.zeros(total, 1), torch.zeros(total, 1, dtype=torch.int64))


@pytest.fixture
def pool():
    total = int(SIZES.sum())
    offsets = np.concatenate([[0], np.cumsum(SIZES)[:-1]])
    return Pool(blank(total), SIZES, offsets)


def test_the_mixer_is_splitmix64():
    # First outputs of SplitMix64 from the state 1234567 (Vigna's reference code).
    golden = 0x9E3779B97F4A7C15
    states = [(1234567 + (i + 1) * golden) % 2**64 for i in range(3)]
    bits = mix(np.array(states, dtype=np.uint64))
    assert bits.tolist() == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_keys_depend_on_every_part_and_on_their_order():
    keys = [int(stream_key(*parts)[0]) for parts in ((1, 2), (2, 1), (1, 2, 0), (1, 3), (0, 2))]
    assert len(set(keys)) == len(keys)


def test_a_key_does_not_depend_on_its_company():
    together = stream_key(np.arange(5)[:, None], 7, np.arange(3))
    assert together.shape == (5, 3)
    assert together[4, 2] == stream_key(4, 7, 2)[0]


def test_uniform_numbers_fill_the_unit_interval_evenly():
    numbers = uniform(stream_key(3), np.arange(100_000))
    assert 0.0 <= numbers.min()
    assert numbers.max() < 1.0
    counts = np.histogram(numbers, bins=20, range=(0, 1))[0]
    assert ((counts - 5000) ** 2 / 5000).sum() < 44  # chi-square with 19 degrees, p = 0.001


def test_streams_of_neighbouring_seeds_are_uncorrelated():
    numbers = uniform(stream_key(np.arange(50))[:, None], np.arange(2000))
    correlation = np.corrcoef(numbers) - np.eye(50)
    assert np.abs(correlation).max() < 5 / np.sqrt(2000)


def test_bits_at_a_position_do_not_depend_on_the_other_positions():
    bits = stream_bits(stream_key(9), np.arange(10))
    assert bits[7] == stream_bits(stream_key(9), 7)[0]


@given(st.integers(1, 300), st.integers(0, 2**40), st.integers(0, 3))
@settings(deadline=None, max_examples=60)
def test_every_epoch_is_a_permutation(size, seed, epoch):
    position = epoch * size + np.arange(size)
    assert sorted(shuffled(stream_key(seed), position, size)) == list(range(size))


def test_an_index_does_not_depend_on_what_is_asked_beside_it():
    key, sizes = stream_key(np.arange(4)[:, None], 1), np.array([[3], [100], [7], [1000]])
    together = shuffled(key, np.arange(50), sizes)
    for row in range(4):
        for position in (0, 13, 49):
            alone = shuffled(key[row], position, sizes[row])
            assert alone[0] == together[row, position]


def test_epochs_and_streams_are_shuffled_differently():
    orders = shuffled(stream_key(np.arange(20))[:, None], np.arange(300), 100)
    epochs = {tuple(order[i : i + 100]) for order in orders for i in (0, 100, 200)}
    assert len(epochs) == 60


@pytest.mark.parametrize("size", [3, 5, 17, 100])
def test_each_index_comes_equally_often_at_each_position(size):
    order = shuffled(stream_key(np.arange(20_000))[:, None], np.arange(size), size)
    for position in (0, size // 2, size - 1):
        share = np.bincount(order[:, position], minlength=size) / len(order)
        assert np.abs(share - 1 / size).max() < 4.5 * np.sqrt(1 / size / len(order))


def test_a_row_with_one_task_draws_only_that_task():
    mixture = np.eye(3)[[2, 0]]
    tasks = draw_tasks(mixture, np.array([5, 6]), np.zeros((2, 3), dtype=np.int64), 40)
    assert (tasks == [[2], [0]]).all()


def test_a_mixed_row_draws_each_task_by_its_share():
    mixture = np.array([[0.2, 0.0, 0.8]])
    tasks = draw_tasks(mixture, np.array([5]), np.zeros((1, 3), dtype=np.int64), 20_000)
    share = np.bincount(tasks[0], minlength=3) / 20_000
    assert share[1] == 0.0
    assert share == pytest.approx([0.2, 0.0, 0.8], abs=0.012)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 20)), min_size=1, max_size=12))
@settings(deadline=None, max_examples=40)
def test_batch_j_of_a_task_is_the_same_whatever_was_taught_in_between(lessons):
    total = int(SIZES.sum())
    pool = Pool(blank(total), SIZES, np.array([0, 5, 21]))
    seeds = np.array([11])
    seen = [[], [], []]
    drawn = np.zeros((1, 3), dtype=np.int64)
    for task, count in lessons:
        seen[task] += draw_examples(pool, seeds, drawn, np.full((1, count), task))[0].tolist()
    for task in range(3):
        alone = np.zeros((1, 3), dtype=np.int64)
        stream = draw_examples(pool, seeds, alone, np.full((1, 240), task))[0].tolist()
        assert seen[task] == stream[: len(seen[task])]
    assert drawn.tolist() == [[len(part) for part in seen]]


def test_mixed_tasks_take_the_same_streams_as_single_ones(pool):
    seeds, drawn = np.array([3, 4]), np.array([[2, 0, 9], [0, 5, 1]])
    tasks = np.random.default_rng(0).integers(0, 3, (2, 50))
    at_once, after = drawn.copy(), drawn.copy()
    index = draw_examples(pool, seeds, at_once, tasks)
    for column in range(50):
        one = draw_examples(pool, seeds, after, tasks[:, column : column + 1])
        assert one[:, 0].tolist() == index[:, column].tolist()
    assert (after == at_once).all()


def test_tasks_of_the_same_size_are_drawn_in_different_orders():
    sizes = np.array([30, 30])
    pool = Pool(blank(60), sizes, np.array([0, 30]))
    first, second = (
        draw_examples(pool, np.array([1]), np.zeros((1, 2), dtype=np.int64), np.full((1, 30), task))
        for task in range(2)
    )
    assert (first != second - 30).any()


def test_training_has_no_repeats_within_an_epoch_and_stays_inside_the_task(pool):
    drawn = np.zeros((1, 3), dtype=np.int64)
    index = draw_examples(pool, np.array([8]), drawn, np.full((1, 48), 1))[0]
    for epoch in index.reshape(3, 16):
        assert sorted(epoch) == list(range(5, 21))


def test_an_evaluation_set_has_no_repeats_and_stays_inside_its_task(pool):
    index, used = evaluation_examples(pool, "probe", np.arange(6), 16)
    assert index.shape == used.shape == (6, 3, 16)
    assert used.sum(axis=2).tolist() == [[5, 16, 16]] * 6
    for student in range(6):
        for task in range(3):
            chosen = index[student, task][used[student, task]] - pool.offsets[task]
            assert len(set(chosen)) == len(chosen)
            assert chosen.min() >= 0
            assert chosen.max() < SIZES[task]


def test_evaluation_sets_depend_on_the_seed_and_the_split_alone(pool):
    many = evaluation_examples(pool, "test", np.arange(10), 8)[0]
    assert (many[7] == evaluation_examples(pool, "test", np.array([7]), 8)[0][0]).all()
    assert (many[6] != many[7]).any()
    assert (many[7] != evaluation_examples(pool, "probe", np.array([7]), 8)[0][0]).any()
