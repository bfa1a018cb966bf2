"""Examples that are too long: refused, left out, or cut at the beginning of their prompts.

A length is that of a prompt and its answer (the longest of its choices), in characters for small
models, in tokens for pretrained ones. A text has no more tokens than bytes, so only long texts are
given to the tokenizer for this.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..text.wording import Question, Wording, asked, asking, worded
from .reading.notices import Notices
from .reading.places import BadRowError, shortened
from .splitting import Line

TOO_LONG = ("error", "drop", "cut")
_FRAME = 64
"""Tokens that a chat template may add to a prompt, and more."""


@dataclass(frozen=True)
class Ruler:
    """Measures examples.

    Args:
        size: of a question, with the longest text that may answer it.
        most: what it may be.
        unit: `characters` or `tokens`.
        option: the argument that sets `most`.
    """

    size: Callable[[Question], int]
    most: int
    unit: str
    option: str = "max_tokens"


def character_ruler(most: int, template: str) -> Ruler:
    """Measures what a small model reads."""

    def size(question: Question) -> int:
        return len(str(worded(question.prompt, template))) + _longest(question, len)

    return Ruler(size, most, "characters")


def token_ruler(most: int, wording: Wording) -> Ruler:
    """Measures what a pretrained model reads, up to bytes where they are few enough."""

    def size(question: Question) -> int:
        upper = len(str(question.prompt).encode()) + len(wording.template) + _FRAME
        upper += _longest(question, lambda text: len(text.encode()))
        if upper <= most:
            return upper
        tokens = wording.answers(list(_answers(question)))
        return len(wording.prompts([question])[0]) + max(map(len, tokens))

    return Ruler(size, most, "tokens")


def fitted(lines: Sequence[Line], ruler: Ruler, too_long: str, notices: Notices) -> list[Line]:
    """The lines that fit, in order; long ones are refused, left out or cut as `too_long` says.

    Raises:
        BadRowError: for the first line that is too long, where that is an error.
    """
    kept = []
    for line in lines:
        size = ruler.size(line.question)
        if size <= ruler.most:
            kept.append(line)
            continue
        long = f"longer than {ruler.most:,} {ruler.unit}"
        if too_long == "error":
            raise BadRowError(
                line.place,
                f"has {size:,} {ruler.unit}, more than {ruler.option}={ruler.most}; too_long=drop "
                "leaves such rows out, too_long=cut cuts their prompts",
            )
        shorter = _cut(line.question, ruler) if too_long == "cut" else None
        if shorter is None:
            answer = ", even without a prompt" if too_long == "cut" else ""
            notices.leave_out(long + answer, line.place)
        else:
            notices.count(f"prompts cut at their beginning, {long}", line.place)
            kept.append(replace(line, question=shorter))
    return kept


def _cut(question: Question, ruler: Ruler) -> Question | None:
    """The question with the longest end of its prompt that fits; None where nothing does."""
    text = asked(question.prompt)

    def ending(characters: int) -> Question:
        return replace(question, prompt=asking(question.prompt, text[len(text) - characters :]))

    fits, fails = 0, len(text)
    while fails - fits > 1:
        middle = (fits + fails) // 2
        if ruler.size(ending(middle)) <= ruler.most:
            fits = middle
        else:
            fails = middle
    shorter = ending(fits)
    return shorter if fits and asked(shorter.prompt).strip() else None


@dataclass(frozen=True)
class Spread:
    """How long lines are, in characters of prompt and answer."""

    longest: Line
    most: int
    mean: float
    usual: int
    """What 95 of 100 lines are not longer than."""
    longest_prompt: int
    longest_answer: int


def spread(lines: Sequence[Line]) -> Spread:
    """How long these lines are."""
    sizes = [_characters(line.question) for line in lines]
    most = max(sizes)
    usual = sorted(sizes)[(95 * len(sizes) - 1) // 100]
    prompt = max(len(str(line.question.prompt)) for line in lines)
    answer = max(_longest(line.question, len) for line in lines)
    mean = sum(sizes) / len(sizes)
    return Spread(lines[sizes.index(most)], most, mean, usual, prompt, answer)


def check_too_long(too_long: Any) -> None:
    """Refuse what is no way to treat a long example."""
    if too_long not in TOO_LONG:
        raise ValueError(
            f"too_long must be one of {', '.join(TOO_LONG)}, got {shortened(repr(too_long))}"
        )


def _answers(question: Question) -> tuple[str, ...]:
    return question.choices or (question.answer,)


def _longest(question: Question, size: Callable[[str], int]) -> int:
    return max(map(size, _answers(question)))


def _characters(question: Question) -> int:
    return len(str(question.prompt)) + _longest(question, len)
