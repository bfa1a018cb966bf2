"""Modules that students which are agents name: those of environments and of algorithms.

Gymnasium and the cohort import by such names whatever there is; here it is seen first that they
may, and what is one's own is found in its folder.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..common.names import named
from ..common.own_modules import own_module

_LIBRARIES = ("stable_baselines3:", "stable_baselines3.", "sb3_contrib:", "sb3_contrib.")
"""Beginnings of names that may be looked up: it is seen that they are algorithms."""


def import_environments(options: Mapping[str, Any], folders: Sequence[str]) -> None:
    """Import the modules of environments, `module:Name-v0`, that the tasks of a suite name.

    Args:
        options: of the suite.
        folders: of one's own modules.

    Raises:
        ValueError: if one is nowhere, or may not be imported.
    """
    for name in _environments(options):
        try:
            own_module(name.partition(":")[0], folders)
        except ValueError as error:
            raise ValueError(f"environment {name!r}: {error}") from error


def _environments(options: Mapping[str, Any]) -> Iterator[str]:
    tasks = options.get("tasks")
    for task in tasks if isinstance(tasks, list | tuple) else ():
        name = task.get("id") if isinstance(task, Mapping) else None
        if isinstance(name, str) and ":" in name:
            yield name


def import_algorithm(options: Mapping[str, Any], folders: Sequence[str]) -> None:
    """Import the module of an algorithm, `module:name`, that agents learn by.

    Args:
        options: of the students.
        folders: of one's own modules.

    Raises:
        ValueError: if it is nowhere, may not be imported, or is no algorithm.
    """
    name = options.get("algorithm")
    if isinstance(name, str) and ":" in name and not name.startswith(_LIBRARIES):
        named("algorithm", name, {}, folders)
