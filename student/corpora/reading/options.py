"""Choices as people write them, and which of them is the answer: its text, letter or index."""

import ast
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .notices import Notices
from .places import BadRowError, Place
from .values import answers_of, is_absent, text_of, whole_number

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_PREFIX = re.compile(r"\s*\(?\s*([A-Za-z]|\d{1,2})\s*(?:[).:]\s*(?!\d)|\)\s*)")
"""A), (A), A. or A: before a choice; 1.5 has none."""
_IN_A_LINE = re.compile(r"(?:^|[,;\n])\s*\(?([A-Za-z])\s*[).]\s*")
_NAMED = re.compile(r"\s*\(?\s*([A-Za-z]|\d{1,2})\s*[).:]?\s*$")
_LABEL = re.compile(r"((option|opt|choice|answer|ans)[_ ]?)?([a-z]|\d{1,2})", re.IGNORECASE)
"""A name that people give to a choice, which is not its text."""
_TEXTS = ("text", "texts", "choices", "value", "content", "option")
_LABELS = ("label", "labels", "key", "letter", "id")


@dataclass
class Picks:
    """What the answers of a set of rows have shown: whether numbers are texts or count choices."""

    are_texts: bool = False
    are_numbers: bool = False

    def note(self, by_text: int | None, by_number: int | None) -> None:
        """A number that can be read in one way only."""
        self.are_texts |= by_text is not None and by_number is None
        self.are_numbers |= by_text is None and by_number is not None

    def text_or_number(
        self, place: Place, by_text: int, by_number: int | None, value: Any
    ) -> int | None:
        """The reading of a number that is one choice and counts another.

        Raises:
            BadRowError: if the rows before do not tell.
        """
        if self.are_texts == self.are_numbers:
            rule = "the answer is one of the choices and the number of another; write its letter"
            raise BadRowError(place, rule, value)
        return by_text if self.are_texts else by_number


@dataclass(frozen=True)
class Options:
    """The choices of one row, in their order.

    Args:
        texts: None for one that is not there.
        labels: how the answer may name each, such as A.
        right: those that are marked as right among the choices themselves.
        base: the number of the first where the answer is a number.
        are_named: whether the labels are the row's own.
    """

    texts: tuple[str | None, ...]
    labels: tuple[str, ...]
    right: tuple[int, ...] = ()
    base: int = 0
    are_named: bool = False

    def answer(self, place: Place, value: Any, picks: Picks) -> int:
        """Which one an answer names: by its text, else by its label, else by its number.

        Labels of the row's own go first.

        Raises:
            BadRowError: if it names none of them, or two.
        """
        text = (text_of(place, "answer", value) or "").strip()
        named = _NAMED.match(text)
        label = self._index(self.labels, (named.group(1) if named else text).upper())
        if self.are_named and label is not None:
            return self._present(place, label, value)
        number, by_text, by_number = whole_number(value), self._by_text(text), None
        if number is not None and 0 <= number - self.base < len(self.texts):
            by_number = number - self.base
        if by_text is not None and by_number not in (None, by_text):
            by_text = picks.text_or_number(place, by_text, by_number, value)
        elif number is not None:
            picks.note(by_text, by_number)
        bare = self._by_text(_PREFIX.sub("", text, count=1))
        for index in (by_text, label, by_number, bare):
            if index is not None:
                return self._present(place, index, value)
        counted = f" (counted from {self.base})" if number is not None else ""
        rule = f"the answer is none of the {len(self.texts)} choices{counted}"
        raise BadRowError(place, rule, value)

    def _by_text(self, text: str) -> int | None:
        wordings = [None if one is None else one.strip() for one in self.texts]
        exact = self._index(wordings, text)
        folded = [None if one is None else one.casefold() for one in wordings]
        return self._index(folded, text.casefold()) if exact is None else exact

    def _index(self, among: Sequence[str | None], text: str) -> int | None:
        return among.index(text) if text and text in among else None

    def _present(self, place: Place, index: int, value: Any) -> int:
        if self.texts[index] is None:
            raise BadRowError(place, "the answer names a choice that is empty", value)
        return index


def choice_record(
    place: Place, value: Any, answer: Any, base: int, picks: Picks, notices: Notices
) -> dict[str, Any]:
    """The keys `choices`, `answer` and `accepted` of a row; equal choices are merged.

    Args:
        place: where it stands.
        value: the choices, as `options_of` reads them.
        answer: a text, letter or number, or a list of them; absent where it is not known.
        base: the number of the first choice.
        picks: what the rows before have shown.
        notices: merged choices are counted there.

    Raises:
        BadRowError: if there are not two different ones, or the answer is none of them.
    """
    options = options_of(place, value, base, scored=is_absent(answer))
    right = list(options.right)
    if not right and not is_absent(answer):
        # Several answers, such as ["yes", "y"], or one.
        several = answers_of(place, answer) if isinstance(answer, list | tuple) else [answer]
        right = [options.answer(place, one, picks) for one in several]
        if isinstance(value, list) and isinstance(answer, str) and answer in value:
            # Its whole text: nothing before the texts tells them apart.
            options = Options(tuple(text_of(place, "choice", one) for one in value), ())
    written = [text for text in options.texts if text is not None and text.strip()]
    texts = list(dict.fromkeys(written))
    if len(texts) < 2:
        raise BadRowError(place, "there must be two or more different choices", options.texts)
    if len(texts) < len(written):
        notices.count("rows with equal choices, which were merged", place)
    record: dict[str, Any] = {"choices": texts}
    accepted = list(dict.fromkeys(options.texts[index] for index in right))
    if accepted and len(accepted) == len(texts):
        raise BadRowError(place, "every choice is marked as right", texts)
    if accepted:
        record["answer"] = accepted[0]
    if len(accepted) > 1:
        record["accepted"] = accepted[1:]
    return record


