"""Bandits made for reinforcement fine-tuning: values per task and a softmax.

Both chase the mean absolute advantage of a task, which has no meaning for a supervised student. Its
substitute is ``signal``: ``"learnability"``, ``2 sqrt(p (1 - p))`` with the task's score p (twice
the spread of a pass/fail reward, in [0, 1]), or ``"progress"``, the absolute change of its score.
Axes: n students, k tasks.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..choose import Floats, check_one_of, check_positive, check_within, softmax
from ..estimate import (
    ADVANTAGE_SIGNALS,
    CHANGE,
    MEASURED,
    Counts,
    advantage_substitute,
    measured_choice,
)
from ..rules import Memory, View


@dataclass(frozen=True)
class SEC:
    """Self-Evolving Curriculum (Chen et al. 2025): TD(0) values per task, then a softmax.

    ``Q_k = (1 - learning_rate) Q_k + learning_rate r`` for the chosen task, from ``Q = 0``, and
    ``p_k ~ exp(Q_k / temperature)``. ``r`` is what stands for the published mean absolute
    advantage: ``signal``, ``"learnability"`` or ``"progress"``. As in the paper, the values of
    tasks that were not sampled stay; in the released code their ``r`` is 0, so they decay.
    """

    learning_rate: float = 0.5
    temperature: float = 1.0
    signal: str = "learnability"

    kind: ClassVar[str] = "bandit"
    sees_order: ClassVar[bool] = False
    mixes: ClassVar[bool] = False
    published: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("score", CHANGE, MEASURED)
    tuning: ClassVar[dict[str, tuple[Any, ...]]] = {
        "learning_rate": (0.1, 0.5),
        "temperature": (0.2, 0.4, 1.0),
        "signal": ADVANTAGE_SIGNALS,
    }

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        check_within("learning_rate", self.learning_rate, 0, 1)
        check_positive("temperature", self.temperature)
        check_one_of("signal", self.signal, ADVANTAGE_SIGNALS)

    def start(self, n: int, k: int) -> Memory:
        """Nothing is known to pay: ``value`` (n, k) zeros."""
        return {"value": np.zeros((n, k))}

    def observe(self, memory: Memory, view: View) -> Memory:
        """Move the chosen task's value towards what its choice brought."""
        value = memory["value"]
        step = self.learning_rate * (advantage_substitute(view, self.signal) - value)
        return {"value": value + np.where(measured_choice(view), step, 0.0)}

    def probabilities(self, memory: Memory, view: View) -> Floats:
        """Softmax of the values, (n, k)."""
        return softmax(memory["value"], view.present, self.temperature)


@dataclass(frozen=True)
class DUMP:
    """DUMP (Wang et al. 2025): a softmax of upper confidence bounds.

    ``p_k ~ exp(u_k / temperature)`` with ``u_k = mean_k + exploration sqrt(2 ln(N + 1) / (n_k +
    1))``: ``mean_k`` over the last ``window`` samples of task k, 0 without any, ``n_k`` all its
    samples ever, N those of all tasks, at least 1. A decision is one sample of the chosen task:
    ``signal``, in place of the published absolute advantage. The window is kept as ``blocks`` sums
    and moves by a block of about ``window / blocks`` samples, as the published one does by a batch;
    with ``blocks = window`` it moves by single samples. The released trainer also feeds it the
    rewards of its validation; this does not.
    """

    window: int = 300
    temperature: float = 0.1
    exploration: float = 1.0
    signal: str = "learnability"
    blocks: int = 10

    kind: ClassVar[str] = "bandit"
    sees_order: ClassVar[bool] = False
    mixes: ClassVar[bool] = False
    published: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("score", CHANGE, MEASURED)
    tuning: ClassVar[dict[str, tuple[Any, ...]]] = {
        "window": (10, 50, 300),
        "temperature": (0.03, 0.1, 0.3),
        "exploration": (0.1, 0.3, 1.0),
        "signal": ADVANTAGE_SIGNALS,
    }

    def __post_init__(self) -> None:
        """Check the parameters; a ``ValueError`` names the one that is wrong."""
        check_within("window", self.window, 1)
        check_positive("temperature", self.temperature)
        check_within("exploration", self.exploration, 0, 1e6)
        check_one_of("signal", self.signal, ADVANTAGE_SIGNALS)
        check_within("blocks", self.blocks, 1, self.window)

    def start(self, n: int, k: int) -> Memory:
        """No samples: ``sums`` (n, blocks, k) of them, ``count`` (n, k) of all ever."""
        return {
            "sums": np.zeros((n, self.blocks, k)),
            "count": np.zeros((n, k), dtype=np.int64),
        }

    def observe(self, memory: Memory, view: View) -> Memory:
        """Add the chosen task's sample to its newest block."""
        choice = measured_choice(view)
        row, task = np.nonzero(choice)
        sample = advantage_substitute(view, self.signal)[row, task]
        count = memory["count"][row, task]
        block, begins, _ = self._block(count)
        sums = memory["sums"].copy()
        # The first sample of a block takes the place of the oldest block.
        begun = count % self.window > begins
        sums[row, block, task] = np.where(begun, sums[row, block, task], 0.0) + sample
        return {"sums": sums, "count": memory["count"] + choice}

    def probabilities(self, memory: Memory, view: View) -> Floats:
        """Softmax of the bounds, (n, k)."""
        count = np.where(view.present, memory["count"], 0)
        last = np.maximum(count - 1, 0)
        _, begins, ends = self._block(last)
        moving = self.window - (ends - begins) + last % self.window - begins + 1
        length = np.where(count > self.window, moving, np.maximum(count, 1))
        samples = np.maximum(count.sum(axis=1, keepdims=True), 1)
        bonus = self.exploration * np.sqrt(2.0 * np.log(samples + 1) / (count + 1))
        bound = memory["sums"].sum(axis=1) / length + bonus
        return softmax(bound, view.present, self.temperature)

    def _block(self, count: Counts) -> tuple[Counts, Counts, Counts]:
        """The block of the sample after `count` others, and where in the window it begins and ends.

        Each is of the shape of `count`.
        """
        block: Counts = count % self.window * self.blocks // self.window
        begins, ends = (-(-edge * self.window // self.blocks) for edge in (block, block + 1))
        return block, begins, ends
