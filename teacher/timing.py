"""What a decision of a rule costs, without any students.

Axes: n students, k tasks, f columns, d decisions.
"""

import time

import numpy as np
from numpy.typing import NDArray

from .rules import Rule, View


def decision_seconds(
    rule: Rule, n: int = 128, k: int = 100, decisions: int = 40, seed: int = 0
) -> NDArray[np.float64]:
    """Time of each decision of a rule for n students and k tasks, (d,) seconds.

    A decision is to observe what the last one brought and to give the next probabilities; what
    every teacher pays beside it (checks, drawing lots) is not counted, nor are the first decisions,
    in which memory is claimed and windows are empty.

    Args:
        rule: the rule.
        n: students.
        k: tasks, all present.
        decisions: how many to time.
        seed: of what is shown, of the choices and of the rule's own draws.
    """
    columns = tuple(dict.fromkeys((*rule.needs, "key")))
    generator = np.random.default_rng(seed)
    observations = [_observation(columns, n, k, generator) for _ in range(8)]
    look = getattr(rule, "look", None)
    memory, warm_up, seconds = rule.start(n, k), 12, []
    for decision in range(warm_up + decisions):
        last = generator.integers(k, size=n) if decision else np.full(n, -1)
        view = View(observations[decision % 8], columns, last, np.full(n, decision), seed)
        began = time.perf_counter()
        memory = rule.observe(memory, view) if decision else memory
        memory = look(memory, view) if look else memory
        rule.probabilities(memory, view)
        seconds.append(time.perf_counter() - began)
    return np.array(seconds[warm_up:])


def _observation(
    columns: tuple[str, ...], n: int, k: int, generator: np.random.Generator
) -> NDArray[np.float32]:
    """What n students might show: fractions, changes around 0, and every task once, (n, k, f)."""
    observation = generator.random((n, k, len(columns)))
    for i, column in enumerate(columns):
        name = column.partition(":")[0]
        if name in ("present", "measured"):
            observation[:, :, i] = 1.0
        elif name in ("task", "order"):
            observation[:, :, i] = generator.permuted(np.tile(np.arange(k), (n, 1)), axis=1)
        elif name == "progress":
            observation[:, :, i] = generator.normal(0.0, 0.1, (n, k))
        elif name == "key":
            observation[:, :, i] = (np.arange(n) / 2**10)[:, None]
    return observation.astype(np.float32)
