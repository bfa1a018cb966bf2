"""Rules in files: loaded in a new process, without an environment, or for another one."""

import numpy as np
import pytest
import torch
from fake_cohort import fake_room
from new_process import run_python
from rule_rooms import rule_named, vec_env

from lessonplan.envs import CurriculumVecEnv
from lessonplan.teacher import RULES, RuleTeacher, load_teacher

CONTINUE = """
import sys
import torch
from lessonplan.teacher import RuleTeacher
folder = sys.argv[1]
stored = torch.load(f"{folder}/stored.pt", weights_only=False)
answers = {}
for name, (first, second, state) in stored.items():
    teacher = RuleTeacher.load(f"{folder}/{name}.zip", trust=name == "my_rule")
    answers[name] = teacher.predict(second, state)[0], teacher.predict(first)[0]
torch.save(answers, f"{folder}/answers.pt")
"""


@pytest.mark.slow
def test_every_rule_and_ones_own_choose_the_same_when_loaded_in_a_new_process(
    least_tried, tmp_path
):
    rules = {name: rule_named(name) for name in RULES} | {"my_rule": least_tried}
    stored, wanted = {}, {}
    for name, rule in rules.items():
        env = vec_env(rule, n=40)
        teacher = RuleTeacher(rule, env, seed=8)
        teacher.learn(80)
        first = env.reset()
        actions, state = teacher.predict(first)
        second = env.step(actions)[0]
        stored[name] = first, second, state
        wanted[name] = teacher.predict(second, state)[0], actions
        teacher.save(tmp_path / name)
    torch.save(stored, tmp_path / "stored.pt")
    run_python(CONTINUE, tmp_path, cwd=tmp_path)
    answers = torch.load(tmp_path / "answers.pt", weights_only=False)
    for name in rules:
        np.testing.assert_equal(answers[name], wanted[name])


def test_a_loaded_teacher_without_an_environment_predicts_but_has_nothing_to_learn_in(
    least_tried, tmp_path
):
    env = vec_env(least_tried)
    RuleTeacher(least_tried, env).save(tmp_path / "teacher")
    loaded = RuleTeacher.load(tmp_path / "teacher")
    assert loaded.predict(env.reset())[0].tolist() == [0]
    with pytest.raises(ValueError, match="learn needs an environment: call set_env first"):
        loaded.learn(1)


def test_columns_are_found_by_name_wherever_another_environment_shows_them(least_tried, tmp_path):
    rule = RULES["highest_unmastered"]()
    env = vec_env(rule, budget="9-steps")
    moved = CurriculumVecEnv(fake_room(observe=("progress", "key", *reversed(rule.needs))))
    assert env.observation_space == moved.observation_space
    teacher = RuleTeacher(rule, env)
    teacher.save(tmp_path / "teacher")
    teacher.set_env(moved)
    loaded = RuleTeacher.load(tmp_path / "teacher", moved)
    assert teacher.policy.columns == loaded.policy.columns == moved.columns
    moved.reset()
    observation = moved.step(np.array([1]))[0]
    assert teacher.predict(observation)[0] == loaded.predict(observation)[0] == 1


def test_a_saved_rule_teaches_suites_with_another_number_of_tasks(least_tried, tmp_path):
    RuleTeacher(least_tried, vec_env(least_tried), seed=4).save(tmp_path / "teacher")
    for k in (1, 2, 7):
        env = vec_env(least_tried, n=2, k=k)
        teacher = load_teacher(tmp_path / "teacher", env, RuleTeacher)
        teacher.learn(4)
        assert teacher.seed == 4
        assert teacher.predict(env.reset())[0].tolist() == [0, 0]
