"""Fixed orders and simple rules against schedules worked out by hand."""

import itertools
import pickle
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rule_views import check_rule, make_view, random_lifetime

from lessonplan.teacher.adapter import RulePolicy
from lessonplan.teacher.orders.plain import (
    HighestUnmastered,
    InOrder,
    Learnability,
    Proportional,
    RandomPacing,
    StaticMixture,
    Uniform,
)
from lessonplan.teacher.orders.replay import Replay, ReplayMixtures

# Eleven decisions: no other random numbers in these tests come in elevens.
RECORD = [[0, 1, 0, 2, 1, 0, 3, 0, 1, 4, 2], [5, 4, 3, 2, 1, 0, -1, -1, -1, -1, -1]]
# Thirteen decisions of three tasks; the second student mastered after two.
MIXED = np.zeros((2, 13, 3))
MIXED[0] = [[13 - i, i, 1] for i in range(13)]
MIXED[0] /= 14
MIXED[1, :2] = [[0.5, 0.5, 0.0], [0.0, 0.25, 0.75]]
RULES = {
    "proportional": Proportional(),
    "tempered": Proportional(temperature=3.0),
    "uniform": Uniform(),
    "in-order": InOrder(),
    "in-order-review": InOrder(gate=0.5, review=0.3),
    "highest": HighestUnmastered(),
    "learnability": Learnability(),
    "learnability-greedy": Learnability(choice="greedy"),
    "pacing": RandomPacing(),
    "pacing-none": RandomPacing(pace=0.0),
    "replay": Replay(RECORD, [0.0, 2 / 2**10]),
    "replay-shuffled": Replay(RECORD, [0.0, 2 / 2**10], shuffled=True),
    "replay-mixtures": ReplayMixtures(MIXED, [0.0, 2 / 2**10]),
    "replay-mixtures-shuffled": ReplayMixtures(MIXED, [0.0, 2 / 2**10], shuffled=True),
}


@pytest.mark.parametrize("name", RULES)
@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(1, 6), st.booleans())
def test_every_order_keeps_the_contract_of_rules(name, seed, n, k, padded):
    check_rule(RULES[name], seed, n, k, padded)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(1, 6))
def test_a_mixture_keeps_the_contract_of_rules(seed, n, k):
    check_rule(StaticMixture(tuple(range(1, k + 1))), seed, n, k, padded=False)


@pytest.mark.parametrize("name", RULES)
def test_a_tuning_grid_consists_of_rules_that_can_be_pickled(name):
    rule = RULES[name]
    for values in itertools.product(*rule.tuning.values()):
        chosen = type(rule)(**dict(zip(rule.tuning, values, strict=True))) if values else rule
        columns, _ = random_lifetime(0, n=2, k=3)[0]
        copied = pickle.loads(pickle.dumps(chosen))
        view = make_view(columns)
        np.testing.assert_array_equal(
            copied.probabilities(copied.start(2, 3), view),
            chosen.probabilities(chosen.start(2, 3), view),
        )


def test_only_the_true_order_sees_the_order():
    sees = {name for name, rule in RULES.items() if "order" in rule.needs or rule.sees_order}
    assert sees == {"in-order", "in-order-review"}
    assert InOrder.sees_order
    assert "order" in InOrder.needs


def now(rule, columns, **kwargs):
    """Probabilities of a memoryless rule, (n, k)."""
    view = make_view(columns, **kwargs)
    return rule.probabilities(rule.start(*view.present.shape), view)


def test_proportional_follows_data_size_and_its_temperature():
    size = {"size": [[0.1, 0.4, 0.5], [0.0, 0.0, 0.0]], "present": [[1, 1, 0], [1, 1, 0]]}
    np.testing.assert_allclose(now(Proportional(), size), [[0.2, 0.8, 0], [0.5, 0.5, 0]])
    # Square roots: 1 to 2.
    np.testing.assert_allclose(now(Proportional(temperature=2), size)[0], [1 / 3, 2 / 3, 0])


def test_a_mixture_follows_its_tasks_to_where_they_stand():
    shown = now(StaticMixture((1, 2, 5)), {"task": [[2, 0, 1], [0, 1, 2]]})
    np.testing.assert_allclose(shown, [[5 / 8, 1 / 8, 2 / 8], [1 / 8, 2 / 8, 5 / 8]])


def test_a_mixture_of_the_wrong_length_is_refused():
    with pytest.raises(ValueError, match="2 weights but the suite has 3 tasks"):
        now(StaticMixture((0.5, 0.5)), {"task": [[0, 1, 2]]})
    padded = {"task": [[1, 0, 0]], "present": [[1, 1, 0]]}
    np.testing.assert_allclose(now(StaticMixture((0.25, 0.75)), padded), [[0.75, 0.25, 0]])


