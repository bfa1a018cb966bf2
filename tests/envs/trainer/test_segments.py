"""What a segment takes: whole epochs of every task, the same whatever came between.

Legend: k tasks.
"""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lessonplan.envs.trainer.data import Joined, Subset, joined, rows_of, split, tasks_of
from lessonplan.envs.trainer.segments import Draws, Order, SegmentSampler
from lessonplan.envs.trainer.state import read_state, write_state

ROWS = [np.array([0, 3, 6]), np.array([1, 2, 4, 5, 7, 8, 9]), np.array([10])]


def take(draws, shares, taken, counts):
    """Rows of several segments one after the other, and how many of each task then are taken."""
    rows = []
    for count in counts:
        tasks = draws.tasks(np.array(shares), taken, count)
        rows += draws.rows_of(tasks, taken).tolist()
        taken = taken + np.bincount(tasks, minlength=3)
    return rows, taken


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=8), st.integers(0, 2))
def test_no_row_of_a_task_comes_twice_before_all_of_it_came_once(counts, task):
    rows, taken = take(Draws(ROWS, seed=5), np.eye(3)[task], np.zeros(3, int), counts)
    assert taken.tolist() == (np.eye(3, dtype=int)[task] * sum(counts)).tolist()
    size = len(ROWS[task])
    for start in range(0, len(rows), size):
        epoch = rows[start : start + size]
        assert len(set(epoch)) == len(epoch)
        assert set(epoch) <= set(ROWS[task].tolist())


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(1, 9), min_size=2, max_size=8))
def test_a_mixture_is_drawn_the_same_in_one_segment_and_in_several(counts):
    draws, shares = Draws(ROWS, seed=5), [0.5, 0.3, 0.2]
    apart = take(draws, shares, np.zeros(3, int), counts)
    whole = take(draws, shares, np.zeros(3, int), [sum(counts)])
    assert apart[0] == whole[0]
    assert apart[1].tolist() == whole[1].tolist()


def test_a_mixture_has_its_shares_and_nothing_of_a_share_of_zero():
    tasks = Draws(ROWS, seed=2).tasks(np.array([0.25, 0.75, 0.0]), np.zeros(3, int), 20000)
    assert np.bincount(tasks, minlength=3)[2] == 0
    # Four standard deviations of a share of 20000 draws.
    assert abs((tasks == 0).mean() - 0.25) < 4 * np.sqrt(0.25 * 0.75 / 20000)


def test_another_seed_draws_others():
    one, other = (take(Draws(ROWS, s), [0, 1.0, 0], np.zeros(3, int), [7])[0] for s in (1, 2))
    assert sorted(one) == sorted(other) != one != other


def test_prompts_are_laid_out_as_trl_repeats_them():
    utils = pytest.importorskip("trl.trainer.utils", reason="trl is not installed")
    rows = np.array([4, 1, 0, 7, 3, 5])
    theirs = utils.RepeatSampler(rows, 2, batch_size=3, repeat_count=4, shuffle=False)
    order = Order(per_step=12, block=3, together=2, rounds=4)
    assert order.laid_out(rows).tolist() == rows[list(theirs)].tolist()
    assert order.draws(4) == len(rows)


@pytest.mark.parametrize(
    ("per_step", "whole", "draws"),
    # A cycle is 3 draws x 2 generations x 4 rounds = 24 places.
    [(24, 1, 3), (12, 2, 3), (8, 3, 3), (48, 1, 6), (36, 2, 6)],
)
def test_a_segment_ends_with_a_whole_block_after_so_many_steps(per_step, whole, draws):
    order = Order(per_step, block=3, together=2, rounds=4)
    assert (order.whole, order.draws(1)) == (whole, draws)


def test_a_sampler_stops_at_the_end_of_its_segment():
    sampler = SegmentSampler(4)
    sampler.rows = [5, 6, 7, 8]
    iterator = iter(sampler)
    assert [next(iterator) for _ in range(4)] == [5, 6, 7, 8]
    sampler.rows = [1, 1, 1, 1]
    assert list(iterator) == []
    assert len(sampler) == 4


