"""The long chain: its tasks are a sign away from each other, and it can be learned."""

import numpy as np
import pytest

from lessonplan.student import SUITES, Adam, chain, make_cohort

SHORT = chain(n_tasks=9, window=3, n_signs=8)


def test_a_task_is_one_sign_away_from_its_only_prerequisite():
    suite = chain()
    assert len(suite) == 20
    assert suite.order == tuple(range(20))
    assert suite.tasks[0].prerequisites == ()
    for before, task in zip(suite.tasks[:-1], suite.tasks[1:], strict=True):
        assert task.prerequisites == (before.name,)
        assert len(set(task.skills) ^ set(before.skills)) == 1
    sizes = [len(task.skills) for task in suite.tasks]
    assert sizes == [1, 2, 3, 4, 5, *[4, 5] * 7, 4]
    assert len({task.skills for task in suite.tasks}) == 20


def test_the_labels_are_the_products_of_the_windows():
    assert SHORT.names[:7] == [
        "signs-1-1", "signs-1-2", "signs-1-3", "signs-2-3", "signs-2-4", "signs-3-4", "signs-3-5",
    ]  # fmt: skip
    for i, places in enumerate(([0], [0, 1], [0, 1, 2], [1, 2], [1, 2, 3], [2, 3], [2, 3, 4])):
        for split in ("train", "test"):
            examples = SHORT.tasks[i].splits[split]
            signs = examples.inputs[:, :8].numpy()
            negative = (signs[:, places] < 0).sum(axis=1) % 2
            assert (examples.targets[:, 0].numpy() == negative).all()
            assert (examples.inputs[:, 8:].numpy() == np.eye(9)[i]).all()


def test_it_has_a_name_for_configs():
    assert SUITES["chain"] is chain


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_tasks": 0}, "n_tasks must be at least 1, got 0"),
        ({"window": 1}, r"window must be in \[2, n_signs = 13\], got 1"),
        ({"n_tasks": 30}, "30 tasks with a window of 5 wander over 17 signs, and n_signs is 13"),
    ],
)
def test_a_chain_that_cannot_be_made_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        chain(**options)


def steps_to_mastery(suite, shares, n=2, **student):
    """Student steps until all tasks are mastered, (n,), by shares of the scores (n, k)."""
    cohort = make_cohort(suite, n, **student)
    score, steps = cohort.evaluate("probe").score, np.full(n, 8000)
    for decision in range(1, 401):
        p = shares(score)
        cohort.train(p / p.sum(axis=1, keepdims=True), 20)
        score = cohort.evaluate("probe").score
        steps = np.where((score >= 0.9).all(axis=1), np.minimum(steps, 20 * decision), steps)
        if (steps < 8000).all():
            break
    return steps


@pytest.mark.slow
def test_shares_that_follow_the_front_master_it_much_sooner_than_shuffling():
    def front(score):
        known = np.pad(score[:, :-1], ((0, 0), (1, 0)), constant_values=1.0)
        return 0.02 + np.maximum(0.95 - score, 0.0) * known**2

    student = {"options": {"hidden": [256]}, "optimizer": Adam(5e-3), "batch_size": 128}
    shuffled = steps_to_mastery(chain(), np.ones_like, **student)
    followed = steps_to_mastery(chain(), front, **student)
    assert shuffled.max() < 8000
    assert followed.mean() < 0.75 * shuffled.mean()