def options_of(place: Place, value: Any, base: int = 0, scored: bool = True) -> Options:
    """The choices that a value holds, whichever way they are written.

    Texts; {label: [...], text: [...]}; a list of {label, text}; {"A": text, ...}; scores by text,
    as BIG-bench has them; one text with A), B) before each. Such prefixes go where all have them.

    Args:
        place: where they stand.
        value: the choices.
        base: the number of the first where the answer is a number.
        scored: whether numbers beside them may be scores: not where an answer says which is right.

    Raises:
        BadRowError: for anything else.
    """
    if isinstance(value, str):
        value = _unpacked(place, value)
    if isinstance(value, Mapping):
        return _of_mapping(place, value, base, scored)
    if not isinstance(value, Sequence):
        raise BadRowError(place, "the choices must be a list of texts", value)
    if value and all(isinstance(one, Mapping) for one in value):
        texts = [next((one[key] for key in _TEXTS if key in one), None) for one in value]
        labels = [next((one[key] for key in _LABELS if key in one), None) for one in value]
        return _lettered(place, texts, labels, base)
    return _stripped(_lettered(place, value, (), base))


def _of_mapping(place: Place, value: Mapping[str, Any], base: int, scored: bool) -> Options:
    texts = next((value[key] for key in _TEXTS if isinstance(value.get(key), list)), None)
    if texts is not None:
        labels: list[Any] = next(
            (value[key] for key in _LABELS if isinstance(value.get(key), list)), []
        )
        marks = bool(labels) and all(label in (0, 1) for label in labels)
        if scored and marks and sum(labels) < len(labels):
            return _scored(place, dict(zip(map(str, texts), labels, strict=True)))
        return _lettered(place, texts, labels, base)
    entries = {text: one for text, one in value.items() if one is not None}
    if entries and all(isinstance(one, int | float) for one in entries.values()):
        if scored:
            return _scored(place, entries)
        if not any(_LABEL.fullmatch(str(name)) for name in entries):
            # Scores of texts, of which the answer is one.
            return _lettered(place, list(entries), (), base)
    return _lettered(place, list(entries.values()), list(entries), base)


def _scored(place: Place, scores: Mapping[str, float]) -> Options:
    texts, best = tuple(scores), max(scores.values())
    right = tuple(i for i, text in enumerate(texts) if scores[text] == best)
    if len(right) == len(texts):
        raise BadRowError(place, "all choices have the same score", dict(scores))
    return Options(texts, tuple(_LETTERS[: len(texts)]), right)


def _lettered(place: Place, texts: Sequence[Any], labels: Sequence[Any], base: int) -> Options:
    written = tuple(text_of(place, "choice", text) for text in texts)
    spare = _LETTERS[: len(written)]
    whole = len(labels) == len(written) and all(not is_absent(label) for label in labels)
    names = tuple(str(one).strip().upper() for one in (labels if whole else spare))
    return Options(written, names, (), base, whole)


def _stripped(options: Options) -> Options:
    """Without A), B), ... before the texts, where all have the one that is due."""
    prefixes = [_PREFIX.match(text or "") for text in options.texts]
    for due in (_LETTERS, [str(i) for i in range(1, 100)]):
        if prefixes and all(
            prefix is not None and prefix.group(1).upper() == label
            for prefix, label in zip(prefixes, due, strict=False)
        ):
            texts = tuple(_PREFIX.sub("", text or "", count=1) for text in options.texts)
            return Options(texts, tuple(due[: len(texts)]), options.right, options.base, True)
    return options


def _unpacked(place: Place, text: str) -> Any:
    """The choices that are written in one text: a list of JSON or Python, or A) ... B) ..."""
    if text.lstrip()[:1] in ("[", "{"):
        for read in (json.loads, ast.literal_eval):
            try:
                return read(text)
            except (ValueError, SyntaxError):
                continue
    marks = list(_IN_A_LINE.finditer(text))
    if len(marks) >= 2 and [mark.group(1).upper() for mark in marks] == list(
        _LETTERS[: len(marks)]
    ):
        ends = [*(mark.start() for mark in marks[1:]), len(text)]
        return {
            mark.group(1): text[mark.end() : end].strip()
            for mark, end in zip(marks, ends, strict=True)
        }
    raise BadRowError(place, "the choices must be a list of texts", text)
