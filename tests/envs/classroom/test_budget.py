"""What a lifetime may spend and what was spent, against accounts kept by hand."""

import math

import numpy as np
import pytest
from fake_cohort import begun, fake_room, fake_suite
from hypothesis import given
from hypothesis import strategies as st

from lessonplan.envs import MASTERY_MARGIN, Budget, next_streak, passes
from lessonplan.envs.classroom.budget import MOST

THIRD = 1 / 3
# Probe sets of 3, 6 and 9 examples, of which a student is evaluated on at most 6.
COSTLY = {"cost": [1.0, 10.0, 2.5], "probes": [3, 6, 9]}


def room_of(feedback, budget="1000-steps", n=1, **options):
    return fake_room(
        lambda rows, seeds, decision, counts: np.zeros((len(rows), 3)),
        n=n,
        budget=budget,
        suite=fake_suite(3, **COSTLY),
        feedback=feedback,
        steps_per_decision=5,
        cohort={"batch_size": 4, "evaluation_size": 6},
        **options,
    )


@pytest.mark.parametrize(
    ("text", "amount", "unit"),
    [
        ("4000-steps", 4000, "steps"),
        ("5M-tokens", 5e6, "tokens"),
        ("180k compute", 180_000, "compute"),
        ("2.5b tokens", 2.5e9, "tokens"),
        ("1e3-Steps", 1000, "steps"),
        (" 7 - steps ", 7, "steps"),
    ],
)
def test_a_budget_is_read_as_people_write_it(text, amount, unit):
    assert Budget.parse(text) == Budget(amount, unit)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4000",
        "steps",
        "-5-steps",
        "4000_steps",
        "1.2.3-steps",
        ".-steps",
        "5 apples",
        "0-steps",
        "1e400-steps",
        "5T-tokens",
        "nan-steps",
        "4000-steps please",
    ],
)
def test_a_budget_that_makes_no_sense_is_refused(text):
    with pytest.raises(ValueError, match="budget"):
        Budget.parse(text)


@pytest.mark.parametrize("amount", ["5", True, None, [5], 5j])
def test_an_amount_must_be_a_number(amount):
    with pytest.raises(ValueError, match="the amount of a budget must be a number, got "):
        Budget(amount, "steps")


def test_an_amount_may_be_a_number_of_numpy():
    assert Budget(np.int64(5), "steps") == Budget(np.float32(5), "steps") == Budget(5, "steps")


@pytest.mark.parametrize("amount", [0, -1, math.inf, math.nan])
def test_an_amount_must_be_positive_and_finite(amount):
    with pytest.raises(ValueError, match="must be positive"):
        Budget(amount)


@given(st.floats(1e-3, 1e9), st.sampled_from(list(MOST)))
def test_a_budget_that_is_written_is_read_as_the_same(amount, unit):
    rounded = float(f"{amount:.12g}")
    assert Budget.parse(str(Budget(rounded, unit))) == Budget(rounded, unit)


def accounts(room):
    spending = room.facts.spending
    return (
        spending.steps.tolist(),
        spending.tokens.tolist(),
        spending.training.tolist(),
        spending.probing.tolist(),
    )


def test_full_feedback_charges_a_third_of_every_probe_example_after_each_decision():
    room = begun(room_of("full"))
    # The first look: min(3, 6) + min(6, 6) + min(9, 6) = 15 examples, a third each.
    assert accounts(room) == ([0], [0], [0], [pytest.approx(15 * THIRD)])
    room.step(np.array([1]))
    assert accounts(room) == ([5], [200], [20], [pytest.approx(30 * THIRD)])
    room.step(np.array([2]))
    assert accounts(room) == ([10], [250], [40], [pytest.approx(45 * THIRD)])
    assert room.facts.spending.compute == pytest.approx(40 + 15)


def test_bandit_feedback_charges_only_the_probe_examples_of_the_chosen_task():
    room = begun(room_of("bandit"))
    assert accounts(room)[3] == [pytest.approx(15 * THIRD)]
    room.step(np.array([0]))
    assert accounts(room) == ([5], [20], [20], [pytest.approx((15 + 3) * THIRD)])
    room.step(np.array([2]))
    assert accounts(room) == ([10], [70], [40], [pytest.approx((15 + 3 + 6) * THIRD)])


def test_rows_pay_for_themselves_alone():
    room = begun(room_of("bandit", n=3))
    room.step(np.array([1, 0]), rows=np.array([2, 0]))
    assert room.facts.spending.tokens.tolist() == [20, 0, 200]
    assert room.facts.spending.steps.tolist() == [5, 0, 5]
    third = [(15 + 3) * THIRD, 15 * THIRD, (15 + 6) * THIRD]
    np.testing.assert_allclose(room.facts.spending.probing, third)


