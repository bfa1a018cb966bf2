"""What a part of one's own is: each kind by what it looks like, without making one of it."""

import inspect
from collections.abc import Collection
from typing import Any

from torch import nn

KINDS = {
    "rule": "a class with needs, start, observe and probabilities",
    "model": "a class of torch modules, or a function of input_shape and n_outputs",
    "student": "a class with reset, train(batch) and evaluate(batch)",
    "cohort": "a class of the suite and n, with train(mixture, ...) and evaluate(split, ...)",
    "suite": "a function that returns a TaskSuite",
    "reward": "a function of an Outcome",
    "score": "a function of a text and its row",
}
"""Kinds of parts, each with what it looks like."""


def part_kind(part: Any, options: Collection[str] = ()) -> str:
    """The kind of a part.

    Args:
        part: what a config names.
        options: names of arguments that it will be given.

    Raises:
        ValueError: if it looks like none, or like several.
    """
    kind = _kind_of_class(part) if isinstance(part, type) else ""
    if not kind and callable(part):
        kind = _kind_of_function(part, options)
    if kind:
        return kind
    what = (
        f"a class {part.__name__}"
        if isinstance(part, type)
        else f"an object of type {type(part).__name__}"
    )
    raise ValueError(
        f"{what} looks like none of {', '.join(KINDS)}; say which with --kind, and see "
        "docs/own.md for what each is called with"
    )


def _kind_of_class(part: type) -> str:
    if issubclass(part, nn.Module):
        return "model"
    if hasattr(part, "probabilities"):
        return "rule"
    if hasattr(part, "train") and hasattr(part, "evaluate"):
        # One student gets its seed, a cohort rows and their seeds.
        return "cohort" if len(_needed(getattr(part, "reset", None))) > 2 else "student"
    return ""


def _kind_of_function(part: Any, options: Collection[str]) -> str:
    """By what it says that it returns, else by how many arguments it has without defaults."""
    function = part.__call__ if isinstance(part, type) else part
    returned = getattr(inspect.unwrap(function), "__annotations__", {}).get("return")
    if "TaskSuite" in str(returned):
        return "suite"
    names = [name for name in _needed(function) if name not in options and name != "self"]
    if names[:2] == ["input_shape", "n_outputs"]:
        return "model"
    if names[:2] == ["suite", "n"]:
        return "cohort"
    if isinstance(part, type) and "__call__" not in vars(part):
        return ""
    return ("suite", "reward", "score")[len(names)] if len(names) < 3 else ""


def _needed(function: Any) -> list[str]:
    """Arguments by place that have no default."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [one.name for one in parameters if one.kind in kinds and one.default is one.empty]
