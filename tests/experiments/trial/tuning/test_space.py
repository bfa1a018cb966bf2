"""Which parameters tuning tries: ranges of numbers, listed values, and mixtures of tasks."""

import math

import numpy as np
import pytest
from tiny_config import CONFIG

from lessonplan.experiments.config.loading import make_config
from lessonplan.experiments.trial.checking import check
from lessonplan.experiments.trial.tuning import example_settings, space_of
from lessonplan.experiments.trial.tuning.parameters import Range, Schedule, parameter_of
from lessonplan.teacher import InOrder

WEIGHTS = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
MIXTURE = {"name": "mine", "rule": "static_mixture", "grid": {"weights": WEIGHTS}}


def space(teacher, longest=200):
    """The space of a teacher that a config accepts; every setting it has been checked with."""
    config = make_config(CONFIG | {"teachers": [teacher]})
    suite = check(config)
    return space_of(config.teachers[0], suite, longest)


def test_a_grid_alone_is_enough_where_it_fills_what_the_rule_can_not_be_made_without():
    # A static mixture has no default weights.
    mine = space(MIXTURE)
    assert mine.untuned is None
    assert list(mine.settings()) == [{"weights": weights} for weights in WEIGHTS]
    first = {"weights": [1, 1, 1]}
    assert space(MIXTURE | {"parameters": first}).untuned == first


@pytest.mark.parametrize(
    ("more", "tune"), [({}, True), ({"tune": False}, False), ({"type": "rule"}, True)]
)
def test_a_grid_that_is_written_is_tried_unless_tuning_is_turned_off(more, tune):
    teacher = {"name": "mine", "rule": "in_order", "grid": {"gate": [0.5]}} | more
    assert make_config({"teachers": [teacher]}).teachers[0].tune is tune


def test_a_rule_without_a_grid_is_not_tuned_unless_it_is_asked_for():
    assert not make_config({"teachers": ["in-order"]}).teachers[0].tune


@pytest.mark.parametrize(
    ("teacher", "single"),
    [
        ({"rule": "uniform", "tune": True}, True),
        ({"rule": "in_order", "grid": {"gate": [0.9]}}, True),
        ({"rule": "in_order", "grid": {"gate": [0.5]}}, False),
        ({"rule": "in_order", "grid": {"gate": [0.5]}, "parameters": {"gate": 0.5}}, True),
        ({"rule": "static_mixture", "grid": {"weights": WEIGHTS[:1]}}, True),
        ({"rule": "static_mixture", "tune": True}, False),
        ({"rule": "in_order", "tune": True}, False),
    ],
)
def test_that_there_is_nothing_to_tune_is_said(teacher, single, capsys):
    assert space({"name": "mine"} | teacher).is_single == single
    said = "teacher 'mine' has nothing to tune" in capsys.readouterr().err
    assert said == single


def test_a_grid_without_values_is_refused():
    teacher = {"name": "mine", "rule": "in_order", "grid": {"gate": []}}
    with pytest.raises(ValueError, match=r"teachers.mine.grid.gate: write a list of values"):
        make_config({"teachers": [teacher]})


@pytest.mark.parametrize(
    ("values", "at_ends", "size"),
    [
        ([0.5, 0.9, 0.7], (0.5, 0.9), math.inf),
        ([0.5, 0.9], (0.5, 0.9), 2),
        ([0.5, 0.5, 0.5], (0.5, 0.5), 1),
        ([3, 9, 5], (3, 9), 7),
        ([True, False, True], (True, False), 2),
        (["greedy", "proportional", "none"], ("greedy", "none"), 3),
        ([1, None, 3, 4], (1, 4), 4),
    ],
)
def test_three_numbers_of_a_config_are_a_range_and_all_else_is_what_it_lists(values, at_ends, size):
    found = parameter_of(values, least=3)
    axes = len(found.steps)
    assert tuple(found.value(np.full(axes, place)) for place in (0.0, 1.0)) == at_ends
    assert (math.inf if found.values is None else len(found.values)) == size


def test_two_numbers_of_a_rules_own_are_a_range():
    assert parameter_of((0.5, 0.9), least=2) == Range(0.5, 0.9)