def test_a_new_lifetime_starts_at_zero_and_what_was_spent_before_stays_in_the_total():
    room = begun(room_of("full", n=2))
    room.step(np.array([1, 0]))
    room.reset(np.array([0]), np.array([9]))
    spending = room.facts.spending
    assert spending.steps.tolist() == [0, 5]
    np.testing.assert_allclose(spending.compute, [5, 30])
    assert spending.ever_steps == 10
    assert spending.ever_compute == pytest.approx(30 + 5 + 30)
    assert spending.lifetimes == 3


@pytest.mark.parametrize(
    ("budget", "feedback", "places", "decisions"),
    [
        # 5 steps a decision.
        ("20-steps", "full", [0], 4),
        ("21-steps", "full", [0], 5),
        # 20 tokens for task 0, 200 for task 1.
        ("60-tokens", "full", [0], 3),
        ("401-tokens", "full", [1], 3),
        ("421-tokens", "full", [1, 0], 4),
        # 5 for the first look, then 20 + 5 a decision.
        ("80-compute", "full", [0], 3),
        ("81-compute", "full", [0], 4),
        # 5 for the first look, then 20 + 1 or 20 + 2 a decision.
        ("68-compute", "bandit", [0], 3),
        ("69-compute", "bandit", [0], 4),
        ("71-compute", "bandit", [2], 3),
    ],
)
def test_a_lifetime_is_truncated_by_the_decision_that_spends_the_last_of_it(
    budget, feedback, places, decisions
):
    room = begun(room_of(feedback, budget))
    for i in range(decisions):
        lesson = room.step(np.array([places[i % len(places)]]))
        assert lesson.truncated == (i == decisions - 1)
        assert not lesson.terminated


@pytest.mark.parametrize("feedback", ["full", "bandit"])
@pytest.mark.parametrize("unit", MOST)
@pytest.mark.parametrize("amount", [30, 99, 100, 101, 444])
def test_the_number_of_decisions_in_a_budget_is_what_a_lifetime_of_equal_tasks_takes(
    amount, unit, feedback
):
    suite = fake_suite(3, cost=[2.0] * 3)
    room = begun(
        fake_room(
            lambda rows, seeds, decision, counts: np.zeros((len(rows), 3)),
            budget=f"{amount}-{unit}",
            suite=suite,
            feedback=feedback,
            steps_per_decision=3,
        )
    )
    decisions = 0
    while not room.finished.all():
        room.step(np.array([decisions % 3]))
        decisions += 1
    assert room.decisions_in_budget == decisions


@pytest.mark.parametrize(
    ("budget", "feedback", "forward_passes", "decisions"),
    [
        ("21-steps", "full", 0, 5),
        # 20 examples of a mean cost of 4.5 tokens.
        ("90-tokens", "bandit", 0, 1),
        ("91-tokens", "bandit", 0, 2),
        # 5 for the first look, then 20 + 5, or 20 + 5 / 3 for the mean task.
        ("80-compute", "full", 0, 3),
        ("81-compute", "full", 0, 4),
        ("70-compute", "bandit", 0, 3),
        ("71-compute", "bandit", 0, 4),
        # Six batches of 4 run forward cost 8 more.
        ("71-compute", "full", 6, 2),
        ("72-compute", "full", 6, 3),
        ("1e-3-compute", "full", 0, 1),
    ],
)
def test_decisions_are_counted_from_numbers_alone(budget, feedback, forward_passes, decisions):
    counted = Budget.parse(budget).decisions(
        fake_suite(3, **COSTLY),
        steps_per_decision=5,
        batch_size=4,
        evaluation_size=6,
        feedback=feedback,
        forward_passes=forward_passes,
    )
    assert counted == decisions


def test_a_score_of_single_precision_passes_the_same_threshold():
    scores = np.array([0.9, 0.9 - 2e-6], dtype=np.float32)
    assert passes(scores, np.array([0.9, 0.9])).tolist() == [True, False]
    assert 0 < MASTERY_MARGIN < 2e-6
    assert next_streak(np.array([3, 3]), np.array([True, False])).tolist() == [4, 0]


def test_what_remains_falls_from_one_to_zero_and_not_below():
    room = begun(room_of("full", "12-steps"))
    remaining = [room.facts.spending.remaining[0]]
    while not room.finished.all():
        room.step(np.array([0]))
        remaining.append(room.facts.spending.remaining[0])
    np.testing.assert_allclose(remaining, [1, 7 / 12, 2 / 12, 0])
