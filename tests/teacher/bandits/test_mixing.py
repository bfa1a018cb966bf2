"""DynamixSFT and DoReMi against scalar loops written from the published formulas."""

import math

import numpy as np
import pytest
from rule_views import make_view
from scalar_rules import check_against, explored, softmax_list

from lessonplan.teacher import DoReMi, DynamixSFT


@pytest.mark.parametrize("feedback", ["full", "bandit"])
@pytest.mark.parametrize(
    ("sharpness", "smoothing", "epsilon"), [(4.0, 0.95, 0.3), (10.0, 0.0, 0.1), (1.0, 0.5, 0.0)]
)
def test_dynamix_scales_data_shares_by_smoothed_falls_of_loss(
    sharpness, smoothing, epsilon, feedback
):
    def scalar(seen, choices):
        k = len(seen[0]["loss"])
        values, before, shown = [0.0] * k, [None] * k, []
        for t, columns in enumerate(seen):
            if t:
                falls = {
                    task: (before[task] - columns["loss"][task]) / (before[task] + 1e-8)
                    for task in range(k)
                    if columns["measured"][task] and before[task] is not None
                }
                low, high = (min(falls.values()), max(falls.values())) if falls else (0, 0)
                for task, fall in falls.items():
                    reward = (fall - low) / (high - low) if high > low else 0.0
                    values[task] = smoothing * values[task] + (1 - smoothing) * reward
            for task in range(k):
                if columns["measured"][task]:
                    before[task] = columns["loss"][task]
            weights = [
                size * math.exp(sharpness * value)
                for size, value in zip(columns["size"], values, strict=True)
            ]
            shown.append(explored([weight / sum(weights) for weight in weights], epsilon))
        return shown

    rule = DynamixSFT(sharpness=sharpness, smoothing=smoothing, epsilon=epsilon)
    check_against(scalar, rule, seed=71, feedback=feedback)


def test_dynamix_begins_at_the_data_shares_and_has_the_published_defaults():
    rule = DynamixSFT()
    assert (rule.epsilon, rule.smoothing, rule.sharpness) == (0.3, 0.95, 4.0)
    view = make_view({"size": [[0.8, 0.2]], "loss": [[1.0, 1.0]]})
    np.testing.assert_allclose(rule.probabilities(rule.start(1, 2), view), [[0.71, 0.29]])


def test_dynamix_takes_data_shares_as_equal_where_none_has_a_size():
    view = make_view({"size": [[0.0, 0.0]], "loss": [[1.0, 1.0]]})
    rule = DynamixSFT()
    np.testing.assert_allclose(rule.probabilities(rule.start(1, 2), view), [[0.5, 0.5]])


@pytest.mark.parametrize("feedback", ["full", "bandit"])
@pytest.mark.parametrize(
    ("learning_rate", "epsilon", "goal"), [(1.0, 1e-3, 0.1), (0.1, 0.2, 0.5), (0.01, 0.1, 0.0)]
)
def test_doremi_raises_weights_by_what_exceeds_the_reference(
    learning_rate, epsilon, goal, feedback
):
    def scalar(seen, choices):
        k = len(seen[0]["loss"])
        weights, first, last, shown = [1 / k] * k, {}, {}, []
        for t, columns in enumerate(seen):
            for task in range(k):
                if columns["measured"][task]:
                    last[task] = columns["loss"][task]
                    first.setdefault(task, last[task])
            if t:
                excess = [
                    max(last[task] - goal * first[task], 0) if task in last else 0
                    for task in range(k)
                ]
                logs = [
                    math.log(weight) + learning_rate * over
                    for weight, over in zip(weights, excess, strict=True)
                ]
                weights = explored(softmax_list(logs), epsilon)
            shown.append(weights)
        return shown

    rule = DoReMi(learning_rate=learning_rate, epsilon=epsilon, goal=goal)
    check_against(scalar, rule, seed=72, feedback=feedback)


@pytest.mark.parametrize("rule", [DoReMi(learning_rate=0.1), DynamixSFT(smoothing=0.5)])
def test_what_each_of_them_looks_for_gets_the_most(rule):
    """The third task stays far above its reference, or its loss falls most."""
    losses = np.array([[1.0, 1.0, 1.0]])
    memory = rule.start(1, 3)
    for decision in range(1, 12):
        losses = losses * ([0.2, 0.3, 0.9] if isinstance(rule, DoReMi) else [0.99, 0.95, 0.7])
        view = make_view({"loss": losses, "size": np.ones((1, 3))}, [0], decision)
        memory = rule.observe(memory, view)
    assert rule.probabilities(memory, view)[0].argmax() == 2
