import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lessonplan.experiments.analysis.statistics import (
    BOOTSTRAP_SEED,
    HIGHEST,
    LOWEST,
    MIDDLE,
    RESAMPLES,
    Sample,
    bootstrap_means,
    censor,
    difference,
    holm,
    interquartile_mean,
    partial_mean,
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
    m = values.shape[1]
    means = bootstrap_means(values, n_resamples=4, seed=seed)
    students = np.random.default_rng((seed, 0, m)).multinomial(m, [1 / m] * m, size=4)
    for i in range(4):
        drawn = np.repeat(values, students[i], axis=1)
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


def test_where_students_are_alike_the_interval_is_students_t_of_the_seeds():
    """Without one seed the interquartile means are 0.5, 0 and -0.5; t with 2 degrees is 4.303."""
    offsets = np.array([[-1.0], [0.0], [1.0]])
    error = np.sqrt(2 / 3 * (0.5**2 + 0.5**2))
    assert Sample(offsets + np.zeros((3, 50))).ci95 == pytest.approx(
        (-4.303 * error, 4.303 * error), rel=0.01
    )
    flat = Sample(np.zeros((3, 50)))
    assert flat.ci95 == (0.0, 0.0)


def test_what_can_not_be_negative_has_no_interval_that_is():
    low, high = Sample(np.array([[1.0], [9.0]]) + np.zeros((2, 30))).ci95
    assert low == 0.0
    assert high > 30.0


def test_seeds_that_came_to_the_same_add_nothing_to_the_interval_of_students():
    """Three copies of one seed are that seed."""
    row = np.random.default_rng(4).normal(size=(1, 64))
    assert Sample(np.tile(row, (3, 1))).ci95 == pytest.approx(Sample(row).ci95, rel=0.02)


def test_a_difference_of_the_same_seeds_has_no_part_of_what_they_share():
    """A replay that is 2 worse than each seed of its teacher is surely 2 worse."""
    values = np.array([[0.0], [5.0], [9.0]]) + np.random.default_rng(5).normal(size=(3, 40))
    same = difference(Sample(values + 2.0, "ppo"), Sample(values, "ppo"))
    assert same.ci95 == pytest.approx((2.0, 2.0))
    low, high = difference(Sample(values + 2.0, "ppo"), Sample(values, "other")).ci95
    assert low < -5.0 < 9.0 < high


def a_table(stream, students, seeds, spread, level):
    """Values (s, m): of seeds, of students that both teachers have, and of each lifetime."""
    own = spread * stream.normal(size=(seeds, 1)) if seeds > 1 else 0.0
    return level + own + students + stream.normal(size=(seeds, students.shape[1]))


def coverage(seeds, spread, baseline_seeds, repeats):
    """How often intervals of a mean, a difference and a ratio hold the truth, (3,)."""
    stream, held = np.random.default_rng(7), np.zeros(3)
    for i in range(repeats):
        students = stream.normal(size=(1, 64))
        mine, theirs = (
            Sample(a_table(stream, students, s, spread, level), name, n_resamples=500, seed=i % 4)
            for name, s, level in (("a", seeds, 10.0), ("b", baseline_seeds, 12.0))
        )
        found = (mine.ci95, difference(mine, theirs).ci95, ratio(mine, theirs).ci95)
        truth = (10.0, -2.0, 10.0 / 12.0)
        held += [low <= true <= high for (low, high), true in zip(found, truth, strict=True)]
    return held / repeats


CASES = [(1, 0.0, 1), (3, 0.0, 1), (3, 0.5, 3), (5, 0.0, 5), (5, 0.5, 1)]


@pytest.mark.parametrize(("seeds", "spread", "baseline_seeds"), CASES)
def test_intervals_hold_the_truth_about_as_often_as_they_say(seeds, spread, baseline_seeds):
    """64 students; seeds alike, or apart by half of what students are."""
    assert (coverage(seeds, spread, baseline_seeds, 30) >= 0.8).all()


@pytest.mark.slow
@pytest.mark.parametrize(("seeds", "spread", "baseline_seeds"), CASES)
def test_intervals_of_few_seeds_hold_the_truth_in_95_of_100_runs(seeds, spread, baseline_seeds):
    found = coverage(seeds, spread, baseline_seeds, 2000)
    assert ((found >= 0.93) & (found <= 0.99)).all(), found


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
    a, b = Sample(first[:, :m], "a", n_resamples=50), Sample(second[:, :m], "b", n_resamples=50)
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
    assert ratio(one, zero)[:2] == (None, None)
    # The baseline's mean is above 0, but some of its resamples are not.
    rare = Sample(np.array([[0.0, 0.0, 1.0, 1.0]]))
    assert ratio(one, rare).value == 2.0
    assert ratio(one, rare).ci95 is None


def test_a_ratio_of_few_seeds_that_differ_much_stays_above_nothing():
    costs = np.array([[1.0], [3.0], [20.0]]) + np.random.default_rng(6).uniform(size=(3, 20))
    low, high = ratio(Sample(costs, "a"), Sample(np.full((1, 20), 4.0), "b")).ci95
    assert 0.0 < low < 1.0 < high


def test_the_worst_tenth_is_what_one_computes_by_hand():
    costs = np.arange(1.0, 21.0)
    assert partial_mean(costs, HIGHEST) == 19.5
    assert partial_mean(costs, LOWEST) == 1.5
    # Of 25 values the last two and half of the third from the end.
    assert partial_mean(np.arange(25.0), HIGHEST) == pytest.approx((24 + 23 + 22 / 2) / 2.5)
    sample = Sample(np.random.default_rng(0).normal(size=(1, 400)), part=HIGHEST)
    assert sample.mean == pytest.approx(np.sort(sample.values.ravel())[-40:].mean())
    assert sample.ci95[0] < sample.mean < sample.ci95[1]
    assert sample.of_part(MIDDLE).mean == interquartile_mean(sample.values)


def test_the_p_value_of_a_difference_is_small_only_where_its_interval_excludes_nothing():
    students = np.random.default_rng(1).normal(size=(1, 60))
    noise = np.random.default_rng(2).normal(size=(1, 60))
    for gap in (0.0, 0.1, 0.3, 1.0):
        found = difference(Sample(students + gap + noise, "a"), Sample(students, "b"))
        low, high = found.ci95
        assert (found.p < 0.049) == (not low <= 0.0 <= high) or 0.045 < found.p < 0.055
    assert found.p == pytest.approx(2 / (RESAMPLES + 1))


def test_several_comparisons_are_read_at_one_level_by_holm():
    """The example of Holm's step-down: 0.01 * 4, 0.02 * 3 (above it), 0.03 * 2, 0.04 * 1."""
    found = holm({"d": 0.04, "a": 0.01, "b": 0.02, "c": 0.03})
    assert list(found) == ["d", "a", "b", "c"]
    assert [found[name] for name in "abcd"] == pytest.approx([0.04, 0.06, 0.06, 0.06])
    assert holm({"a": 0.6, "b": 0.7}) == {"a": 1.0, "b": 1.0}
    assert holm({}) == {}


@given(st.dictionaries(st.text(min_size=1), st.floats(0.0, 1.0), min_size=1, max_size=6))
def test_holm_rejects_what_its_definition_rejects(p_values):
    """Hypotheses in the order of p are rejected until one is above level / how many are left."""
    level, rejected = 0.05, set()
    for i, name in enumerate(sorted(p_values, key=p_values.get)):
        if p_values[name] * (len(p_values) - i) > level:
            break
        rejected.add(name)
    assert {name for name, p in holm(p_values).items() if p <= level} == rejected


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
    assert share_lost(same, same, same)[:2] == (None, None)


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


def resampled_at_once(values):
    """The same in one piece: all weights of all resamples in memory."""
    s, m = values.shape
    generator = np.random.default_rng((BOOTSTRAP_SEED, 0, m))
    students = generator.multinomial(m, np.full(m, 1.0 / m), size=RESAMPLES)
    weights = np.tile(students, (1, s)).astype(float)
    order = np.argsort(values.ravel(), kind="stable")
    ascending, end = values.ravel()[order], np.cumsum(weights[:, order], axis=1)
    total = end[:, -1:]
    inside = np.minimum(end, 0.75 * total) - np.maximum(end - weights[:, order], 0.25 * total)
    inside = np.maximum(inside, 0.0)
    return ascending[0] + (inside @ (ascending - ascending[0])) / inside.sum(axis=1)


@pytest.mark.parametrize("shape", [(1, 7), (3, 7), (1, 700), (4, 101)])
def test_blocks_of_resamples_give_the_numbers_of_the_whole(shape):
    values = np.random.default_rng(0).normal(size=shape)
    found = bootstrap_means(values)
    # On the processors that were tried it is the same number to the bit.
    np.testing.assert_allclose(found, resampled_at_once(values), rtol=1e-13)


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


def test_resamples_take_memory_by_the_block():
    """Of 3,000 lifetimes the weights alone were 48 MB, and five arrays of that size beside them."""
    values = np.random.default_rng(0).normal(size=(2, 1500))
    _ = bootstrap_means(values)
    tracemalloc.start()
    _ = bootstrap_means(values)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5e6
