"""Whether a part looks like what it is named for, seen before anything of it is called."""

import functools
import inspect
import sys
from collections.abc import Callable
from typing import Any

from .places import is_ours

LOOKS = {
    "rule": (
        "a class with needs, start, observe and probabilities, or a function that gives one of it"
    ),
    "model": (
        "a class of torch modules, a function of input_shape and n_outputs, or a class with reset, "
        "train(batch) and evaluate(batch)"
    ),
    "cohort": "a class of the suite and n, with train(mixture, ...) and evaluate(split, ...)",
    "suite": "a function that returns a TaskSuite",
    "reward": "a function of an Outcome",
    "score": "a function of a text and its row",
    "schedule": "a class or function of its options that gives a function of updates",
    "algorithm": "a class of algorithms of Stable-Baselines3",
}
"""Kinds of parts that a config names, each with what it looks like."""


def looks_like(kind: str, part: Any) -> bool:
    """Whether a part can be what it is named for; one of no kind in `LOOKS` can be anything.

    Args:
        kind: of part.
        part: what a module has under its name.
    """
    return kind not in LOOKS or _LOOKS[kind](_original(part), part)


def is_open(kind: str, part: Any) -> bool:
    """Whether a part of ours is made to be named by configs.

    What merely has the arguments of such a part may do anything: it must be one by its class, or by
    what it says that it returns, and a face must have it.

    Args:
        kind: of part; for one of no kind in `LOOKS` it may be of any.
        part: of ours.
    """
    one = _original(part)
    if getattr(one, "_is_protocol", False):
        return False
    kinds = [kind] if kind in LOOKS else list(_OPEN)
    return any(
        getattr(sys.modules.get(face), getattr(one, "__name__", ""), None) is one and is_one(one)
        for face, is_one in (_OPEN[one] for one in kinds if one in _OPEN)
    )


def home_of(part: Any) -> str:
    """The module that a part was defined in: it may have been imported where it is named."""
    one = _original(part)
    return str(getattr(one, "__module__", None) or type(one).__module__)


def _original(part: Any) -> Any:
    """What a part with some arguments filled in calls."""
    while isinstance(part, functools.partial):
        part = part.func
    return part


def _has(part: Any, *names: str) -> bool:
    return all(callable(getattr(part, name, None)) for name in names)


def _is_a(part: type, module: str, name: str) -> bool:
    """Whether a class is one of these; the module need not be imported to see it."""
    return any(
        base.__name__ == name and f"{base.__module__}.".startswith(f"{module}.")
        for base in part.__mro__
    )


def _is_rule(one: Any, part: Any) -> bool:
    if inspect.isclass(one):
        return _has(one, *_OF_RULES)
    return _gives(one, lambda returned: _has(returned, *_OF_RULES), "")


def _is_model(one: Any, part: Any) -> bool:
    if inspect.isclass(one):
        return _is_a(one, "torch.nn", "Module") or _has(one, "reset", "train", "evaluate")
    return _takes(part, 2)


def _is_cohort(one: Any, part: Any) -> bool:
    return _has(one, "train", "evaluate") if inspect.isclass(one) else _takes(part, 2)


def _is_suite(one: Any, part: Any) -> bool:
    if inspect.isclass(one):
        return _is_a(one, "lessonplan", "TaskSuite")
    return _gives(one, lambda returned: _is_a(returned, "lessonplan", "TaskSuite"), "Suite")


def _is_reward(one: Any, part: Any) -> bool:
    if inspect.isclass(one):
        return "__call__" in {name for base in one.__mro__ for name in vars(base)}
    return _takes(part, 1)


def _is_score(one: Any, part: Any) -> bool:
    return not inspect.isclass(one) and _takes(part, 2)


def _is_schedule(one: Any, part: Any) -> bool:
    return inspect.isclass(one) or _is_function(one)


def _is_algorithm(one: Any, part: Any) -> bool:
    return inspect.isclass(one) and _is_a(one, "stable_baselines3", "BaseAlgorithm")


def _is_function(one: Any) -> bool:
    return callable(one) and not inspect.ismodule(one) and not inspect.isbuiltin(one)


def _gives(one: Any, is_right: Callable[[type], bool], word: str) -> bool:
    """Whether a function says that it returns what is right, or, if it is none of ours, nothing.

    Args:
        one: the function.
        is_right: of a class that it says it returns.
        word: that must be in what else it says that it returns.
    """
    if not _is_function(one):
        return False
    returned = getattr(inspect.unwrap(one), "__annotations__", {}).get("return", _UNSAID)
    if returned is _UNSAID or returned is Any:
        # We say of all of ours what they return.
        return not is_ours(home_of(one))
    if inspect.isclass(returned):
        return is_right(returned)
    return returned is not None and word in str(returned)


def _is_schedule_of_ours(one: Any) -> bool:
    return inspect.isclass(one) and list(inspect.signature(one.__call__).parameters)[1:] == [
        "updates"
    ]


def _takes(part: Any, count: int) -> bool:
    """Whether something can be called with so many arguments by place."""
    if not callable(part) or inspect.isbuiltin(part):
        return False
    try:
        kinds = inspect.signature(part).parameters.values()
    except (TypeError, ValueError):
        return False
    if any(one.kind is one.VAR_POSITIONAL for one in kinds):
        return True
    places = [one for one in kinds if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    return len(places) >= count


_UNSAID = object()
_OF_RULES = ("start", "observe", "probabilities")
_LOOKS: dict[str, Callable[[Any, Any], bool]] = {
    "rule": _is_rule,
    "model": _is_model,
    "cohort": _is_cohort,
    "suite": _is_suite,
    "reward": _is_reward,
    "score": _is_score,
    "schedule": _is_schedule,
    "algorithm": _is_algorithm,
}
_OPEN: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "rule": (
        "lessonplan.teacher",
        # A guard is a rule only around another one.
        lambda one: inspect.isclass(one) and _has(one, *_OF_RULES) and not _has(one, "guarded"),
    ),
    "model": (
        "lessonplan.student",
        lambda one: inspect.isclass(one) and _is_a(one, "torch.nn", "Module"),
    ),
    "cohort": (
        "lessonplan.student",
        lambda one: inspect.isclass(one) and _has(one, "train", "evaluate"),
    ),
    "suite": ("lessonplan.student", lambda one: inspect.isfunction(one) and _is_suite(one, one)),
    "schedule": ("lessonplan.student", _is_schedule_of_ours),
}
"""Of ours: the face that has them, and what they are. No reward, score or algorithm is named so."""
