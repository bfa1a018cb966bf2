"""The suites of signs: what each asks for, what it holds back, and that it does what it is for."""

import numpy as np
import pytest
import torch

from lessonplan.student import (
    MLP,
    SPLITS,
    Adam,
    StackedCohort,
    distractors,
    finite,
    flat,
    graph,
    interference,
    parity,
)
from lessonplan.student.suites.signs import Signs, beside

SUITES = {
    "interference": interference(),
    "distractors": distractors(),
    "graph": graph(),
    "flat": flat(),
    "finite": finite(),
}


def rows(suite, task, split, n_signs):
    """The signs of a split, (m, d), and its labels, (m,)."""
    examples = suite.tasks[task].splits[split]
    return examples.inputs[:, :n_signs].numpy(), examples.targets[:, 0].numpy()


def taught(suite, lessons, steps, n=4):
    """Test scores (n, k) after lessons (d,) or (n, d) of one task each."""
    lessons = np.broadcast_to(lessons, (n, np.shape(lessons)[-1]))
    cohort = StackedCohort(
        suite, lambda: MLP(suite.input_shape, 2, (32, 32)), n, optimizer=Adam(3e-3)
    )
    one_hot = np.eye(len(suite))
    for decision in range(lessons.shape[1]):
        cohort.train(one_hot[lessons[:, decision]], steps)
    return cohort.evaluate("test").score


@pytest.mark.parametrize("name", SUITES)
def test_held_out_inputs_are_never_trained_on_under_any_task(name):
    suite = SUITES[name]
    d = {"interference": 10, "distractors": 12, "graph": 10, "flat": 12, "finite": 14}[name]
    seen = {split: set() for split in SPLITS}
    for i, task in enumerate(suite.tasks):
        for split in ("train", "probe", "test"):
            inputs = task.splits[split].inputs.numpy()
            signs = inputs[:, i * d : (i + 1) * d] if name == "flat" else inputs[:, :d]
            assert np.isin(signs, (-1.0, 1.0)).all()
            seen[split] |= set(map(bytes, np.packbits(signs > 0, axis=1)))
    for one, other in (("train", "probe"), ("train", "test"), ("probe", "test")):
        assert seen[one]
        assert not seen[one] & seen[other]


@pytest.mark.parametrize("make", [interference, distractors, graph, flat, finite])
def test_it_is_the_same_suite_every_time(make):
    for one, other in zip(make().tasks, make().tasks, strict=True):
        for split in SPLITS:
            assert torch.equal(one.splits[split].inputs, other.splits[split].inputs)
            assert torch.equal(one.splits[split].targets, other.splits[split].targets)


@pytest.mark.parametrize("name", SUITES)
def test_guessing_is_right_as_often_as_chance_says(name):
    for task in SUITES[name].tasks:
        ones = float(task.splits["train"].targets.double().mean())
        if task.name == "random":
            assert task.chance == 0.0
            assert abs(ones - 0.5) < 0.03
        elif len(task.splits["train"]) >= 500 and name != "finite":
            assert task.chance == 0.5
            assert abs(ones - 0.5) < 0.08


def test_the_inputs_are_divided_as_those_of_parity():
    signs = Signs(12)
    found = signs.splits(signs.negative(0, 1, 2), beside(2, 6))
    wanted = parity(6, 12).tasks[2].splits
    for split in SPLITS:
        assert torch.equal(found[split].inputs, wanted[split].inputs)
        assert torch.equal(found[split].targets, wanted[split].targets)


def test_pairs_ask_for_opposite_answers_to_the_same_signs():
    suite = SUITES["interference"]
    assert suite.names[:4] == ["pair-1", "not-pair-1", "pair-2", "not-pair-2"]
    for task in range(len(suite)):
        signs, labels = rows(suite, task, "train", 10)
        pair, negated = divmod(task, 2)
        product = signs[:, 2 * pair] * signs[:, 2 * pair + 1]
        assert (labels == ((product < 0) != bool(negated))).all()
    cue = suite.tasks[3].splits["train"].inputs[0, 10:].numpy()
    np.testing.assert_allclose(cue, 0.3 * np.eye(6)[3], rtol=1e-6)
    assert all(not task.prerequisites for task in suite.tasks)


def test_learning_one_of_a_pair_undoes_the_other():
    suite = interference(n_pairs=1)
    learned = taught(suite, [0] * 8, 20)
    undone = taught(suite, [0] * 8 + [1] * 8, 20)
    assert learned[:, 0].mean() > 0.9
    assert undone[:, 0].mean() < 0.2
    assert undone[:, 1].mean() > 0.9


def test_distractors_ask_for_what_they_say():
    suite = SUITES["distractors"]
    assert suite.names == [*(f"parity-{i}" for i in range(1, 5)), "easy", "noisy", "random"]
    signs, labels = rows(suite, 2, "test", 12)
    assert (labels == (signs[:, :3].prod(axis=1) < 0)).all()
    signs, labels = rows(suite, 4, "test", 12)
    assert (labels == (signs[:, 11] < 0)).all()
    for split in ("train", "test"):
        signs, labels = rows(suite, 5, split, 12)
        assert abs((labels != (signs[:, 10] < 0)).mean() - 0.25) < 0.09
    assert suite.order == tuple(range(7))


def test_random_labels_have_nothing_to_do_with_any_sign():
    signs, labels = rows(SUITES["distractors"], 6, "train", 12)
    agreement = ((signs < 0) == labels[:, None]).mean(axis=0)
    # 3,300 inputs: the standard deviation of a chance agreement is 0.0087.
    assert (np.abs(agreement - 0.5) < 0.04).all()


