"""The identity problem with two rules shown beside it, which know nothing of the mark.

Legend: n rows, k tasks, t places, f columns.
"""

import numpy as np
from gymnasium import spaces
from marked_tasks import COLUMNS, MarkedTasks

from lessonplan.teacher import LearnerStreams, make_learner

LEANING = (*COLUMNS, "log_data", "log_shortfall")
AT = {name: place for place, name in enumerate(LEANING)}
FEW = {
    "ppo": {"n_steps": 8, "batch_size": 16, "n_epochs": 2, "learning_rate": 1e-2, "gamma": 0.0},
    "a2c": {"n_steps": 8, "learning_rate": 3e-3, "gamma": 0.0},
    "trpo": {"n_steps": 16, "batch_size": 32, "gamma": 0.0},
}
"""Settings with which a learner goes through a few rollouts in no time."""


class LeaningTasks(MarkedTasks):
    """`MarkedTasks` that show the log-weights of two rules, drawn anew at every decision."""

    columns = LEANING

    def __init__(self, **options):
        super().__init__(**options)
        low = np.full((self.here.shape[1], len(LEANING)), -14.0, np.float32)
        self.observation_space = spaces.Box(low, -0.0 * low + 1.0, dtype=np.float32)

    def _shown(self):
        shares = self.generator.dirichlet(np.ones(self.here.shape[1]), (2, len(self.here)))
        shares = np.maximum(shares, 1e-3) * self.here
        shares /= shares.sum(axis=2, keepdims=True)
        logs = np.log(np.where(self.here, shares, 1e-6)).astype(np.float32)
        return np.concatenate([super()._shown(), np.moveaxis(logs, 0, 2)], axis=2)


def leaning(algorithm="ppo", env=None, action="mixture", seed=0, width=16, **settings):
    """A learner that begins at the shortfall, and its streams as they are after it was made."""
    streams = LearnerStreams(seed)
    env = LeaningTasks(action=action) if env is None else env
    options = {"prior": "shortfall"} | FEW[algorithm] | settings
    with streams.running():
        model = make_learner(algorithm, env, seed=seed, width=width, **options)
    return model, streams


def trained(algorithm="ppo", decisions=512, env=None, **settings):
    """One that has learned for a while, with outputs that are clearly its own."""
    model, streams = leaning(algorithm, env, **settings)
    with streams.running():
        model.learn(decisions)
    return model, streams


def seen(seed, b, k, padding=0):
    """Observations (b, k + padding, f) in which the first k places have a task."""
    generator = np.random.default_rng(seed)
    shown = generator.uniform(-1, 1, (b, k + padding, len(LEANING)))
    shown[:, :, AT["present"]] = np.arange(k + padding) < k
    for name in ("log_data", "log_shortfall"):
        shares = generator.dirichlet(np.ones(k), b) + 1e-3
        shown[:, :k, AT[name]] = np.log(shares / shares.sum(axis=1, keepdims=True))
        shown[:, k:, AT[name]] = np.log(1e-6)
    return shown.astype(np.float32)
