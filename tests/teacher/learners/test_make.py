"""SB3's learners with streams of their own: train, load elsewhere, go on where they stopped.

Legend: n students, k tasks, f columns.
"""

import io
import random

import numpy as np
import pytest
import torch
from fake_cohort import fake_room
from new_process import run_python
from stable_baselines3 import A2C, DQN, PPO

from lessonplan.envs import CurriculumVecEnv
from lessonplan.teacher import (
    LearnerStreams,
    RuleTeacher,
    Sampled,
    TaskwisePolicy,
    action_probabilities,
    load_teacher,
    make_learner,
    save_teacher,
)

OBSERVE = ("progress", "score", "key")


def vec_env(n=4, k=3, observe=OBSERVE, **options):
    env = CurriculumVecEnv(fake_room(n=n, k=k, observe=observe, budget="6-steps", **options))
    env.seed(1)
    return env


def small_ppo(env, seed=0, **settings):
    options = {"n_steps": 8, "batch_size": 16, "n_epochs": 2, "width": 8}
    return make_learner("ppo", env, seed=seed, **(options | settings))


def weights(model):
    return torch.cat([parameter.detach().flatten() for parameter in model.policy.parameters()])


def global_numbers():
    return torch.rand(2).tolist(), np.random.rand(2).tolist(), [random.random(), random.random()]


def sow(seed):
    torch.manual_seed(seed)
    np.random.seed(seed)
    random.seed(seed)


@pytest.fixture(autouse=True)
def _streams_as_before():
    """Tests here sow the global streams; the others must not notice."""
    outside = LearnerStreams(0)
    with outside.running():
        yield


def test_training_leaves_the_global_streams_untouched(tmp_path):
    sow(5)
    wanted = global_numbers()
    sow(5)
    with LearnerStreams(3).running():
        model = small_ppo(vec_env(), seed=3)
        model.learn(64)
    model.save(tmp_path / "teacher")
    load_teacher(tmp_path / "teacher", vec_env())
    assert global_numbers() == wanted


def test_the_streams_are_given_back_when_training_fails():
    sow(5)
    wanted = global_numbers()
    sow(5)
    streams = LearnerStreams(3)

    def fail():
        with streams.running():
            global_numbers()
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        fail()
    assert global_numbers() == wanted


def test_a_learner_goes_on_in_its_streams_where_it_left_them():
    streams, whole = LearnerStreams(9), LearnerStreams(9)
    with whole.running():
        wanted = global_numbers(), global_numbers()
    with streams.running():
        first = global_numbers()
    global_numbers()
    with streams.running():
        assert (first, global_numbers()) == wanted
    with LearnerStreams(10).running():
        assert global_numbers() != wanted[0]


def trained(seed, rollouts, streams=None, model=None):
    """A model after some more rollouts in its own streams."""
    streams = streams or LearnerStreams(seed)
    with streams.running():
        model = model or small_ppo(vec_env(), seed=seed)
        model.learn(32 * rollouts, reset_num_timesteps=model.num_timesteps == 0)
    return model, streams


def test_two_learners_in_turns_learn_what_they_learn_one_after_the_other():
    alone = [weights(trained(seed, 3)[0]) for seed in (1, 2)]
    learners = {seed: trained(seed, 1) for seed in (1, 2)}
    for _ in range(2):
        for seed, (model, streams) in learners.items():
            trained(seed, 1, streams, model)
    for one, (model, _) in zip(alone, learners.values(), strict=True):
        assert model.num_timesteps == 96
        assert torch.equal(weights(model), one)
    assert not torch.equal(*alone)