def test_distractors_count_little_and_can_all_be_mastered():
    suite = SUITES["distractors"]
    assert suite.values("importance").tolist() == [1.0] * 4 + [0.1] * 3
    threshold = dict(zip(suite.names, suite.values("threshold"), strict=True))
    assert threshold["noisy"] == pytest.approx(0.25)
    score = taught(suite, np.tile([4, 5, 6], 12), 20)
    assert (score[:, 4] >= 0.9).all()
    assert (score[:, 5] >= 0.25).mean() > 0.7
    assert score[:, 5].max() < 0.75
    assert (score[:, 6] >= 0.25).all()
    assert abs(score[:, 6].mean() - 0.5) < 0.08


def test_the_graph_branches_and_joins():
    suite = SUITES["graph"]
    needs = {task.name: set(task.prerequisites) for task in suite.tasks}
    assert needs["a-left"] == needs["a-right"] == {"a"}
    assert needs["join-left"] == {"a-left", "b-left"}
    assert needs["join-right"] == {"a-right", "b"}
    place = {suite.names[task]: position for position, task in enumerate(suite.order)}
    assert all(place[b] < place[a] for a in needs for b in needs[a])


def test_a_join_is_the_product_of_what_it_needs():
    suite = SUITES["graph"]
    index = {name: i for i, name in enumerate(suite.names)}
    for task in suite.tasks:
        if task.name.startswith("join"):
            parts = [rows(suite, index[name], "test", 10)[1] for name in task.prerequisites]
            joined = rows(suite, index[task.name], "test", 10)[1]
            assert (joined == parts[0] ^ parts[1]).all()


def test_flat_tasks_are_one_task_with_inputs_of_their_own():
    suite = SUITES["flat"]
    for i, task in enumerate(suite.tasks):
        examples = task.splits["train"]
        inside = examples.inputs[:, 12 * i : 12 * (i + 1)]
        assert float(examples.inputs.abs().sum()) == float(inside.abs().sum())
        assert (examples.targets[:, 0] == (inside[:, 0] * inside[:, 1] < 0)).all()
    assert all(not task.prerequisites for task in suite.tasks)
    assert len(set(suite.values("difficulty"))) == 1


def test_the_order_of_the_same_lessons_does_not_matter_where_it_cannot():
    suite, n = flat(n_tasks=3, n_signs=8), 8
    forth = np.repeat(np.arange(3), 3)
    mixed = np.stack([np.random.default_rng(i).permutation(forth) for i in range(n)])
    score = {
        name: taught(suite, lessons, 20, n).mean(axis=1)
        for name, lessons in {"in order": forth, "reverse": forth[::-1], "mixed": mixed}.items()
    }
    for other in ("reverse", "mixed"):
        difference = score[other] - score["in order"]
        error = difference.std() / np.sqrt(n)
        assert abs(difference.mean()) < 0.01 + 2 * error
        assert score[other].mean() > 0.95


def test_small_data_sets_are_as_small_as_asked_for_and_part_of_no_held_out_set():
    suite = finite(sizes=(16, 200))
    assert suite.sizes("train").tolist() == [16, 200]
    assert not any(task.endless for task in suite.tasks)
    signs, _ = rows(suite, 0, "train", 14)
    assert len(np.unique(signs, axis=0)) == 16


def test_training_labels_are_wrong_as_often_as_asked_for_and_held_out_ones_never():
    right, wrong = finite(sizes=(4000,), flips=0.0), finite(sizes=(4000,), flips=0.2)
    for split in ("probe", "test", "stress"):
        assert torch.equal(
            right.tasks[0].splits[split].targets, wrong.tasks[0].splits[split].targets
        )
    one, other = (suite.tasks[0].splits["train"].targets for suite in (right, wrong))
    # Four standard deviations of 4,000 flips.
    assert abs(float((one != other).double().mean()) - 0.2) < 0.026


def test_going_over_a_small_data_set_again_and_again_unlearns():
    suite = finite()
    early, late = (taught(suite, [0] * count, 20)[:, 0].mean() for count in (2, 30))
    cohort = StackedCohort(
        suite, lambda: MLP(suite.input_shape, 2, (32, 32)), 4, optimizer=Adam(3e-3)
    )
    cohort.train(np.tile(np.eye(5)[0], (4, 1)), 600)
    assert (cohort.evaluate("train").loss[:, 0] < 0.1).all()
    assert late < early


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (interference, {"n_pairs": 6}, "n_pairs must be in .* got 6"),
        (interference, {"cue": 0.0}, "cue must be above 0"),
        (interference, {"n_signs": 7}, "n_signs must be in .* got 7"),
        (distractors, {"n_chain": 11}, "n_chain must be in .* got 11"),
        (distractors, {"flips": 0.5}, "flips must be in .* got 0.5"),
        (graph, {"n_signs": 17}, "n_signs must be in .* got 17"),
        (flat, {"n_tasks": 0}, "n_tasks must be at least 1, got 0"),
        (finite, {"sizes": ()}, "sizes must be in"),
        (finite, {"sizes": (4,)}, r"sizes must be in \[8, 8192\], got \[4\]"),
        (finite, {"own": 1.5}, "own must be in .* got 1.5"),
    ],
    ids=str,
)
def test_impossible_suites_are_refused(make, options, message):
    with pytest.raises(ValueError, match=message):
        make(**options)
