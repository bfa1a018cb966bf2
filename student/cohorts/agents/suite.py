"""A suite of environments, for students that are reinforcement-learning agents."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from ...contract.tasks import Task, blank_splits
from .frozen_lake import lake_tasks
from .tasks import Environment, EnvironmentSuite, not_installed

_TASK_FIELDS = ("prerequisites", "skills", "difficulty", "category", "importance", "threshold")


def environments(
    tasks: Sequence[Mapping[str, Any]] | None = None,
    n_steps: int = 32,
    probe: int = 256,
    test: int = 256,
    stress: int = 256,
) -> EnvironmentSuite:
    """Gymnasium environments with the same spaces, as tasks for students of the cohort `rl`.

    Args:
        tasks: per task its `name`, the fields of `Environment` (`id`, `low` and `high` at least)
            and those of `Task` (`prerequisites`, `difficulty`, `threshold`, ...); by default a
            frozen lake, started from farther and farther away.
        n_steps: environment steps of a training example; also its cost, so that a budget in
            tokens counts environment steps.
        probe: different episodes to draw the students' evaluation sets from.
        test: the same for `test`.
        stress: the same for `stress`.

    Raises:
        ValueError: for fields that are unknown or missing, environments that can't be made, and
            spaces that differ.
    """
    if n_steps < 1:
        raise ValueError(f"n_steps must be at least 1, got {n_steps}")
    tasks = lake_tasks() if tasks is None else tasks
    if not tasks:
        raise ValueError("the suite 'environments' needs tasks: a list of name, id, low and high")
    splits = blank_splits(train=1000, probe=probe, test=test, stress=stress)
    suite_tasks, places = [], []
    for description in tasks:
        own, place = _fields(description)
        places.append(place)
        own = {key: tuple(x) if isinstance(x, list) else x for key, x in own.items()}
        suite_tasks.append(Task(splits=splits, cost=float(n_steps), endless=True, **own))
    suite = EnvironmentSuite(
        "environments",
        tuple(suite_tasks),
        n_outputs=1,
        cohort="rl",
        environments=tuple(places),
        n_steps=n_steps,
    )
    try:
        # It takes a second to import Gymnasium.
        from .rows import check_spaces
    except ImportError as error:
        raise not_installed(error) from error
    check_spaces(suite)
    return suite


def _fields(task: Mapping[str, Any]) -> tuple[dict[str, Any], Environment]:
    """The fields of the task, and its environment."""
    if not isinstance(task, Mapping) or "name" not in task:
        raise ValueError(f"a task of environments needs a name, an id, low and high, got {task!r}")
    rest = {key: value for key, value in task.items() if key not in ("name", *_TASK_FIELDS)}
    names = {entry.name for entry in fields(Environment)}
    unknown, missing = set(rest) - names, {"id", "low", "high"} - set(rest)
    if unknown or missing:
        wrong = f"does not know {sorted(unknown)[0]!r}" if unknown else f"needs {min(missing)!r}"
        raise ValueError(
            f"task {task['name']!r} of environments {wrong}; its fields are "
            f"{', '.join(sorted({'name', *_TASK_FIELDS, *names}))}"
        )
    try:
        place = Environment(**rest)
    except (ValueError, TypeError) as error:
        raise ValueError(f"task {task['name']!r} of environments: {error}") from error
    return {key: value for key, value in task.items() if key not in rest}, place
