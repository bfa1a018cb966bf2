"""How numbers are written in every table and sentence of a report."""


def number(value: float) -> str:
    """A count in words that read well: `5,400`, `1.23 million`."""
    for size, word in ((1e9, "billion"), (1e6, "million")):
        if abs(value) >= size:
            return f"{value / size:.3g} {word}"
    return f"{value:,.0f}" if abs(value) >= 10 else f"{value:.3g}"


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


def with_interval(value: float | None, interval: list[float] | None, style: str = ".2f") -> str:
    """`0.62 [0.58, 0.66]`, or a hyphen where there is no number."""
    if value is None:
        return "-"
    if interval is None:
        return styled(value, style)
    return f"{styled(value, style)} [{styled(interval[0], style)}, {styled(interval[1], style)}]"
