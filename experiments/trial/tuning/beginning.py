"""Where a search begins that goes on from a tuned rule: at its weights of tasks."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...config.config import LearnedSection
from .parameters import MOST_LOG_WEIGHT


def begun_at(teacher: LearnedSection, parameters: Mapping[str, Any]) -> LearnedSection:
    """The section of a search that begins with the weights and the power of a rule.

    The floor and the margin of a tuned shortfall are not those of the prior, so it begins near the
    rule, not at it.

    Args:
        teacher: the search.
        parameters: of the rule that it begins at, as they were tuned.
    """
    logs = np.log(np.maximum(np.asarray(parameters["weights"], np.float64), 1e-300))
    offsets = np.clip(logs - logs.mean(), -MOST_LOG_WEIGHT, MOST_LOG_WEIGHT)
    policy = dict(teacher.settings.get("policy_kwargs") or {})
    policy["begin_offsets"] = [float(f"{offset:.6g}") for offset in offsets]
    policy["begin_factor"] = float(parameters.get("power", 1.0))
    return teacher.model_copy(update={"settings": {**teacher.settings, "policy_kwargs": policy}})
