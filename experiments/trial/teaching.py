"""Teaching: students live one lifetime each under a teacher, in lockstep.

Legend: m students, k tasks, t places, f columns, r rows whose lifetime goes on.
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm

from lessonplan.envs import Classroom, Lesson
from lessonplan.teacher import action_probabilities, asked_for

Memory = dict[str, np.ndarray] | tuple[np.ndarray, ...]
"""What a policy hands on: a rule arrays with a leading axis of rows, a recurrent policy arrays
(layers, rows, units)."""


@dataclass(frozen=True)
class Decision:
    """One decision of the students whose lifetime went on, in canonical task order."""

    rows: np.ndarray
    """Which students, (r,)."""
    observation: np.ndarray
    """What the teacher saw, (r, t, f)."""
    probabilities: np.ndarray
    """What it chose from, or the shares that it chose, (r, k)."""
    lesson: Lesson
    """What came of it."""


class Teaching:
    """One lifetime of each student seed; `step` until `running` is empty.

    Args:
        teacher: any SB3 algorithm.
        room: a classroom with a row per student seed.
        student_seeds: (m,).
    """

    def __init__(self, teacher: BaseAlgorithm, room: Classroom, student_seeds: np.ndarray) -> None:
        if len(student_seeds) != room.n:
            raise ValueError(f"{len(student_seeds)} student seeds for {room.n} rows")
        self.teacher, self.room = teacher, room
        self._observation = room.reset(np.arange(room.n), student_seeds)
        self.cost = room.facts.spending.compute.copy()
        """Compute until the first mastery by `probe`, with the probes that the teacher uses; who is
        not there (yet) has cost what was spent so far, (m,)."""
        self.steps = room.facts.spending.steps.copy()
        """Student steps likewise, (m,)."""
        self._memory: Memory | None = None
        rule = getattr(teacher, "rule", None)
        self._mixture = isinstance(teacher.action_space, spaces.Box)
        self._mixes = rule is not None and (self._mixture or getattr(rule, "mixes", False))

    @property
    def running(self) -> np.ndarray:
        """Rows whose lifetime goes on, (r,)."""
        return np.flatnonzero(~self.room.finished)

    @property
    def mastered(self) -> np.ndarray:
        """Who has mastered every task after some decision, by `probe`, (m,) bool."""
        return self.room.facts.mastered_ever.copy()

    def step(self) -> Decision:
        """One decision for every student whose lifetime goes on."""
        rows = self.running
        observation = self._observation[rows]
        first = self.room.facts.decisions[rows] == 0
        memory = None if self._memory is None else _of_rows(self._memory, rows)
        # SB3 types states as tuples of arrays, but hands on whatever a policy returns.
        teacher: Any = self.teacher
        actions, memory = teacher.predict(observation, memory, first, deterministic=True)
        if self._mixture and not self._mixes:
            actions = shares = self.room.decode(actions, rows)
        else:
            # Those of a rule go in as they are, not by way of logits.
            shares = action_probabilities(self.teacher, observation, memory)
        learning = rows[~self.room.facts.mastered_ever[rows]]
        lesson = self.room.step(shares if self._mixes else actions, rows, asked_for(memory))
        self._observation[rows] = lesson.observation
        self._remember(rows, memory)
        spending = self.room.facts.spending
        self.cost[learning] = spending.compute[learning]
        self.steps[learning] = spending.steps[learning]
        return Decision(rows, observation, self.room.to_canonical(shares, rows), lesson)

    def _remember(self, rows: np.ndarray, memory: Memory | None) -> None:
        if memory is None:
            return
        if self._memory is None:
            self._memory = _empty(memory, self.room.n)
        # Of the same kind as what the policy hands on now.
        whole: Any = self._memory
        if isinstance(memory, dict):
            for name, value in memory.items():
                whole[name][rows] = value
        else:
            for old, value in zip(whole, memory, strict=True):
                old[:, rows] = value

    def state_dict(self) -> dict[str, Any]:
        """Everything that goes on changing."""
        return {
            "room": self.room.state_dict(),
            "cost": self.cost.copy(),
            "steps": self.steps.copy(),
            "memory": deepcopy(self._memory),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where a state was taken."""
        self.room.load_state_dict(state["room"])
        spending = self.room.facts.spending
        # Earlier versions kept the cost in units of the budget, in which nothing is said any more.
        self.cost[:] = state["cost"] if "steps" in state else spending.compute
        self.steps[:] = state.get("steps", spending.steps)
        self._observation = self.room.observation(np.arange(self.room.n))
        self._memory = deepcopy(state["memory"])


@dataclass(frozen=True)
class Worth:
    """What a candidate is worth on the selection students.

    Attributes:
        cost: mean compute until mastery, with the probes that the teacher uses; students that never
            get there cost what their whole lifetime does.
        area: mean score so far, over decisions and students.
        mastered: students that mastered all tasks.
    """

    cost: float
    area: float
    mastered: int


def judge(teaching: Teaching) -> Iterator[Worth]:
    """Let the students live; after each decision what their teacher is worth so far.

    The last is what it is worth.
    """
    room = teaching.room
    importance = np.array([task.importance for task in room.suite.tasks])
    area, decisions = 0.0, 0
    while len(teaching.running):
        teaching.step()
        decisions += 1
        # Students whose lifetime is over keep their last score.
        area += float(np.average(room.facts.judged, axis=1, weights=importance).mean())
        done = int(teaching.mastered.sum())
        yield Worth(float(teaching.cost.mean()), area / decisions, done)


def _of_rows(memory: Memory, rows: np.ndarray) -> Memory:
    """The memory of some rows."""
    if isinstance(memory, dict):
        return {name: value[rows] for name, value in memory.items()}
    return tuple(value[:, rows] for value in memory)


def _empty(memory: Memory, n: int) -> Memory:
    """Zeros like a memory, for n rows."""
    if isinstance(memory, dict):
        return {
            name: np.zeros((n, *value.shape[1:]), value.dtype) for name, value in memory.items()
        }
    return tuple(np.zeros((len(v), n, *v.shape[2:]), v.dtype) for v in memory)
