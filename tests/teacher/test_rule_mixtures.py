"""Rules whose probabilities are trained on as a mixture."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lessonplan.envs import CurriculumVecEnv, make_classroom
from lessonplan.teacher import SEC, RuleTeacher
from lessonplan.teacher.mixture import mixture_logits, mixture_shares


@given(st.lists(st.floats(1e-6, 1.0), min_size=2, max_size=8))
def test_logits_stand_for_the_shares_that_they_were_made_from(weights):
    shares = np.array([weights]) / sum(weights)
    np.testing.assert_allclose(mixture_shares(mixture_logits(shares)), shares, atol=1e-5)


def test_logits_stay_in_their_box_even_for_one_task():
    logits = mixture_logits(np.array([[0.0, 1.0, 0.0]]))
    np.testing.assert_array_equal(logits, [[-10.0, 10.0, -10.0]])


def test_a_rule_in_a_mixing_environment_trains_on_its_probabilities():
    room = make_classroom(
        "parity", n=3, observe=("progress", *dict.fromkeys((*SEC().needs, "key"))),
        budget="80-steps", action="mixture",
    )  # fmt: skip
    env = CurriculumVecEnv(room)
    teacher = RuleTeacher(SEC(), env, seed=0)
    observation, state = env.reset(), None
    for _ in range(3):
        action, state = teacher.predict(observation, state)
        assert action.shape == (3, 6)
        assert env.action_space.contains(action[0])
        observation, _, _, _ = env.step(action)
        shares = state["probabilities"]
        np.testing.assert_allclose(room.decode(action, np.arange(3)), shares, atol=1e-6)


@pytest.mark.parametrize("action", ["task", "mixture"])
def test_a_rule_keeps_its_memory_in_either_kind_of_environment(action):
    room = make_classroom(
        "parity", n=2, observe=("progress", *dict.fromkeys((*SEC().needs, "key"))),
        budget="80-steps", action=action,
    )  # fmt: skip
    env = CurriculumVecEnv(room)
    teacher = RuleTeacher(SEC(), env, seed=0)
    action_taken, state = teacher.predict(env.reset(), None)
    observation, *_ = env.step(action_taken)
    _, after = teacher.predict(observation, state)
    chosen = np.eye(6, dtype=bool)[state["last"]]
    assert (after["memory.value"][~chosen] == 0).all()
    np.testing.assert_array_equal(after["decision"], [2, 2])
