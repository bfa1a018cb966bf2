"""One example as people write it, a line of a file or a row of a table, checked and understood.

A record holds what is asked and what is wanted in one of three forms:

    prompt, answer      text
    messages            a chat: a list of {"role": ..., "content": ...} whose last is the
                        assistant's, which is the answer; for a tokenizer
    prompt, label       text and the name of its class; for a tokenizer

and beside it, where wanted:

    choices         texts of which the answer is one: graded by the loss of each, for a tokenizer
    task            name of the task
    split           train, probe, test or stress; records without it are divided
    difficulty      number
    skills          list of names
    prerequisites   list of task names
    category        text
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..contract.tasks import SPLITS
from ..text.characters import END, SEPARATOR
from ..text.wording import Chat, Prompt, Question
from .reading.places import Place
from .splitting import Line

_TEXT, _NAMES, _NUMBER = "text that is not empty", "a list of names", "a finite number"
_MESSAGES = "a list of {role, content} in text that ends with the assistant's"
_LABEL = "text that is not empty or a whole number"
_CHOICES = "a list of two or more different texts"
_SPLIT = f"one of {', '.join(SPLITS)}"
KEYS = {
    "prompt": _TEXT,
    "answer": _TEXT,
    "task": _TEXT,
    "split": _SPLIT,
    "difficulty": _NUMBER,
    "skills": _NAMES,
    "prerequisites": _NAMES,
    "category": _TEXT,
    "messages": _MESSAGES,
    "label": _LABEL,
    "choices": _CHOICES,
}
_DESCRIPTIONS = ("difficulty", "skills", "prerequisites", "category")
_CONTROL = re.compile(f"[{END}{SEPARATOR}]")
_SURROGATE = re.compile("[\ud800-\udfff]")


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


def take(
    tasks: dict[str, Written], record: Any, place: Place, task: str, tokenised: bool, chat: bool
) -> None:
    """Check a record and add it to its task.

    Args:
        tasks: by name; a new one comes last.
        record: with some of the keys above.
        place: where it stands.
        task: its task where the record does not say.
        tokenised: whether it is for a tokenizer.
        chat: whether a plain prompt is a message of the user's.

    Raises:
        ValueError: for what is not as described, with its place.
    """
    _check(place, record, tokenised)
    name = record.get("task", task)
    written = tasks.setdefault(name, Written(place))
    question = _question(place, record, chat)
    written.lines.append(Line(question, record.get("split"), place))
    for form, other, present in (
        ("'label'", "'answer'", "label" in record),
        ("'choices'", "no 'choices'", bool(question.choices)),
    ):
        mine, theirs = (form, other) if present else (other, form)
        written.forms.setdefault(mine, place)
        if theirs in written.forms:
            raise ValueError(
                f"{place}: an example of task {name!r} has {mine} here, but one has {theirs} at "
                f"{written.forms[theirs]}; all of a task must be alike"
            )
    for key in _DESCRIPTIONS:
        if key in record:
            _describe(name, written, key, record[key], place)


def _question(place: Place, record: dict[str, Any], chat: bool) -> Question:
    prompt: Prompt
    if "messages" in record:
        *before, last = ((one["role"], one["content"]) for one in record["messages"])
        # One message of a user is what a plain prompt becomes in a chat: the same prompt.
        alone = chat and len(before) == 1 and before[0][0] == "user"
        prompt, answer = before[0][1] if alone else Chat(tuple(before)), last[1]
    else:
        prompt, answer = record["prompt"], str(record.get("answer", record.get("label")))
    choices = tuple(record.get("choices", ()))
    if choices and answer not in choices:
        raise ValueError(
            f"{place}: the answer {answer!r} must be one of 'choices', got {list(choices)!r}"
        )
    return Question(prompt, answer, choices, entry=record)


def _check(place: Place, record: Any, tokenised: bool) -> None:
    if not isinstance(record, dict):
        raise ValueError(f"{place}: every line must be a JSON object, got {record!r}")
    _check_form(place, record)
    unusable = _SURROGATE if tokenised else re.compile(f"{_CONTROL.pattern}|{_SURROGATE.pattern}")
    for key, value in record.items():
        if key not in KEYS:
            raise ValueError(f"{place}: unknown key {key!r}; the keys are {', '.join(KEYS)}")
        if not _fits(KEYS[key], value):
            raise ValueError(f"{place}: {key!r} must be {KEYS[key]}, got {value!r}")
        if any(unusable.search(text) for text in _texts(value)):
            control = "a control character (code 2 or 3), which marks where answers begin and end, "
            raise ValueError(
                f"{place}: {key!r} holds {'' if tokenised else control + 'or '}half of a surrogate "
                f"pair: {value!r}; remove it"
            )
        if key in ("messages", "label", "choices") and not tokenised:
            raise ValueError(
                f"{place}: {key!r} is for pretrained models; name their tokenizer, or write "
                "'prompt' and 'answer'"
            )


def _check_form(place: Place, record: dict[str, Any]) -> None:
    """Every record has one of the three forms, and one only."""
    if "messages" in record:
        also = [key for key in ("prompt", "answer", "label") if key in record]
        if also:
            raise ValueError(
                f"{place}: has both 'messages' and {also[0]!r}; an example is either a chat or a "
                "prompt with its answer"
            )
        return
    if "answer" in record and "label" in record:
        raise ValueError(f"{place}: has both 'answer' and 'label'; give one of them")
    for key in ("prompt", "answer"):
        if key not in record and not (key == "answer" and "label" in record):
            raise ValueError(f"{place}: the key {key!r} is missing")


def _fits(kind: str, value: Any) -> bool:
    if kind == _NUMBER:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return is_number and abs(value) < 1e300
    if kind == _NAMES:
        return isinstance(value, list) and all(_fits(_TEXT, item) for item in value)
    if kind == _CHOICES:
        return _fits(_NAMES, value) and len(set(value)) == len(value) >= 2
    if kind == _MESSAGES:
        return _is_chat(value)
    if kind == _LABEL and isinstance(value, int):
        return not isinstance(value, bool)
    if kind == _SPLIT:
        return isinstance(value, str) and value in SPLITS
    return isinstance(value, str) and bool(value)


def _is_chat(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) >= 2
        and all(
            isinstance(one, dict)
            and set(one) == {"role", "content"}
            and all(isinstance(text, str) for text in one.values())
            for one in value
        )
        and value[-1]["role"] == "assistant"
        and bool(value[-1]["content"])
    )


def _texts(value: Any) -> Iterator[str]:
    """Every text in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _describe(name: str, task: Written, key: str, value: Any, place: Place) -> None:
    value = tuple(value) if isinstance(value, list) else value
    if task.description.setdefault(key, value) != value:
        raise ValueError(
            f"{place}: {key!r} of task {name!r} is {value!r} here, but "
            f"{task.description[key]!r} at {task.places[key]}"
        )
    task.places.setdefault(key, place)
