"""The identity problem: one of k tasks is marked in a column, and only that one pays.

Legend: n rows, k tasks, t places, f columns.
"""

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.vec_env import VecEnv

COLUMNS = ("progress", "mark", "score", "threshold", "present")


class MarkedTasks(VecEnv):
    """n rows of episodes in which the same task pays 1, or its share of a mixture.

    Args:
        n: rows.
        k: tasks; they stand at random among the places.
        places: t, k by default.
        action: `task` or `mixture`.
        length: decisions of an episode.
        hint: the mark is shown at the first decision of an episode only.
    """

    columns = COLUMNS

    def __init__(self, n=8, k=4, places=None, action="task", length=1, hint=False):
        self.k, self.length, self.hint, self.render_mode = k, length, hint, None
        t = places or k
        spans = spaces.Box(-1, 1, (t, len(COLUMNS)), np.float32)
        mixture = spaces.Box(-10, 10, (t,), np.float32)
        super().__init__(n, spans, mixture if action == "mixture" else spaces.Discrete(t))
        self.generator = np.random.default_rng(0)
        self.marked, self.age = np.zeros(n, np.int64), np.zeros(n, np.int64)
        self.here = np.zeros((n, t), bool)

    def reset(self):
        if self._seeds[0] is not None:
            self.generator = np.random.default_rng(self._seeds[0])
        self._reset_seeds()
        self._begin(np.arange(self.num_envs))
        return self._shown()

    def _begin(self, rows):
        lots = self.generator.random((len(rows), self.here.shape[1]))
        self.here[rows] = lots.argsort(axis=1).argsort(axis=1) < self.k
        lots = self.generator.random(lots.shape) * self.here[rows]
        self.marked[rows], self.age[rows] = lots.argmax(axis=1), 0

    def _shown(self):
        shown = self.generator.uniform(-1, 1, (*self.here.shape, len(COLUMNS)))
        at = np.eye(self.here.shape[1])[self.marked]
        shown[:, :, 1] = np.where((self.age[:, None] > 0) & self.hint, 0.0, at)
        # What is not marked is as often mastered as not; what is marked never is.
        shown[:, :, 3] = 0.0 if self.hint else at
        shown[:, :, 4] = self.here
        return (shown * self.here[:, :, None]).astype(np.float32)

    def step_async(self, actions):
        self.actions = np.asarray(actions)

    def step_wait(self):
        rewards = self.paid(self.actions)
        self.age += 1
        done = self.age >= self.length
        infos = [{} for _ in range(self.num_envs)]
        last = self._shown()
        for row in np.flatnonzero(done):
            infos[row] = {"terminal_observation": last[row], "TimeLimit.truncated": False}
        self._begin(np.flatnonzero(done))
        return self._shown(), rewards.astype(np.float32), done, infos

    def paid(self, actions):
        rows = np.arange(self.num_envs)
        if actions.ndim == 1:
            assert self.here[rows, actions].all(), "a place without a task was chosen"
            return actions == self.marked
        weights = np.exp(actions) * self.here
        return weights[rows, self.marked] / weights.sum(axis=1)

    def state_dict(self):
        arrays = {name: getattr(self, name).copy() for name in ("marked", "age", "here")}
        return arrays | {"generator": self.generator.bit_generator.state}

    def load_state_dict(self, state):
        self._reset_seeds()
        self.generator.bit_generator.state = state["generator"]
        for name in ("marked", "age", "here"):
            setattr(self, name, state[name].copy())

    def close(self):
        pass

    def get_attr(self, attr_name, indices=None):
        return [getattr(self, attr_name)] * self.num_envs

    def set_attr(self, attr_name, value, indices=None):
        setattr(self, attr_name, value)

    def env_method(self, method_name, *args, indices=None, **kwargs):
        raise NotImplementedError

    def env_is_wrapped(self, wrapper_class, indices=None):
        return [False] * self.num_envs


def mean_reward(model, env, decisions=60):
    """Of the likeliest choices, a number in [0, 1]."""
    observation, state = env.reset(), None
    starts, total = np.ones(env.num_envs, bool), 0.0
    for _ in range(decisions):
        actions, state = model.predict(observation, state, starts, deterministic=True)
        observation, reward, starts, _ = env.step(actions)
        total += reward.mean() / decisions
    return total
