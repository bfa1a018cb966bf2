"""How numbers, and what they are of, are written in every table and sentence of a report."""

from collections.abc import Mapping, Sequence
from typing import Any


def number(value: float) -> str:
    """A count in words that read well: `5,400`, `1.23 million`."""
    for size, word in ((1e9, "billion"), (1e6, "million")):
        if abs(value) >= size:
            return f"{value / size:.3g} {word}"
    return f"{value:,.0f}" if abs(value) >= 10 else f"{value:.3g}"


def amount_in_words(budget: Mapping[str, Any]) -> str:
    """A budget as a run stores it: `4,000 steps`, `1.5 million training-example equivalents`."""
    unit = budget["unit"]
    return f"{number(budget['amount'])} {_UNITS.get(unit, unit)}"


_UNITS = {"compute": "training-example equivalents"}


def count(amount: int, noun: str) -> str:
    """`1 student`, `1,200 students`."""
    return f"{amount:,} {noun}" if amount == 1 else f"{amount:,} {noun}s"


def percent(value: float) -> str:
    """A share as a percentage that is 0 or 100 only where it is so exactly.

    >>> percent(320 / 320), percent(319 / 320), percent(0.99999), percent(0.4)
    ('100%', '99.7%', 'nearly 100%', '40%')
    """
    for exact in (-1.0, 0.0, 1.0):
        if abs(value - exact) < 1e-9:
            return f"{exact:.0%}"
    ends = {f"{sign}{end}%" for sign in ("", "-") for end in ("0", "0.0", "100", "100.0")}
    text = f"{value:.0%}"
    if text in ends:
        text = f"{value:.1%}"
    return f"nearly {value:.0%}".replace("-0%", "0%") if text in ends else text


def styled(value: float, style: str) -> str:
    """A number in a format; percentages without decimals as `percent` has them."""
    return percent(value) if style == ".0%" else f"{value:{style}}"


def spaced(text: str) -> str:
    """Percentages as sentences have them, with a space: `40 %`."""
    return text.replace("%", " %")


def span(interval: Sequence[float], style: str) -> str:
    """An interval in a sentence: `0.58 to 0.66`."""
    low, high = (styled(end, style) for end in interval)
    return spaced(f"{low} to {high}")


def with_remarks(label: str, *remarks: str) -> str:
    """A teacher's label with all remarks in parentheses, so that no comma of it parts a list.

    >>> with_remarks("uniform, mixed in batches"), with_remarks("in-order", "told the true order")
    ('uniform (mixed in batches)', 'in-order (told the true order)')
    """
    name, *own = label.split(", ")
    every = [*own, *remarks]
    return f"{name} ({', '.join(every)})" if every else name


def with_interval(value: float | None, interval: list[float] | None, style: str = ".2f") -> str:
    """`0.62 [0.58, 0.66]`, or a hyphen where there is no number."""
    if value is None:
        return "-"
    if interval is None:
        return styled(value, style)
    return f"{styled(value, style)} [{styled(interval[0], style)}, {styled(interval[1], style)}]"


def name_of_order(tasks: Sequence[Mapping[str, Any]]) -> str:
    """What the order of tasks is called: the true one only where prerequisites say so.

    Args:
        tasks: facts of each, as `environment.json` has them.

    >>> name_of_order([{"prerequisites": []}, {"prerequisites": ["a"]}])
    'true order'
    >>> name_of_order([{"difficulty": 1.0}, {"difficulty": 2.0}]), name_of_order([{}, {}])
    ('order of difficulty', 'listed order')
    """
    if any(task.get("prerequisites") for task in tasks):
        return "true order"
    levels = {task.get("difficulty", 0.0) for task in tasks}
    return "order of difficulty" if len(levels) > 1 else "listed order"


def enumeration(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