def test_a_state_comes_back_as_it_was(tmp_path):
    state = {
        "floats": np.array([[0.1, np.inf, 1 / 3]]), "single": np.float32([0.1]),
        "keys": np.array([2**63 + 1], dtype=np.uint64), "flags": np.array([[True], [False]]),
        "empty": np.zeros((0, 3)), "memory": ({"a": np.arange(3)}, [None, 2, "x"]), "n": 3,
    }  # fmt: skip
    write_state(tmp_path / "checkpoint-1", state)
    kept = read_state(tmp_path / "checkpoint-1")
    assert [path.name for path in (tmp_path / "checkpoint-1").iterdir()] == ["tutor.json"]
    for name in ("floats", "single", "keys", "flags", "empty"):
        assert kept[name].dtype == state[name].dtype
        np.testing.assert_array_equal(kept[name], state[name])
    assert isinstance(kept["memory"], tuple)
    assert kept["memory"][0]["a"].tolist() == [0, 1, 2]
    assert (kept["memory"][1], kept["n"]) == ([None, 2, "x"], 3)


def test_what_cannot_be_kept_and_what_is_not_there_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"memory must be made of arrays.*got set"):
        write_state(tmp_path, {"memory": {1, 2}})
    with pytest.raises(ValueError, match=r"has no tutor\.json: it was saved by a trainer without"):
        read_state(tmp_path)


def test_the_rows_of_a_task_are_found_in_any_kind_of_dataset():
    datasets = pytest.importorskip("datasets", reason="datasets is not installed")
    tasks = ["b", "a", "b", "b"]
    plain = [{"task": task} for task in tasks]
    table = datasets.Dataset.from_dict({"task": tasks, "x": [0, 1, 2, 3]})
    coded = table.cast_column("task", datasets.ClassLabel(names=["b", "a"]))
    for dataset in (plain, table, coded):
        assert tasks_of(dataset, "task") == tasks
    found = rows_of(tasks, ("a", "b"), "train_dataset")
    assert [rows.tolist() for rows in found] == [[1], [0, 2, 3]]
    assert split(table, "task", ("a", "b"))["b"]["x"] == [0, 2, 3]
    assert isinstance(split(plain, "task", ("a", "b"))["a"], Subset)


def test_datasets_by_task_become_one():
    datasets = pytest.importorskip("datasets", reason="datasets is not installed")
    made = joined({"a": [10, 11], "b": [20], "c": [30, 31]}, "task", ("a", "b", "c"), list)
    assert [made[row] for row in range(len(made))] == [10, 11, 20, 30, 31]
    assert Counter(tasks_of(made, "task")) == {"a": 2, "b": 1, "c": 2}
    assert isinstance(made, Joined)
    tables = {name: datasets.Dataset.from_dict({"x": [name] * n}) for name, n in SIZES.items()}
    table = joined(tables, "kind", tuple(SIZES), datasets.concatenate_datasets)
    assert tasks_of(table, "kind") == table["x"] == ["a", "a", "b"]


SIZES = {"a": 2, "b": 1}


@pytest.mark.parametrize(
    ("train", "wrong"),
    [
        ([{"task": "a"}, {"task": "x"}], "train_dataset has the task 'x', which the tutor does"),
        ([{"task": "a"}], "train_dataset has no example of the tutor's task 'b'"),
        ([{"kind": "a"}], "rows of the dataset have no 'task' that names their task"),
        ({"a": [1], "x": [1]}, "train_dataset has the task 'x', which the tutor does"),
        (iter([]), r"a stream \(list_iterator\) does not allow"),
    ],
)
def test_data_that_do_not_fit_the_tutor_are_refused(train, wrong):
    with pytest.raises(ValueError, match=wrong):
        rows_of(
            tasks_of(joined(train, "task", ("a", "b"), list), "task"), ("a", "b"), "train_dataset"
        )


@pytest.mark.parametrize(
    ("held_out", "wrong"),
    [
        (None, "the tutor needs held-out data of every task"),
        ({"a": [1]}, "eval_dataset has nothing of the tutor's task 'b'; it has a"),
        ([{"task": "a"}], "eval_dataset has no example of the tutor's task 'b'"),
    ],
)
def test_held_out_data_that_do_not_fit_the_tutor_are_refused(held_out, wrong):
    with pytest.raises(ValueError, match=wrong):
        split(held_out, "task", ("a", "b"))
