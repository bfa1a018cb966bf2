"""A rule for where nothing is tuned: its least gain over the cheap suites is the largest."""

import json

import pytest

from lessonplan.experiments import rule_choice
from lessonplan.experiments.config.loading import read_config
from lessonplan.experiments.rule_choice import candidates, gains, safest


def test_who_is_told_the_order_or_has_to_be_tuned_is_no_candidate():
    names = candidates()
    assert {"shortfall", "odm_mixed", "alp_proportional", "frontier"} <= set(names)
    told = {"in_order", "reverse", "mastering_rate", "spaced_review", "hand_mixed"}
    tuned = {"static_mixture", "weighted_shortfall", "open_loop"}
    assert not (told | tuned | {"proportional", "uniform"}) & set(names)


def test_the_safest_loses_least_where_it_loses_most():
    gained = {
        "one": {"bold": {"difference": 0.3}, "calm": {"difference": 0.01}},
        "two": {"bold": {"difference": -0.1}, "calm": {"difference": -0.02}},
    }
    assert safest(gained) == "calm"
    gained["two"]["calm"]["difference"] = -0.2
    assert safest(gained) == "bold"


def test_the_stored_choice_is_of_its_numbers_and_of_the_shipped_suites():
    stored = json.loads(rule_choice.CHOSEN.read_text())
    assert set(stored["gains"]) == set(rule_choice.BUDGETS)
    assert all(set(of_rules) == set(candidates()) for of_rules in stored["gains"].values())
    assert stored["safest"] == safest(stored["gains"])
    for name, budget in rule_choice.BUDGETS.items():
        config = read_config(name)
        assert budget % config.lifetime.steps_per_decision == 0
        assert read_config(name).lifetime.feedback == "training"


@pytest.mark.slow
def test_gains_over_shuffling_come_out_again(monkeypatch):
    monkeypatch.setattr(rule_choice, "BUDGETS", {"finite": rule_choice.BUDGETS["finite"]})
    stored = json.loads(rule_choice.CHOSEN.read_text())["gains"]["finite"]
    ((_, found),) = gains(["shortfall", "odm", "learnability"])
    for rule, gain in found.items():
        low, high = stored[rule]["difference_ci95"]
        assert low <= gain["difference"] <= high
