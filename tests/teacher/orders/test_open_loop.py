"""A schedule that looks at nothing: knots, what lies between them, and what is refused."""

import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rule_rooms import vec_env
from rule_views import check_rule, make_view
from scalar_rules import softmax_list

from lessonplan.teacher import RULES, OpenLoop, RuleTeacher, StaticMixture, save_teacher
from lessonplan.teacher.learners import load_teacher

THREE = OpenLoop(((0.0, 1.0), (2.0, -1.0), (0.0, 0.0)), horizon=10)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(1, 6), st.integers(1, 4))
def test_the_contract_of_rules_is_kept(seed, n, k, m):
    weights = np.random.default_rng(seed).normal(size=(m, k))
    check_rule(OpenLoop(weights.tolist(), horizon=4), seed, n, k, padded=False)


def now(rule, decision, task=((0, 1),), **columns):
    view = make_view({"task": task, **columns}, decision=decision)
    return rule.probabilities(rule.start(*view.present.shape), view)


@pytest.mark.parametrize(
    ("decision", "weights"),
    [
        (0, [0.0, 1.0]),
        # Knots stand at 0, 5 and 10.
        (1, [0.4, 0.6]),
        (5, [2.0, -1.0]),
        (8, [0.8, -0.4]),
        (10, [0.0, 0.0]),
        (400, [0.0, 0.0]),
    ],
)
def test_log_weights_lie_linearly_between_knots_and_stay_after_the_last(decision, weights):
    np.testing.assert_allclose(now(THREE, decision), [softmax_list(weights)])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(0, 40), st.floats(0.5, 50))
def test_the_schedule_is_that_of_numpy(seed, m, decision, horizon):
    weights = np.random.default_rng(seed).normal(size=(m, 3))
    knots = np.linspace(0, horizon, m) if m > 1 else [0.0]
    between = [np.interp(decision, knots, column) for column in weights.T]
    shown = now(OpenLoop(weights.tolist(), horizon), decision, task=[[0, 1, 2]])
    np.testing.assert_allclose(shown, [softmax_list(between)])


def test_with_one_knot_it_is_a_static_mixture():
    logs = [math.log(share) for share in (0.2, 0.3, 0.5)]
    for decision in (0, 7):
        np.testing.assert_allclose(
            now(OpenLoop([logs], horizon=3), decision, task=[[2, 0, 1]]),
            now(StaticMixture((0.2, 0.3, 0.5)), decision, task=[[2, 0, 1]]),
        )


def test_weights_follow_their_tasks_to_where_they_stand_beside_empty_places():
    shown = now(THREE, 0, task=[[1, 0, 0]], present=[[1, 1, 0]])
    first, second = softmax_list([0.0, 1.0])
    np.testing.assert_allclose(shown, [[second, first, 0.0]])


def test_students_of_different_age_are_at_different_places_of_the_schedule():
    view = make_view({"task": [[0, 1], [0, 1]]}, decision=[0, 5])
    np.testing.assert_allclose(
        THREE.probabilities({}, view), [softmax_list([0.0, 1.0]), softmax_list([2.0, -1.0])]
    )


def test_it_is_a_ceiling_and_sees_no_score():
    assert RULES["open_loop"] is OpenLoop
    assert (OpenLoop.kind, OpenLoop.mixes, OpenLoop.published) == ("ceiling", True, False)
    assert OpenLoop.needs == ("task",)


def test_it_survives_a_pickle_and_a_file(tmp_path):
    rule = OpenLoop([[0, 1, 2], [1, 0, 0]], horizon=4)
    assert pickle.loads(pickle.dumps(rule)) == rule
    env = vec_env(rule, n=2)
    save_teacher(RuleTeacher(rule, env), tmp_path / "loop.zip")
    assert load_teacher(tmp_path / "loop.zip", env).rule == rule


@pytest.mark.parametrize(
    ("weights", "horizon", "message"),
    [
        ((), 3, "m knots of k log-weights"),
        (((),), 3, "m knots of k log-weights"),
        ((0.0, 1.0), 3, "m knots of k log-weights"),
        (((0.0, 1.0), (0.0,)), 3, r"2 knots of \[2, 1\]"),
        (((0.0, float("nan")),), 3, "weights must be log-weights in"),
        (((0.0, 1e9),), 3, "weights must be log-weights in"),
        (((0.0, 1.0),), 0, "horizon must be above 0"),
    ],
)
def test_a_schedule_that_is_none_is_refused(weights, horizon, message):
    with pytest.raises(ValueError, match=message):
        OpenLoop(weights, horizon)


def test_a_schedule_for_another_suite_is_refused():
    with pytest.raises(ValueError, match="2 weights a knot but the suite has 3 tasks"):
        now(THREE, 0, task=[[0, 1, 2]])