def test_numbers_that_lie_far_apart_are_searched_by_their_ratio():
    by_ratio, evenly = parameter_of([0.01, 0.1, 1.0], 3), parameter_of([0.2, 0.5, 1.0], 3)
    assert by_ratio.value(np.array([0.5])) == pytest.approx(0.1)
    assert evenly.value(np.array([0.5])) == pytest.approx(0.6)
    assert parameter_of([1, 10, 100], 3).value(np.array([0.5])) == 10
    # Whole numbers that lie evenly have a place each.
    assert Range(3, 7, whole=True).steps == (0.25,)
    assert [Range(3, 7, whole=True).value(np.array([i / 4])) for i in range(5)] == [3, 4, 5, 6, 7]
    # No rounding leads out of a range.
    assert Range(0.1, 0.123456789).value(np.array([1.0])) <= 0.123456789


def test_a_rules_own_grid_is_a_range_of_each_parameter():
    mine = space({"name": "mine", "rule": "in_order", "tune": True})
    low, high = mine.setting(np.zeros(2)), mine.setting(np.ones(2))
    assert low == {name: min(values) for name, values in InOrder.tuning.items()}
    assert high == {name: max(values) for name, values in InOrder.tuning.items()}
    assert mine.untuned == {}
    assert mine.key({}) == mine.key({"gate": 0.9}) != mine.key({"gate": 0.8})


def test_a_weighted_shortfall_is_looked_for_among_weights_and_what_shortfall_has():
    mine = space({"name": "mine", "rule": "weighted_shortfall", "tune": True})
    plain = space({"name": "mine", "rule": "shortfall", "tune": True})
    assert set(mine.parameters) == {*plain.parameters, "weights"}
    assert mine.untuned["weights"] == [1 / 3] * 3
    setting = mine.setting(np.full(len(mine.steps), 0.5))
    assert len(setting["weights"]) == 3
    assert set(setting) == set(mine.parameters)


def test_a_static_mixture_without_a_grid_is_looked_for_among_all():
    mine = space({"name": "mine", "rule": "static_mixture", "tune": True})
    assert mine.untuned == {"weights": [1 / 3] * 3}
    # In the middle of the space all log-weights are 0; along an axis they go to 4 and -4.
    assert mine.setting(np.full(3, 0.5))["weights"] == pytest.approx([1 / 3] * 3, abs=1e-6)
    found = mine.setting(np.array([1.0, 0.5, 0.0]))["weights"]
    weights = np.exp([4.0, 0.0, -4.0])
    np.testing.assert_allclose(found, weights / weights.sum(), rtol=1e-5)


def test_a_schedule_has_weights_at_each_knot_and_a_horizon():
    mine = space({"name": "mine", "rule": "open_loop", "tune": True}, longest=200)
    # Four knots of three tasks, and the horizon.
    assert len(mine.steps) == 4 * 3 + 1
    low, high = mine.setting(np.zeros(13)), mine.setting(np.ones(13))
    assert low == {"weights": [[-4.0] * 3] * 4, "horizon": 10.0}
    assert high == {"weights": [[4.0] * 3] * 4, "horizon": 200.0}
    two = {"name": "mine", "rule": "open_loop", "tune": True}
    two["parameters"] = {"weights": [[0.0] * 3] * 2, "horizon": 50.0}
    assert len(space(two).steps) == 2 * 3 + 1
    assert space(two).untuned == two["parameters"]


def test_a_schedule_is_looked_for_around_the_true_order():
    # Task 2 comes first, then 0, then 1; at the second of three knots the middle one is ahead.
    around = np.reshape(Schedule(3, (2, 0, 1)).start, (3, 3))
    log_weights = 4.0 * (2.0 * around - 1.0)
    np.testing.assert_allclose(log_weights, [[0, -1, 1], [1, 0, 0], [0, 1, -1]], atol=1e-12)


def test_a_check_sees_every_listed_value_and_both_ends_of_ranges():
    grid = {"gate": [0.2, 0.4, 0.6], "review": [0.0, 0.1]}
    seen = example_settings(space({"name": "mine", "rule": "in_order", "grid": grid}))
    assert {one.get("review") for one in seen} == {None, 0.0, 0.1}
    assert {0.2, 0.6} <= {one.get("gate") for one in seen}
    with pytest.raises(ValueError, match="review must be"):
        space({"name": "mine", "rule": "in_order", "grid": {"review": [0.0, 7.0]}})
