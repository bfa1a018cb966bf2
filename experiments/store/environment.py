"""Facts of a run, `environment.json`, as other parts take them: they may be of anybody's making."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..common.files import read_object

_UNITS = ("steps", "tokens", "compute")
_COUNTS_OF_BUDGET = ("decisions", "steps_per_decision")
_COUNTS = ("mastery_streak", "test_every")
_MOST, _TOO_MUCH = 10**9, 1e300
_FACTS_OF_DATA = ("score", "chance", "threshold", "cost")
_NUMBERS_OF_TASK = ("importance", "threshold", "difficulty", "cost")


def read_environment(file: Path) -> dict[str, Any]:
    """The facts of a run, of which suite and budget are as a report needs them.

    Raises:
        ValueError: if it holds something else, with the first fact that is none.
    """
    environment = read_object(file)
    for key in ("suite", "budget"):
        if key not in environment:
            raise ValueError(f"{file} has no {key!r}; write the run again")
    fault = (
        _fault_of_suite(environment["suite"])
        or _fault_of_budget(environment["budget"])
        or _fault_of_counts(environment, _COUNTS, needed=False)
        or _fault_of_rest(environment)
    )
    if fault:
        raise ValueError(f"{file} is not what a run writes: {fault}; write the run again")
    return environment


def _fault_of_suite(suite: Any) -> str:
    """What is wrong with tasks and their order; empty where nothing is."""
    if not isinstance(suite, dict) or not isinstance(suite.get("name"), str):
        return f"its suite must hold a name and tasks, got {_seen(suite)}"
    tasks = suite.get("tasks")
    if not isinstance(tasks, list) or not tasks:
        return f"its tasks must be a list of at least one, got {_seen(tasks)}"
    for task in tasks:
        if not isinstance(task, dict) or not isinstance(task.get("name"), str):
            return f"each of its tasks must have a name, got {_seen(task)}"
    names = {task["name"] for task in tasks}
    if len(names) < len(tasks):
        return "two of its tasks have the same name"
    if not _is_list_of(str, suite.get("notes", [])) or not isinstance(suite.get("unit", ""), str):
        return "notes of its suite must be texts, and so must be its unit"
    order = suite.get("order")
    if order and not (_is_list_of(int, order) and sorted(order) == list(range(len(tasks)))):
        return f"its order must name each of {len(tasks):,} tasks once, from 0, got {_seen(order)}"
    faults = (_fault_of_task(task, names) for task in tasks)
    return next(filter(None, faults), "") or _fault_of_all(tasks)


def _fault_of_task(task: Mapping[str, Any], names: set[str]) -> str:
    name, needs = f"task {task['name']!r:.60}", task.get("prerequisites")
    for key in _NUMBERS_OF_TASK:
        if not _is_number(task.get(key, 0.0)):
            return f"{key} of {name} must be a number, got {_seen(task[key])}"
    if not isinstance(task.get("category", ""), str | None):
        return f"category of {name} must be a text, got {_seen(task['category'])}"
    if needs and not (_is_list_of(str, needs) and names.issuperset(needs)):
        return f"prerequisites of {name} must be names of its tasks, got {_seen(needs)}"
    return _fault_of_data(task, name) if "examples" in task else ""


def _fault_of_data(task: Mapping[str, Any], name: str) -> str:
    """What is wrong with the facts of a task's data, which earlier versions did not store."""
    examples = task["examples"]
    if not isinstance(examples, dict) or not all(type(one) is int for one in examples.values()):
        return f"examples of {name} must be whole numbers by split, got {_seen(examples)}"
    if lacking := [key for key in _FACTS_OF_DATA if key not in task]:
        return f"{name} has no {lacking[0]!r}"
    if not isinstance(task["score"], str) or not _is_number(task["chance"]):
        return f"score of {name} must be a text and chance a number"
    return ""


def _fault_of_all(tasks: list[dict[str, Any]]) -> str:
    """What is wrong with tasks each of which is right."""
    splits = [set(task["examples"]) for task in tasks if "examples" in task]
    if any(own != splits[0] for own in splits):
        return "examples of its tasks are not of the same splits"
    weights = [task.get("importance", 1.0) for task in tasks]
    if min(weights) < 0 or not sum(weights) > 0:
        return "importance of its tasks must be positive in sum and nowhere negative"
    return ""


def _fault_of_budget(budget: Any) -> str:
    if not isinstance(budget, dict):
        return f"its budget must hold amount, unit and decisions, got {_seen(budget)}"
    unit: Any = budget.get("unit")
    amount: Any = budget.get("amount")
    if unit not in _UNITS:
        return f"the unit of its budget must be one of {', '.join(_UNITS)}, got {_seen(unit)}"
    if not _is_number(amount) or not amount > 0:
        return f"the amount of its budget must be a positive number, got {_seen(amount)}"
    return _fault_of_counts(budget, _COUNTS_OF_BUDGET, needed=True)


def _fault_of_counts(facts: Mapping[str, Any], keys: tuple[str, ...], *, needed: bool) -> str:
    for key in keys:
        count = facts.get(key, None if needed else 1)
        if type(count) is not int or not 1 <= count <= _MOST:
            return f"{key} must be a whole number from 1 to {_MOST:,}, got {_seen(count)}"
    return ""


def _fault_of_rest(environment: Mapping[str, Any]) -> str:
    if not _is_list_of(str, missing := environment.get("missing", [])):
        return f"missing must be a list of sentences, got {_seen(missing)}"
    if not isinstance(belongs_to := environment.get("belongs_to", {}), dict):
        return f"belongs_to must hold keys and values, got {_seen(belongs_to)}"
    return ""


def _is_list_of(kind: type, values: Any) -> bool:
    return isinstance(values, list) and all(type(value) is kind for value in values)


def _is_number(value: Any) -> bool:
    # Whole numbers may be too large for a float.
    return type(value) in (int, float) and abs(value) < _TOO_MUCH


def _seen(value: Any) -> str:
    return f"{value!r:.80}"
