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
_MOST_KINDS = 6
"""Of ways in which rows were read, and of reasons to leave some out."""
_LEFT_OUT = "rows left out, "
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
        self.count(_LEFT_OUT + reason, place, count, LOST)
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
            kinds = {kind: one for kind, one in self._kinds.items() if one.weight == weight}
            if weight == LOST:
                reasons = [kind for kind in kinds if kind.startswith(_LEFT_OUT)]
                _join_rarest(kinds, reasons, "rows left out for {} further reasons")
            if weight == READ:
                _join_rarest(kinds, list(kinds), "rows read in {} further ways")
            yield from (_line(kind, one) for kind, one in kinds.items())


def _join_rarest(kinds: dict[str, _Kind], among: list[str], words: str) -> None:
    """Make one kind of the rarest where many would hide everything else.

    Args:
        kinds: all to be said; the new one comes last.
        among: which of them.
        words: of the new one, `{}` for how many it is.
    """
    if len(among) <= _MOST_KINDS:
        return
    rarest = sorted(among, key=lambda kind: -kinds[kind].count)[_MOST_KINDS - 1 :]
    ones = [kinds.pop(kind) for kind in rarest]
    rows = sum(one.count for one in ones)
    kinds[words.format(len(ones))] = _Kind(ones[0].weight, rows, ones[0].first)


def _line(kind: str, one: _Kind) -> str:
    if one.names:
        return f"{kind}: {listed(one.names, len(one.names), _LONGEST_LIST)}"
    if not one.count:
        return kind
    first = f" (first: {one.first.brief})" if one.first is not None else ""
    return f"{kind}: {one.count:,}{first}"
