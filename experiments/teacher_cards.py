"""One card per reported teacher, `teachers/NAME.json`: what it is, what it sees, what it cost."""

import inspect
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lessonplan.teacher import RULES, Replay

from .config import Config, LearnedTeacher, ReplayTeacher, RuleTeacher
from .evaluate import sampled_name
from .files import write_json
from .named import named
from .units import Unit

_COSTS = ("lifetimes", "compute", "student_steps", "wall_seconds")
_ORDERED = ("order", "prerequisites_mastered", "difficulty")
"""Columns that tell something about the true order."""


def write_teacher_cards(config: Config, run_dir: Path) -> None:
    """Write the cards of all teachers of a trial whose units are done."""
    for teacher in config.teachers:
        cards = _CARDS[teacher.type](teacher, config, run_dir)
        for card in cards:
            write_json(run_dir / "teachers" / f"{card['name']}.json", card)


def _card(name: str, **facts: Any) -> dict[str, Any]:
    return {
        "name": name, "label": name, "kind": "rule", "tuned": False, "published": False,
        "mixes": False,
        "needs": [], "parameters": {}, "sees_order": False, "training": None, "tuning": None,
        "replay_of": None, "deterministic": False, "selection_cost": None, "other_course": False,
    } | facts  # fmt: skip


def _rule_card(teacher: RuleTeacher, config: Config, run_dir: Path) -> list[dict[str, Any]]:
    rule: Any = named("rule", teacher.rule, RULES)
    tuned = Unit("tune", teacher.name, config.seeds.teacher).result(run_dir)
    return [
        _card(
            teacher.name,
            kind=getattr(rule, "kind", "rule"),
            sees_order=getattr(rule, "sees_order", False) or _sees_order(rule.needs),
            mixes=getattr(rule, "mixes", False),
            published=getattr(rule, "published", False)
            and not teacher.tune
            and _has_defaults(rule, teacher.parameters),
            needs=list(rule.needs),
            tuned=teacher.tune,
            parameters=tuned["parameters"] if tuned else teacher.parameters,
            tuning=_costs(tuned),
        )
    ]


def _learned_card(teacher: LearnedTeacher, config: Config, run_dir: Path) -> list[dict[str, Any]]:
    first = config.seeds.teacher
    results = [
        Unit("train", teacher.name, seed).result(run_dir)
        for seed in range(first, first + teacher.seeds)
    ]
    costs = [cost for cost in map(_costs, results) if cost]
    mean = {key: sum(cost[key] for cost in costs) / len(costs) for key in _COSTS} if costs else None
    facts: dict[str, Any] = {
        "kind": "learned",
        # The latest checkpoints were compared on the selection students, as a rule's settings are.
        "tuned": True,
        "needs": teacher.observe,
        "sees_order": _sees_order(teacher.observe),
        "parameters": {"algorithm": teacher.algorithm, "width": teacher.width} | teacher.settings,
        "training": mean,
        "other_course": bool(teacher.courses),
    }
    # Candidates were selected with their likeliest tasks: what sampling would cost is not known.
    lowest = [min(result["selection"]) for result in results if result]
    selected = sum(lowest) / len(lowest) if lowest else None
    cards = [_card(teacher.name, deterministic=True, selection_cost=selected, **facts)]
    if teacher.sampled:
        cards.append(_card(sampled_name(teacher), **facts))
    return cards


def _replay_card(teacher: ReplayTeacher, config: Config, run_dir: Path) -> list[dict[str, Any]]:
    return [
        _card(
            teacher.name,
            kind="order",
            needs=list(Replay.needs),
            replay_of=teacher.of,
            parameters={"shuffled": teacher.shuffled},
        )
    ]


def _sees_order(columns: Iterable[str]) -> bool:
    return any(column.partition(":")[0] in _ORDERED for column in columns)


def _has_defaults(rule: Any, parameters: Mapping[str, Any]) -> bool:
    """Whether these parameters change none of the rule's defaults."""
    known = inspect.signature(rule).parameters
    return all(key in known and known[key].default == value for key, value in parameters.items())


def _costs(result: dict[str, Any] | None) -> dict[str, float] | None:
    return {key: result[key] for key in _COSTS} if result else None


_CARDS: dict[str, Any] = {"rule": _rule_card, "learned": _learned_card, "replay": _replay_card}
