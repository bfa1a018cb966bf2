"""What a command says of code of one's own that it will import."""

from collections.abc import Mapping
from typing import Any

from ..common.sentences import say
from ..config.own_names import agreed_files

_MOST = 6
"""Files that a line has room for."""


def say_what_is_imported(values: Mapping[str, Any]) -> None:
    """Say in one line which files of one's own a config names, before any of them is imported.

    Args:
        values: of a run or a sweep.

    Raises:
        ValueError: if one of them may not be imported.
    """
    files = agreed_files(values)
    if not files:
        return
    names = ", ".join(str(file) for file in files[:_MOST])
    more = f" and {len(files) - _MOST} more" if len(files) > _MOST else ""
    say(f"runs code that its config names: {names}{more}")
