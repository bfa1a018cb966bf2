"""What is furthest from its goal is trained most: shares worked out by hand and by scalar loops."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rule_views import check_rule, make_view
from scalar_rules import check_against, softmax_list

from lessonplan.teacher import (
    A5C,
    RULES,
    BaselineRatio,
    Deficit,
    Shortfall,
    StaticMixture,
    WeightedShortfall,
)

KINDS = {
    "shortfall": Shortfall(),
    "shortfall-bare": Shortfall(floor=0.0, margin=0.0, power=2.0),
    "weighted": WeightedShortfall(),
    "deficit": Deficit(),
    "deficit-bare": Deficit(floor=0.0, power=0.5),
    "a5c": A5C(),
    "a5c-cold": A5C(temperature=1e-3),
    "baseline-ratio": BaselineRatio(),
    "baseline-ratio-steep": BaselineRatio(power=16.0, floor=0.01),
}


@pytest.mark.parametrize("name", KINDS)
@settings(max_examples=15, deadline=None)
@given(
    st.integers(0, 10**6), st.integers(1, 5), st.integers(1, 6), st.booleans(),
    st.sampled_from(["full", "bandit"]),
)  # fmt: skip
def test_the_contract_of_rules_is_kept(name, seed, n, k, padded, feedback):
    check_rule(KINDS[name], seed, n, k, padded, feedback)


def now(rule, **columns):
    view = make_view(columns)
    return rule.probabilities(rule.start(*view.present.shape), view)


def test_shares_follow_what_is_missing_to_the_goal():
    """What is missing of 0.95: 0.95, 0.45, 0; with the floor 0.97, 0.47, 0.02, together 1.46."""
    columns = {"score": [[0.0, 0.5, 1.0]], "threshold": [[0.9, 0.9, 0.9]]}
    expected = [[0.97 / 1.46, 0.47 / 1.46, 0.02 / 1.46]]
    np.testing.assert_allclose(now(Shortfall(), **columns), expected)


def test_weights_go_to_their_tasks_wherever_these_stand():
    """Shortfalls 0.97, 0.47, 0.02 at places of the tasks 2, 0, 1; weights 1, 2 and 4 by task."""
    columns = {"score": [[0.0, 0.5, 1.0]], "threshold": [[0.9] * 3], "task": [[2, 0, 1]]}
    shares = np.array([4 * 0.97, 1 * 0.47, 2 * 0.02])
    mine = WeightedShortfall(weights=(1.0, 2.0, 4.0))
    np.testing.assert_allclose(now(mine, **columns), [shares / shares.sum()])
    even = WeightedShortfall(weights=(3.0, 3.0, 3.0))
    for alike in (even, WeightedShortfall()):
        np.testing.assert_allclose(now(alike, **columns), now(Shortfall(), **columns))
    # Where nothing is missing it is the static mixture.
    mastered = columns | {"score": [[1.0, 1.0, 1.0]]}
    wanted = now(StaticMixture((1.0, 2.0, 4.0)), **mastered)
    np.testing.assert_allclose(now(mine, **mastered), wanted)
    with pytest.raises(ValueError, match="WeightedShortfall has 2 weights but the suite has 3"):
        now(WeightedShortfall(weights=(1.0, 2.0)), **columns)


def test_each_task_has_the_goal_that_its_threshold_sets():
    columns = {"score": [[0.5, 0.5]], "threshold": [[0.6, 0.9]]}
    bare = Shortfall(floor=0.0, margin=0.0)
    np.testing.assert_allclose(now(bare, **columns), [[0.1 / 0.5, 0.4 / 0.5]])


def test_deficit_counts_what_is_missing_to_one():
    np.testing.assert_allclose(now(Deficit(), score=[[0.2, 1.0]]), [[0.81 / 0.82, 0.01 / 0.82]])
    # Squares of 1, 1/2 and 0.
    squared = now(Deficit(floor=0.0, power=2.0), score=[[0.0, 0.5, 1.0]])
    np.testing.assert_allclose(squared, [[0.8, 0.2, 0.0]])


@pytest.mark.parametrize("rule", [Shortfall(floor=0.0, margin=0.0), Deficit(floor=0.0)])
def test_where_nothing_is_missing_all_tasks_are_reviewed_alike(rule):
    shown = now(rule, score=[[1.0, 1.0, 1.0]], threshold=[[0.9, 0.8, 0.9]])
    np.testing.assert_allclose(shown, [[1 / 3] * 3])


@pytest.mark.parametrize(
    ("floor", "margin", "power"), [(0.02, 0.05, 1.0), (0.2, 0.0, 0.5), (0.0, 0.1, 3.0)]
)
def test_shortfall_is_the_scalar_formula(floor, margin, power):
    def scalar(seen, choices):
        shown = []
        for columns in seen:
            weights = [
                floor + max(threshold + margin - score, 0.0) ** power
                for score, threshold in zip(columns["score"], columns["threshold"], strict=True)
            ]
            shown.append([weight / sum(weights) for weight in weights])
        return shown

    check_against(scalar, Shortfall(floor=floor, margin=margin, power=power), seed=61, decisions=8)


@pytest.mark.parametrize(("floor", "power"), [(0.01, 1.0), (0.1, 2.0)])
def test_deficit_is_the_scalar_formula(floor, power):
    def scalar(seen, choices):
        shown = []
        for columns in seen:
            weights = [floor + (1.0 - score) ** power for score in columns["score"]]
            shown.append([weight / sum(weights) for weight in weights])
        return shown

    check_against(scalar, Deficit(floor=floor, power=power), seed=62, decisions=8)


@pytest.mark.parametrize("temperature", [0.05, 0.2, 2.0])
def test_a5c_is_the_published_softmax_of_relative_distances(temperature):
    def scalar(seen, choices):
        return [
            softmax_list(
                [
                    (target - score) / (target * temperature)
                    for score, target in zip(columns["score"], columns["threshold"], strict=True)
                ]
            )
            for columns in seen
        ]

    check_against(scalar, A5C(temperature=temperature), seed=63, decisions=8)


def test_a_task_at_its_baseline_gets_the_least_and_one_without_success_eleven_times_as_much():
    columns = {"score": [[0.0, 0.45, 0.9, 1.0]], "threshold": [[0.9] * 4]}
    weights = np.array([1 / 0.1, 1 / 0.6, 1 / 1.1, 1 / 1.1])
    np.testing.assert_allclose(now(BaselineRatio(), **columns), [weights / weights.sum()])
    assert weights[0] / weights[2] == pytest.approx(1 + 1 / BaselineRatio().floor)


@pytest.mark.parametrize(("power", "floor"), [(1.0, 0.1), (4.0, 0.02), (0.5, 1.0)])
def test_the_ratio_to_a_baseline_is_the_scalar_formula(power, floor):
    def scalar(seen, choices):
        shown = []
        for columns in seen:
            weights = [
                1 / (min(score / threshold, 1.0) ** power + floor)
                for score, threshold in zip(columns["score"], columns["threshold"], strict=True)
            ]
            shown.append([weight / sum(weights) for weight in weights])
        return shown

    check_against(scalar, BaselineRatio(power=power, floor=floor), seed=64, decisions=8)


@pytest.mark.parametrize("rule", [A5C(), BaselineRatio()])
def test_a_threshold_of_zero_does_no_harm(rule):
    shown = now(rule, score=[[0.0, 0.5]], threshold=[[0.0, 0.9]])
    assert np.isfinite(shown).all()


def test_they_are_registered_as_rules_that_mix_and_see_no_order():
    kinds = {
        "shortfall": Shortfall,
        "weighted_shortfall": WeightedShortfall,
        "deficit": Deficit,
        "a5c": A5C,
        "baseline_ratio": BaselineRatio,
    }
    for name, kind in kinds.items():
        assert RULES[name] is kind
        assert (kind.kind, kind.mixes, kind.sees_order, kind.published) == (
            "rule", True, False, False,
        )  # fmt: skip


def test_defaults_are_those_that_learned_teachers_lean_on():
    assert (Shortfall().floor, Shortfall().margin, Shortfall().power) == (0.02, 0.05, 1.0)
    assert (Deficit().floor, Deficit().power) == (0.01, 1.0)


@pytest.mark.parametrize("kind", [Shortfall, Deficit, A5C, BaselineRatio])
def test_every_point_of_a_grid_is_a_rule_and_the_defaults_are_among_them(kind):
    for values in itertools.product(*kind.tuning.values()):
        kind(**dict(zip(kind.tuning, values, strict=True)))
    assert all(getattr(kind(), name) in values for name, values in kind.tuning.items())


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: Shortfall(floor=-0.1), "floor"),
        (lambda: Shortfall(margin=2.0), "margin"),
        (lambda: Shortfall(power=0.0), "power"),
        (lambda: Shortfall(power=float("nan")), "power"),
        (lambda: WeightedShortfall(weights=(1.0, -1.0)), "weights"),
        (lambda: WeightedShortfall(floor=2.0), "floor"),
        (lambda: Deficit(floor=float("inf")), "floor"),
        (lambda: Deficit(power=-1.0), "power"),
        (lambda: A5C(temperature=0.0), "temperature"),
        (lambda: BaselineRatio(floor=0.0), "floor"),
        (lambda: BaselineRatio(power=1e3), "power"),
    ],
)
def test_a_wrong_parameter_is_named(make, name):
    with pytest.raises(ValueError, match=name):
        make()
