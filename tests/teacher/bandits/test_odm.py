"""Online Data Mixing against scalar loops written from the released rules."""

import math

import numpy as np
import pytest
from rule_views import make_view
from scalar_rules import check_against, softmax_list

from lessonplan.teacher import ODM, ODMExp3, ODMMixed


def exploration(k, t):
    """eps_t of the released code."""
    return 1 / k if t == 0 else min(1 / k, math.sqrt(math.log(k) / (k * t)))


def mixed(shares, epsilon):
    return [(1 - len(shares) * epsilon) * share + epsilon for share in shares]


def gibbs(rewards, t):
    k = len(rewards)
    before = exploration(k, max(t - 1, 0))
    return mixed(softmax_list([before * reward for reward in rewards]), exploration(k, t))


@pytest.mark.parametrize("smoothing", [0.9, 0.0, 0.5])
def test_odm_is_a_gibbs_distribution_of_smoothed_exponentials(smoothing):
    def scalar(seen, choices):
        rewards, shown = [0.0] * len(seen[0]["loss"]), []
        for t, (columns, choice) in enumerate(zip(seen, choices, strict=True)):
            if t:
                rewards[choice] *= smoothing
                rewards[choice] += (1 - smoothing) * math.exp(columns["loss"][choice])
            shown.append(gibbs(rewards, t))
        return shown

    check_against(scalar, ODM(smoothing=smoothing), seed=41, decisions=40)


@pytest.mark.parametrize("smoothing", [0.9, 0.0, 0.5])
def test_mixed_odm_moves_every_reward_and_shares_without_an_exponential(smoothing):
    def scalar(seen, choices):
        k = len(seen[0]["loss"])
        rewards, shown = [0.0] * k, []
        for t, columns in enumerate(seen):
            if t:
                rewards = [
                    smoothing * reward + (1 - smoothing) * math.exp(loss)
                    for reward, loss in zip(rewards, columns["loss"], strict=True)
                ]
            shares = [reward / sum(rewards) for reward in rewards] if t else [1 / k] * k
            shown.append(mixed(shares, exploration(k, t)))
        return shown

    check_against(scalar, ODMMixed(smoothing=smoothing), seed=42, decisions=40)
    assert ODMMixed.mixes
    assert not ODM.mixes


@pytest.mark.parametrize("scale", [10.0, 1.0])
def test_the_exp3_updater_weighs_losses_by_how_likely_the_choice_was(scale):
    def scalar(seen, choices):
        rewards, shown = [0.0] * len(seen[0]["loss"]), []
        for t, (columns, choice) in enumerate(zip(seen, choices, strict=True)):
            if t:
                rewards[choice] += columns["loss"][choice] / scale / shown[-1][choice]
            shown.append(gibbs(rewards, t))
        return shown

    check_against(scalar, ODMExp3(scale=scale), seed=43, decisions=40)


def test_the_defaults_are_those_of_the_released_code():
    assert ODM().smoothing == ODMMixed().smoothing == 0.9
    assert ODMExp3().scale == 10.0


@pytest.mark.parametrize("rule", [ODM(), ODMMixed()])
def test_the_task_with_the_highest_loss_is_trained_most(rule):
    memory, losses = rule.start(1, 3), np.array([[0.5, 3.0, 1.0]])
    for decision in range(1, 100):
        view = make_view({"loss": losses}, [decision % 3], decision)
        memory = rule.observe(memory, view)
    assert rule.probabilities(memory, view)[0].argsort().tolist() == [0, 2, 1]
