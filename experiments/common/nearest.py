"""The name that was probably meant."""

from collections.abc import Iterable


def nearest_of(name: str, choices: Iterable[str], likeness: float = 0.6) -> str:
    """The choice that a name is most like; empty where none is like it.

    Args:
        name: as it was typed.
        choices: names that there are.
        likeness: least share of common characters, from 0 to 1.
    """
    # Here, since only a mistake needs it.
    from difflib import get_close_matches

    words = {choice.lower().replace("-", "_"): choice for choice in choices}
    close = get_close_matches(name.lower().replace("-", "_"), words, n=1, cutoff=likeness)
    return words[close[0]] if close else ""


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """`did you mean 'x'? ` for the choice that a name is most like; empty where none is."""
    close = nearest_of(name, choices)
    return f"did you mean {close!r}? " if close else ""
