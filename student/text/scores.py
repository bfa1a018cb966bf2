"""Scores by name: how right a text is, by the right answers of its question."""

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

_DIGITS = r"(?:\d{1,3}(?:,\d{3})+(?![\d,])|\d+)(?:\.\d+)?|\.\d+"
_NUMBER = re.compile(
    rf"(?:(?<![\w)}}])(?P<sign>[-+]\$?|\$[-+]))?(?<![\d.])(?P<size>{_DIGITS})"
    rf"(?P<power>[eE][-+]?\d{{1,3}}(?!\w))?(?:\s?/\s?(?P<below>{_DIGITS}))?"
)
_LONGEST = 1000
"""Characters of a number: Python reads no more than some thousands."""
_FRACTION = re.compile(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_LATEX = ("{,}", ","), (r"\,", ""), (r"\!", ""), (r"\$", "$"), ("\N{MINUS SIGN}", "-")
_ANSWER = re.compile(r"\banswer(?:\s+is|\s*[:=])+\s*", re.IGNORECASE)
_LETTERS = tuple(
    re.compile(pattern)
    for pattern in (
        r"^\(?([A-Za-z])\)?[.:)]?$",
        r"^\(?([A-Za-z])[.:)](?=\s|$)",
        r"\(([A-Za-z])\)",
        r"(?<!\w)([A-Z])[.:)](?=\s|$)",
        r"(?<![\w'])([B-HJ-Z])(?![\w'])",
    )
)
"""Ways to name an option, the surest first."""


@dataclass(frozen=True)
class Named:
    """A score that looks at nothing but right answers: (text, right answers) to [0, 1].

    Args:
        name: one of `SCORES`.
    """

    name: str

    def __call__(self, text: str, references: Sequence[str]) -> float:
        """The best of what the right answers give."""
        score = _BY_ONE[self.name]
        return max(score(text, reference) for reference in references)

    def refusal(self, reference: str) -> str:
        """Why no text could be right by this answer; empty where one could."""
        if self(reference, [reference]) == 1.0:
            return ""
        return "has no number" if self.name == "final_number" else "has nothing to compare"


def exact(text: str, reference: str) -> float:
    """1 for the same text, whatever its white space."""
    return float(text.split() == reference.split())


def final_number(text: str, reference: str) -> float:
    r"""1 if the last numbers of both are equal, as GSM8K is scored (Cobbe et al. 2021).

    Where there is a `\boxed{...}` or a `####`, the last number in the last of them counts. Commas
    between thousands, currency and percent signs mean nothing: 50% is 50. Fractions, `3/4` and
    `\frac{3}{4}`, decimals and `1e3` are compared by value.
    """
    wanted = last_number(reference)
    return float(wanted is not None and last_number(text) == wanted)


def contains(text: str, reference: str) -> float:
    """1 if the reference stands in the text as whole words, whatever case and white space."""
    text, reference = _plain(text), _plain(reference)
    if not reference:
        return 0.0
    before = r"(?<!\w)" if _is_spaced(reference[0]) else ""
    behind = r"(?!\w)" if _is_spaced(reference[-1]) else ""
    return float(re.search(before + re.escape(reference) + behind, text) is not None)


def choice(text: str, reference: str) -> float:
    """1 if the option that the text names is the reference.

    Of letters: "(B)", "B.", "B: because", "The answer is B". Behind "answer is" or "answer:" the
    option is looked for first. Of words: the text, or what is behind "the answer is", begins with
    the reference, whatever case and punctuation.
    """
    parts = [part for part in (*_ANSWER.split(text)[1:], text) if part.strip()]
    letter = _LETTERS[0].match(reference.strip())
    if letter:
        named = next(filter(None, map(_letter, parts)), "")
        return float(named == letter[1].upper())
    wanted = _words(reference)
    starts = [_words(part)[: len(wanted)] for part in parts]
    return float(bool(wanted) and wanted in starts)


def f1(text: str, reference: str) -> float:
    """Overlap of words, the harmonic mean of precision and recall (SQuAD, Rajpurkar et al. 2016).

    Lower case, without punctuation and articles.
    """
    written, wanted = _squad(text), _squad(reference)
    if not written or not wanted:
        return float(written == wanted)
    same = sum((Counter(written) & Counter(wanted)).values())
    return 2.0 * same / (len(written) + len(wanted))


def last_number(text: str) -> Fraction | None:
    """The number that a text ends in, as `final_number` looks for it; None without one."""
    if "\\boxed{" in text:
        text = _braced(text.rpartition("\\boxed{")[2])
    elif "####" in text:
        text = text.rpartition("####")[2]
    for latex, plain in _LATEX:
        text = text.replace(latex, plain)
    text = _FRACTION.sub(r"\1/\2", text)
    numbers = [value for match in _NUMBER.finditer(text) if (value := _value(match)) is not None]
    return numbers[-1] if numbers else None


def _value(match: re.Match[str]) -> Fraction | None:
    if len(match[0]) > _LONGEST:
        return None
    size = Fraction(match["size"].replace(",", "") + (match["power"] or ""))
    below = Fraction((match["below"] or "1").replace(",", ""))
    if not below:
        return None
    return (-size if "-" in (match["sign"] or "") else size) / below


def _braced(text: str) -> str:
    """What stands before the brace that closes one which was opened before the text."""
    depth = 1
    for place, character in enumerate(text):
        depth += (character == "{") - (character == "}")
        if not depth:
            return text[:place]
    return text


def _letter(text: str) -> str:
    """The option that a text names by its letter, in upper case; empty without one."""
    matches = (pattern.search(text.strip(" \t\n*")) for pattern in _LETTERS)
    return next((match[1].upper() for match in matches if match), "")


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _is_spaced(character: str) -> bool:
    """Whether it may be part of a word that has spaces around it."""
    wide = unicodedata.east_asian_width(character) in "WF"
    return not wide and (character.isalnum() or character == "_")


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", _plain(text))


def _squad(text: str) -> list[str]:
    bare = text.lower().translate(str.maketrans("", "", string.punctuation))
    return re.sub(r"\b(a|an|the)\b", " ", bare).split()


_BY_ONE: dict[str, Callable[[str, str], float]] = {
    "exact": exact,
    "final_number": final_number,
    "contains": contains,
    "choice": choice,
    "f1": f1,
}

SCORES: dict[str, Named] = {name: Named(name) for name in _BY_ONE}
"""Scores by the names that configs use; each takes a text and the right answers."""
