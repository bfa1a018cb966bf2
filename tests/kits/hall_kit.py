"""An environment of one's own, as tasks, and agents in it."""

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from lessonplan.student import RLCohort, environments


class Hall(gym.Env):
    """A corridor of five fields: right is +1, left is 0, and whoever is at its end is done."""

    observation_space = spaces.Box(0.0, 6.0, (1,))
    action_space = spaces.Discrete(2)

    def __init__(self, start=0, log=None):
        self.start, self.log = start, log

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        if self.log is not None:
            self.log.append(seed)
        self.at = self.start + (options or {}).get("further", 0)
        return np.array([self.at], np.float32), {}

    def step(self, action):
        self.at += int(action)
        done = self.at >= 5
        observation = np.array([self.at], np.float32)
        return observation, float(action), done, False, {"is_success": done}


def halls(log=None, starts=(0, 3), n_steps=16, **fields):
    """Halls from which 5 - start steps lead to the end."""
    return environments(
        [
            {"name": f"from-{start}", "id": Hall, "kwargs": {"start": start, "log": log},
             "low": 0.0, "high": 5.0, "horizon": 10, **fields}
            for start in starts
        ],
        n_steps=n_steps,
    )  # fmt: skip


def agents(suite=None, n=1, **options):
    settings = {"batch_size": 4, "evaluation_size": 3, "settings": {"n_epochs": 2}}
    return RLCohort(suite or halls(), n, **(settings | options))