@pytest.mark.parametrize("weights", [(), (0.0, 0.0), (1.0, -0.1), (1.0, float("nan"))])
def test_a_mixture_of_impossible_weights_is_refused(weights):
    with pytest.raises(ValueError, match="weights"):
        StaticMixture(weights)


def ordered(scores, threshold=0.9, order=(2, 0, 1, 3)):
    return {"score": [scores], "order": [order], "threshold": np.full((1, 4), threshold)}


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        # Standing order: tasks 1, 2, 0, 3.
        ([0.0, 0.0, 0.0, 0.0], [0, 1, 0, 0]),
        ([0.0, 0.95, 0.0, 0.0], [0, 0, 1, 0]),
        ([0.0, 0.95, 0.95, 0.0], [1, 0, 0, 0]),
        ([1.0, 0.89, 1.0, 0.2], [0, 1, 0, 0]),
        ([1.0, 1.0, 1.0, 1.0], [0.25, 0.25, 0.25, 0.25]),
    ],
)
def test_in_order_trains_the_lowest_task_below_the_gate(scores, expected):
    np.testing.assert_allclose(now(InOrder(), ordered(scores)), [expected])


def test_a_score_that_float32_rounds_down_has_passed_the_gate():
    for gate in (0.7, 0.8, 0.9):
        scores = np.full(4, np.float32(gate))
        expected = np.full((1, 4), 0.25)
        np.testing.assert_array_equal(now(InOrder(gate=gate), ordered(scores, gate)), expected)
        shown = now(HighestUnmastered(gate=gate), ordered(scores, gate))
        np.testing.assert_array_equal(shown, expected)


def test_in_order_past_a_low_gate_returns_to_what_is_below_its_threshold():
    shown = now(InOrder(gate=0.5), ordered([0.6, 0.95, 0.7, 0.8]))
    np.testing.assert_allclose(shown, [[0, 0, 1, 0]])


def test_review_is_spread_over_the_tasks_before_the_current_one():
    shown = now(InOrder(review=0.4), ordered([0.1, 0.95, 0.95, 0.0]))
    np.testing.assert_allclose(shown, [[0.6, 0.2, 0.2, 0]])
    # The first task has nothing before it.
    shown = now(InOrder(review=0.4), ordered([0.1, 0.1, 0.95, 0.0]))
    np.testing.assert_allclose(shown, [[0, 1, 0, 0]])


@pytest.mark.parametrize(
    ("gate", "scores", "expected"),
    [
        (0.9, [0.3, 0.8, 0.95, 0.0], [0, 1, 0, 0]),
        (0.9, [0.0, 0.0, 0.0, 0.0], [0.25, 0.25, 0.25, 0.25]),
        (0.9, [0.4, 0.95, 0.4, 0.0], [0.5, 0, 0.5, 0]),
        (0.5, [0.8, 0.6, 0.95, 0.7], [0, 1, 0, 0]),
        (0.5, [0.95, 1.0, 0.95, 0.9], [0.25, 0.25, 0.25, 0.25]),
    ],
)
def test_highest_unmastered_finishes_what_is_nearly_learned(gate, scores, expected):
    np.testing.assert_allclose(now(HighestUnmastered(gate=gate), ordered(scores)), [expected])


def test_learnability_prefers_the_middle():
    columns = {"score": [[0.5, 0.9, 0.0, 1.0], [0.0, 1.0, 1.0, 0.0]]}
    shares = [[25 / 34, 9 / 34, 0, 0], [0.25] * 4]
    np.testing.assert_allclose(now(Learnability(), columns), shares)
    np.testing.assert_allclose(
        now(Learnability(choice="greedy"), columns), [[1, 0, 0, 0], [0.25] * 4]
    )
    # With a floor of 0.01: 0.26, 0.1, 0.01 and 0.01, together 0.38.
    floored = now(Learnability(floor=0.01), columns)
    np.testing.assert_allclose(floored, [[26 / 38, 10 / 38, 1 / 38, 1 / 38], [0.25] * 4])


