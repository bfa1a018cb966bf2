"""What a reader has to say: what was read as what, what was left out, cut or guessed.

Every kind of thing is said once, with a count and the first place where it was met.
"""

from dataclasses import dataclass

from .places import Place


@dataclass
class _Kind:
    count: int
    first: Place | None


class Notices:
    """Kinds of things to say, in the order in which they were met first."""

    def __init__(self) -> None:
        self._sentences: dict[str, None] = {}
        self._kinds: dict[str, _Kind] = {}
        self.left_out = 0
        """Rows that were left out because they could not be used."""

    def say(self, sentence: str) -> None:
        """Something to be said once, without a count."""
        self._sentences.setdefault(sentence)

    def count(self, kind: str, place: Place | None = None, count: int = 1) -> None:
        """One more of a kind, such as "rows left out: 'answer' is blank"; kinds name no row."""
        if kind in self._kinds:
            self._kinds[kind].count += count
        elif count:
            self._kinds[kind] = _Kind(count, place)

    def leave_out(self, reason: str, place: Place | None = None, count: int = 1) -> None:
        """One more row that can't be used."""
        self.count(f"rows left out, {reason}", place, count)
        self.left_out += count

    def counted(self, kind: str) -> int:
        """How many there are of a kind."""
        return self._kinds[kind].count if kind in self._kinds else 0

    def lines(self) -> tuple[str, ...]:
        """Everything to say, one sentence a line."""
        return (*self._sentences, *(_line(kind, one) for kind, one in self._kinds.items()))


def _line(kind: str, one: _Kind) -> str:
    first = f" (first: {one.first})" if one.first is not None else ""
    return f"{kind}: {one.count:,}{first}"
