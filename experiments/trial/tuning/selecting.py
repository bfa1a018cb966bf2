"""What an opponent that is not tuned itself is worth to the selection students.

So the best opponent can be chosen without a look at the students that are reported.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lessonplan.student import TaskSuite

from ...assembly.build import SELECT_SEEDS
from ...config.config import Config, GuardSection, RuleSection
from .population import live


def select(
    config: Config,
    section: RuleSection,
    suite: TaskSuite,
    parameters: Mapping[str, Any],
    guards: Sequence[GuardSection] = (),
) -> dict[str, Any]:
    """Let a rule with these parameters, and guards around it, teach all selection students once.

    Returns:
        Its `selection_cost`, the mean cost until mastery by `probe`, its `selection_area`, how many
        mastered (`selection_mastered`), and what that took: `lifetimes`, `compute`,
        `student_steps`, `wall_seconds`.
    """
    began = time.perf_counter()
    students = SELECT_SEEDS + np.arange(config.seeds.select)
    ((_, (lives,), took),) = live(config, section, suite, [dict(parameters)], students, guards)
    return {
        "selection_cost": lives.worth.cost,
        "selection_area": lives.worth.area,
        "selection_mastered": lives.worth.mastered,
        "lifetimes": len(students),
        "compute": took.compute,
        "student_steps": took.student_steps,
        "wall_seconds": time.perf_counter() - began,
    }