def test_pacing_admits_tasks_one_by_one_and_never_takes_one_back():
    n, k = 200, 5
    before = np.zeros((n, k), dtype=bool)
    # All of the tasks from half of the budget on; a quarter of the way 1 + floor(4 / 4) = 2.
    for spent, tasks in [(0, 1), (0.12, 1), (0.125, 2), (0.3, 3), (0.49, 4), (0.5, 5), (1, 5)]:
        remaining = np.float32(np.full((n, k), 1 - spent))
        shown = now(RandomPacing(pace=0.5), {"remaining": remaining}, decision=int(100 * spent))
        admitted = shown > 0
        np.testing.assert_allclose(shown[admitted], 1 / tasks)
        assert (admitted.sum(axis=1) == tasks).all()
        assert (admitted >= before).all()
        before = admitted
        if tasks == 1:
            counts = admitted.sum(axis=0)
    # The first task is drawn anew for each student: 40 each, standard deviation 5.7.
    assert (abs(counts - n / k) < 4 * 5.7).all()


def replayed(rule, key, places, decisions, seed=3):
    """Canonical tasks that one student gets, each certain, through the adapter that draws them."""
    columns, k = ("task", "key"), len(places)
    shown = np.stack([np.asarray(places), np.full(k, key)], axis=1)[None].astype(np.float32)
    policy = RulePolicy(None, None, rule, columns, seed)
    state, start, played, chances = None, np.array([True]), [], []
    for _ in range(decisions):
        action, state = policy.predict(shown, state, start)
        start = np.array([False])
        played.append(int(places[action[0]]))
        chances.append(state["probabilities"][0])
    return played, np.array(chances)


def test_replay_gives_a_recorded_student_its_own_schedule():
    keys = [0.1, 0.7]
    rule = Replay(RECORD, keys)
    places = np.array([3, 1, 5, 0, 4, 2])
    played, chances = replayed(rule, 0.1, places, 11)
    assert played == RECORD[0]
    assert (chances.max(axis=1) == 1).all()
    assert replayed(rule, 0.7, places, 6)[0] == RECORD[1][:6]


def test_replay_goes_on_in_the_recorded_proportions_after_the_end():
    _, chances = replayed(Replay(RECORD, [0.1, 0.7]), 0.1, np.arange(6), 13)
    expected = np.array([4, 3, 2, 1, 1, 0]) / 11
    np.testing.assert_allclose(chances[11:], [expected] * 2)


def test_replay_gives_an_unknown_student_one_schedule_for_its_whole_lifetime():
    rule = Replay([[0] * 8, [1] * 8, [2] * 8], [0.1, 0.2, 0.3])
    picked = Counter()
    for student in range(150):
        played, _ = replayed(rule, 0.5 + student / 2**10, np.arange(3), 8)
        assert len(set(played)) == 1
        picked[played[0]] += 1
    # 50 each, standard deviation 5.8.
    assert all(abs(picked[task] - 50) < 4 * 5.8 for task in range(3))


def test_shuffled_replay_keeps_the_counts_and_loses_the_order():
    rule = Replay(RECORD, [0.1, 0.7], shuffled=True)
    played = [tuple(replayed(rule, 0.1, np.arange(6), 11, seed)[0]) for seed in range(60)]
    assert {tuple(sorted(lifetime)) for lifetime in played} == {tuple(sorted(RECORD[0]))}
    assert len(set(played)) > 55
    # Task 0 is four of eleven, wherever one looks: 21.8 of 60, standard deviation 3.7.
    for decision in range(11):
        assert abs(sum(lifetime[decision] == 0 for lifetime in played) - 21.8) < 4 * 3.7
    # The shorter one ends after its own six, not after the padding.
    short, chances = replayed(rule, 0.7, np.arange(6), 7)
    assert sorted(short[:6]) == [0, 1, 2, 3, 4, 5]
    np.testing.assert_allclose(chances[6], 1 / 6)


def test_replay_finds_its_student_at_float32_and_float64_alike():
    key = (2**24 - 3) / 2**24
    rule = Replay([[0, 0], [1, 1]], [0.5, key])
    for shown in (key, float(np.float32(key))):
        assert replayed(rule, shown, np.arange(2), 2)[0] == [1, 1]
    # The neighbour of a key is another student.
    assert replayed(Replay([[0], [1]], [key, key + 2**-24]), key + 2**-24, np.arange(2), 1)[0] == [
        1
    ]


def test_replay_does_not_choose_a_task_that_does_not_exist():
    rule = Replay([[5, 0, 1]], [0.0])
    columns = {"task": [[1, 0]], "key": [[0.0, 0.0]]}
    np.testing.assert_allclose(now(rule, columns), [[0.5, 0.5]])


@pytest.mark.parametrize(
    ("schedules", "keys", "message"),
    [
        ([0, 1], [0.1], r"\(m, t\)"),
        ([[0, 1]], [0.1, 0.2], "one per schedule"),
        ([[0, -1, 1]], [0.1], "only after their end"),
        ([[-1, -1]], [0.1], "only after their end"),
        ([[0, -2]], [0.1], "only after their end"),
    ],
)
def test_a_broken_record_is_refused(schedules, keys, message):
    with pytest.raises(ValueError, match=message):
        Replay(schedules, keys)


