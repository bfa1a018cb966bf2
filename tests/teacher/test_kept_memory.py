"""SB3's usual loop, which passes no state: the memory of the last call goes on."""

import copy
import pickle
import warnings

import numpy as np
import pytest
from fake_cohort import fake_room
from gymnasium import spaces
from rule_rooms import vec_env
from stable_baselines3.common.evaluation import evaluate_policy

from lessonplan.envs import CurriculumEnv
from lessonplan.teacher import RULES, RulePolicy, RuleTeacher

WARNING = "predict was called without the state that it returned"
SPACES = spaces.Box(-1, 1, (3, 3)), spaces.Discrete(3)
COLUMNS = ("progress", "share", "key")


def quiet(predict, *args, **kwargs):
    """What it answers; the warning has a test of its own."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", WARNING)
        return predict(*args, **kwargs)[0].tolist()


def policy(rule, columns=COLUMNS):
    return RulePolicy(*SPACES, rule, columns, 0)


def seen(*keys, k=3, columns=COLUMNS):
    """What students of these keys show, (n, k, f)."""
    observation = np.zeros((len(keys), k, len(columns)), np.float32)
    observation[:, :, -1] = np.array(keys)[:, None]
    return observation


def test_a_loop_that_passes_no_state_chooses_as_one_that_does():
    rule = RULES["uniform"]()
    choices = []
    for passes in (False, True):
        env = vec_env(rule, n=3, budget="1000-steps", end_after=10**6)
        teacher, observation, state, each = RuleTeacher(rule, env), env.reset(), None, []
        for _ in range(60):
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", WARNING)
                actions, state = teacher.predict(observation, state if passes else None)
            observation = env.step(actions)[0]
            each.append(actions)
        choices.append(np.array(each))
    np.testing.assert_array_equal(*choices)
    # Of three tasks each comes about twenty times; where each call began anew one came 60 times.
    assert np.bincount(choices[0].ravel()).min() > 40


def test_it_is_said_once_where_the_call_stands(least_tried):
    chooser = policy(least_tried)
    assert chooser.predict(seen(0.1))[0].tolist() == [0]
    with pytest.warns(UserWarning, match=f"{WARNING}.*pass state= and episode_start=") as caught:
        chooser.predict(seen(0.1))
    assert len(caught) == 1
    chooser.predict(seen(0.1))


def test_a_row_begins_anew_where_its_key_or_episode_start_says_so(least_tried):
    chooser = policy(least_tried)
    assert quiet(chooser.predict, seen(0.1, 0.2, 0.3)) == [0, 0, 0]
    assert quiet(chooser.predict, seen(0.1, 0.2, 0.3)) == [1, 1, 1]
    assert quiet(chooser.predict, seen(0.1, 0.9, 0.3)) == [2, 0, 2]
    first = np.array([True, False, False])
    assert quiet(chooser.predict, seen(0.1, 0.9, 0.3), episode_start=first) == [0, 1, 0]


def test_all_rows_begin_anew_where_there_are_more_of_them_or_other_tasks(least_tried):
    chooser = policy(least_tried)
    assert quiet(chooser.predict, seen(0.1, 0.2)) == [0, 0]
    assert quiet(chooser.predict, seen(0.1, 0.2)) == [1, 1]
    assert quiet(chooser.predict, seen(0.1)) == [0]
    assert quiet(chooser.predict, seen(0.1)) == [1]
    assert quiet(chooser.predict, seen(0.1, k=2)) == [0]


def test_a_state_that_is_passed_wins_and_ends_what_was_kept(least_tried):
    chooser = policy(least_tried)
    _, state = chooser.predict(seen(0.1))
    assert quiet(chooser.predict, seen(0.1)) == [1]
    assert quiet(chooser.predict, seen(0.1)) == [2]
    assert chooser.predict(seen(0.1), state)[0].tolist() == [1]
    assert chooser.predict(seen(0.1))[0].tolist() == [0]


def test_a_state_that_its_owner_changes_is_not_the_one_that_goes_on(least_tried):
    chooser = policy(least_tried)
    _, state = chooser.predict(seen(0.1))
    state["last"][:] = 2
    assert quiet(chooser.predict, seen(0.1)) == [1]


def test_one_student_without_a_leading_axis_goes_on_too(least_tried):
    env = CurriculumEnv(fake_room(observe=COLUMNS, budget="9-steps"))
    teacher, (observation, _), choices = RuleTeacher(least_tried, env), env.reset(seed=0), []
    for _ in range(4):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", WARNING)
            action, _ = teacher.predict(observation)
        choices.append(int(action))
        observation = env.step(action)[0]
    assert choices == [0, 1, 2, 0]


def test_without_key_the_state_has_to_be_passed(least_tried):
    chooser = policy(least_tried, ("progress", "share"))
    with pytest.raises(ValueError, match=r"pass the state that predict returned.*not shown key"):
        chooser.predict(seen(0.1, columns=("progress", "share")))


def test_kept_memory_is_in_no_copy_and_no_file(least_tried, tmp_path):
    env = vec_env(least_tried, n=1)
    teacher, observation = RuleTeacher(least_tried, env), env.reset()
    teacher.predict(observation)
    teacher.save(tmp_path / "teacher")
    again = pickle.loads(pickle.dumps(teacher.policy))
    others = [RuleTeacher.load(tmp_path / "teacher"), copy.deepcopy(teacher.policy), again]
    assert [other.predict(observation)[0].tolist() for other in others] == [[0]] * 3
    assert quiet(teacher.predict, observation) == [1]


def test_what_passes_states_is_not_warned_and_changes_nothing(least_tried):
    env = vec_env(least_tried, n=2, budget="5-steps")
    teacher = RuleTeacher(least_tried, env)
    observation = env.reset()
    for _ in range(2):
        evaluate_policy(teacher, env, n_eval_episodes=4, warn=False)
        teacher.learn(20)
    assert teacher.predict(observation)[0].tolist() == [0, 0]
