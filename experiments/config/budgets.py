"""What a budget reads like, so that a slip of the pen is refused before anything heavy is loaded.

`lessonplan.envs.Budget` is what reads it; a test holds both to the same texts and sentences.
"""

import math
import re
from typing import Any

from ..common.nearest import nearest_of

UNITS = ("steps", "tokens", "compute")

_FORM = re.compile(r"\s*([0-9.]+(?:e[+-]?[0-9]+)?)([kmb]?)[\s-]+([a-z]+)\s*")
_SUFFIXES = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9}


def with_unit(budget: Any) -> Any:
    """The budget as it is; refuse a bare number, of which nobody knows what it counts.

    Raises:
        ValueError: with the number as it would be right.
    """
    if isinstance(budget, int | float) and not isinstance(budget, bool):
        raise ValueError(f"write {budget}-steps, or {budget}-tokens or {budget}-compute")
    return budget


def check_budget(text: str) -> str:
    """The text; refuse what is no budget, such as `4000-steps`, `5M-tokens` or `180k compute`.

    Raises:
        ValueError: as `Budget.parse` would.
    """
    match = _FORM.fullmatch(text.lower())
    if match is None:
        raise ValueError(f"a budget reads like '4000-steps' or '5M-tokens', got {text!r}")
    number, suffix, unit = match.groups()
    try:
        amount = float(number) * _SUFFIXES[suffix]
    except ValueError:
        raise ValueError(f"a budget begins with a number, got {number!r}") from None
    if unit not in UNITS:
        near = nearest_of(unit, UNITS)
        hint = f"; did you mean {near!r}?" if near else ""
        raise ValueError(
            f"the unit of a budget must be one of {', '.join(UNITS)}, got {unit!r}{hint}"
        )
    if not (math.isfinite(amount) and amount > 0):
        raise ValueError(f"the amount of a budget must be positive, got {amount}")
    return text
