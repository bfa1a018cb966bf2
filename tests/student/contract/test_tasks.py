"""What a task and a suite refuse, the true order, and the split of parity's inputs."""

import itertools
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lessonplan.student import IGNORED, SPLITS, Examples, Task, TaskSuite, parity
from lessonplan.student.contract.tasks import true_order


def examples(count=4, width=3, answers=1, label=0):
    return Examples(
        torch.zeros(count, width), torch.full((count, answers), label, dtype=torch.int64)
    )


def task(name="t", **fields):
    splits = {split: examples() for split in SPLITS}
    return Task(name, **({"splits": splits} | fields))


def suite(*tasks):
    return TaskSuite("s", tasks, n_outputs=2)


def test_targets_must_be_one_row_for_each_input():
    with pytest.raises(ValueError, match=r"m = 4 .* got \(3, 1\)"):
        Examples(torch.zeros(4, 2), torch.zeros(3, 1, dtype=torch.int64))


def test_an_example_without_an_answer_is_refused():
    targets = torch.tensor([[0], [IGNORED]])
    with pytest.raises(ValueError, match="at least one target"):
        Examples(torch.zeros(2, 2), targets)


@pytest.mark.parametrize("split", SPLITS)
def test_every_split_must_be_there_and_hold_something(split):
    missing = {name: examples() for name in SPLITS if name != split}
    for splits in (missing, missing | {split: examples(count=0)}):
        with pytest.raises(ValueError, match=f"'t' has no '{split}' examples"):
            task(splits=splits)


@pytest.mark.parametrize(
    "fields",
    [
        {"importance": 0.0},
        {"importance": float("nan")},
        {"cost": -1.0},
        {"cost": float("inf")},
        {"threshold": 0.0},
        {"threshold": 1.1},
        {"chance": 1.0},
        {"chance": -0.1},
    ],
    ids=str,
)
def test_numbers_outside_their_range_are_refused_by_name(fields):
    with pytest.raises(ValueError, match=f"{next(iter(fields))} of task 't'"):
        task(**fields)


def test_a_suite_needs_tasks():
    with pytest.raises(ValueError, match="no tasks"):
        suite()


def test_two_tasks_of_the_same_name_are_refused():
    with pytest.raises(ValueError, match="same name: a"):
        suite(task("a"), task("b"), task("a"))


def test_an_unknown_prerequisite_is_named():
    with pytest.raises(ValueError, match="'b' has the unknown prerequisite 'c'"):
        suite(task("a"), task("b", prerequisites=("a", "c")))


def test_a_circle_of_prerequisites_is_named_without_its_neighbours():
    with pytest.raises(ValueError, match="circle: b, c"):
        suite(task("a"), task("b", prerequisites=("c",)), task("c", prerequisites=("b",)))


@pytest.mark.parametrize("other", [examples(width=5), examples(answers=2)], ids=["in", "out"])
def test_examples_of_another_shape_are_refused(other):
    splits = {split: examples() for split in SPLITS} | {"stress": other}
    with pytest.raises(ValueError, match="'stress' of task 'b' has examples of another shape"):
        suite(task("a"), task("b", splits=splits))


def test_a_target_beyond_the_outputs_is_refused():
    splits = {split: examples() for split in SPLITS} | {"test": examples(label=2)}
    with pytest.raises(ValueError, match="'test' of task 'a' has the target 2"):
        suite(task("a", splits=splits))


def test_the_true_order_puts_prerequisites_first_and_then_the_easier():
    tasks = (
        task("hard", difficulty=3.0),
        task("late", difficulty=0.0, prerequisites=("hard",)),
        task("easy", difficulty=1.0),
        task("also easy", difficulty=1.0),
    )
    assert suite(*tasks).order == (2, 3, 0, 1)


@given(st.permutations(range(5)), st.sets(st.tuples(st.integers(0, 4), st.integers(0, 4))))
def test_the_true_order_is_a_topological_order(difficulty, edges):
    needed = [tuple(f"{a}" for a, b in edges if b == i and a < b) for i in range(5)]
    tasks = [
        task(f"{i}", difficulty=float(difficulty[i]), prerequisites=needed[i]) for i in range(5)
    ]
    order = suite(*tasks).order
    assert sorted(order) == list(range(5))
    for i in range(5):
        assert all(order.index(int(name)) < order.index(i) for name in needed[i])


@given(st.permutations(range(5)), st.sets(st.tuples(st.integers(0, 4), st.integers(0, 4))))
def test_the_true_order_takes_the_easiest_of_those_that_are_ready(difficulty, edges):
    needed = [tuple(f"{a}" for a, b in edges if b == i and a < b) for i in range(5)]
    tasks = [
        task(f"{i}", difficulty=float(difficulty[i] // 2), prerequisites=needed[i])
        for i in range(5)
    ]
    order: list[int] = []
    while len(order) < 5:
        ready = [i for i in range(5) if i not in order and {*map(int, needed[i])} <= {*order}]
        order.append(min(ready, key=lambda i: (tasks[i].difficulty, i)))
    assert suite(*tasks).order == tuple(order)


def test_eight_times_the_tasks_take_about_eight_times_as_long_to_be_put_in_order():
    # A chain from the last to the first, so that the easiest are never those that are ready.
    def seconds(k: int) -> float:
        tasks = [
            replace(task("0"), name=f"{i}", prerequisites=(f"{i + 1}",) if i + 1 < k else ())
            for i in range(k)
        ]
        began = time.process_time()
        assert true_order(tasks) == tuple(reversed(range(k)))
        return time.process_time() - began

    seconds(10)
    assert min(seconds(4000), seconds(4000)) < 24 * max(seconds(500), seconds(500))


def test_a_pool_lays_the_tasks_end_to_end():
    sizes = (3, 5)
    tasks = [
        task(f"{i}", splits={split: examples(count=size, label=i) for split in SPLITS})
        for i, size in enumerate(sizes)
    ]
    pool = suite(*tasks).pool("test")
    assert pool.sizes.tolist() == [3, 5]
    assert pool.offsets.tolist() == [0, 3]
    assert pool.targets[:, 0].tolist() == [0] * 3 + [1] * 5
    with pytest.raises(ValueError, match="got 'dev'"):
        suite(*tasks).pool("dev")


def signs_of(suite, task_index, split):
    inputs = suite.tasks[task_index].splits[split].inputs.numpy()
    return {tuple(row) for row in np.sign(inputs[:, :8]).astype(int)}


def test_parity_never_trains_on_a_held_out_input():
    found = parity(n_tasks=3, n_signs=8)
    trained = set().union(*(signs_of(found, i, "train") for i in range(3)))
    probe, test = (signs_of(found, 0, split) for split in ("probe", "test"))
    assert not trained & (probe | test)
    assert not probe & test
    stress = found.tasks[0].splits["stress"]
    assert len(trained) + len(probe) + len(test) + len(stress) == 2**8


def test_parity_asks_for_the_sign_of_the_product_of_the_first_signs():
    found = parity(n_tasks=4, n_signs=8)
    for i, split in itertools.product(range(4), ("train", "probe", "test")):
        part = found.tasks[i].splits[split]
        negative = (part.inputs[:, : i + 1] < 0).sum(dim=1) % 2
        assert part.targets[:, 0].tolist() == negative.tolist()
        assert part.inputs[:, 8:].tolist() == [np.eye(4)[i].tolist()] * len(part)
    assert found.order == (0, 1, 2, 3)
