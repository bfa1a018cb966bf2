"""Rewards by hand, and the property that all of them keep: mastering earlier is never worse.

Legend: n lifetimes, d decisions, k tasks.
"""

import numpy as np
import pytest
from fake_cohort import begun, fake_room, fake_suite, table
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from lessonplan.envs import REWARDS
from lessonplan.envs.classroom.rewards import rewards

DISCOUNTS = (1.0, 0.99, 0.9, 0.3)
MASTERED = 1.0
THRESHOLD = 0.9


def paying(reward):
    """Options of a classroom that pays this reward; the first task is the target."""
    return {"reward": reward} | ({"targets": ["a"]} if reward == "target_tasks" else {})


def returns(reward, scores, actions, importance, **options):
    """What n scripted lifetimes are worth, (n, discounts), and how many decisions each took.

    Args:
        reward: name.
        scores: (n, d + 1, k), the first before any decision.
        actions: (n, d), or mixtures (n, d, k).
        importance: (k,).
        options: as in `Classroom`.
    """
    n, d, k = scores.shape
    room = begun(
        fake_room(
            table(scores),
            n=n,
            budget=f"{d - 1}-steps",
            **paying(reward),
            **options,
            suite=fake_suite(k, importance=importance, threshold=[THRESHOLD] * k),
        )
    )
    worth, decision = np.zeros((n, len(DISCOUNTS))), 0
    while len(rows := np.flatnonzero(~room.finished)):
        lesson = room.step(actions[rows, decision], rows)
        worth[rows] += lesson.reward[:, None] * np.array(DISCOUNTS) ** decision
        decision += 1
    return worth, room.facts.decisions


@st.composite
def lifetimes(draw, most_tasks=3):
    """Scripts (n, d + 1, k) and actions of: finishing, waiting first, and three other ways on.

    All are the same before decision T, which is where the first masters everything and no other.
    """
    k = draw(st.integers(1, most_tasks))
    finish = draw(st.integers(1, 4))
    more = draw(st.integers(2, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    # Coarse scores with many ties, falls, and tasks that are mastered while others are not.
    scores = rng.integers(0, 11, (5, finish + more + 1, k)) / 10.0
    low = rng.integers(k, size=scores.shape[:2])
    held_back = np.minimum(np.take_along_axis(scores, low[:, :, None], 2), 0.8)
    unmastered = scores.copy()
    np.put_along_axis(unmastered, low[:, :, None], held_back, 2)
    unmastered[:] = np.where(
        np.arange(finish + more + 1)[:, None] < finish, unmastered[:1], unmastered
    )
    finishing = 0.9 + 0.1 * rng.integers(0, 2, k)
    play = unmastered.copy()
    play[0, finish:] = finishing
    waits = draw(st.integers(1, more))
    play[1, finish:] = play[1, finish - 1]
    play[1, finish + waits :] = finishing
    # Not mastered at T, mastered later; never mastered; anything after T.
    play[2, finish + draw(st.integers(1, more)) :] = MASTERED
    play[4, finish + 1 :] = np.maximum(scores[4, finish + 1 :], 0.8 + 0.2 * rng.random())
    actions = rng.integers(k, size=(5, finish + more))
    actions[:, :finish] = actions[0, :finish]
    return play, actions, (1 + rng.integers(0, 3, k)).astype(float).tolist()


def check_that_finishing_is_never_worse(reward, most_tasks=3, **options):
    @settings(max_examples=40, deadline=None, database=None, phases=[Phase.generate])
    @given(lifetimes(most_tasks))
    def check(drawn):
        worth, taken = returns(reward, *drawn, **options)
        assert taken[0] < taken[1]
        worse = worth[0] < worth - 1e-9
        assert not worse.any(), f"finishing is worth {worth[0]}, but there is {worth}"

    check()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"end_after": 2},
        {"forgetting_penalty": 0.5},
        {"forgetting_penalty": 20.0, "end_after": 2},
        {"forgetting_penalty": 20.0, "feedback": "bandit"},
    ],
    ids=str,
)
@pytest.mark.parametrize("reward", REWARDS)
def test_no_reward_makes_mastering_earlier_worse(reward, options):
    if options.get("feedback") == "bandit":
        # Which tasks are seen to be mastered depends on the choices: one task leaves none.
        check_that_finishing_is_never_worse(reward, most_tasks=1, **options)
    else:
        check_that_finishing_is_never_worse(reward, **options)