def test_replayed_mixtures_are_those_of_the_student_at_the_places_of_its_tasks():
    rule, places = ReplayMixtures(MIXED, [0.1, 0.7]), np.array([2, 0, 1])
    _, chances = replayed(rule, 0.1, places, 13)
    np.testing.assert_allclose(chances, MIXED[0][:, places], atol=1e-12)
    # After the end of a shorter one, the mean of its two: 1/4, 3/8, 3/8.
    _, chances = replayed(rule, 0.7, places, 4)
    mean = [3 / 8, 1 / 4, 3 / 8]
    expected = [MIXED[1, 0][places], MIXED[1, 1][places], mean, mean]
    np.testing.assert_allclose(chances, expected, atol=1e-12)


def test_shuffled_mixtures_are_the_same_rows_in_the_order_in_which_tasks_would_be_shuffled():
    """A row counts as one: shares of a decision stay together, and only their time is lost."""
    rule = ReplayMixtures(MIXED, [0.1, 0.7], shuffled=True)
    numbers = Replay([list(range(13)), [0, 1, *[-1] * 11]], [0.1, 0.7], shuffled=True)
    orders = set()
    for seed in range(20):
        _, chances = replayed(rule, 0.1, np.arange(3), 13, seed)
        order, _ = replayed(numbers, 0.1, np.arange(13), 13, seed)
        np.testing.assert_allclose(chances, MIXED[0][order], atol=1e-12)
        orders.add(tuple(order))
    assert len(orders) == 20
    first = {tuple(replayed(rule, 0.7, np.arange(3), 2, seed)[1][0]) for seed in range(20)}
    assert first == {(0.5, 0.5, 0.0), (0.0, 0.25, 0.75)}


def test_a_student_nobody_recorded_gets_one_lifetime_of_mixtures_as_a_whole():
    one_hot = np.repeat(np.eye(3)[:, None], 4, axis=1)
    rule = ReplayMixtures(one_hot, [0.1, 0.2, 0.3])
    played = [replayed(rule, 0.5 + i / 2**10, np.arange(3), 4)[0] for i in range(30)]
    assert {len(set(tasks)) for tasks in played} == {1}
    assert {tasks[0] for tasks in played} == {0, 1, 2}


def test_replayed_mixtures_leave_out_what_does_not_exist():
    rule = ReplayMixtures([[[0.5, 0.3, 0.2], [0.0, 0.0, 1.0]]], [0.0])
    padded = {"task": [[1, 0, 0]], "key": [[0.0] * 3], "present": [[1, 1, 0]]}
    np.testing.assert_allclose(now(rule, padded), [[3 / 8, 5 / 8, 0]])
    # All went to a task that is not there: the means of those that are, 0.15 and 0.25.
    np.testing.assert_allclose(now(rule, padded, decision=1), [[3 / 8, 5 / 8, 0]])
    # More tasks than were recorded: the new one gets nothing.
    more = {"task": [[3, 2, 1, 0]], "key": [[0.0] * 4]}
    np.testing.assert_allclose(now(rule, more), [[0, 0.2, 0.3, 0.5]])


@pytest.mark.parametrize(
    ("mixtures", "keys", "message"),
    [
        ([[0.5, 0.5]], [0.1], r"\(m, t, w\)"),
        ([[[0.5, 0.5]]], [0.1, 0.2], "one per schedule"),
        ([[[0.5, -0.5]]], [0.1], "shares >= 0, got values from -0.5 to 0.5"),
        ([[[0.5, float("nan")]]], [0.1], "finite"),
        ([[[0.0, 0.0], [1.0, 0.0]]], [0.1], "zeros only after the end"),
    ],
)
def test_a_broken_record_of_mixtures_is_refused(mixtures, keys, message):
    with pytest.raises(ValueError, match=message):
        ReplayMixtures(mixtures, keys)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: InOrder(gate=1.1), "gate"),
        (lambda: InOrder(review=-0.1), "review"),
        (lambda: HighestUnmastered(gate=float("nan")), "gate"),
        (lambda: Learnability(choice="softmax"), "choice"),
        (lambda: RandomPacing(pace=2.0), "pace"),
        (lambda: Proportional(temperature=0.0), "temperature"),
    ],
)
def test_a_wrong_parameter_of_an_order_is_named(make, name):
    with pytest.raises(ValueError, match=name):
        make()
