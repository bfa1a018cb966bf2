"""The memory of the last call, for whoever calls `predict` without the state that it returned.

Legend: n students, k tasks.
"""

import warnings
from typing import Any

import numpy as np

from .rules import Memory


class LastCall:
    """A state that goes on in the rows that show the same student; in no copy and no file."""

    def __init__(self) -> None:
        self._state: Memory | None = None
        self._key: np.ndarray = np.empty(0)
        self._shape: tuple[int, ...] = ()
        self._has_warned = False

    def __reduce__(self) -> tuple[type["LastCall"], tuple[()]]:
        """Copies begin without it."""
        return LastCall, ()

    def forget(self) -> None:
        """Nothing goes on: the last call passed a state, and may be one of many lifetimes."""
        self._state = None

    def keep(self, state: Memory, key: np.ndarray, shape: tuple[int, ...]) -> None:
        """Keep the state of students with these keys (n,), in its own arrays; shape is (n, k)."""
        self._state = {name: value.copy() for name, value in state.items()}
        self._key, self._shape = key.copy(), shape

    def resume(
        self, key: np.ndarray, shape: tuple[int, ...], is_new: np.ndarray
    ) -> tuple[Memory | None, np.ndarray]:
        """The state to go on from, and the rows that begin anew, (n,): those of other students too.

        The first time that anything goes on there is a warning.
        """
        if self._state is None or shape != self._shape:
            return None, is_new
        is_new = is_new | (key != self._key)
        if not is_new.all() and not self._has_warned:
            self._has_warned = True
            warnings.warn(
                "predict was called without the state that it returned, so the lifetime of the "
                "last call goes on where a row shows the same student; pass state= and "
                "episode_start= to say so yourself",
                stacklevel=5,
            )
        return self._state, is_new


def key_of(batch: np.ndarray, columns: tuple[str, ...]) -> np.ndarray:
    """Who each row of an observation (n, k, f) is, (n,).

    Raises:
        ValueError: where the column that tells so is not shown.
    """
    if "key" not in columns:
        raise ValueError(
            "pass the state that predict returned, and episode_start: this teacher is not shown "
            "key, which tells one student from the next; or add key to observe="
        )
    key: Any = batch[:, 0, columns.index("key")]
    return np.asarray(key)
