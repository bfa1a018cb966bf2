"""Tuning a rule on the selection students, which are never reported.

Legend: m students.
"""

import inspect
import itertools
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lessonplan.envs import Classroom
from lessonplan.student import TaskSuite
from lessonplan.teacher import RULES, StaticMixture

from ..assembly.belonging import own_checkpoint, teacher_belongs_to
from ..assembly.build import SELECT_SEEDS, build_rule, rule_teacher
from ..common.files import write_checkpoint
from ..common.names import named
from ..common.watch import Tell, nowhere
from ..config.config import Config, RuleSection
from .teaching import Teaching


def candidates(
    teacher: RuleSection,
    suite: TaskSuite,
    count: int,
    seed: int,
    folders: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """Parameter settings to try, at most `count`, the teacher's own (untuned) parameters first.

    A rule whose grid fills parameters that it can't be made without has only settings of the grid.
    A grid with more settings than `count` is sampled without replacement; a static mixture, which
    has no grid, is drawn from a Dirichlet distribution around the uniform one. A rule of one's own
    is looked for in the folders.
    """
    generator = np.random.default_rng(seed)
    rule = named("rule", teacher.rule, RULES, folders)
    if rule is StaticMixture and not teacher.grid:
        draws = generator.dirichlet(np.full(len(suite), 2.0), size=count - 1)
        mixtures = np.concatenate([np.full((1, len(suite)), 1.0 / len(suite)), draws])
        return [teacher.parameters | {"weights": mixture.tolist()} for mixture in mixtures]
    grid: Mapping[str, Sequence[Any]] = teacher.grid or getattr(rule, "tuning", {})
    settings = [
        teacher.parameters | dict(zip(grid, values, strict=True))
        for values in itertools.product(*grid.values())
    ]
    untuned = _with_defaults(rule, teacher.parameters)
    others = [setting for setting in settings if _with_defaults(rule, setting) != untuned]
    own = [teacher.parameters]
    if any(untuned.get(name) is inspect.Parameter.empty for name in grid):
        own = []
    room = count - len(own)
    if len(others) > room:
        others = [others[i] for i in sorted(generator.permutation(len(others))[:room])]
    return [*own, *others]


def _with_defaults(rule: Any, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """All parameters of a rule by name."""
    own = inspect.signature(rule).parameters.values()
    return {parameter.name: parameter.default for parameter in own} | dict(parameters)


def tune(
    config: Config,
    section: RuleSection,
    suite: TaskSuite,
    checkpoint: Path,
    tell: Tell = nowhere,
) -> dict[str, Any]:
    """Try each candidate on the selection students; the lowest mean cost until mastery wins.

    Mastery is judged by `probe`; students that never get there cost the whole budget.

    Args:
        config: the experiment.
        section: the rule to tune.
        suite: its tasks.
        checkpoint: file to keep finished candidates in.
        tell: told how far it is.

    Returns:
        `parameters`, the `tried` candidates with their costs, and what the tuning cost
        (`lifetimes`, `compute`, `student_steps`, `wall_seconds`).
    """
    count, first = config.tuning_candidates, config.seeds.teacher
    settings = candidates(section, suite, count, first, config.modules)
    students = SELECT_SEEDS + np.arange(config.seeds.select)
    belongs_to = teacher_belongs_to(config, section)
    state = own_checkpoint(checkpoint, belongs_to) or {
        "belongs_to": belongs_to, "tried": [], "compute": 0.0, "steps": 0, "seconds": 0.0
    }  # fmt: skip
    for i in range(len(state["tried"]), len(settings)):
        tell(i / len(settings), f"candidate {i + 1} of {len(settings)}")
        began = time.perf_counter()
        rule = build_rule(section.rule, settings[i], config, suite)
        teacher, room = rule_teacher(
            rule, config, suite, len(students), config.seeds.teacher, section.action
        )
        cost = Teaching(teacher, room, students).live()
        state["tried"].append({"parameters": settings[i], "cost": float(cost.mean())})
        _charge(state, room, time.perf_counter() - began)
        write_checkpoint(checkpoint, state)
    best = min(state["tried"], key=lambda candidate: candidate["cost"])
    return {
        "parameters": best["parameters"],
        "tried": state["tried"],
        "lifetimes": len(settings) * len(students),
        "compute": state["compute"],
        "student_steps": state["steps"],
        "wall_seconds": state["seconds"],
    }


def _charge(state: dict[str, Any], room: Classroom, seconds: float) -> None:
    state["compute"] += float(room.facts.spending.compute.sum())
    state["steps"] += int(room.facts.spending.steps.sum())
    state["seconds"] += seconds
