"""What progress can be estimated of.

Legend: k tasks, r rows named in a call.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lessonplan.student.contract import LOSS_LIMIT

from ..facts import NORM_LIMIT, Facts


@dataclass(frozen=True)
class Signal:
    """What progress can be estimated of."""

    summary: str
    """One line."""
    read: Callable[[Facts, np.ndarray], np.ndarray]
    """Its values for the rows of facts, (r, k)."""
    limit: float
    """Largest change in a decision."""
    changes: bool
    """Whether it is itself what one training changed, and not a level. Such changes are added up
    to a level, and where a task was not trained on, there is none."""


PROGRESS_SIGNALS: dict[str, Signal] = {
    "score": Signal(
        "the score on probe", lambda facts, rows: facts.score[rows], 1.0, changes=False
    ),
    # What falls is progress.
    "loss": Signal(
        "the loss on probe, falling",
        lambda facts, rows: -facts.loss[rows],
        LOSS_LIMIT,
        changes=False,
    ),
    "gain": Signal(
        "what trainings took off the loss of their first batch",
        lambda facts, rows: facts.gain[rows],
        LOSS_LIMIT,
        changes=True,
    ),
    "fresh_gain": Signal(
        "what trainings took off the loss of a fresh batch",
        lambda facts, rows: facts.fresh_gain[rows],
        LOSS_LIMIT,
        changes=True,
    ),
    "gradient_norm": Signal(
        "the gradient norms of trainings",
        lambda facts, rows: facts.gradient_norm[rows],
        NORM_LIMIT,
        changes=True,
    ),
}
"""What follows `signal=` in `progress:...`; progress is positive where the student learns."""