RESUME = """
import sys
import torch
from fake_cohort import fake_room
from lessonplan.envs import CurriculumVecEnv
from lessonplan.teacher import LearnerStreams, load_teacher
folder = sys.argv[1]
stored = torch.load(f"{folder}/stored.pt", weights_only=False)
room = fake_room(n=4, observe=("progress", "score", "key"), budget="6-steps")
env = CurriculumVecEnv(room)
model = load_teacher(f"{folder}/teacher.zip", env, force_reset=False)
env.load_state_dict(stored["env"])
streams = LearnerStreams(0)
streams.state = stored["streams"]
with streams.running():
    model.learn(64, reset_num_timesteps=False)
torch.save((model.policy.state_dict(), model.policy.optimizer.state_dict(), env.state_dict()),
           f"{folder}/resumed.pt")
"""


@pytest.mark.slow
def test_ppo_goes_on_in_a_new_process_from_the_end_of_a_rollout_as_if_it_had_never_stopped(
    tmp_path,
):
    model, streams = trained(4, 2)
    save_teacher(model, tmp_path / "teacher")
    stored = {"env": model.env.state_dict(), "streams": streams.state}
    torch.save(stored, tmp_path / "stored.pt")
    undisturbed, _ = trained(4, 4)
    run_python(RESUME, tmp_path, cwd=tmp_path)
    resumed = torch.load(tmp_path / "resumed.pt", weights_only=False)
    policy = undisturbed.policy
    wanted = policy.state_dict(), policy.optimizer.state_dict(), undisturbed.env.state_dict()
    for name, value in wanted[0].items():
        assert torch.equal(resumed[0][name], value), name
        assert not torch.equal(model.policy.state_dict()[name], value), name
    for i, moments in wanted[1]["state"].items():
        for name, value in moments.items():
            assert torch.equal(resumed[1]["state"][i][name], value), name
    np.testing.assert_equal(resumed[2], wanted[2])


def test_a_loaded_teacher_teaches_any_number_of_tasks_with_the_same_weights():
    model, _ = trained(0, 1)
    stored = io.BytesIO()
    model.save(stored)
    for k in (1, 2, 3, 8):
        env = vec_env(n=2, k=k)
        loaded = load_teacher(stored, env)
        assert torch.equal(weights(loaded), weights(model))
        assert loaded.action_space.n == k
        observation = env.reset()
        actions, _ = loaded.predict(observation, deterministic=True)
        assert ((actions >= 0) & (actions < k)).all()
        chances = action_probabilities(loaded, observation, None)
        np.testing.assert_array_equal(chances.argmax(axis=1), actions)
        loaded.learn(16)


@pytest.mark.parametrize(
    ("observe", "words"),
    [
        (("progress", "score"), "shows progress, score; give it the same with observe="),
        (("progress", "score", "key", "task"), "environment shows progress, score, key, task"),
        (("progress", "key", "score"), "trained on the columns progress, score, key, but"),
    ],
)  # fmt: skip
def test_an_environment_that_shows_other_columns_is_refused_in_one_sentence(
    observe, words, tmp_path
):
    model, _ = trained(0, 1)
    model.save(tmp_path / "teacher")
    with pytest.raises(ValueError, match=words):
        load_teacher(tmp_path / "teacher", vec_env(observe=observe))


@pytest.mark.parametrize("policy", ["MlpPolicy", TaskwisePolicy])
@pytest.mark.parametrize("algorithm", [PPO, A2C])
def test_a_teacher_that_was_made_by_hand_keeps_the_columns_of_its_environment(
    algorithm, policy, tmp_path
):
    algorithm(policy, vec_env(), n_steps=16, device="cpu").save(tmp_path / "teacher")
    words = "trained on the columns progress, score, key, but the environment shows progress, key"
    with pytest.raises(ValueError, match=words):
        load_teacher(tmp_path / "teacher", vec_env(observe=("progress", "key", "score")), algorithm)
    other = vec_env(action="mixture", observe=OBSERVE)
    with pytest.raises(ValueError, match="trained to choose a task and the environment wants"):
        load_teacher(tmp_path / "teacher", other, algorithm)
    assert type(load_teacher(tmp_path / "teacher", vec_env(), algorithm)) is algorithm


