"""What a state belongs to, and a refusal where it comes into other hands.

A fingerprint names what a state means nothing without: the tasks and their order, thresholds,
columns, who teaches. It is kept beside a state, as plain values by name, and compared wherever one
is taken up. What is not in it may change in between: the budget, and all that only says how long
it goes on.
"""

import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Fingerprint = Mapping[str, Any]
"""Numbers, texts and lists of them by name, and mappings of these."""

_MOST_NAMED, _MOST_LETTERS = 3, 24


class _Difference(NamedTuple):
    """One thing that two fingerprints say otherwise."""

    path: tuple[str, ...]
    before: Any
    now: Any


def check_belonging(
    before: Fingerprint | None,
    now: Fingerprint,
    what: str = "this state",
    whose: str = "this tutor",
    way_out: str = "make it as it was, or begin anew",
) -> None:
    """Refuse what belongs to something else; what one of the two does not say is not compared.

    Args:
        before: what was kept beside the state; None by versions that kept nothing.
        now: of whoever takes it up.
        what: is taken up.
        whose: takes it up.
        way_out: what to do.

    Raises:
        ValueError: naming what differs, with both values; also if it says nothing by name.
    """
    if before is None:
        warnings.warn(
            f"{what} is of an earlier version, which did not keep what it belongs to: "
            "it is taken up unchecked",
            stacklevel=3,
        )
        return
    if not isinstance(before, Mapping):
        raise ValueError(
            f"{what} must say by name what it belongs to, and says {_cut(repr(before))}; {way_out}"
        )
    every = list(_differences(before, now))
    if not every:
        return
    names = Counter(_leaf(one) for one in every)
    pairs = [_words(one, names) for one in every[:_MOST_NAMED]]
    old, new = (", ".join(side) for side in zip(*pairs, strict=True))
    more = f" and {len(every) - _MOST_NAMED} more" if len(every) > _MOST_NAMED else ""
    raise ValueError(f"{what} was made with {old}, {whose} has {new}{more}; {way_out}")


def _differences(
    before: Fingerprint, now: Fingerprint, path: tuple[str, ...] = ()
) -> Iterator[_Difference]:
    """Of things of another name only the name."""
    if "name" in before and "name" in now and before["name"] != now["name"]:
        yield _Difference((*path, "name"), before["name"], now["name"])
        return
    for name in (name for name in before if name in now):
        old, new = before[name], now[name]
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from _differences(old, new, (*path, name))
        elif old != new:
            yield _Difference((*path, name), old, new)


def _leaf(difference: _Difference) -> str:
    """The last part of its path; the name of a thing stands for the thing."""
    path = difference.path
    return path[-2] if path[-1] == "name" and len(path) > 1 else path[-1]


def _words(difference: _Difference, names: Mapping[str, int]) -> tuple[str, str]:
    """Both values with the name: the last part where that tells it apart, else the whole path."""
    name, old, new = _leaf(difference), difference.before, difference.now
    if names[name] > 1:
        name = ".".join(difference.path)
    if isinstance(old, list) and isinstance(new, list):
        if max(len(repr(old)), len(repr(new))) > _MOST_LETTERS:
            place = next((i for i, pair in enumerate(zip(old, new, strict=False))
                          if pair[0] != pair[1]), None)  # fmt: skip
            if place is None:
                return _counted(name, old, new), _counted(name, new, old)
            name, old, new = f"{name}[{place}]", old[place], new[place]
    return f"{name}={_cut(repr(old))}", f"{name}={_cut(repr(new))}"


def _counted(name: str, some: list[Any], others: list[Any]) -> str:
    """How many there are, with the first that the shorter list of others does not have."""
    also = f" (also {_cut(repr(some[len(others)]))})" if len(some) > len(others) else ""
    return f"{len(some)} {name}{also}"


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_LETTERS else f"{text[: _MOST_LETTERS - 3]}..."
