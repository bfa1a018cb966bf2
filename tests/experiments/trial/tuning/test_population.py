"""Candidates that live side by side are worth what they are worth alone."""

import numpy as np
import pytest
from tiny_config import CONFIG

from lessonplan.experiments.assembly.build import (
    SELECT_SEEDS,
    build_rule,
    build_suite,
    rule_teacher,
)
from lessonplan.experiments.config.loading import make_config
from lessonplan.experiments.trial.teaching import Teaching
from lessonplan.experiments.trial.tuning import lives_of, select
from lessonplan.experiments.trial.tuning.population import live

EASY = CONFIG | {
    "suite": {"name": "parity", "options": {"n_tasks": 2, "n_signs": 8}},
    "student": {"options": {"hidden": [32]}, "batch_size": 32, "evaluation_size": 32,
                "learning_rate": 0.01},
    "lifetime": {"budget": "300-steps", "steps_per_decision": 20},
    "seeds": {"report": 6, "select": 2},
}  # fmt: skip
MANY = {
    # Windows of other lengths have memories of other shapes.
    "tscl_window": [{"window": 3}, {"window": 7}, {"window": 3, "epsilon": 0.5}, {"window": 5}],
    "in_order": [{"gate": 0.5}, {"gate": 0.95}, {"gate": 0.7}],
    "static_mixture": [{"weights": [0.5, 0.5]}, {"weights": [0.9, 0.1]}],
}


def world(rule, action="task", **more):
    config = make_config(
        EASY | {"teachers": [{"name": "x", "rule": rule, "action": action}]} | more
    )
    return config, config.teachers[0], build_suite(config)


def alone(config, section, suite, parameters):
    students = SELECT_SEEDS + np.arange(config.seeds.select)
    rule = build_rule(section.rule, parameters, config, suite)
    teacher, room = rule_teacher(
        rule, config, suite, len(students), config.seeds.teacher, section.action, looking=section
    )
    room.end_after = 1
    return lives_of(Teaching(teacher, room, students)), room


@pytest.mark.parametrize("action", ["task", "mixture"])
@pytest.mark.parametrize("rule", MANY)
def test_candidates_in_one_classroom_live_as_they_would_alone(rule, action):
    config, section, suite = world(rule, action)
    students = SELECT_SEEDS + np.arange(2)
    together, compute = {}, 0.0
    for some, lives, took in live(config, section, suite, MANY[rule], students):
        together.update(zip(some, lives, strict=True))
        compute += took.compute
        # Six students are reported together, so three candidates with two live at a time.
        assert len(some) <= 3
    apart = [alone(config, section, suite, one) for one in MANY[rule]]
    assert sorted(together) == list(range(len(MANY[rule])))
    for i, (lives, _) in enumerate(apart):
        for name, values in vars(lives).items():
            np.testing.assert_array_equal(getattr(together[i], name), values, err_msg=name)
    assert compute == pytest.approx(sum(room.facts.spending.compute.sum() for _, room in apart))


def test_a_life_is_worth_its_first_mastery_and_the_area_of_the_whole_budget():
    config, section, suite = world("uniform")
    students = SELECT_SEEDS + np.arange(2)
    rule = build_rule("uniform", {}, config, suite)
    teaching = Teaching(*rule_teacher(rule, config, suite, 2, 0), students)
    room, scores, mastery = teaching.room, [], np.full(2, np.inf)
    room.end_after = 1
    while len(teaching.running):
        teaching.step()
        scores.append(room.facts.judged.mean(axis=1))
        now = room.facts.mastered_for > 0
        mastery = np.where(now, np.minimum(mastery, room.facts.spending.compute), mastery)
    scores += [scores[-1]] * (room.decisions_in_budget - len(scores))
    lives, _ = alone(config, section, suite, {})
    np.testing.assert_array_equal(lives.mastered, np.isfinite(mastery))
    assert lives.mastered.any()
    np.testing.assert_allclose(lives.areas, np.mean(scores, axis=0))
    spent = np.where(np.isfinite(mastery), mastery, room.facts.spending.compute)
    np.testing.assert_allclose(lives.costs, spent)


def test_an_opponent_that_is_not_tuned_is_selected_by_the_same_students():
    config, section, suite = world("uniform")
    lives, room = alone(config, section, suite, {})
    result = select(config, section, suite, section.parameters)
    assert result["selection_cost"] == lives.costs.mean()
    assert result["selection_area"] == lives.areas.mean()
    assert result["selection_mastered"] == lives.mastered.sum()
    assert (result["lifetimes"], result["student_steps"]) == (2, room.facts.spending.steps.sum())
