"""Every learner goes on from a file as if it had never stopped, in another process too.

Legend: n students.
"""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from learner_cases import CASES, OFF_POLICY, learner
from marked_tasks import MarkedTasks, mean_reward
from new_process import run_python

from lessonplan.teacher import LearnerStreams, Sampled, load_teacher, save_teacher
from lessonplan.teacher.adapter import RuleTeacher
from lessonplan.teacher.learners.make import beside_zip, load_beside_zip

FEW = {"n_steps": 8, "batch_size": 16}


def room(action, length=5):
    return MarkedTasks(n=4, k=3, places=4, action=action, length=length)


def begun(name, action):
    """A learner after 96 decisions, in the midst of episodes, and its streams."""
    few = {"learning_starts": 32, "train_freq": 2} if name in OFF_POLICY else FEW
    few = {"n_steps": 8} if name == "a2c" else few
    model, streams = learner(name, room(action), seed=3, **few)
    return more(model, streams, 96, first=True), streams


def more(model, streams, decisions, first=False):
    with streams.running():
        return model.learn(decisions, reset_num_timesteps=first)


def kept(model, streams):
    """Everything that a checkpoint holds."""
    zipped = io.BytesIO()
    save_teacher(model, zipped)
    return {
        "zip": zipped.getvalue(),
        "beside": beside_zip(model),
        "env": model.env.state_dict(),
        "streams": streams.state,
    }


def resumed(state, action):
    model = load_teacher(io.BytesIO(state["zip"]), room(action), force_reset=False)
    load_beside_zip(model, state["beside"])
    model.env.load_state_dict(state["env"])
    streams = LearnerStreams(0)
    streams.state = state["streams"]
    return model, streams


def held(model):
    """Weights, moments of the optimizers and all that goes on changing, as plain values."""
    return plain((model.get_parameters(), model.env.state_dict(), beside_zip(model)))


def plain(value):
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value.numpy() if isinstance(value, torch.Tensor) else value


def weights(model):
    return torch.cat([parameter.detach().flatten() for parameter in model.policy.parameters()])


@pytest.mark.parametrize(("name", "action"), CASES)
def test_a_learner_goes_on_from_a_checkpoint_as_if_it_had_never_stopped(name, action):
    model, streams = begun(name, action)
    state = kept(model, streams)
    other, others = resumed(state, action)
    np.testing.assert_equal(held(other), held(model))
    before = weights(model)
    more(model, streams, 64)
    more(other, others, 64)
    assert other.num_timesteps == model.num_timesteps == 160
    np.testing.assert_equal(held(other), held(model))
    assert not torch.equal(weights(model), before)


RESUME = """
import sys
import torch
from test_learner_files import held, more, resumed
folder, after = sys.argv[1], []
for state, action in torch.load(f"{folder}/kept.pt", weights_only=False):
    model, streams = resumed(state, action)
    more(model, streams, 64)
    after.append(held(model))
torch.save(after, f"{folder}/after.pt")
"""


@pytest.mark.slow
def test_they_go_on_in_a_new_process_too(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    cases = [("a2c", "task"), ("dqn", "task"), ("recurrent_ppo", "mixture")]
    learners = [begun(name, action) for name, action in cases]
    states = [kept(model, streams) for model, streams in learners]
    torch.save([(state, cases[i][1]) for i, state in enumerate(states)], tmp_path / "kept.pt")
    run_python(RESUME, tmp_path, cwd=tmp_path)
    wanted = [held(more(model, streams, 64)) for model, streams in learners]
    np.testing.assert_equal(torch.load(tmp_path / "after.pt", weights_only=False), wanted)


def test_a_replay_buffer_that_went_round_is_kept_whole():
    few = {"buffer_size": 64, "learning_starts": 16}
    model, streams = learner("dqn", room("task"), **few)
    more(model, streams, 160, first=True)
    assert model.replay_buffer.full
    other, others = resumed(kept(model, streams), "task")
    more(model, streams, 48)
    more(other, others, 48)
    np.testing.assert_equal(held(other), held(model))


def test_only_the_filled_part_of_a_replay_buffer_is_kept():
    model, _ = begun("dqn", "task")
    # 24 rounds of four rows, and the place that is written next.
    assert len(beside_zip(model)["buffer"]["observations"]) == 25
    assert len(model.replay_buffer.observations) == 25_000


@pytest.mark.parametrize("name", ["ppo", "dqn", "recurrent_ppo", "maskable_ppo"])
def test_a_sampled_learner_draws_from_what_it_would_choose_in_its_state(name):
    env = MarkedTasks(n=40, k=3, length=4, hint=True)
    env.columns = ("progress", "mark", "score", "threshold", "key")
    model, _ = learner(name, env)
    with torch.no_grad():
        for layer, weight in model.policy.named_parameters():
            weight *= 1000 if layer == "action_net.linear.weight" else 1
    teacher = RuleTeacher(Sampled(model, env.columns), env, seed=1)
    rng, starts, state, memory = np.random.default_rng(0), np.ones(40, bool), None, None
    for _ in range(4):
        seen = rng.uniform(0, 0.5, (40, 3, 5)).astype(np.float32)
        _, memory = model.predict(seen, memory, starts, deterministic=True)
        chosen, state = teacher.predict(seen, state, starts)
        wanted = chances_of(model, seen, memory)
        np.testing.assert_allclose(state["probabilities"], wanted, atol=1e-5)
        assert (wanted[np.arange(40), chosen] > 0).all()
        # Some lifetimes end, each row by itself.
        starts = rng.random(40) < 0.3


def chances_of(model, seen, memory):
    """Probabilities by the policy's own distribution, or one-hot."""
    policy, observation = model.policy, torch.as_tensor(seen)
    with torch.no_grad():
        if hasattr(policy, "q_net"):
            return np.eye(3)[policy.q_net(observation).argmax(dim=1).numpy()]
        if memory is None:
            return policy.get_distribution(observation).distribution.probs.numpy()
        hidden = torch.as_tensor(memory[0])[0].reshape(len(seen), 3, -1)
        latent = policy.mlp_extractor(torch.cat([observation, hidden], dim=2))[0]
        return torch.softmax(policy.action_net(latent), dim=1).numpy()


def test_the_memory_of_a_recurrent_learner_is_each_rows_own():
    env = MarkedTasks(n=3, k=3)
    model, _ = learner("recurrent_ppo", env)
    seen = np.random.default_rng(0).uniform(0, 1, (2, 3, 3, 5)).astype(np.float32)
    _, state = model.predict(seen[0], None, np.ones(3, bool), deterministic=True)
    _, after = model.predict(seen[1], state, np.array([False, True, False]), deterministic=True)
    _, fresh = model.predict(seen[1], None, np.ones(3, bool), deterministic=True)
    np.testing.assert_allclose(after[0][:, 1], fresh[0][:, 1], atol=1e-6)
    assert np.abs(after[0][:, [0, 2]] - fresh[0][:, [0, 2]]).max() > 1e-3
    assert mean_reward(model, env, 2) >= 0
