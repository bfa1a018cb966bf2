"""The policy network that does not depend on the number or the order of tasks.

Legend: b batch, k tasks, f columns.
"""

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st
from stable_baselines3.common.vec_env import DummyVecEnv

from lessonplan.teacher import LearnerStreams, load_teacher, make_learner
from lessonplan.teacher.learners.taskwise import TaskwisePolicy


def policy_for(k, columns=3, present=None, weights=None):
    """A policy whose outputs differ clearly between tasks, or one with given weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        policy = TaskwisePolicy(
            spaces.Box(-10, 10, (k, columns), np.float32), spaces.Discrete(k), lambda _: 3e-4,
            width=16, present=present,
        )  # fmt: skip
    with torch.no_grad():
        policy.action_net.linear.weight *= 200
    if weights is not None:
        policy.load_state_dict(weights, strict=True)
    return policy


def answers(policy, observation):
    """Probabilities (b, k), values (b,) and entropies (b,)."""
    with torch.no_grad():
        seen = torch.as_tensor(observation, dtype=torch.float32)
        distribution = policy.get_distribution(seen).distribution
        return (
            distribution.probs.numpy(),
            policy.predict_values(seen).numpy()[:, 0],
            distribution.entropy().numpy(),
        )


def observations(seed, b, k, columns=3):
    return np.random.default_rng(seed).normal(size=(b, k, columns)).astype(np.float32)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 10))
def test_permuted_tasks_get_permuted_probabilities_and_the_same_value(seed, k):
    policy, shown = policy_for(k), observations(seed, 4, k)
    order = np.random.default_rng(seed).permutation(k)
    chances, values, entropies = answers(policy, shown)
    permuted, same, equal = answers(policy, shown[:, order])
    np.testing.assert_allclose(permuted, chances[:, order], atol=1e-5)
    np.testing.assert_allclose(same, values, atol=1e-5)
    np.testing.assert_allclose(equal, entropies, atol=1e-4)


def test_the_outputs_of_these_tests_depend_on_the_columns():
    chances, values, _ = answers(policy_for(5), observations(0, 20, 5))
    assert chances.std(axis=0).min() > 0.05
    assert values.std() > 0.05


def test_the_context_of_the_other_tasks_matters():
    policy, shown = policy_for(3), observations(0, 1, 3)
    changed = shown.copy()
    changed[0, 2] += 2
    before, after = answers(policy, shown)[0], answers(policy, changed)[0]
    assert abs(before[0, 0] / before[0, 1] - after[0, 0] / after[0, 1]) > 1e-3


def test_the_same_weights_work_for_one_to_ten_tasks():
    weights = policy_for(4).state_dict()
    task = observations(1, 6, 1)
    values = []
    for k in range(1, 11):
        chances, value, _ = answers(policy_for(k, weights=weights), np.repeat(task, k, axis=1))
        assert chances.shape == (6, k)
        # Tasks that look the same are chosen equally often, and are worth as much as one of them.
        np.testing.assert_allclose(chances, 1 / k, atol=1e-6)
        values.append(value)
    np.testing.assert_allclose(values, [values[0]] * 10, atol=1e-5)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 5), st.integers(1, 4))
def test_padded_places_are_never_chosen_and_change_nothing(seed, k, padding):
    shown = observations(seed, 3, k)
    shown[:, :, 2] = 1
    plain = policy_for(k, present=2)
    padded = policy_for(k + padding, present=2, weights=plain.state_dict())
    rubbish = observations(seed + 1, 3, padding) * 5
    rubbish[:, :, 2] = 0
    wide = np.concatenate([shown, rubbish], axis=1)
    for full, few in zip(answers(padded, wide), answers(plain, shown), strict=True):
        np.testing.assert_allclose(full[:, :k] if full.ndim == 2 else full, few, atol=1e-5)
    chances, _, entropies = answers(padded, wide)
    assert (chances[:, k:] == 0).all()
    assert np.isfinite(entropies).all()


def test_gradients_do_not_see_padded_places():
    gradients = []
    for padding in (0, 3):
        shown = np.pad(observations(0, 8, 4), ((0, 0), (0, padding), (0, 0)))
        shown[:, :4, 2] = 1
        policy = policy_for(4 + padding, present=2, weights=policy_for(4).state_dict())
        value, log_chance, entropy = policy.evaluate_actions(
            torch.as_tensor(shown), torch.arange(8) % 4
        )
        (value.sum() + log_chance.sum() + entropy.sum()).backward()
        gradients.append([parameter.grad for parameter in policy.parameters()])
    for one, other in zip(*gradients, strict=True):
        assert torch.isfinite(other).all()
        torch.testing.assert_close(one, other, atol=1e-3, rtol=1e-4)


def test_actor_and_critic_alone_give_what_they_give_together():
    policy = policy_for(5, present=2)
    shown = torch.as_tensor(observations(3, 4, 5))
    shown[:, :, 2] = (shown[:, :, 2] > -0.5).float()
    network = policy.mlp_extractor
    actor, critic = network(shown)
    torch.testing.assert_close(network.forward_actor(shown), actor)
    torch.testing.assert_close(network.forward_critic(shown), critic)


def test_it_begins_by_choosing_almost_evenly():
    policy = policy_for(6)
    with torch.no_grad():
        policy.action_net.linear.weight /= 200
    chances, _, _ = answers(policy, observations(0, 50, 6))
    np.testing.assert_allclose(chances, 1 / 6, atol=0.02)


def test_an_observation_that_is_not_tasks_by_columns_is_refused():
    with pytest.raises(ValueError, match=r"reads observations of \(k, f\), got \(6,\)"):
        TaskwisePolicy(spaces.Box(-1, 1, (6,)), spaces.Discrete(2), lambda _: 1e-3)


class MarkedTask(gym.Env):
    """One of k tasks is marked in a column, and is the only one that is rewarded."""

    columns = ("progress", "mark", "noise")

    def __init__(self, k):
        self.observation_space = spaces.Box(-1, 1, (k, 3), np.float32)
        self.action_space = spaces.Discrete(k)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self._shown(), {}

    def step(self, action):
        reward = float(action == self.marked)
        return self._shown(), reward, True, False, {}

    def _shown(self):
        k = self.action_space.n
        self.marked = int(self.np_random.integers(k))
        shown = self.np_random.uniform(-1, 1, (k, 3)).astype(np.float32)
        shown[:, 1] = np.arange(k) == self.marked
        return shown


def marked(k, n=8):
    env = DummyVecEnv([lambda: MarkedTask(k)] * n)
    env.seed(0)
    return env


def hits(model, env, draws=40):
    observation, right = env.reset(), 0.0
    for _ in range(draws):
        actions, _ = model.predict(observation, deterministic=True)
        observation, reward, _, _ = env.step(actions)
        right += reward.mean() / draws
    return right


@pytest.mark.slow
def test_it_learns_to_choose_the_marked_task_and_finds_it_among_more_tasks_too(tmp_path):
    with LearnerStreams(0).running():
        model = make_learner(
            "ppo",
            marked(4),
            seed=0,
            width=16,
            n_steps=32,
            batch_size=64,
            learning_rate=1e-2,
            gamma=0.0,
        )
        assert hits(model, marked(4)) < 0.6
        model.learn(4000)
    assert hits(model, marked(4)) > 0.95
    model.save(tmp_path / "teacher")
    for k in (2, 9):
        assert hits(load_teacher(tmp_path / "teacher", marked(k)), marked(k)) > 0.9
