"""The ids that Gymnasium knows: made, checked, made again from a spec, and made as vectors."""

import importlib.util
import json
import pickle

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from stable_baselines3.common.env_checker import check_env as check_env_as_sb3

from lessonplan.envs import IDS, CurriculumVectorEnv
from lessonplan.student import SUITES

SMALL = {"evaluation_size": 8, "batch_size": 4, "steps_per_decision": 1, "budget": "12-steps"}
DECODER = {"width": 8, "n_layers": 1, "n_heads": 1}
SIGNS = {"model_options": {"hidden": (8,)}}
SMALL_SUITES = {
    "parity": {"suite_options": {"n_tasks": 2, "n_signs": 8}, "model_options": {"hidden": (8,)}},
    "addition": {
        "suite_options": {"n_digits": 2, "train_size": 50, "held_out": 8},
        "model_options": DECODER,
    },
    "simulated": {"suite_options": {"n_tasks": 4, "width": 2}},
    "environments": {
        "suite_options": {"n_steps": 4},
        "student_options": {"settings": {"batch_size": 16}},
    },
    "jsonl": {"model_options": DECODER},
    "reasoning": {
        "suite_options": {
            "tasks": ["spell_backward@0", "chain_sum@num_digits=0"],
            "train_size": 20,
            "held_out": 8,
        },
        "model_options": DECODER,
    },
}


def options_of(suite, tmp_path):
    """What makes a small environment of an id."""
    options = SMALL | SMALL_SUITES.get(suite, SIGNS)
    if suite == "jsonl":
        path = tmp_path / "tiny.jsonl"
        lines = [
            {"task": task, "prompt": f"{task}{i}", "answer": str(i % 2)}
            for task in ("even", "odd")
            for i in range(24)
        ]
        path.write_text("\n".join(map(json.dumps, lines)))
        options |= {"suite_options": {"path": str(path)}}
    return options


@pytest.fixture(
    params=[
        pytest.param(
            name,
            marks=pytest.mark.slow if IDS[name]["suite"] in ("reasoning", "environments") else (),
        )
        for name in IDS
    ]
)
def made(request, tmp_path):
    """A registered id and options that make it small."""
    suite = IDS[request.param]["suite"]
    assert suite in SUITES
    if suite == "reasoning" and importlib.util.find_spec("reasoning_gym") is None:
        pytest.skip("reasoning-gym is not installed")
    return request.param, options_of(suite, tmp_path)


def test_every_id_is_an_environment_by_the_checks_of_gymnasium_and_sb3(made):
    name, options = made
    for render_mode in (None, "ansi", "rgb_array"):
        env = gym.make(name, render_mode=render_mode, **options)
        check_env(env.unwrapped)
    check_env_as_sb3(gym.make(name, **options))


def test_every_id_is_made_again_from_its_spec_and_survives_a_pickle(made):
    name, options = made
    env = gym.make(name, shuffle_tasks=True, **options)
    again = gym.make(gym.envs.registration.EnvSpec.from_json(env.spec.to_json()))
    env.reset(seed=3)
    env.step(1)
    copied = pickle.loads(pickle.dumps(env))
    again.reset(seed=3)
    again.step(1)
    for _ in range(3):
        one, *rest = env.step(0)
        for other in (copied, again):
            shown, *others = other.step(0)
            np.testing.assert_array_equal(one, shown)
            assert rest[:3] == others[:3]
    for other in (copied, again):
        np.testing.assert_array_equal(env.reset()[0], other.reset()[0])


def test_every_id_is_made_as_one_vector_environment(made):
    name, options = made
    vector = gym.make_vec(name, num_envs=3, **options)
    assert isinstance(vector.unwrapped, CurriculumVectorEnv)
    observation, _ = vector.reset(seed=5)
    assert vector.observation_space.contains(observation)
    vector.action_space.seed(0)
    for _ in range(3):
        observation, reward, terminated, truncated, _ = vector.step(vector.action_space.sample())
        assert vector.observation_space.contains(observation)
        assert reward.shape == terminated.shape == truncated.shape == (3,)
    vector.close()
