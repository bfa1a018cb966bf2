"""What training examples showed, as people tell it, and what is believed of it.

Legend: k tasks. A tutor teaches one student: n = 1.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from lessonplan.student import Evaluation, TaskSuite
from lessonplan.student.contract import LOSS_LIMIT, Outcomes

from ..classroom.facts import Facts
from .told import check_names, check_tasks, read_number

SHOWN = ("count", "accuracy", "loss")
"""What may be told of the training examples of a task: how many there were, and means over them."""
_ROW = np.array([0])
_EXAMPLES = 100.0
"""That a score was measured on, where nobody says how many."""


class Told(NamedTuple):
    """What training examples showed."""

    outcomes: Outcomes
    """Of all tasks, (1, k); a count of 0 for those that nothing was told of."""
    scored_by: str | None
    """`accuracy`, or `loss` where exp(-loss) is the credit of an example; None of nothing."""
    with_losses: bool
    """Whether the losses are known."""


def read_outcomes(suite: TaskSuite, shown: Mapping[str, Mapping[str, float]]) -> Told:
    """What the training examples of tasks showed, as sums.

    Raises:
        ValueError: for an unknown task, for what is no count, share or loss, and where tasks are
            told of in different ways.
    """
    check_tasks(suite, shown)
    every = {name: _shown(name, one) for name, one in shown.items()}
    # Where there was nothing, nothing follows from what was left out.
    every = {name: one for name, one in every.items() if one["count"] > 0}
    for what in SHOWN[1:]:
        having = [name for name, one in every.items() if what in one]
        lacking = [name for name in every if name not in having]
        if having and lacking:
            raise ValueError(
                f"outcomes must say the same of all tasks, got the {what} of {having[0]!r} and "
                f"none of {lacking[0]!r}"
            )
    by = "accuracy" if any("accuracy" in one for one in every.values()) else "loss"
    sums = np.zeros((3, 1, len(suite)))
    for name, one in every.items():
        credit = one["accuracy"] if by == "accuracy" else math.exp(-one["loss"])
        means = np.array([1.0, credit, one.get("loss", 0.0)])
        sums[:, 0, suite.names.index(name)] = one["count"] * means
    return Told(
        Outcomes(*sums), by if every else None, all("loss" in one for one in every.values())
    )


def _shown(name: str, shown: Mapping[str, float]) -> dict[str, float]:
    """What is told of the training examples of a task, as numbers."""
    example = "{'count': 64, 'accuracy': 0.5, 'loss': 0.7}"
    if not isinstance(shown, Mapping) or "count" not in shown:
        raise ValueError(
            f"the outcome of task {name!r} must be how many examples there were with means over "
            f"them, as in {example}, got {shown!r}"
        )
    check_names(f"the outcome of task {name!r}", shown, SHOWN)
    told = {what: read_number(f"{what} of task {name!r}", x) for what, x in shown.items()}
    if not 0.0 <= told["count"] < math.inf:
        raise ValueError(
            f"the count of task {name!r} must be a number of examples, got {told['count']:g}"
        )
    if not told["count"]:
        return told
    if len(told) == 1:
        raise ValueError(
            f"the outcome of task {name!r} needs accuracy, or loss, of which exp(-loss) is then "
            f"the score, as in {example}"
        )
    if not 0.0 <= told.get("accuracy", 0.0) <= 1.0:
        raise ValueError(
            f"the accuracy of task {name!r} must be in [0, 1], got {told['accuracy']:g}"
        )
    if "accuracy" not in told and told["loss"] < 0.0:
        raise ValueError(
            f"exp(-loss) of task {name!r} is no score where the loss is {told['loss']:g}: give its "
            "accuracy too"
        )
    if "loss" in told:
        # A loss that is no number is as bad as can be.
        loss = told["loss"] if math.isfinite(told["loss"]) else LOSS_LIMIT
        told["loss"] = min(max(loss, 0.0), LOSS_LIMIT)
    return told


def examples_of(suite: TaskSuite, measured: np.ndarray, probed: float) -> np.ndarray:
    """Held-out examples that each task was measured on, (k,).

    Args:
        suite: whose probe sets count where nobody says, if they are there.
        measured: tasks that were measured, (1, k) bool.
        probed: examples of all these tasks together, 0 where nobody says.
    """
    sizes = suite.sizes("probe").astype(np.float64)
    if probed:
        return np.full_like(sizes, probed / max(measured.sum(), 1))
    return np.where(sizes > 1.0, sizes, _EXAMPLES)


def enter(
    facts: Facts,
    outcomes: Outcomes | None,
    measured: np.ndarray,
    evaluation: Evaluation,
    examples: np.ndarray,
) -> None:
    """Believe what the training examples of a decision showed, and held-out ones beside them.

    Args:
        facts: of the one student.
        outcomes: (1, k); None where there was no decision.
        measured: tasks that were measured on held-out data, (1, k) bool.
        evaluation: of these, (1, k).
        examples: that each task was measured on, (k,).
    """
    if outcomes is not None:
        facts.hear(_ROW, outcomes)
    if measured.any():
        facts.correct(_ROW, measured, evaluation, examples)
    # Nobody else judges: mastery goes by what is believed.
    score = facts.score[_ROW]
    facts.examine(_ROW, facts.seen[_ROW], Evaluation(score, facts.loss[_ROW], np.zeros_like(score)))
