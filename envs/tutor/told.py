"""What people tell a tutor, checked and as the arrays that the classroom works with.

Legend: m tasks that something is told of.
"""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from lessonplan.student import Evaluation, Task, TaskSuite, Training, blank_splits

FIELDS = {field.name for field in fields(Task)} - {"name", "splits"} | {"size"}
SPENT = ("steps", "examples", "tokens", "probed")
"""What may be told that a decision has cost."""
TRAINING_SIGNALS = ("gain", "fresh_gain", "gradient_norm")
"""What may be told of a training itself."""


def read_suite(tasks: TaskSuite | Iterable[str] | Mapping[str, Mapping[str, Any]]) -> TaskSuite:
    """A suite of tasks without examples, from names, or from name -> fields."""
    if isinstance(tasks, TaskSuite):
        return tasks
    if isinstance(tasks, str):
        raise ValueError(f"tasks must be names, such as ['add', 'subtract'], got {tasks!r}")
    if isinstance(tasks, Mapping):
        blanks = [_task(name, fields_of) for name, fields_of in tasks.items()]
    else:
        blanks = [_task(name, {}) for name in tasks]
    return TaskSuite("tutor", tuple(blanks), n_outputs=1)


def _task(name: str, description: Mapping[str, Any]) -> Task:
    if not isinstance(description, Mapping):
        raise ValueError(
            f"what is said of task {name!r} must be a mapping such as {{'difficulty': 2}}, "
            f"got {description!r}; give a list where there are only names"
        )
    unknown = sorted(set(description) - FIELDS)
    if unknown:
        raise ValueError(
            f"task {name!r} has the unknown field {unknown[0]!r}; "
            f"there are {', '.join(sorted(FIELDS))}"
        )
    size = description.get("size", 1)
    if not (isinstance(size, int) and size > 0):
        raise ValueError(f"size of task {name!r} must be a number of examples, got {size!r}")
    own_fields = {field: value for field, value in description.items() if field != "size"}
    return Task(name, blank_splits(train=size, probe=1, test=1, stress=1), **own_fields)


def read_scores(
    suite: TaskSuite, scores: Mapping[str, float], losses: Mapping[str, float] | None
) -> tuple[np.ndarray, Evaluation]:
    """Which tasks are told of, (1, k) bool, and their evaluation, (1, k), 0 for the others.

    Raises:
        ValueError: for an unknown task, and for what is no score.
    """
    index = {name: i for i, name in enumerate(suite.names)}
    check_tasks(suite, (*scores, *(losses or ())))
    if losses is not None and set(losses) != set(scores):
        raise ValueError(
            f"losses must be of the same tasks as scores, got {', '.join(losses) or 'none'} and "
            f"{', '.join(scores)}"
        )
    score, loss, measured = np.zeros((3, 1, len(index)))
    for name, value in scores.items():
        task = index[name]
        measured[0, task] = 1.0
        score[0, task] = read_number(f"the score of task {name!r}", value)
        if not 0.0 <= score[0, task] <= 1.0:
            raise ValueError(
                f"the score of task {name!r} must be in [0, 1], got {score[0, task]:g}"
            )
        if losses is not None:
            loss[0, task] = read_number(f"the loss of task {name!r}", losses[name])
    return measured > 0.0, Evaluation(score, loss, np.zeros_like(score))


def read_training(signals: Mapping[str, float], facts: frozenset[str]) -> Training:
    """What a training brought.

    Args:
        signals: by name; those in `facts` must be there.
        facts: that the teacher sees.

    Raises:
        ValueError: for an unknown signal, and for one that is missing.
    """
    check_names("signals", signals, TRAINING_SIGNALS)
    missing = [name for name in TRAINING_SIGNALS if name in facts and name not in signals]
    if missing:
        raise ValueError(f"a column shows {missing[0]}: give it as signals={{{missing[0]!r}: ...}}")
    gain, fresh_gain, norm = (
        np.array([read_number(name, signals.get(name, 0.0))]) for name in TRAINING_SIGNALS
    )
    return Training(gain, np.zeros(1), norm, fresh_gain, np.zeros(1))


def read_costs(spent: Mapping[str, float], steps: float) -> dict[str, float]:
    """Everything in `SPENT` by name; `steps` where none are told."""
    check_names("spent", spent, SPENT)
    costs = dict.fromkeys(SPENT, 0.0) | {"steps": steps}
    for name, value in spent.items():
        costs[name] = read_number(f"{name} in spent", value)
        if not 0.0 <= costs[name] < np.inf:
            raise ValueError(f"{name} in spent must be finite and at least 0, got {value}")
    return costs


def read_number(what: str, value: Any) -> float:
    """A number of any library as a float.

    Raises:
        ValueError: naming what it was to be.
    """
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{what} must be a number, got {value!r}") from None


def check_tasks(suite: TaskSuite, names: Iterable[str]) -> None:
    """Refuse names of tasks that the suite does not have."""
    there = dict.fromkeys(suite.names)
    unknown = [name for name in names if name not in there]
    if unknown:
        raise ValueError(f"there is no task {unknown[0]!r}; the tasks are {', '.join(there)}")


def check_names(what: str, values: Mapping[str, Any], choices: tuple[str, ...]) -> None:
    """Refuse what is told by a name that is none of these."""
    unknown = [name for name in values if name not in choices]
    if unknown:
        raise ValueError(
            f"{what} has the unknown name {unknown[0]!r}; there are {', '.join(choices)}"
        )
