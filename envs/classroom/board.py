"""The board: the tasks at their places, what is written beside each, and what a choice means.

Legend: n students, k tasks, t task places shown (k, or the capacity `max_tasks`), f columns,
r rows named in a call.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import spaces

from lessonplan.student import TaskSuite
from lessonplan.student.contract import shuffled, stream_key

from .budget import Budget
from .checking import check_choice
from .columns import Observer
from .facts import Facts

ACTIONS = ("task", "mixture")
LOGIT_LIMIT = 10.0
"""Logits of a mixture lie between minus this and this."""
LEAST_SHARE = 1e-6
"""A smaller share of a mixture is none: it would not draw an example in a whole lifetime."""

_SHUFFLE = 302


class Board:
    """What a teacher is shown of n students, and how its choices are read.

    Args:
        n: students.
        suite: the tasks.
        budget: of a lifetime.
        observe: columns; the first is always progress.
        action: `task`, the place of the next task, or `mixture`, logits of all places.
        shuffle_tasks: another order in each lifetime.
        max_tasks: places; those without a task are zero in every column, `present` too.
        half_life: of what training examples tell, in decisions.
    """

    def __init__(
        self,
        n: int,
        suite: TaskSuite,
        budget: Budget,
        observe: Sequence[str],
        *,
        action: str = "task",
        shuffle_tasks: bool = False,
        max_tasks: int | None = None,
        half_life: float = 1.0,
    ) -> None:
        check_choice("action", action, ACTIONS)
        if max_tasks is not None and max_tasks < len(suite):
            raise ValueError(
                f"max_tasks must be at least the {len(suite)} tasks of suite {suite.name!r}, "
                f"got {max_tasks}"
            )
        self.suite, self.action, self.shuffle_tasks = suite, action, shuffle_tasks
        self.n_places = len(suite) if max_tasks is None else max_tasks
        self.facts = Facts(n, suite, budget, half_life)
        self.observer = Observer(self.facts, observe)
        self.places = np.full((n, self.n_places), -1, dtype=np.int64)
        """Canonical task at each place, -1 where there is none, (n, t)."""
        self.places[:, : len(suite)] = np.arange(len(suite))
        self._in_order = not shuffle_tasks and self.n_places == len(suite)

    @property
    def observation_space(self) -> spaces.Box:
        """Finite bounds per column, (t, f) float32; its `columns` name them.

        A teacher keeps the space that it was made for, and so the columns, in its file too.
        """
        shape = (self.n_places, 1)
        # A padded place is zero in every column, so every column must allow zero.
        low, high = np.minimum(self.observer.low, 0.0), np.maximum(self.observer.high, 0.0)
        space = spaces.Box(
            np.tile(low, shape).astype(np.float32), np.tile(high, shape).astype(np.float32)
        )
        # No class of its own: a file would name where that lies.
        vars(space)["columns"] = tuple(self.observer.observe)
        return space

    @property
    def action_space(self) -> spaces.Discrete | spaces.Box:
        """The place of the next task, or logits of the next mixture, (t,)."""
        if self.action == "task":
            return spaces.Discrete(self.n_places)
        return spaces.Box(-LOGIT_LIMIT, LOGIT_LIMIT, (self.n_places,), np.float32)

    def show(self, columns: Sequence[str]) -> None:
        """Show these columns too, behind the others.

        Raises:
            ValueError: after a lifetime has begun: its progress so far, and teachers of fewer
                columns, would be lost.
        """
        if self.facts.spending.lifetimes[0] > 0:
            raise ValueError(
                f"lifetimes have begun that do not show {', '.join(columns)}; name them in "
                "observe= when the tutor is made"
            )
        self.observer = Observer(self.facts, (*self.observer.observe, *columns))

    @property
    def belongs_to(self) -> dict[str, Any]:
        """What a state of it belongs to."""
        return {
            "tasks": list(self.suite.names),
            "thresholds": self.facts.threshold.tolist(),
            "columns": list(self.observer.observe),
            "places": self.n_places,
            "action": self.action,
        }

    def reset(self, rows: np.ndarray, seeds: np.ndarray) -> None:
        """New lifetimes for these rows."""
        self.facts.reset(rows, seeds)
        if self.shuffle_tasks:
            k = len(self.suite)
            key = stream_key(seeds[:, None], _SHUFFLE)
            self.places[rows, :k] = shuffled(key, np.arange(k), k)

    def observation(self, rows: np.ndarray) -> np.ndarray:
        """What a teacher sees of these rows now, (r, t, f) float32."""
        values = self.observer.read(rows)
        if not self._in_order:
            places = self.places[rows]
            values = values[np.arange(len(rows))[:, None], np.maximum(places, 0)]
            values[places < 0] = 0.0
        return values.astype(np.float32)

    def to_canonical(self, values: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Values by place (r, t) as values by canonical task (r, k)."""
        canonical = np.zeros((len(rows), len(self.suite)), dtype=values.dtype)
        places = self.places[rows]
        r, place = np.nonzero(places >= 0)
        canonical[r, places[r, place]] = values[r, place]
        return canonical

    def decode(self, actions: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """A teacher's actions as `shares` reads them.

        Args:
            actions: places (r,), which stay as they are, or logits of the places (r, t).
            rows: whose actions they are.

        Returns:
            The places, or the softmax of the logits over the places with a task, (r, t).
        """
        actions = np.asarray(actions)
        if actions.ndim != 2:
            return actions
        self._check_shape("logits", actions, rows)
        if not np.isfinite(actions).all():
            raise ValueError(f"logits of the places must be finite, got {actions.tolist()}")
        logits = np.where(self.places[rows] >= 0, actions.astype(np.float64), -np.inf)
        weight = np.exp(logits - logits.max(axis=1, keepdims=True))
        share = weight / weight.sum(axis=1, keepdims=True)
        share[share < LEAST_SHARE] = 0.0
        return np.asarray(share / share.sum(axis=1, keepdims=True))

    def shares(self, actions: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """What was chosen as shares of the canonical tasks, (r, k), rows sum to 1.

        Args:
            actions: places (r,), or weights of the places (r, t), rows sum to 1.
            rows: whose actions they are.
        """
        if actions.ndim != 2:
            places = self._checked_places(actions, rows)
            one_hot = np.zeros((len(rows), len(self.suite)))
            one_hot[np.arange(len(rows)), self.places[rows, places]] = 1.0
            return one_hot
        self._check_shape("weights", actions, rows)
        shares = self.to_canonical(actions.astype(np.float64), rows)
        if not np.allclose(shares.sum(axis=1), 1.0) or (shares < 0).any():
            raise ValueError(
                "the weights of the places with a task must be non-negative and sum to 1 in every "
                f"row, got {actions.tolist()}"
            )
        return shares

    def state_dict(self) -> dict[str, Any]:
        """Facts, estimators and places of all rows."""
        return {
            "facts": self.facts.state_dict(),
            "view": self.observer.state_dict(),
            "places": self.places.copy(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state of a board that was made alike."""
        self.facts.load_state_dict(state["facts"])
        self.observer.load_state_dict(state["view"])
        self.places[:] = state["places"]

    def _check_shape(self, name: str, actions: np.ndarray, rows: np.ndarray) -> None:
        if actions.shape != (len(rows), self.n_places):
            raise ValueError(
                f"{name} of the places must be {(len(rows), self.n_places)}, got {actions.shape}"
            )

    def _checked_places(self, actions: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """The same places, if there is a task at each."""
        if actions.shape != (len(rows),):
            raise ValueError(f"actions must be ({len(rows)},), got {actions.shape}")
        if ((actions < 0) | (actions >= self.n_places)).any():
            raise ValueError(
                f"an action must be a place in [0, {self.n_places}), got {actions.tolist()}"
            )
        empty = self.places[rows, actions] < 0
        if empty.any():
            raise ValueError(
                f"there is no task at place {actions[empty].tolist()[0]}; "
                f"mask the places where `present` is 0"
            )
        return actions
