import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lessonplan.experiments.analysis.statistics import (
    BOOTSTRAP_SEED,
    RESAMPLES,
    Sample,
    bootstrap_means,
    censor,
    difference,
    interquartile_mean,
    percentile_interval,
    probability_of_improvement,
    ratio,
    share_lost,
)

numbers = st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: round(value, 3))
grids = arrays(np.float64, st.tuples(st.integers(1, 3), st.integers(1, 9)), elements=numbers)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([7.0], 7.0),
        ([2.0, 4.0], 3.0),
        # A quarter of 0, all of 3, a quarter of 90, over one and a half values.
        ([90.0, 0.0, 3.0], (0.0 / 4 + 3.0 + 90.0 / 4) / 1.5),
        ([100.0, 1.0, 2.0, -50.0], 1.5),
        # Of five values the second and fourth count three quarters each.
        ([1.0, 2.0, 3.0, 8.0, 999.0], (0.75 * 2 + 3 + 0.75 * 8) / 2.5),
        ([0.0, 0.0, 5.0, 6.0, 7.0, 8.0, 99.0, 99.0], 6.5),
    ],
)
def test_the_interquartile_mean_is_what_one_computes_by_hand(values, expected):
    assert interquartile_mean(np.array(values)) == pytest.approx(expected, abs=1e-12)


def test_no_values_have_no_interquartile_mean():
    with pytest.raises(ValueError, match="at least one value"):
        interquartile_mean(np.zeros(0))


@given(arrays(np.float64, st.integers(1, 40), elements=numbers), numbers)
def test_the_interquartile_mean_moves_with_its_values_and_stays_among_the_middle_half(
    values, shift
):
    mean = interquartile_mean(values)
    low, high = np.quantile(values, [0.25, 0.75], method="inverted_cdf")
    assert low - 1e-6 <= mean <= max(high, np.quantile(values, 0.75, method="higher")) + 1e-6
    assert interquartile_mean(values + shift) == pytest.approx(mean + shift, abs=1e-5)
    assert interquartile_mean(np.tile(values, 3)) == pytest.approx(mean, abs=1e-5)


@given(grids, st.integers(0, 5))
def test_every_resample_is_the_interquartile_mean_of_the_values_that_it_drew(values, seed):
    """Redraw by hand with the same generators, and take the plain mean of what was drawn."""
    s, m = values.shape
    means = bootstrap_means(values, "x", n_resamples=4, seed=seed)
    from zlib import crc32

    students = np.random.default_rng((seed, 0, m)).multinomial(m, [1 / m] * m, size=4)
    seeds = np.random.default_rng((seed, 1, crc32(b"x"))).multinomial(s, [1 / s] * s, size=4)
    for i in range(4):
        drawn = np.repeat(np.repeat(values, seeds[i], axis=0), students[i], axis=1)
        assert drawn.shape == values.shape
        assert means[i] == pytest.approx(interquartile_mean(drawn), abs=1e-5)


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    stream = np.random.default_rng(0)
    held = 0
    for trial in range(200):
        sample = stream.normal(3.0, 1.0, size=(1, 40))
        low, high = percentile_interval(bootstrap_means(sample, n_resamples=400, seed=trial))
        held += low <= 3.0 <= high
    assert 0.88 <= held / 200 <= 0.99


def test_few_teacher_seeds_widen_the_interval_more_than_few_students_of_one_seed():
    offsets = np.array([[-1.0], [0.0], [1.0]])
    low, high = Sample(offsets + np.zeros((3, 50))).ci95
    assert (low, high) == (-1.0, 1.0)
    flat = Sample(np.zeros((3, 50)))
    assert flat.ci95 == (0.0, 0.0)


def test_one_lifetime_has_an_interval_of_no_width():
    assert Sample(np.array([[4.0]])).ci95 == (4.0, 4.0)


def test_a_constant_gain_over_the_same_students_has_no_uncertainty_although_the_students_differ():
    students = np.random.default_rng(1).uniform(10, 90, size=(1, 30))
    gap = difference(Sample(students - 5.0, "a"), Sample(students, "b"))
    assert gap.value == pytest.approx(-5.0)
    assert gap.ci95 == pytest.approx((-5.0, -5.0))
    half = ratio(Sample(students / 2, "a"), Sample(students, "b"))
    assert half.value == pytest.approx(0.5)
    assert half.ci95 == pytest.approx((0.5, 0.5))


@given(grids, grids)
def test_swapping_teacher_and_baseline_turns_the_difference_around(first, second):
    m = min(first.shape[1], second.shape[1])
    a, b = Sample(first[:, :m], "a", 50), Sample(second[:, :m], "b", 50)
    there, back = difference(a, b), difference(b, a)
    assert there.value == pytest.approx(-back.value)
    assert there.ci95 == pytest.approx((-back.ci95[1], -back.ci95[0]), abs=1e-5)
    chance = probability_of_improvement(a.values, b.values, lower_is_better=True)
    assert chance == pytest.approx(
        1 - probability_of_improvement(b.values, a.values, lower_is_better=True)
    )
    assert chance == probability_of_improvement(-a.values, -b.values, lower_is_better=False)


