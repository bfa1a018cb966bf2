"""Estimators of progress against sequences worked out by hand."""

import numpy as np
import pytest

from lessonplan.envs.classroom.progress import (
    Difference,
    FastMinusSlow,
    MovingAverage,
    make_estimator,
)

SIGNAL = [0.0, 0.5, 0.25, 0.25]
BY_HAND = {
    # Change since the decision before.
    "difference": ({"difference": 1.0}, [0.0, 0.5, -0.25, 0.0]),
    # e <- e / 2 + change / 2.
    "ema": ({"ema": 0.5}, [0.0, 0.25, 0.0, 0.0]),
    # fast: 0, 1/4, 1/4, 1/4 (decay 1/2); slow: 0, 1/8, 5/32, 23/128 (decay 3/4).
    "fast-minus-slow": ({"fast": 0.5, "slow": 0.75}, [0.0, 1 / 8, 3 / 32, 9 / 128]),
    # Through (0, 0), (1, 1/2); then sum of (t - 1) x = 1/4 over 2; then of the last three,
    # t = 1, 2, 3: (1/4 - 1/2) / 2.
    "slope": ({"slope": 3.0}, [0.0, 0.5, 1 / 8, -1 / 8]),
    # With one change to draw from: the last.
    "thompson": ({"thompson": 1.0}, [0.0, 0.5, -0.25, 0.0]),
}


def start(estimator, rows, level, seed=0):
    """Begin lifetimes of the student seeds `seed`, + 1, ..."""
    estimator.start(np.array(rows), np.array(level), seed + np.arange(len(rows)))


def update(estimator, rows, level, seen=True):
    """One decision later, all levels are new unless `seen` (r, k) says otherwise."""
    level = np.array(level)
    estimator.update(np.array(rows), level, np.broadcast_to(seen, level.shape))


@pytest.mark.parametrize("name", BY_HAND)
def test_an_estimator_gives_the_sequence_worked_out_by_hand(name):
    parameters, wanted = BY_HAND[name]
    estimator = make_estimator(1, 1, parameters)
    start(estimator, [0], [[SIGNAL[0]]])
    values = [estimator.value[0, 0]]
    for x in SIGNAL[1:]:
        update(estimator, [0], [[x]])
        values.append(estimator.value[0, 0])
    np.testing.assert_allclose(values, wanted, atol=1e-15)


def test_plain_progress_is_fast_minus_slow_and_remembers_what_was_learned():
    estimator = make_estimator(1, 2, {})
    assert isinstance(estimator, FastMinusSlow)
    start(estimator, [0], [[0.2, 0.2]])
    for _ in range(10):
        update(estimator, [0], [[1.0, 0.2]])
    fast, slow = (0.2 * decay**10 + (1 - decay**10) for decay in estimator.decays)
    np.testing.assert_allclose(estimator.value, [[fast - slow, 0]], atol=1e-12)
    assert estimator.value[0, 0] > 0.1


@pytest.mark.parametrize("name", BY_HAND)
def test_a_lifetime_that_begins_above_zero_has_made_no_progress(name):
    estimator = make_estimator(2, 3, BY_HAND[name][0])
    start(estimator, [0, 1], np.full((2, 3), 0.7))
    assert (estimator.value == 0).all()
    update(estimator, [0, 1], np.full((2, 3), 0.7))
    np.testing.assert_allclose(estimator.value, 0, atol=1e-15)


@pytest.mark.parametrize("name", BY_HAND)
def test_a_new_lifetime_of_one_row_forgets_its_own_past_and_leaves_the_others(name):
    rng = np.random.default_rng(0)
    signals = rng.random((6, 3, 2))
    disturbed, calm = (make_estimator(3, 2, BY_HAND[name][0]) for _ in range(2))
    fresh = make_estimator(1, 2, BY_HAND[name][0])
    for estimator in (disturbed, calm):
        start(estimator, [0, 1, 2], signals[0])
    for signal in signals[1:3]:
        for estimator in (disturbed, calm):
            update(estimator, [0, 1, 2], signal)
    start(disturbed, [1], signals[2][[1]], seed=4)
    start(fresh, [0], signals[2][[1]], seed=4)
    for signal in signals[3:]:
        update(disturbed, [0, 1, 2], signal)
        update(calm, [0, 1, 2], signal)
        update(fresh, [0], signal[[1]])
        np.testing.assert_array_equal(disturbed.value[[0, 2]], calm.value[[0, 2]])
        np.testing.assert_array_equal(disturbed.value[[1]], fresh.value)
        assert (disturbed.value[1] != calm.value[1]).any() or name not in ("ema", "fast-minus-slow")


@pytest.mark.parametrize("name", BY_HAND)
def test_an_update_of_some_rows_leaves_the_others(name):
    estimator = make_estimator(2, 1, BY_HAND[name][0])
    start(estimator, [0, 1], np.zeros((2, 1)))
    update(estimator, [1], [[1.0]])
    assert estimator.value[0, 0] == 0
    assert estimator.value[1, 0] > 0


def test_parameters_choose_the_estimator():
    assert isinstance(make_estimator(1, 1, {"difference": 1.0}), Difference)
    assert isinstance(make_estimator(1, 1, {"ema": 0.3}), MovingAverage)
    assert make_estimator(1, 1, {"ema": 0.3}).decay == 0.3
    assert make_estimator(1, 1, {"fast": 0.1, "slow": 0.2}).decays == (0.1, 0.2)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"slop": 3.0}, "no estimator with the parameters slop"),
        ({"slope": 3.0, "ema": 0.5}, "no estimator with the parameters ema, slope"),
        ({"slope": float("inf")}, "slope must be a window of 2 to 1000 decisions"),
        ({"thompson": 0.0}, "thompson must be a window of 1 to 1000 decisions"),
        ({"fast": 0.5}, "no estimator with the parameters fast"),
        ({"ema": 1.0}, r"ema must be a decay in \[0, 1\), got 1.0"),
        ({"ema": float("nan")}, "ema must be a decay"),
        ({"fast": 0.9, "slow": 0.5}, "fast must decay faster than slow"),
    ],
)
def test_unusable_parameters_are_refused_in_one_sentence(parameters, words):
    with pytest.raises(ValueError, match=words):
        make_estimator(1, 1, parameters)
