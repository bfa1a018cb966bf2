"""The checker of rewards: those that ship pass, and each kind of fault is found."""

import numpy as np
import pytest
from fake_cohort import begun, fake_room, fake_suite, table

from lessonplan.envs import REWARDS, check_reward


def changes_the_outcome(outcome):
    outcome.after[:] = 1.0
    return outcome.before.mean(axis=1)


FAULTS = {
    "the score is paid": (lambda o: o.mean(o.after), "it pays for unfinished students"),
    "mastery is a small prize": (
        lambda o: o.mean(o.after) + o.mastered, "it pays for unfinished students"
    ),
    "each rise is paid": (
        lambda o: o.mean(np.maximum(o.after - o.before, 0.0)), "it pays for unfinished students"
    ),
    "a number for each task": (lambda o: o.after, "one for each row"),
    "one number": (lambda o: 0.0, "one for each row"),
    "no number": (lambda o: np.full(len(o.after), np.nan), "one for each row"),
    "text": (lambda o: np.full(len(o.after), "much"), "one for each row"),
    "a comparison with others": (
        lambda o: o.mean(o.after) - o.mean(o.after).max() - 1.0, "rows must be independent"
    ),
    "a change": (changes_the_outcome, "must change nothing of the outcome"),
}  # fmt: skip


@pytest.mark.parametrize("name", REWARDS)
def test_rewards_that_ship_keep_what_they_promise(name):
    check_reward(REWARDS[name])


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_said_in_a_sentence(fault):
    reward, words = FAULTS[fault]
    with pytest.raises(ValueError, match=words) as error:
        check_reward(reward)
    assert len(str(error.value)) < 300


def test_a_reward_that_pays_two_ways_is_found():
    calls = iter(range(100))
    with pytest.raises(ValueError, match="two ways"):
        check_reward(lambda outcome: np.full(len(outcome.after), float(next(calls))))


def weakest(outcome):
    """What the weakest task misses to full marks; 0 once all is mastered."""
    return np.where(outcome.mastered, 0.0, outcome.after.min(axis=1) - 1.0)


def test_a_classroom_pays_a_reward_of_ones_own():
    check_reward(weakest)
    scores = [[0.0, 0.4], [0.5, 0.25], [1.0, 1.0]]
    options = {"suite": fake_suite(2), "budget": "4-steps", "reward": weakest}
    room = begun(fake_room(table(scores), **options))
    paid = [float(room.step(np.array([0])).reward[0]) for _ in range(2)]
    np.testing.assert_allclose(paid, [-0.75, 0.0])


def test_a_reward_of_ones_own_may_have_targets_and_a_penalty():
    # Targets of importance 1 and 0; the best of task b was 0.5, of which 0.25 is forgotten.
    options = {
        "suite": fake_suite(2), "budget": "4-steps", "targets": ["b"], "forgetting_penalty": 2.0,
        "reward": lambda outcome: (outcome.after * outcome.targets).sum(axis=1),
    }  # fmt: skip
    room = begun(fake_room(table([[0.0, 0.5], [0.75, 0.25]]), **options))
    assert room.step(np.array([0])).reward[0] == pytest.approx(0.25 - 2.0 * 0.25 / 2)
