"""What a reader has to say: what was read as what, what was left out, cut or guessed.

Every kind of thing is said once, with a count and the first place where it was met; what weighs
most comes first.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from .places import Place, listed

LOST, DOUBTED, READ, CHANGED, ASIDE, SIZES = range(6)
"""How much a notice weighs: what is lost goes first, then what is guessed, read as what, changed,
left aside, and sizes."""
_MOST_READ = 6
_LONGEST_LIST = 120


@dataclass
class _Kind:
    weight: int
    count: int = 0
    first: Place | None = None
    names: dict[str, None] = field(default_factory=dict)


class Notices:
    """Kinds of things to say, by weight and in the order in which they were met first."""

    def __init__(self) -> None:
        self._kinds: dict[str, _Kind] = {}
        self.left_out = 0
        """Rows that were left out because they could not be used."""

    def say(self, sentence: str, weight: int = CHANGED) -> None:
        """Something to be said once, without a count."""
        self._kinds.setdefault(sentence, _Kind(weight))

    def count(
        self, kind: str, place: Place | None = None, count: int = 1, weight: int = CHANGED
    ) -> None:
        """One more of a kind, such as "rows left out: 'answer' is blank"; kinds name no row."""
        if kind in self._kinds:
            self._kinds[kind].count += count
        elif count:
            self._kinds[kind] = _Kind(weight, count, place)

    def gather(self, kind: str, names: Iterable[str], weight: int = ASIDE) -> None:
        """Names, each said once, such as those of columns that are left aside."""
        self._kinds.setdefault(kind, _Kind(weight)).names.update(dict.fromkeys(names))

    def leave_out(self, reason: str, place: Place | None = None, count: int = 1) -> None:
        """One more row that can't be used."""
        self.count(f"rows left out, {reason}", place, count, LOST)
        self.left_out += count

    def counted(self, kind: str) -> int:
        """How many there are of a kind."""
        return self._kinds[kind].count if kind in self._kinds else 0

    def leading(self, beginning: str) -> str:
        """The line of the commonest kind that begins so, and how many others there are."""
        kinds = [item for item in self._kinds.items() if item[0].startswith(beginning)]
        line = _line(*max(kinds, key=lambda item: item[1].count))
        return line + (f" and for {len(kinds) - 1} more reasons" if len(kinds) > 1 else "")

    def lines(self) -> tuple[str, ...]:
        """Everything to say, one sentence a line."""
        return tuple(self._lines())

    def _lines(self) -> Iterator[str]:
        for weight in range(SIZES + 1):
            kinds = [item for item in self._kinds.items() if item[1].weight == weight]
            if weight == READ and len(kinds) > _MOST_READ:
                # A folder of many kinds of files would hide everything else.
                rarest = sorted(kinds, key=lambda item: -item[1].count)[_MOST_READ - 1 :]
                rows = sum(one.count for _, one in rarest)
                kinds = [item for item in kinds if item not in rarest]
                more = f"rows read in {len(rarest)} further ways"
                kinds.append((more, _Kind(READ, rows, rarest[0][1].first)))
            yield from (_line(kind, one) for kind, one in kinds)


def _line(kind: str, one: _Kind) -> str:
    if one.names:
        return f"{kind}: {listed(one.names, len(one.names), _LONGEST_LIST)}"
    if not one.count:
        return kind
    first = f" (first: {one.first.brief})" if one.first is not None else ""
    return f"{kind}: {one.count:,}{first}"
