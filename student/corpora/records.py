"""One example with keys of our own, checked and understood.

A record holds what is asked and what is wanted in one of three forms:

    prompt, answer      text
    messages            a chat: a list of {"role": ..., "content": ...} whose last is the
                        assistant's, which is the answer
    prompt, label       text and the name of its class

and beside it, where wanted:

    accepted        further right answers
    choices         texts of which the answer is one: graded by the loss of each
    task            name of the task
    split           train, probe, test or stress; records without it are divided
    difficulty      number
    skills          list of names
    prerequisites   list of task names
    category        text
    importance      weight of the task in every mean, a number above 0
    threshold       score from which the task counts as mastered, a number in (0, 1]

`reading` makes records of what people's files hold.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..contract.tasks import SPLITS
from ..text.characters import END, SEPARATOR
from ..text.scores import Named
from ..text.wording import Chat, Prompt, Question
from .reading.places import BadRowError, Place, shortened
from .splitting import Line

DESCRIPTIONS = (
    "difficulty", "skills", "prerequisites", "category", "importance", "threshold"
)  # fmt: skip
_LONGEST_TEXT = 1_000_000
"""Characters of a prompt or an answer: every example takes the place of the longest."""
_LONGEST_NAME = 1_000
_NUMBERS = ("difficulty", "importance", "threshold")
_NAMES = ("skills", "prerequisites")
_SETTLED = ("prerequisites", "importance", "threshold")
_UNUSABLE = {
    False: re.compile(f"[{END}{SEPARATOR}\ud800-\udfff]"),
    True: re.compile("[\ud800-\udfff]"),
}
"""What a text must not hold, by whether it is for a tokenizer."""


class UnansweredError(BadRowError):
    """A row without an answer, as all of a split without labels are."""


@dataclass(frozen=True)
class Reading:
    """For whom records are read.

    Args:
        tokenised: for a pretrained model and its tokenizer, not for one that reads characters.
        chat: plain prompts are messages of a user.
        classify: whether answers are labels and the other way round: True makes labels of both,
            False answers, None leaves each what it is.
        keep_rows: keep the rows, which a score of one's own is given.
        score: by what answers are judged, where it has a name.
        scores: the same for single tasks, None where a function of one's own judges.
    """

    tokenised: bool = False
    chat: bool = False
    classify: bool | None = None
    keep_rows: bool = False
    score: Named | None = None
    scores: Mapping[str, Named | None] = field(default_factory=dict)


@dataclass
class Written:
    """What is written about one task."""

    place: Place
    lines: list[Line] = field(default_factory=list)
    description: dict[str, Any] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    """Where each part of the description stands."""
    forms: dict[str, Place] = field(default_factory=dict)
    """Where each form of an example stands first: answer or label, choices or none."""
    unsettled: set[str] = field(default_factory=set)
    """Parts of the description in which rows differ, so that they say nothing of the task."""

    def settled(self) -> dict[str, Any]:
        """The description, without parts in which rows differ."""
        return {key: value for key, value in self.description.items() if key not in self.unsettled}


def take(
    tasks: dict[str, Written],
    record: Mapping[str, Any],
    place: Place,
    task: str,
    reading: Reading,
    row: Any = None,
) -> None:
    """Check a record and add it to its task.

    Args:
        tasks: by name; a new one comes last.
        record: with some of the keys above; None stands for an absent value.
        place: where it stands.
        task: its task where the record does not say.
        reading: for whom.
        row: as it was before it became a record.

    Raises:
        BadRowError: for what is not as described; nothing is added then.
        UnansweredError: if there is no answer.
    """
    record = {key: value for key, value in record.items() if value is not None}
    name = record.get("task", task)
    _check_name(place, "task", name)
    split = record.get("split")
    if split is not None and split not in SPLITS:
        raise BadRowError(place, f"'split' must be one of {', '.join(SPLITS)}", split)
    description = {key: described(place, key, record[key]) for key in DESCRIPTIONS if key in record}
    question = _question(place, record, reading, row)
    _check_gradable(place, question, reading.scores.get(name, reading.score))
    forms = _forms(record, question, reading)
    written = tasks.get(name) or Written(place)
    _check_alike(place, name, written, forms)
    for key, value in description.items():
        _check_settled(place, name, written, key, value)
    tasks[name] = written
    for form in forms:
        written.forms.setdefault(form, place)
    for key, value in description.items():
        if written.description.setdefault(key, value) != value:
            written.unsettled.add(key)
        written.places.setdefault(key, place)
    written.lines.append(Line(question, split, place))


def _question(place: Place, record: Mapping[str, Any], reading: Reading, row: Any) -> Question:
    also = [key for key in ("prompt", "answer", "label") if key in record]
    if "messages" in record and also:
        raise BadRowError(
            place,
            f"has both 'messages' and {also[0]!r}; an example is either a chat or a prompt with "
            "its answer",
        )
    if "answer" in record and "label" in record:
        raise BadRowError(place, "has both 'answer' and 'label'; give one of them")
    if "messages" in record:
        prompt, answer = _chat(place, record["messages"], reading)
    else:
        if "prompt" not in record:
            raise BadRowError(place, "the key 'prompt' is missing")
        if "answer" not in record and "label" not in record:
            raise UnansweredError(place, "the key 'answer' is missing")
        answer = record["answer"] if "answer" in record else record["label"]
        prompt, answer = record["prompt"], str(answer) if isinstance(answer, int) else answer
        for key, text in (("prompt", prompt), ("answer", answer)):
            _check_text(place, key, text)
    choices, accepted = tuple(record.get("choices", ())), tuple(record.get("accepted", ()))
    _check_choices(place, choices, answer)
    for text in (str(prompt), answer, *choices, *accepted):
        _check_characters(place, text, reading.tokenised)
    return Question(
        prompt, answer, choices, entry=row if reading.keep_rows else None, accepted=accepted
    )


def _chat(place: Place, messages: Any, reading: Reading) -> tuple[Prompt, str]:
    """What stands before the last message, and the last, which is the assistant's."""
    good = (
        isinstance(messages, list)
        and len(messages) >= 2
        and all(
            isinstance(one, dict)
            and isinstance(one.get("role"), str)
            and isinstance(one.get("content"), str)
            for one in messages
        )
        and messages[-1]["role"] == "assistant"
        and bool(messages[-1]["content"])
    )
    if not good:
        raise BadRowError(
            place,
            "'messages' must be a list of {role, content} in text that ends with the assistant's",
            messages,
        )
    *before, last = ((one["role"], one["content"]) for one in messages)
    # One message of a user is what a plain prompt becomes in a chat: the same prompt.
    alone = len(before) == 1 and before[0][0] == "user" and bool(before[0][1].strip())
    if alone and (reading.chat or not reading.tokenised):
        return before[0][1], last[1]
    chat = Chat(tuple(before))
    return (chat if reading.tokenised else str(chat)), last[1]