@pytest.mark.parametrize("algorithm", [PPO, A2C])
def test_the_class_of_a_teacher_that_was_made_by_hand_is_known_by_what_its_file_holds(
    algorithm, tmp_path
):
    algorithm(TaskwisePolicy, vec_env(), n_steps=16, device="cpu").save(tmp_path / "teacher")
    assert type(load_teacher(tmp_path / "teacher", vec_env())) is algorithm


def test_a_teacher_of_unknown_columns_is_refused_by_their_number(tmp_path):
    env = vec_env()
    # As in environments of one's own, and in files of earlier versions.
    del vars(env.observation_space)["columns"]
    PPO("MlpPolicy", env, n_steps=8, batch_size=8, device="cpu").save(tmp_path / "teacher")
    with pytest.raises(ValueError, match="trained on 3 columns, but the environment shows prog"):
        load_teacher(tmp_path / "teacher", vec_env(observe=("progress", "score")))
    assert load_teacher(tmp_path / "teacher", vec_env()).n_envs == 4
    with pytest.raises(ValueError, match="spaces do not match"):
        load_teacher(tmp_path / "teacher", vec_env(k=5))


def test_absent_tasks_are_masked_by_the_column_that_tells_of_them():
    env = vec_env(k=3, observe=("progress", "score", "present"), max_tasks=5)
    with LearnerStreams(0).running():
        model = small_ppo(env, ent_coef=0.1)
        model.learn(128)
    chances = action_probabilities(model, env.reset(), None)
    assert (chances[:, 3:] == 0).all()
    np.testing.assert_allclose(chances.sum(axis=1), 1, atol=1e-6)


def test_the_same_seed_trains_the_same_teacher_and_another_another():
    one, same, other = (weights(trained(seed, 2)[0]) for seed in (5, 5, 6))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_probabilities_are_those_that_the_choice_was_drawn_from():
    env = vec_env()
    observation = env.reset()
    ppo = small_ppo(env)
    chances = action_probabilities(ppo, observation, None)
    assert chances.shape == (4, 3)
    np.testing.assert_allclose(chances.sum(axis=1), 1, atol=1e-6)
    dqn = DQN("MlpPolicy", env, device="cpu")
    actions, _ = dqn.predict(observation, deterministic=True)
    np.testing.assert_array_equal(action_probabilities(dqn, observation, None), np.eye(3)[actions])
    a2c = A2C("MlpPolicy", env, device="cpu")
    assert action_probabilities(a2c, observation, None).shape == (4, 3)
    given = {"probabilities": np.full((4, 3), 1 / 3)}
    assert action_probabilities(ppo, observation, given) is given["probabilities"]


def test_a_sampled_teacher_draws_from_the_probabilities_of_the_policy_row_by_row():
    env = vec_env(n=2000)
    with LearnerStreams(0).running():
        model = small_ppo(env)
    with torch.no_grad():
        model.policy.action_net.linear.weight *= 200
        model.policy.mlp_extractor.actor.bias += 0.5
    observation = np.tile(np.array([[0.0, 0.1], [0.3, 0.9], [-0.2, 0.5]]), (2000, 1, 1))
    observation = np.concatenate([observation, env.reset()[:, :, 2:]], axis=2).astype(np.float32)
    teacher = RuleTeacher(Sampled(model, OBSERVE), env, seed=1)
    actions, state = teacher.predict(observation, deterministic=True)
    chances = action_probabilities(model, observation, None)
    np.testing.assert_allclose(state["probabilities"], chances, atol=1e-6)
    expected = chances.mean(axis=0)
    assert expected.max() < 0.99
    shares = np.bincount(actions, minlength=3) / 2000
    np.testing.assert_allclose(shares, expected, atol=4.5 * (0.25 / 2000) ** 0.5)
    few, _ = teacher.predict(observation[[7, 3]], deterministic=True)
    np.testing.assert_array_equal(few, actions[[7, 3]])
