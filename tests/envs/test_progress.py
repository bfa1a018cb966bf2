"""Estimators of progress against sequences worked out by hand."""

import numpy as np
import pytest

from lessonplan.envs.progress import Difference, FastMinusSlow, MovingAverage, make_estimator

SIGNAL = [0.0, 0.5, 0.25, 0.25]
BY_HAND = {
    # Change since the decision before.
    "difference": ({"difference": 1.0}, [0.0, 0.5, -0.25, 0.0]),
    # e <- e / 2 + change / 2.
    "ema": ({"ema": 0.5}, [0.0, 0.25, 0.0, 0.0]),
    # fast: 0, 1/4, 1/4, 1/4 (decay 1/2); slow: 0, 1/8, 5/32, 23/128 (decay 3/4).
    "fast-minus-slow": ({"fast": 0.5, "slow": 0.75}, [0.0, 1 / 8, 3 / 32, 9 / 128]),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_an_estimator_gives_the_sequence_worked_out_by_hand(name):
    parameters, wanted = BY_HAND[name]
    estimator = make_estimator(1, 1, parameters)
    estimator.start(np.array([0]), np.array([[SIGNAL[0]]]))
    values = [estimator.value[0, 0]]
    for x in SIGNAL[1:]:
        estimator.update(np.array([0]), np.array([[x]]))
        values.append(estimator.value[0, 0])
    np.testing.assert_allclose(values, wanted, atol=1e-15)


def test_plain_progress_is_fast_minus_slow_and_remembers_what_was_learned():
    estimator = make_estimator(1, 2, {})
    assert isinstance(estimator, FastMinusSlow)
    estimator.start(np.array([0]), np.array([[0.2, 0.2]]))
    for _ in range(10):
        estimator.update(np.array([0]), np.array([[1.0, 0.2]]))
    fast, slow = (0.2 * decay**10 + (1 - decay**10) for decay in estimator.decays)
    np.testing.assert_allclose(estimator.value, [[fast - slow, 0]], atol=1e-12)
    assert estimator.value[0, 0] > 0.1


@pytest.mark.parametrize("name", BY_HAND)
def test_a_lifetime_that_begins_above_zero_has_made_no_progress(name):
    estimator = make_estimator(2, 3, BY_HAND[name][0])
    estimator.start(np.arange(2), np.full((2, 3), 0.7))
    assert (estimator.value == 0).all()
    estimator.update(np.arange(2), np.full((2, 3), 0.7))
    np.testing.assert_allclose(estimator.value, 0, atol=1e-15)


@pytest.mark.parametrize("name", BY_HAND)
def test_a_new_lifetime_of_one_row_forgets_its_own_past_and_leaves_the_others(name):
    rng = np.random.default_rng(0)
    signals = rng.random((6, 3, 2))
    disturbed, calm = (make_estimator(3, 2, BY_HAND[name][0]) for _ in range(2))
    fresh = make_estimator(1, 2, BY_HAND[name][0])
    for estimator in (disturbed, calm):
        estimator.start(np.arange(3), signals[0])
    for signal in signals[1:3]:
        for estimator in (disturbed, calm):
            estimator.update(np.arange(3), signal)
    disturbed.start(np.array([1]), signals[2][[1]])
    fresh.start(np.array([0]), signals[2][[1]])
    for signal in signals[3:]:
        disturbed.update(np.arange(3), signal)
        calm.update(np.arange(3), signal)
        fresh.update(np.array([0]), signal[[1]])
        np.testing.assert_array_equal(disturbed.value[[0, 2]], calm.value[[0, 2]])
        np.testing.assert_array_equal(disturbed.value[[1]], fresh.value)
        assert (disturbed.value[1] != calm.value[1]).any() or name == "difference"


@pytest.mark.parametrize("name", BY_HAND)
def test_an_update_of_some_rows_leaves_the_others(name):
    estimator = make_estimator(2, 1, BY_HAND[name][0])
    estimator.start(np.arange(2), np.zeros((2, 1)))
    estimator.update(np.array([1]), np.array([[1.0]]))
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
        ({"slope": 3.0}, "no estimator with the parameters slope"),
        ({"fast": 0.5}, "no estimator with the parameters fast"),
        ({"ema": 1.0}, r"ema must be a decay in \[0, 1\), got 1.0"),
        ({"ema": float("nan")}, "ema must be a decay"),
        ({"fast": 0.9, "slow": 0.5}, "fast must decay faster than slow"),
    ],
)
def test_unusable_parameters_are_refused_in_one_sentence(parameters, words):
    with pytest.raises(ValueError, match=words):
        make_estimator(1, 1, parameters)
