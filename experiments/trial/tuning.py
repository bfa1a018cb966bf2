"""Tuning a rule on the selection students, which are never reported.

Legend: m students.
"""

import inspect
import itertools
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lessonplan.envs import Classroom
from lessonplan.student import TaskSuite
from lessonplan.teacher import RULES, StaticMixture

from ..assembly.belonging import own_checkpoint, taking_up, teacher_belongs_to
from ..assembly.build import SELECT_SEEDS, build_rule, rule_teacher
from ..common.files import write_checkpoint
from ..common.names import named
from ..common.watch import Tell, nowhere
from ..config.config import Config, RuleSection
from .teaching import Teaching, Worth, worth_of


@dataclass(frozen=True)
class Choice:
    """The best of some candidates.

    Attributes:
        best: index of the first of those that are level at the top.
        by_area: whether nobody mastered, so that the area decided.
        level: how many are level at the top; 1 where there is no tie.
    """

    best: int
    by_area: bool
    level: int

    @property
    def sentence(self) -> str:
        """What a user should know of it; empty where costs told all candidates apart."""
        parts = []
        if self.by_area:
            parts.append("nobody mastered all tasks, so candidates are compared by area")
        if self.level > 1:
            what = "area" if self.by_area else "cost"
            parts.append(f"{self.level} candidates are level in {what}, the first of them is taken")
        return "; ".join(parts)


def choose_best(worths: Sequence[Worth]) -> Choice:
    """The candidate with the lowest cost, or where nobody mastered with the largest area."""
    by_area = not any(worth.mastered for worth in worths)
    values = [-worth.area if by_area else worth.cost for worth in worths]
    lowest = min(values)
    return Choice(values.index(lowest), by_area, values.count(lowest))


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

    Mastery is judged by `probe`; students that never get there cost the whole budget. Where nobody
    gets there, the largest area wins.

    Args:
        config: the experiment.
        section: the rule to tune.
        suite: its tasks.
        checkpoint: file to keep finished candidates in.
        tell: told how far it is.

    Returns:
        `parameters`, the `tried` candidates with what they are worth, how the best was `chosen` in
        words where costs did not tell, and what the tuning cost (`lifetimes`, `compute`,
        `student_steps`, `wall_seconds`).
    """
    count, first = max(1, config.tuning.lifetimes // config.tuning.students), config.seeds.teacher
    settings = candidates(section, suite, count, first, config.modules)
    students = SELECT_SEEDS + np.arange(config.seeds.select)
    belongs_to = teacher_belongs_to(config, section)
    state = own_checkpoint(checkpoint, belongs_to)
    with taking_up(checkpoint):
        going_on = state is not None and _has_worths(state)
    if state is None or not going_on:
        state = {
            "belongs_to": belongs_to, "tried": [], "compute": 0.0, "steps": 0, "seconds": 0.0
        }  # fmt: skip
    for i in range(len(state["tried"]), len(settings)):
        tell(i / len(settings), f"candidate {i + 1} of {len(settings)}")
        began = time.perf_counter()
        rule = build_rule(section.rule, settings[i], config, suite)
        teacher, room = rule_teacher(
            rule, config, suite, len(students), first, section.action, looking=section
        )
        worth = worth_of(Teaching(teacher, room, students))
        state["tried"].append({"parameters": settings[i], **asdict(worth)})
        _charge(state, room, time.perf_counter() - began)
        write_checkpoint(checkpoint, state)
    tried = state["tried"]
    choice = choose_best(_worths(state))
    return {
        "parameters": tried[choice.best]["parameters"],
        "tried": tried,
        "chosen": choice.sentence,
        "lifetimes": len(settings) * len(students),
        "compute": state["compute"],
        "student_steps": state["steps"],
        "wall_seconds": state["seconds"],
    }


def _worths(state: dict[str, Any]) -> list[Worth]:
    return [Worth(one["cost"], one["area"], one["mastered"]) for one in state["tried"]]


def _has_worths(state: dict[str, Any]) -> bool:
    """Whether a checkpoint has what candidates are chosen by; earlier versions kept costs alone."""
    if any("area" not in one for one in state["tried"]):
        return False
    worths = [number for worth in _worths(state) for number in astuple(worth)]
    # A text among them is a TypeError.
    number = sum([state["compute"], state["steps"], state["seconds"], *worths])
    parameters = [one["parameters"] for one in state["tried"]]
    return isinstance(number, int | float) and all(isinstance(one, dict) for one in parameters)


def _charge(state: dict[str, Any], room: Classroom, seconds: float) -> None:
    state["compute"] += float(room.facts.spending.compute.sum())
    state["steps"] += int(room.facts.spending.steps.sum())
    state["seconds"] += seconds
