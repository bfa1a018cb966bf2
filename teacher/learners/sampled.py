"""Learned teachers whose tasks are drawn instead of the likeliest.

Legend: n students, k tasks.
"""

import io
from typing import Any, Self

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm

from ..files import read_teacher, save_teacher
from ..rules import Memory, View
from .make import action_probabilities, load_for_spaces
from .taskwise import Taskwise


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
        self._others: dict[int, BaseAlgorithm] = {}
        """The same teacher for other numbers of places, as they were asked for."""

    def written(self) -> dict[str, Any]:
        """What it is made of, as plain values: the learned teacher as the bytes of its file."""
        file = io.BytesIO()
        save_teacher(self.teacher, file)
        content = np.frombuffer(file.getvalue(), dtype=np.uint8)
        return {"file": content, "columns": tuple(self.needs), "likeliest": self.likeliest}

    @classmethod
    def from_written(
        cls, trust: bool, *, file: np.ndarray, columns: tuple[str, ...], likeliest: bool
    ) -> Self:
        """The one that `written` said it was.

        Raises:
            ValueError: if the file can't be read without trust, or is damaged.
        """
        content, shown = np.asarray(file, dtype=np.uint8).tobytes(), tuple(columns)
        place = io.BytesIO(content)
        try:
            kept = read_teacher(io.BytesIO(content), trust=trust).attributes
            spaces_of = kept["observation_space"], kept["action_space"]
            learner = load_for_spaces(place, *spaces_of, shown, trust=trust)
        except ValueError as error:
            words = str(error).replace(str(place), "the learner within it")
            raise ValueError(words.replace("the file", "the learner within it")) from error
        return cls(learner, shown, bool(likeliest))

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
        teacher: Any = self._for_places(view.present.shape[1])
        _, after = teacher.predict(
            self._observation(view), _state(memory), fresh, deterministic=True
        )
        return {name: np.moveaxis(x, 0, 1) for name, x in zip(memory, after, strict=True)}

    def probabilities(self, memory: Memory, view: View) -> np.ndarray:
        """Probabilities of the learned teacher's policy, (n, k)."""
        teacher = self._for_places(view.present.shape[1])
        raw = action_probabilities(teacher, self._observation(view), _state(memory))
        if self.likeliest:
            raw = np.arange(raw.shape[1]) == raw.argmax(axis=1)[:, None]
        return np.asarray(raw, dtype=np.float64)

    def _for_places(self, k: int) -> BaseAlgorithm:
        """The teacher for k places; a taskwise policy has the same weights for every k."""
        space: Any = self.teacher.observation_space
        if k == space.shape[0] or not isinstance(self.teacher.policy, Taskwise):
            return self.teacher
        if k not in self._others:
            low, high = (np.repeat(bound[:1], k, axis=0) for bound in (space.low, space.high))
            shown = spaces.Box(low, high, dtype=space.dtype.type)
            action: Any = self.teacher.action_space
            chosen: spaces.Space[Any] = spaces.Discrete(k)
            if isinstance(action, spaces.Box):
                chosen = spaces.Box(action.low.min(), action.high.max(), (k,), np.float32)
            content = io.BytesIO(self.written()["file"].tobytes())
            self._others[k] = load_for_spaces(content, shown, chosen, self.needs)
        return self._others[k]

    def _observation(self, view: View) -> np.ndarray:
        return np.stack([view[column] for column in self.needs], axis=2).astype(np.float32)


def _state(memory: Memory) -> Any:
    """The hidden state as SB3 has it, layers first; None where there is none."""
    if not memory:
        return None
    return tuple(np.moveaxis(memory[name], 1, 0) for name in ("hidden", "cell"))
