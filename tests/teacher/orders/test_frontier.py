"""The frontier with review: groups worked out by hand."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rule_views import check_rule, make_view

from lessonplan.teacher import RULES, Frontier

KINDS = {"frontier": Frontier(), "frontier-bare": Frontier(low=0.3, review=0.0, ahead=0.0)}


@pytest.mark.parametrize("name", KINDS)
@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(1, 6), st.booleans())
def test_the_contract_of_rules_is_kept(name, seed, n, k, padded):
    check_rule(KINDS[name], seed, n, k, padded)


def now(rule, scores, **columns):
    columns = {"score": [scores], "threshold": [[0.9] * len(scores)], **columns}
    return rule.probabilities({}, make_view(columns))[0]


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        # Review 0.1 on one mastered task; of the rest 0.2 ahead, 0.8 on the two that are begun.
        ([0.95, 0.5, 0.2, 0.0], [0.1, 0.36, 0.36, 0.18]),
        # Nothing is mastered: nothing to review.
        ([0.5, 0.0, 0.0, 0.0], [0.8, 0.2 / 3, 0.2 / 3, 0.2 / 3]),
        # Nothing is begun: all but the review goes to what is untouched.
        ([1.0, 1.0, 0.0, 0.0], [0.05, 0.05, 0.45, 0.45]),
        # Nothing is untouched.
        ([1.0, 0.5, 0.5, 0.5], [0.1, 0.3, 0.3, 0.3]),
        ([1.0, 1.0, 1.0, 1.0], [0.25] * 4),
        ([0.0, 0.0, 0.0, 0.0], [0.25] * 4),
    ],
)
def test_three_groups_share_what_there_is(scores, expected):
    np.testing.assert_allclose(now(Frontier(), scores), expected)


def test_absent_tasks_belong_to_no_group():
    shown = now(Frontier(), [0.95, 0.5, 0.0, 0.0], present=[[1, 1, 0, 0]])
    np.testing.assert_allclose(shown, [0.1, 0.9, 0, 0])


def test_scores_that_float32_rounds_down_are_at_their_limits():
    scores = [float(np.float32(0.9)), float(np.float32(0.1)), 0.0]
    np.testing.assert_allclose(now(Frontier(), scores), [0.1, 0.72, 0.18])


def test_it_is_a_rule_that_mixes_and_is_not_told_the_order():
    assert RULES["frontier"] is Frontier
    assert (Frontier.kind, Frontier.mixes, Frontier.published) == ("rule", True, False)
    assert Frontier.needs == ("score", "threshold")


def test_every_point_of_the_grid_is_a_rule_and_the_defaults_are_among_them():
    for values in itertools.product(*Frontier.tuning.values()):
        Frontier(**dict(zip(Frontier.tuning, values, strict=True)))
    assert all(getattr(Frontier(), name) in values for name, values in Frontier.tuning.items())


@pytest.mark.parametrize("name", ["low", "review", "ahead"])
def test_a_wrong_parameter_is_named(name):
    with pytest.raises(ValueError, match=name):
        Frontier(**{name: 1.5})
