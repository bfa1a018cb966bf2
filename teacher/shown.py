"""What an environment shows of some lifetimes, and what a rule makes of it.

Legend: n students, k tasks, f columns, d decisions.
"""

from dataclasses import dataclass

import numpy as np
from stable_baselines3.common.vec_env import VecEnv

from .adapter import Looks, columns_of
from .rules import Rule, View

_DECISIONS = 6
SEED = 5
"""Of the teachers that are watched."""


@dataclass(frozen=True)
class Shown:
    """What n students showed after each of d decisions."""

    columns: tuple[str, ...]
    observations: list[np.ndarray]
    """(n, k, f) per decision."""
    last: list[np.ndarray]
    """Task of the decision before, -1 at the first, (n,) per decision."""


def watch(env: VecEnv) -> Shown:
    """What the rows show when they are taught one task after the other, until a lifetime ends."""
    observation = np.asarray(env.reset())
    n, k = observation.shape[:2]
    columns = columns_of(env)
    there = observation[:, :, columns.index("present")] > 0 if "present" in columns else None
    shown = Shown(columns, [observation], [np.full(n, -1)])
    for decision in range(_DECISIONS):
        tasks = (decision + np.arange(n)) % k
        if there is not None:
            tasks = np.where(there[np.arange(n), tasks], tasks, there.argmax(axis=1))
        after, _, dones, _ = env.step(tasks)
        if dones.any():
            break
        shown.observations.append(np.asarray(after))
        shown.last.append(tasks)
    return shown


def play(rule: Rule, shown: Shown, rows: np.ndarray | None = None) -> np.ndarray:
    """Probabilities after each decision of these lifetimes, (d, rows, k)."""
    rows = np.arange(len(shown.last[0])) if rows is None else rows
    memory, chances = rule.start(len(rows), shown.observations[0].shape[1]), []
    for i in range(len(shown.last)):
        view = view_of(shown, i, rows)
        memory = rule.observe(memory, view) if i else memory
        memory = rule.look(memory, view) if isinstance(rule, Looks) else memory
        chances.append(np.asarray(rule.probabilities(memory, view), dtype=np.float64))
    return np.array(chances)


def view_of(shown: Shown, i: int, rows: np.ndarray | None = None) -> View:
    """What a rule sees at decision i, as arrays of its own."""
    rows = np.arange(len(shown.last[0])) if rows is None else rows
    decision = np.full(len(rows), i, dtype=np.int64)
    observation, last = shown.observations[i][rows].copy(), shown.last[i][rows].copy()
    return View(observation, shown.columns, last, decision, SEED)


def with_empty_place(shown: Shown) -> Shown:
    """The same lifetimes with one more place, where there is no task."""
    columns = shown.columns
    if "present" not in columns:
        columns = (*columns, "present")
    observations = []
    for seen in shown.observations:
        n, k, f = seen.shape
        wider = np.zeros((n, k + 1, len(columns)), dtype=seen.dtype)
        wider[:, :k, f:] = 1.0
        wider[:, :k, :f] = seen
        observations.append(wider)
    return Shown(columns, observations, shown.last)
