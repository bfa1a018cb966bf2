"""SB3's `rollout/...`: means over the last lifetimes of a training, as `VecMonitor` has them.

Kept here and not by a wrapper of SB3's, so that they go into a checkpoint, and a lifetime that was
lost with its actor does not count.

Legend: n students.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

LAST = 100
"""Lifetimes that a mean is taken over, SB3's `stats_window_size`."""


class LifetimeMeans:
    """Means over the last `LAST` lifetimes that ended.

    Args:
        n: students that are taught at once.
    """

    def __init__(self, n: int) -> None:
        # Of VecMonitor's kinds, since a sum depends on them.
        self._rewards = np.zeros(n, dtype=np.float32)
        self._lengths = np.zeros(n, dtype=np.int32)
        self._ended: deque[tuple[float, int, float]] = deque(maxlen=LAST)
        self._means: dict[str, float] = {}

    def step(
        self, rewards: np.ndarray, dones: np.ndarray, infos: Sequence[Mapping[str, Any]]
    ) -> dict[str, float]:
        """Take in a step of all students.

        Args:
            rewards: (n,).
            dones: which lifetimes ended, (n,).
            infos: of each student.

        Returns:
            `rollout/ep_rew_mean`, `rollout/ep_len_mean`, and as `rollout/success_rate` the share
            that ended with every task mastered; nothing before the first lifetime has ended.
        """
        self._rewards += rewards
        self._lengths += [not info.get("resting", False) for info in infos]
        ended = np.flatnonzero(dones).tolist()
        for i in ended:
            if not infos[i].get("lost", False):
                mastered = float(not infos[i].get("TimeLimit.truncated", False))
                self._ended.append((float(self._rewards[i]), int(self._lengths[i]), mastered))
        self._rewards[ended], self._lengths[ended] = 0.0, 0
        if len(ended):
            self._take_means()
        return self._means

    def _take_means(self) -> None:
        if self._ended:
            rewards, lengths, mastered = zip(*self._ended, strict=True)
            self._means = {
                "rollout/ep_rew_mean": float(np.mean(np.array(rewards, dtype=np.float32))),
                "rollout/ep_len_mean": float(np.mean(lengths)),
                "rollout/success_rate": float(np.mean(mastered)),
            }

    def state_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "rewards": self._rewards.tolist(),
            "lengths": self._lengths.tolist(),
            "ended": [list(one) for one in self._ended],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where a state was taken."""
        self._rewards[:], self._lengths[:] = state["rewards"], state["lengths"]
        self._ended.extend((one[0], one[1], one[2]) for one in state["ended"])
        self._take_means()
