"""Learned teachers whose tasks are drawn instead of the likeliest.

Legend: n students, k tasks.
"""

from typing import Any

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm

from ..rules import Memory, View
from .make import action_probabilities


class Sampled:
    """A learned teacher whose tasks are drawn from its probabilities, or from its mixture.

    As a rule it draws from streams of (teacher seed, student, decision), so its choices do not
    depend on how many students there are. With `likeliest` there is nothing to draw: all is on the
    task that it takes itself.
    """

    kind = "learned"
    sees_order = False

    def __init__(
        self, teacher: BaseAlgorithm, columns: tuple[str, ...], likeliest: bool = False
    ) -> None:
        self.teacher, self.needs = teacher, columns
        self.likeliest = likeliest and isinstance(teacher.action_space, spaces.Discrete)

    def start(self, n: int, k: int) -> Memory:
        """The hidden state of a recurrent policy, (n, layers, h) each; else nothing."""
        shape = getattr(self.teacher.policy, "lstm_hidden_state_shape", None)
        if shape is None:
            return {}
        layers, _, width = shape
        return {name: np.zeros((n, layers, width), np.float32) for name in ("hidden", "cell")}

    def observe(self, memory: Memory, view: View) -> Memory:
        """Nothing comes of outcomes but what is seen of them."""
        return memory

    def look(self, memory: Memory, view: View) -> Memory:
        """The state after what is shown now."""
        if not memory:
            return memory
        fresh = np.zeros(len(view.present), dtype=bool)
        teacher: Any = self.teacher
        _, after = teacher.predict(
            self._observation(view), _state(memory), fresh, deterministic=True
        )
        return {name: np.moveaxis(x, 0, 1) for name, x in zip(memory, after, strict=True)}

    def probabilities(self, memory: Memory, view: View) -> np.ndarray:
        """Probabilities of the learned teacher's policy, (n, k)."""
        raw = action_probabilities(self.teacher, self._observation(view), _state(memory))
        if self.likeliest:
            raw = np.arange(raw.shape[1]) == raw.argmax(axis=1)[:, None]
        return np.asarray(raw, dtype=np.float64)

    def _observation(self, view: View) -> np.ndarray:
        return np.stack([view[column] for column in self.needs], axis=2).astype(np.float32)


def _state(memory: Memory) -> Any:
    """The hidden state as SB3 has it, layers first; None where there is none."""
    if not memory:
        return None
    return tuple(np.moveaxis(memory[name], 1, 0) for name in ("hidden", "cell"))
