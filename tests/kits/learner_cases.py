"""Every learner by name with every kind of action that it can choose."""

import numpy as np
import torch
from marked_tasks import COLUMNS, MarkedTasks

from lessonplan.teacher import ALGORITHMS, LearnerStreams, action_probabilities, make_learner

CASES = [
    (name, action)
    for name, learner in ALGORITHMS.items()
    if learner.leaning is not learner.policy
    for action in learner.actions
]
"""All but those that need a prior, which have tests of their own."""
OFF_POLICY = ("dqn", "qrdqn", "sac", "td3", "ddpg")
POLICY_GRADIENT = {
    "ppo": {
        "n_steps": 32,
        "batch_size": 64,
        "n_epochs": 4,
        "learning_rate": 1e-2,
        "gamma": 0.0,
    },
    "a2c": {"n_steps": 8, "learning_rate": 3e-3, "gamma": 0.0},
    "trpo": {"n_steps": 64, "batch_size": 128, "target_kl": 0.05, "gamma": 0.0},
}
VALUES = {
    "learning_starts": 160, "batch_size": 64, "learning_rate": 3e-3, "gamma": 0.0, "train_freq": 1,
}  # fmt: skip
EXPLORING = {"target_update_interval": 400, "exploration_fraction": 0.5}


def settings_of(name):
    """Settings that solve the identity problem in a few thousand decisions."""
    if name in ("dqn", "qrdqn"):
        few = {"policy_kwargs": {"n_quantiles": 8}} if name == "qrdqn" else {}
        return VALUES | EXPLORING | few
    if name in OFF_POLICY:
        return VALUES
    return POLICY_GRADIENT.get(name, POLICY_GRADIENT["ppo"])


def learner(name, env, seed=0, width=16, **settings):
    """A learner, and its streams as they are after it was made."""
    streams = LearnerStreams(seed)
    with streams.running():
        model = make_learner(name, env, seed=seed, width=width, **(settings_of(name) | settings))
    return model, streams


def distinct(name, action, k=4, places=None):
    """An untrained learner whose outputs differ clearly between tasks."""
    model, _ = learner(name, MarkedTasks(n=2, k=k, places=places, action=action))
    with torch.no_grad():
        for layer, weight in model.policy.named_parameters():
            if layer.endswith(("linear.weight", "advantage.weight")):
                # Those of actors are almost zero; a tanh must not saturate.
                weight *= 1000 if name not in ("sac", "td3", "ddpg") else 50
    return model


def shown(seed, b, k, times=3):
    """Observations (times, b, k, f) in which every task exists and none is mastered."""
    columns = np.random.default_rng(seed).uniform(-1, 1, (times, b, k, len(COLUMNS)))
    columns[..., COLUMNS.index("present")] = 1
    columns[..., COLUMNS.index("score")] -= 2
    return columns.astype(np.float32)


def answers(model, observations):
    """Probabilities, shares or values of the tasks at each of several decisions, (times, b, k)."""
    state, given = None, []
    starts = np.ones(observations.shape[1], bool)
    for observation in observations:
        _, state = model.predict(observation, state, starts, deterministic=True)
        starts = np.zeros_like(starts)
        network = getattr(model.policy, "q_net", getattr(model.policy, "quantile_net", None))
        if network is None:
            given.append(action_probabilities(model, observation, state))
        else:
            with torch.no_grad():
                values = network(torch.as_tensor(observation)).numpy()
            given.append(values if values.ndim == 2 else values.mean(axis=1))
    return np.array(given)