@settings(max_examples=40, deadline=None)
@given(lifetimes(), st.integers(0, 10**6))
def test_no_mixture_makes_mastering_earlier_worse(drawn, seed):
    scores, actions, importance = drawn
    mixtures = np.random.default_rng(seed).dirichlet(np.ones(len(importance)), actions.shape[1])
    worth, _ = returns("chosen_progress", scores, np.array([mixtures] * 5), importance)
    assert (worth[0] >= worth - 1e-9).all()


NAIVE = {
    "score": lambda outcome: outcome.after @ outcome.weights,
    "score and a prize": lambda outcome: outcome.after @ outcome.weights + outcome.mastered,
    "change": lambda outcome: (outcome.after - outcome.before) @ outcome.weights,
    "rise of the chosen task": lambda outcome: (
        np.maximum(outcome.after - outcome.before, 0) * outcome.shares
    ).sum(axis=1),
}


@pytest.mark.parametrize("name", NAIVE)
def test_naive_rewards_would_be_found_out(name, monkeypatch):
    monkeypatch.setitem(REWARDS, "naive", NAIVE[name])
    with pytest.raises(AssertionError, match="finishing is worth"):
        check_that_finishing_is_never_worse("naive")


# Mastered at once, but below its best; or a decision later, and never below it.
EARLY = [[0.0, 0.0], [1.0, 0.0], [0.9, 0.9], [0.9, 0.9]]
LATE = [[0.0, 0.0], [1.0, 0.0], [1.0, 0.0], [1.0, 0.9]]


def test_a_penalty_that_is_not_given_back_at_mastery_would_be_found_out(monkeypatch):
    def worth():
        scores, actions = np.array([EARLY, LATE]), np.zeros((2, 3), int)
        return returns("time_to_mastery", scores, actions, [1.0, 1.0], forgetting_penalty=20.0)[0]

    def kept(outcome):
        after = outcome.mean(np.maximum(outcome.best - outcome.after, 0.0))
        return after - outcome.mean(outcome.best - outcome.before)

    early, late = worth()
    assert (early > late).all()
    monkeypatch.setattr(rewards, "forgetting_rise", kept)
    early, late = worth()
    assert (early < late)[:3].all()


# Tasks of importance 3 and 1: weights 3/4 and 1/4. Six decisions of task 0, 1, 0, 1, ...
BY_HAND = np.array([[[0.0, 0.4], [0.4, 0.2], [0.2, 0.8], [0.6, 0.8], [1.0, 0.8], [0.9, 0.9]]])
TASKS = [0, 1, 0, 0, 1]
REWARD_BY_HAND = {
    # (mean - 1) / 6 decisions in the budget.
    "mean_score": [-0.65 / 6, -0.65 / 6, -0.35 / 6, -0.05 / 6, 0.0],
    # The target is task 0.
    "target_tasks": [-0.6 / 6, -0.8 / 6, -0.4 / 6, 0.0, 0.0],
    "time_to_mastery": [-1 / 6, -1 / 6, -1 / 6, -1 / 6, 0.0],
    # Means: 0.1, 0.35, 0.35, 0.65, 0.95, mastered.
    "total_progress": [0.25, 0.0, 0.3, 0.3, 0.05],
    # Best of task 0: 0, 0.4, 0.4, 0.6, 1.0; of task 1: 0.4, 0.4, 0.8, 0.8, 0.8. At mastery the
    # rest: 1 - (3/4 + 0.8/4).
    "chosen_progress": [0.3, 0.1, 0.15, 0.3, 0.05],
}


@pytest.mark.parametrize("reward", REWARDS)
def test_a_reward_is_what_was_worked_out_by_hand(reward):
    suite = fake_suite(2, importance=[3.0, 1.0])
    room = begun(fake_room(table(BY_HAND), suite=suite, budget="6-steps", **paying(reward)))
    paid = [float(room.step(np.array([task])).reward[0]) for task in TASKS]
    assert room.finished.all()
    np.testing.assert_allclose(paid, REWARD_BY_HAND[reward], atol=1e-7)


