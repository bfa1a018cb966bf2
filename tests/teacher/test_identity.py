"""Who a teacher is, in plain values, and whose the memory is that is passed to it.

Legend: n students, k tasks.
"""

import copy
import json
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from rule_rooms import vec_env
from stable_baselines3 import PPO

from lessonplan.teacher import (
    EXP3,
    Replay,
    RuleTeacher,
    TSCLSampling,
    TSCLWindow,
    Uniform,
    identity_of,
)
from lessonplan.teacher.identity import rule_identity, rule_number


@dataclass
class Own:
    """A rule of one's own with parameters of all kinds."""

    gate: float = 0.5
    limits: tuple = (0.0, float("inf"))
    weights: object = None
    score: object = len

    needs = ()


def test_a_rule_is_its_class_and_its_parameters():
    own = Own(weights=np.arange(3.0))
    said = rule_identity(own)
    assert said.pop("weights").startswith("digest ")
    # What can't be compared is left out.
    assert said == {"name": "Own", "gate": 0.5, "limits": [0.0, "inf"]}
    assert rule_identity(Uniform()) == {"name": "Uniform"}
    assert json.loads(json.dumps(rule_identity(TSCLSampling(window=4))))["window"] == 4


def test_arrays_are_told_apart_by_all_of_their_values():
    one, same, other = (Own(weights=np.array(x)) for x in ([1.0, 2.0], [1.0, 2.0], [1.0, 2.5]))
    assert rule_number(one) == rule_number(same) != rule_number(other)
    schedules = np.zeros((2, 3), int)
    assert rule_number(Replay(schedules, [0.1, 0.2])) != rule_number(Replay(schedules, [0.1, 0.3]))


def test_the_seed_is_part_of_a_rule_as_a_teacher():
    env = vec_env(Uniform())
    assert identity_of(RuleTeacher(Uniform(), env, seed=3)) == {
        "name": "Uniform",
        "teacher_seed": 3,
    }


def test_a_learner_is_its_class_and_its_weights():
    env = vec_env(Uniform())
    one, same, other = (
        PPO("MlpPolicy", env, seed=seed, n_steps=8, batch_size=8, device="cpu")
        for seed in (0, 0, 1)
    )
    assert identity_of(one) == identity_of(same) != identity_of(other)
    assert identity_of(one)["name"] == "PPO"
    with torch.no_grad():
        next(same.policy.parameters()).add_(1e-3)
    assert identity_of(one) != identity_of(same)


def decisions(teacher, env, count=2):
    """The last observation and the state after so many decisions."""
    observation, state = env.reset(), None
    for _ in range(count):
        actions, state = teacher.predict(observation, state, np.zeros(env.num_envs, bool))
        observation = env.step(actions)[0]
    return observation, state


@pytest.mark.parametrize("other", [TSCLSampling(window=3), TSCLSampling(epsilon=0.3)])
def test_the_memory_of_another_rule_is_refused_even_if_it_has_the_same_names(other):
    rule = TSCLSampling()
    env = vec_env(rule)
    observation, state = decisions(RuleTeacher(rule, env), env)
    stranger = RuleTeacher(other, env)
    with pytest.raises(ValueError, match="another rule than this TSCLSampling, or with other para"):
        stranger.predict(observation, state)
    # Where a lifetime begins nothing of the memory is used.
    stranger.predict(observation, state, np.ones(env.num_envs, bool))
    RuleTeacher(TSCLSampling(), env, seed=5).predict(observation, state)


def test_a_state_that_does_not_say_whose_it_is_goes_on_and_says_it_no_more():
    rule = TSCLWindow()
    env = vec_env(rule)
    teacher = RuleTeacher(rule, env)
    observation, state = decisions(teacher, env)
    earlier = {name: value for name, value in copy.deepcopy(state).items() if name != "rule"}
    actions, after = teacher.predict(observation, earlier)
    wanted, now = teacher.predict(observation, state)
    assert actions.tolist() == wanted.tolist()
    assert set(now) - set(after) == {"rule"}


def test_rules_of_other_classes_have_other_numbers():
    assert len({int(rule_number(rule)) for rule in (Uniform(), EXP3(), TSCLSampling())}) == 3