def test_a_ratio_to_nothing_is_not_defined():
    zero, one = Sample(np.zeros((1, 4))), Sample(np.ones((1, 4)))
    assert ratio(one, zero) == (None, None)
    # The baseline's mean is above 0, but some of its resamples are not.
    rare = Sample(np.array([[0.0, 0.0, 1.0, 1.0]]))
    assert ratio(one, rare).value == 2.0
    assert ratio(one, rare).ci95 is None


def test_the_probability_of_improvement_counts_every_student_and_ties_half():
    teacher = np.array([[1.0, 5.0, 3.0, 9.0]])
    baseline = np.array([[2.0, 5.0, 4.0, 1.0]])
    assert probability_of_improvement(teacher, baseline, lower_is_better=True) == 2.5 / 4
    assert probability_of_improvement(teacher, baseline, lower_is_better=False) == 1.5 / 4
    two_seeds = np.array([[1.0], [3.0]])
    assert probability_of_improvement(two_seeds, np.array([[2.0]]), lower_is_better=True) == 0.5


@pytest.mark.parametrize("better", [1.0, -1.0])
def test_the_share_lost_is_half_if_half_the_gain_is_gone_whichever_way_is_good(better):
    students = np.random.default_rng(2).normal(0, 0.01, size=(1, 20))
    teacher, twin, uniform = (Sample(better * (level + students)) for level in (10.0, 15.0, 20.0))
    lost = share_lost(teacher, twin, uniform)
    assert lost.value == pytest.approx(0.5)
    assert lost.ci95 == pytest.approx((0.5, 0.5))


def test_a_gain_that_is_not_certain_has_no_interval_of_what_is_lost():
    noisy = np.random.default_rng(3).normal(0, 1, size=(2, 20))
    lost = share_lost(Sample(noisy[:1] - 0.01), Sample(noisy[:1]), Sample(noisy[1:]))
    assert lost.ci95 is None
    same = Sample(noisy[:1])
    assert share_lost(same, same, same) == (None, None)


def test_what_was_not_reached_counts_at_the_limit_and_nothing_beyond_it():
    values = np.array([[3.0, np.nan, 12.0]])
    reached = np.array([[True, False, True]])
    assert censor(values, reached, 10.0).tolist() == [[3.0, 10.0, 10.0]]


def test_a_comparison_of_other_students_is_refused():
    with pytest.raises(ValueError, match="same students"):
        difference(Sample(np.ones((1, 3))), Sample(np.ones((1, 4))))
    with pytest.raises(ValueError, match="same students"):
        probability_of_improvement(np.ones((1, 3)), np.ones((1, 4)), lower_is_better=True)
    with pytest.raises(ValueError, match="finite"):
        Sample(np.array([[1.0, np.nan]]))


def resampled_at_once(values, stream):
    """The same in one piece: all weights of all resamples in memory."""
    s, m = values.shape
    students, seeds = (
        np.random.default_rng(seed).multinomial(size, np.full(size, 1.0 / size), size=RESAMPLES)
        for size, seed in (
            (m, (BOOTSTRAP_SEED, 0, m)),
            (s, (BOOTSTRAP_SEED, 1, zlib.crc32(stream.encode()))),
        )
    )
    weights = (seeds[:, :, None] * students[:, None, :]).reshape(RESAMPLES, s * m).astype(float)
    order = np.argsort(values.ravel(), kind="stable")
    ascending, end = values.ravel()[order], np.cumsum(weights[:, order], axis=1)
    total = end[:, -1:]
    inside = np.minimum(end, 0.75 * total) - np.maximum(end - weights[:, order], 0.25 * total)
    inside = np.maximum(inside, 0.0)
    return ascending[0] + (inside @ (ascending - ascending[0])) / inside.sum(axis=1)


@pytest.mark.parametrize("shape", [(1, 7), (3, 7), (1, 700), (4, 101)])
def test_blocks_of_resamples_give_the_numbers_of_the_whole(shape):
    values = np.random.default_rng(0).normal(size=shape)
    found = bootstrap_means(values, "ppo")
    # On the processors that were tried it is the same number to the bit.
    np.testing.assert_allclose(found, resampled_at_once(values, "ppo"), rtol=1e-13)


def test_students_are_drawn_once_for_all_samples(monkeypatch):
    """Each sample drew the same ones anew, which took longer than all that was done with them."""
    drawn, make = [], np.random.default_rng

    def watched(seed):
        drawn.append(seed)
        return make(seed)

    monkeypatch.setattr(np.random, "default_rng", watched)
    values = make(1).normal(size=(2, 57))
    for stream in ("a", "b", "a", "b"):
        _ = Sample(values, stream).ci95
    assert len([seed for seed in drawn if seed[1] == 0]) == 1
    assert len(drawn) == 3


def test_resamples_take_memory_by_the_block():
    """Of 3,000 lifetimes the weights alone were 48 MB, and five arrays of that size beside them."""
    values = np.random.default_rng(0).normal(size=(2, 1500))
    _ = bootstrap_means(values)
    tracemalloc.start()
    _ = bootstrap_means(values)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5e6