def test_the_progress_of_a_mixture_is_the_sum_of_share_times_progress():
    suite = fake_suite(3, importance=[3.0, 1.0, 4.0])
    scores = table([[0.0, 0.4, 0.2], [0.4, 0.6, 0.1], [0.3, 0.8, 0.8]])
    room = begun(fake_room(scores, suite=suite, n=2, reward="chosen_progress"))
    first = room.step(np.array([[0.5, 0.25, 0.25], [0.0, 1.0, 0.0]])).reward
    # Weights 3/8, 1/8 and 4/8; rises 0.4, 0.2 and none.
    np.testing.assert_allclose(first, [0.5 * 3 / 8 * 0.4 + 0.25 / 8 * 0.2, 0.2 / 8], atol=1e-7)
    second = room.step(np.array([[0.1, 0.3, 0.6], [0.0, 0.0, 1.0]])).reward
    # Rises above the best of 0.4, 0.6 and 0.2: none, 0.2 and 0.6.
    np.testing.assert_allclose(second, [0.3 / 8 * 0.2 + 0.6 / 2 * 0.6, 0.6 / 2], atol=1e-7)


# Forgotten after each decision: 0.2 of task 1; 0.2 of task 0; nothing; nothing; mastered.
FORGOTTEN = [0.2 / 4, 0.2 * 3 / 4, 0.0, 0.0, 0.0]


@pytest.mark.parametrize("reward", REWARDS)
def test_the_rise_of_forgetting_is_taken_off_any_reward(reward):
    suite = fake_suite(2, importance=[3.0, 1.0])
    options = {"suite": suite, "budget": "6-steps", "forgetting_penalty": 2.0, **paying(reward)}
    room = begun(fake_room(table(BY_HAND), **options))
    paid = [float(room.step(np.array([task])).reward[0]) for task in TASKS]
    wanted = np.array(REWARD_BY_HAND[reward]) - 2 * np.diff([0, *FORGOTTEN])
    np.testing.assert_allclose(paid, wanted, atol=1e-7)


def test_mastery_gives_back_what_was_taken_off_for_what_is_forgotten_then():
    # At mastery task 0 is at 0.9, below its best of 1.
    scores = np.array([[[0.0], [1.0], [0.4], [0.9]]])
    scores = np.concatenate([scores, np.array([[[0.0], [0.0], [0.0], [0.9]]])], axis=2)
    worth, taken = returns(
        "time_to_mastery", scores, np.zeros((1, 3), int), [1.0, 1.0], forgetting_penalty=1.0
    )
    assert taken[0] == 3
    # Two decisions of the three in the budget count; the penalties sum to nothing.
    assert worth[0, 0] == pytest.approx(-2 / 3)
    # At discount 0.9: 0.3 is taken off in the second decision, and given back in the third.
    assert worth[0, 2] == pytest.approx(-1 / 3 - 0.9 / 3 - 0.9 * 0.3 + 0.81 * 0.3)


def test_target_tasks_are_weighted_by_their_importance():
    suite = fake_suite(3, importance=[3.0, 1.0, 4.0])
    options = {"suite": suite, "budget": "4-steps", "reward": "target_tasks"}
    room = begun(fake_room(table([[0, 0, 0], [0.4, 0.8, 0.1]]), targets=["b", "a"], **options))
    paid = room.step(np.array([2])).reward[0]
    assert paid == pytest.approx((0.75 * 0.4 + 0.25 * 0.8 - 1) / 4)


@settings(max_examples=30, deadline=None)
@given(lifetimes())
def test_undiscounted_progress_sums_to_what_was_missing_at_the_beginning(drawn):
    scores, _, importance = drawn
    worth, _ = returns("total_progress", *drawn)
    weights = np.array(importance) / sum(importance)
    np.testing.assert_allclose(worth[0, 0], 1 - scores[0, 0] @ weights, atol=1e-6)
    worth, _ = returns("chosen_progress", *drawn)
    # Rises of tasks that were not chosen are paid at mastery or never.
    assert worth[0, 0] <= 1 - scores[0, 0] @ weights + 1e-6


@settings(max_examples=30, deadline=None)
@given(lifetimes())
def test_the_mean_score_is_never_paid_above_zero_nor_below_minus_one_in_all(drawn):
    scores, actions, importance = drawn
    worth, _ = returns("mean_score", scores, actions, importance)
    assert (worth <= 0).all()
    assert (worth >= -1 - 1e-9).all()


def test_mastery_is_paid_once_where_it_must_hold_for_several_decisions():
    scores = np.array([[[0.0], [1.0], [1.0], [0.5], [1.0], [1.0], [1.0]]])
    for reward in ("total_progress", "chosen_progress"):
        worth, taken = returns(reward, scores, np.zeros((1, 6), int), [1.0], end_after=3)
        assert taken[0] == 6
        assert worth[0, 0] == pytest.approx(1.0)
