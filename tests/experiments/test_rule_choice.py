"""A rule for where nothing is tuned: its least gain over the cheap suites is the largest."""

import json

import pytest
from places import ROOT

from lessonplan.experiments import rule_choice
from lessonplan.experiments.config.loading import read_config
from lessonplan.experiments.rule_choice import candidates, gains, safest

RESULTS = ROOT / "experiments" / "results"


def test_who_is_told_the_order_or_has_to_be_tuned_is_no_candidate():
    names = candidates()
    assert {"shortfall", "odm_mixed", "alp_proportional", "frontier"} <= set(names)
    told = {"in_order", "reverse", "mastering_rate", "spaced_review", "hand_mixed"}
    tuned = {"static_mixture", "weighted_shortfall", "open_loop"}
    assert not (told | tuned | {"proportional", "uniform"}) & set(names)


def gain(difference, half=0.05):
    return {"difference": difference, "difference_ci95": [difference - half, difference + half]}


def test_the_safest_gains_most_of_those_that_are_measurably_behind_nowhere():
    found = {
        "one": {"bold": gain(0.3), "calm": gain(0.01), "calmer": gain(0.005)},
        "two": {"bold": gain(-0.1), "calm": gain(-0.002), "calmer": gain(0.0)},
    }
    assert safest(found) == "calm"
    found["two"]["bold"] = gain(-0.1, half=0.11)
    assert safest(found) == "bold"
    found["one"] = {rule: gain(-0.1) for rule in found["one"]}
    assert safest(found) == "proportional"


def test_the_stored_choice_is_of_its_numbers_and_of_the_shipped_suites():
    stored = json.loads((RESULTS / "rule-choice.json").read_text())
    assert set(stored["gains"]) == set(rule_choice.BUDGETS)
    assert all(set(of_rules) == set(candidates()) for of_rules in stored["gains"].values())
    assert stored["safest"] == safest(stored["gains"])
    assert stored["budgets"] == rule_choice.BUDGETS
    assert stored["students"] == rule_choice.STUDENTS
    for name, budget in rule_choice.BUDGETS.items():
        lifetime = read_config(name).lifetime
        summary = json.loads((RESULTS / name / "summary.json").read_text())
        steps = summary["teachers"]["proportional"]["steps_to_mastery"]["iqm"]
        assert abs(budget - steps / 2) <= lifetime.steps_per_decision
        assert budget % lifetime.steps_per_decision == 0
        assert lifetime.feedback == "training"


@pytest.mark.slow
def test_gains_over_shuffling_come_out_again(monkeypatch):
    monkeypatch.setattr(rule_choice, "BUDGETS", {"finite": rule_choice.BUDGETS["finite"]})
    stored = json.loads((RESULTS / "rule-choice.json").read_text())["gains"]["finite"]
    ((_, found),) = gains(["shortfall", "odm", "learnability"])
    for rule, gain in found.items():
        low, high = stored[rule]["difference_ci95"]
        assert low <= gain["difference"] <= high