def _check_choices(place: Place, choices: tuple[Any, ...], answer: str) -> None:
    if not choices:
        return
    good = all(isinstance(text, str) and text for text in choices)
    if not good or len(choices) < 2 or len(set(choices)) < len(choices):
        raise BadRowError(
            place, "'choices' must be a list of two or more different texts", list(choices)
        )
    if answer not in choices:
        raise BadRowError(place, "the answer must be one of 'choices'", [answer, *choices])


def _check_gradable(place: Place, question: Question, score: Named | None) -> None:
    """Refuse an answer by which no text could be right."""
    refusal = "" if score is None or question.choices else score.refusal(question.answer)
    if refusal and score is not None:
        raise BadRowError(
            place, f"score={score.name} can't judge by an answer that {refusal}", question.answer
        )


def _check_characters(place: Place, text: Any, tokenised: bool) -> None:
    if isinstance(text, str) and (match := _UNUSABLE[tokenised].search(text)):
        control = match[0] in (END, SEPARATOR)
        kind = "a control character (code 2 or 3)" if control else "half of a surrogate pair"
        raise BadRowError(place, f"a text holds {kind}; remove it", text)
    if isinstance(text, str) and len(text) > _LONGEST_TEXT:
        rule = f"a text is longer than the {_LONGEST_TEXT:,} characters that are read; cut it"
        raise BadRowError(place, rule, text, f"{len(text):,} characters")


def _check_text(place: Place, key: str, text: Any) -> None:
    if not isinstance(text, str) or not text:
        raise BadRowError(place, f"{key!r} must be text that is not empty", text)


def _check_name(place: Place, key: str, text: Any) -> None:
    _check_text(place, key, text)
    if len(text) > _LONGEST_NAME:
        raise BadRowError(place, f"{key!r} is longer than {_LONGEST_NAME:,} characters", text)
    _check_characters(place, text, True)


def _forms(record: Mapping[str, Any], question: Question, reading: Reading) -> tuple[str, str]:
    """How an example is written, which is to be alike in a task."""
    label = "label" in record if reading.classify is None else reading.classify
    return (
        "'label'" if label and reading.tokenised else "'answer'",
        "'choices'" if question.choices else "no 'choices'",
    )


_OTHER_FORM = {
    "'label'": "'answer'",
    "'answer'": "'label'",
    "'choices'": "no 'choices'",
    "no 'choices'": "'choices'",
}


def _check_alike(place: Place, name: str, written: Written, forms: tuple[str, str]) -> None:
    for form in forms:
        other = written.forms.get(_OTHER_FORM[form])
        if other is not None:
            raise BadRowError(
                place,
                f"an example of task {name[:40]!r} has {form} here, but one has "
                f"{_OTHER_FORM[form]} at {other.unit} {other.number} of "
                f"{shortened(other.file.name, 40)}; all of a task must be alike",
            )


def described(place: Place, key: str, value: Any) -> Any:
    """A part of the description of a task, in its own type.

    Raises:
        BadRowError: if it is of another kind.
    """
    if key in _NAMES and isinstance(value, str) and value:
        value = [value]
    if key in _NUMBERS:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not math.isfinite(value) or abs(value) >= 1e300:
            raise BadRowError(place, f"{key!r} must be a finite number", value)
        if (key == "importance" and value <= 0) or (key == "threshold" and not 0 < value <= 1):
            wanted = "above 0" if key == "importance" else "above 0 and at most 1"
            raise BadRowError(place, f"{key!r} must be {wanted}", value)
        return value
    if key in _NAMES:
        if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
            raise BadRowError(place, f"{key!r} must be a list of names", value)
        for one in value:
            _check_name(place, key, one)
        return tuple(value)
    _check_name(place, key, value)
    return value


def _check_settled(place: Place, name: str, written: Written, key: str, value: Any) -> None:
    """Refuse another value of what only this project's files have: it is no accident."""
    if key in _SETTLED and written.description.get(key, value) != value:
        before = written.places[key]
        raise BadRowError(
            place,
            f"{key!r} of task {name[:40]!r} is {str(value)[:40]!r} here, but "
            f"{str(written.description[key])[:40]!r} at {before.unit} {before.number} of "
            f"{shortened(before.file.name, 40)}",
        )
