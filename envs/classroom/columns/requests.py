"""Columns as they are asked for: `name` or `name:parameter=value,...`.

Every column takes `scale=` (a factor) and `max=` (a cap before the factor), and some take more;
`progress` takes the parameters of its estimator, `signal=`, the fact whose change it estimates, and
`noise=1`, which shows it in units of how uncertain the score is.
"""

from dataclasses import dataclass, field

import numpy as np

from ..checking import check_choice, nearest_name
from .signals import PROGRESS_SIGNALS
from .table import COLUMNS


@dataclass(frozen=True)
class Request:
    """A column as it was asked for."""

    text: str
    name: str
    parameters: dict[str, float] = field(default_factory=dict)
    """Those of the column, or of a progress estimator."""
    signal: str = "score"
    noise: bool = False
    """Whether progress is shown in units of how uncertain the score is."""
    scale: float = 1.0
    cap: float = np.inf

    @property
    def fact(self) -> str:
        """What it is read from: the signal for progress, else the name."""
        return self.signal if self.name == "progress" else self.name


def parse_column(text: str) -> Request:
    """Read `progress:ema=0.9,signal=loss,scale=5` (a bare word counts as 1).

    Raises:
        ValueError: for an unknown name or signal, or a parameter that is not a number.
    """
    name, _, rest = text.partition(":")
    if name not in COLUMNS and name not in ("progress", "present"):
        columns = ("progress", "present", *COLUMNS)
        near = nearest_name(name, columns)
        hint = f"did you mean {near!r}? " if near else ""
        raise ValueError(f"there is no column {name!r}; {hint}the columns are {', '.join(columns)}")
    parameters: dict[str, float] = {}
    signal = "score"
    for part in filter(None, rest.split(",")):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if key == "signal" and name == "progress":
            signal = value
            continue
        try:
            parameters[key] = float(value) if equals else 1.0
        except ValueError:
            raise ValueError(
                f"{key!r} of column {text!r} must be a number, got {value!r}"
            ) from None
    check_choice(f"signal of column {text!r}", signal, PROGRESS_SIGNALS)
    scale, cap = parameters.pop("scale", 1.0), parameters.pop("max", np.inf)
    if not (0 < scale < np.inf and cap > 0):
        raise ValueError(f"scale and max of column {text!r} must be positive numbers")
    noise = name == "progress" and _noise(text, signal, parameters.pop("noise", 0.0))
    if name != "progress":
        parameters = _own_parameters(text, name, parameters)
    return Request(text, name, parameters, signal, noise, scale, cap)


def _noise(text: str, signal: str, value: float) -> bool:
    """Whether progress is asked for in units of its noise, which is known of scores alone."""
    if value not in (0.0, 1.0):
        raise ValueError(f"noise of column {text!r} must be 1, or left out, got {value:g}")
    if value and signal != "score":
        raise ValueError(
            f"column {text!r} can't be in units of noise: only of scores it is known how uncertain "
            "they are; leave out noise or signal"
        )
    return bool(value)


def _own_parameters(text: str, name: str, given: dict[str, float]) -> dict[str, float]:
    """The parameters of a column, its defaults filled in."""
    known = COLUMNS[name].parameters if name in COLUMNS else {}
    unknown = sorted(set(given) - set(known))
    if unknown:
        takes = ", ".join((*known, "scale"))
        raise ValueError(
            f"column {text!r} does not know {', '.join(unknown)}; it takes {takes} and max"
        )
    for key, value in given.items():
        low, high = known[key].low, known[key].high
        if not low <= value <= high:
            raise ValueError(
                f"{key} of column {text!r} must be in [{low:g}, {high:g}], got {value:g}"
            )
    return {key: given.get(key, each.default) for key, each in known.items()}
