"""Where a search begins that goes on from a tuned rule: at its weights of tasks.

Legend: k tasks.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lessonplan.teacher import Shortfall

from ...config.config import LearnedSection
from .parameters import MOST_LOG_WEIGHT

_GAPS = np.linspace(-0.2, 0.5, 71)
"""Distances to a threshold, from far above it to nothing learned of a task with two answers."""


def begun_at(teacher: LearnedSection, parameters: Mapping[str, Any]) -> LearnedSection:
    """The section of a search that begins near a tuned rule.

    Its offsets are the log-weights of the rule. A prior by the data's shares is left out, for a
    static mixture has them in its weights. A prior by the shortfall has the factor by which it is
    closest to the rule's own shortfall, whose floor, margin and power are others.

    Args:
        teacher: the search.
        parameters: of the rule that it begins at, as they were tuned.

    Raises:
        ValueError: if these have no weights of tasks.
    """
    if not parameters.get("weights"):
        raise ValueError(
            f"teacher {teacher.name!r} begins at {teacher.begin_at!r}, whose tuning has no weights "
            "of tasks; leave out its grid, or begin_at"
        )
    logs = np.log(np.maximum(np.asarray(parameters["weights"], np.float64), 1e-300))
    # As wide as weights are tuned, and around the middle.
    logs = np.maximum(logs, logs.max() - 2.0 * MOST_LOG_WEIGHT)
    offsets = logs - (logs.max() + logs.min()) / 2.0
    policy = dict(teacher.settings.get("policy_kwargs") or {})
    policy["begin_offsets"] = [float(f"{offset:.6g}") for offset in offsets]
    policy["begin_factor"] = float(f"{_factor(teacher, parameters):.6g}")
    return teacher.model_copy(update={"settings": {**teacher.settings, "policy_kwargs": policy}})


def _factor(teacher: LearnedSection, parameters: Mapping[str, Any]) -> float:
    """Of the prior: least squares of the logs of the rule's shares by those of the prior's."""
    if teacher.prior == "data":
        return 0.0
    shape = {key: parameters[key] for key in ("floor", "margin", "power") if key in parameters}
    prior, rule = (_logs(one) for one in (Shortfall(), Shortfall(**shape)))
    prior, rule = prior - prior.mean(), rule - rule.mean()
    return float((prior * rule).sum() / (prior * prior).sum())


def _logs(rule: Shortfall) -> np.ndarray:
    """Log-weights of tasks by their distance to the threshold."""
    missing = np.maximum(_GAPS + rule.margin, 0.0) ** rule.power
    logs: np.ndarray = np.log(np.maximum(rule.floor + missing, 1e-6))
    return logs
