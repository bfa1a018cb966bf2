"""Orders that are variants of others: the true order from its end, data size with a temperature."""

import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rule_views import check_rule, make_view

from lessonplan.teacher.orders.plain import InOrder, Proportional, Reverse, TemperatureScaled

RULES = {
    "temperature": TemperatureScaled(),
    "reverse": Reverse(),
    "reverse-review": Reverse(gate=0.5, review=0.3),
}


@pytest.mark.parametrize("name", RULES)
@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(1, 6), st.booleans())
def test_every_variant_keeps_the_contract_of_rules(name, seed, n, k, padded):
    check_rule(RULES[name], seed, n, k, padded)


@pytest.mark.parametrize("rule", [Reverse, TemperatureScaled])
def test_every_point_of_the_tuning_grid_of_a_variant_is_a_rule(rule):
    for values in itertools.product(*rule.tuning.values()):
        chosen = rule(**dict(zip(rule.tuning, values, strict=True)))
        assert pickle.loads(pickle.dumps(chosen)) == chosen


def test_reverse_sees_the_order_as_the_true_order_does():
    assert Reverse.sees_order
    assert Reverse.needs == InOrder.needs
    assert not TemperatureScaled.sees_order


def now(rule, columns, **kwargs):
    """Probabilities of a memoryless rule, (n, k)."""
    view = make_view(columns, **kwargs)
    return rule.probabilities(rule.start(*view.present.shape), view)


def ordered(scores):
    return {"score": [scores], "order": [[2, 0, 1, 3]], "threshold": np.full((1, 4), 0.9)}


def test_temperature_scaled_sampling_takes_fifth_roots_of_the_data():
    size = {"size": [[32, 1, 243]]}
    np.testing.assert_allclose(now(TemperatureScaled(), size), [[2 / 6, 1 / 6, 3 / 6]])
    assert (TemperatureScaled.published, Proportional.published) == (True, False)


@pytest.mark.parametrize("review", [0.0, 0.4])
@pytest.mark.parametrize(
    ("gate", "scores", "current", "reviewed"),
    [
        # Standing order: tasks 1, 2, 0, 3.
        (0.9, [0.0, 0.0, 0.0, 0.0], [0, 0, 0, 1], None),
        (0.9, [0.0, 0.0, 0.0, 0.95], [1, 0, 0, 0], [0, 0, 0, 1]),
        (0.9, [0.95, 0.0, 0.0, 0.95], [0, 0, 1, 0], [0.5, 0, 0, 0.5]),
        (0.5, [0.8, 0.6, 0.6, 0.95], [1, 0, 0, 0], [0, 0, 0, 1]),
        (0.9, [0.95, 0.9, 1.0, 0.95], [0.25, 0.25, 0.25, 0.25], None),
    ],
)
def test_reverse_trains_the_highest_task_below_the_gate(gate, scores, current, reviewed, review):
    expected = np.array(current, dtype=float)
    if reviewed:
        expected = (1 - review) * expected + review * np.array(reviewed)
    shown = now(Reverse(gate=gate, review=review), ordered(scores))
    np.testing.assert_allclose(shown, [expected])
    places = [3, 1, 0, 2]
    shown = now(Reverse(gate=gate, review=review), ordered(scores), places=places)
    np.testing.assert_allclose(shown, [expected[places]])


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: Reverse(gate=-0.1), "gate"),
        (lambda: Reverse(review=1.1), "review"),
        (lambda: TemperatureScaled(temperature=-1.0), "temperature"),
    ],
)
def test_a_wrong_parameter_of_a_variant_is_named(make, name):
    with pytest.raises(ValueError, match=name):
        make()
