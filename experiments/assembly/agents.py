"""Modules that students which are agents name: those of environments and of algorithms.

Gymnasium and the cohort import by such names whatever there is; here it is seen first that they
may, and what is one's own is found in its folder.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..common.names import named
from ..common.own_code.places import place_of
from ..common.own_modules import own_module

_LIBRARIES = ("stable_baselines3:", "stable_baselines3.", "sb3_contrib:", "sb3_contrib.")
"""Beginnings of names that may be looked up: it is seen that they are algorithms."""
_ENVIRONMENT = re.compile(r"[^\s:]+:[^\s:]+-v\d+")
"""What the id of an environment in a module looks like, wherever it stands."""


def import_environments(options: Mapping[str, Any], folders: Sequence[str]) -> None:
    """Import the modules of environments, `module:Name-v0`, that the options of a suite name.

    Each is an `id`, or looks like one: a suite of one's own may hand it on to one of ours.

    Args:
        options: of the suite.
        folders: of one's own modules.

    Raises:
        ValueError: if one may not be imported, or fails itself.
    """
    for name in _environments(options):
        module = name.partition(":")[0]
        top = module.partition(".")[0]
        if not top or place_of(top, folders) is None:
            # Nothing is imported of what is nowhere; the suite says so if it needs it. Of what has
            # a package around it that is one, Python imports that before it fails.
            continue
        try:
            own_module(module, folders)
        except ValueError as error:
            raise ValueError(f"environment {name!r}: {error}") from error


def _environments(value: Any, key: Any = "") -> Iterator[str]:
    if isinstance(value, Mapping):
        for inner, one in value.items():
            yield from _environments(one, inner)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _environments(one, key)
    elif isinstance(value, str) and (
        _ENVIRONMENT.fullmatch(value) or (key == "id" and ":" in value)
    ):
        yield value


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


def see_that_settings_write_nothing(settings: Mapping[str, Any]) -> None:
    """Refuse settings of Stable-Baselines3 by which it writes where a config says.

    Raises:
        ValueError: with the way to have it written into the run directory.
    """
    if settings.get("tensorboard_log") is not None:
        raise ValueError(
            "tensorboard_log would write to a place of its own; leave it out, and add "
            "--tensorboard to the command, which writes into the run directory"
        )
