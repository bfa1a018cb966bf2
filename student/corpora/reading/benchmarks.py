"""Which columns are what, by the names that people and public sets use.

A role is one of our own keys (`prompt`, `answer`, `label`, `choices`, `accepted`, `messages`) or:

    system, history     what stands before the prompt of a chat
    chosen              the better answer of a pair: a text, a chat, or its last message
    rows                several rows in one, as SQuAD's own file has them
    kept                whether the answer is a good one, as KTO has it
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .chats import is_chat, is_transcript
from .places import Place
from .usual_names import (
    ACCEPTED,
    ANSWERS,
    CHATS,
    CHOICES,
    CHOSEN,
    CLASSES,
    CONTEXTS,
    INPUTS,
    LABELS,
    LETTERED,
    MARKED,
    NUMBERED,
    PICKS,
    PLAIN,
    QUESTIONS,
    SOURCES,
    TASKS,
    TWINS,
    UNANSWERABLE,
    WORKS,
    WRONG,
    Names,
    folded,
)
from .values import Role, Row, Take, is_absent, taker, text_of, whole_number

_WHOLE = re.compile(r"-?\d+\.0")


@dataclass(frozen=True)
class Layout:
    """How rows with the same columns are read; `base` numbers the first of the choices."""

    roles: Mapping[str, Role]
    base: int = 0

    @property
    def columns(self) -> set[str]:
        """All that are read."""
        return {column for role in self.roles.values() for column in role.columns}


def recognised(names: Names, roles: Mapping[str, Role]) -> Layout:
    """The roles of columns, those that are named already and those that follow from the names.

    `prompt`, `messages` or `rows` is missing where nothing was recognised.
    """
    if not roles:
        whole = _rows(names) or _chat(names)
        if whole:
            return Layout(whole)
    if "messages" in roles:
        return Layout(_behind(names, roles))
    base = 0
    roles = dict(roles)
    answer = roles.get("answer")
    if not roles.keys() & {"choices", "label"} and (
        answer is None or folded(answer.columns[0]) in PICKS
    ):
        choices, base = _choices(names, answer is not None)
        roles = {**choices, **roles}
    if not roles.keys() & {"answer", "label", "choices"}:
        roles = {**_answer(names), **roles}
    elif "choices" in roles and not roles.keys() & {"answer", "label"}:
        pick = None if is_marked(roles["choices"]) else names.role(*PICKS)
        roles |= {"answer": pick} if pick else {}
    if "prompt" not in roles:
        prompt = _prompt(names, roles)
        roles |= {"prompt": prompt} if prompt else {}
    return Layout(_behind(names, roles), base)


def _behind(names: Names, roles: Mapping[str, Role]) -> dict[str, Role]:
    """With what stands before the prompt in a chat."""
    system = names.role("system", "system_prompt")
    history = names.role("history") if "messages" not in roles else None
    before = {"system": system, "history": history}
    return {key: role for key, role in (before | dict(roles)).items() if role is not None}


def _rows(names: Names) -> dict[str, Role]:
    """Several rows in one: SQuAD's paragraphs, bAbI's stories, instances of an instruction."""
    paragraphs, story = names.find("paragraphs"), names.find("story")
    instances = names.find("instances")
    if instances and names.find("instruction") and names.is_a(instances, list):
        return {"rows": Role((instances,), lambda row: row[instances])}
    if paragraphs and names.is_a(paragraphs, list):
        return {"rows": Role((paragraphs,), lambda row: _of_paragraphs(row[paragraphs]))}
    if story and not names.find(*QUESTIONS) and names.is_a(story, Mapping):
        return {"rows": Role((story,), lambda row: _of_story(row[story]))}
    return {}


def _of_paragraphs(paragraphs: Iterable[Row]) -> Iterable[Row]:
    for paragraph in paragraphs:
        for asked in paragraph.get("qas", ()):
            yield {"context": paragraph.get("context"), "question": asked.get("question"),
                   "answers": asked.get("answers"),
                   UNANSWERABLE: asked.get(UNANSWERABLE)}  # fmt: skip


def _of_story(story: Row) -> Iterable[Row]:
    told: list[str] = []
    for text, answer in zip(story["text"], story["answer"], strict=True):
        if answer:
            yield {"context": "\n".join(told), "question": text, "answer": answer}
        else:
            told.append(text)


def _chat(names: Names) -> dict[str, Role]:
    """A chat, or the better answer of a pair."""
    ours = names.find("prompt") and names.find("answer", "label")
    messages = names.role("messages")
    if messages is None and not ours:
        chats = (one for one in map(names.find, CHATS) if names.is_a(one, list))
        # Texts in `turns` are the user's alone.
        column = next((one for one in chats if one != "turns" or is_chat(names.row[one])), None)
        messages = names.role(column) if column else None
        text = names.find("text")
        if messages is None and text and is_transcript(names.row[text]):
            messages = names.role(text)
    chosen = None if ours else names.role(*CHOSEN)
    roles = {"chosen": chosen} if chosen else {}
    if messages and not (chosen and names.is_a(chosen.columns[0], list)):
        label = names.role("label")
        kept = {"kept": label} if label and names.is_a(label.columns[0], bool) else {}
        return _behind(names, {"messages": messages, **roles, **kept})
    prompt = _prompt(names, roles) if chosen else None
    return _behind(names, {"prompt": prompt, **roles} if prompt else roles) if roles else {}


def _choices(names: Names, answered: bool) -> tuple[dict[str, Role], int]:
    """Choices and which is the answer, with the number of the first."""
    question = names.find("question")
    if question and names.is_a(question, Mapping):
        return _of_stem(names, question), 0
    answer = names.role(*PICKS)
    label = names.find("label")
    if answer and label and answer.columns == ("answer",):
        # AGIEval has one of them in each file, and null for the other.
        take = answer.take
        answer = Role(("answer",), lambda row: _either(take(row), row.get(label)))
    choices = names.role(*CHOICES)
    if choices is None and not answered:
        choices = _wrong_ones(names)
    base = 0
    # A label counts as the set counts, an answer as the columns do.
    by_label = answer is not None and folded(answer.columns[0]) == "label"
    if choices is None and answer and (family := names.family(NUMBERED)):
        choices = Role(tuple(family.values()), _listed(family.values()))
        base = 0 if by_label else int(next(iter(family)))
    if choices is None and answer and (family := names.family(LETTERED)):
        choices, base = Role(tuple(family.values()), _keyed(family)), int(by_label)
    several = names.find("answers")
    if choices is None and several and names.find("label", "correct_answer_id"):
        choices = names.role(several) if names.is_a(several, list) else None
    if choices is None:
        return {}, 0
    roles = {"choices": choices}
    return (roles | {"answer": answer} if answer and not is_marked(choices) else roles), base


def is_marked(choices: Role) -> bool:
    """Whether choices say themselves which is right."""
    return folded(choices.columns[0]) in MARKED


def _either(value: Any, other: Any) -> Any:
    return other if is_absent(value) else value


def _of_stem(names: Names, question: str) -> dict[str, Role]:
    """The roles of {question: {stem, choices}, answerKey}."""
    roles = {
        role: Role((f"{question}.{key}",), taker(f"{question}.{key}"))
        for role, key in (("prompt", "stem"), ("choices", "choices"))
    }
    answer = names.role(*PICKS)
    return roles | {"answer": answer} if answer else roles


def _wrong_ones(names: Names) -> Role | None:
    """The right answer and wrong ones in columns of their own, as choices."""
    right = names.find("correct_answer", "correct")
    wrong = [column for column in names.row if folded(column).rstrip("_0123456789") in WRONG]
    if right is None or not wrong:
        return None
    columns = (right, *wrong)
    return Role(columns, _listed(columns))


def _listed(columns: Iterable[str]) -> Take:
    """The values of columns as one list; a list among them is unfolded."""
    names = tuple(columns)

    def take(row: Row) -> list[Any]:
        values = [row.get(name) for name in names]
        return [one for value in values for one in (value if isinstance(value, list) else [value])]

    return take


def _keyed(family: Mapping[str, str]) -> Take:
    pairs = tuple(family.items())
    return lambda row: {
        "text": [row.get(column) for _, column in pairs], "label": [key for key, _ in pairs]
    }  # fmt: skip


def _answer(names: Names) -> dict[str, Role]:
    """What is wanted, as an answer or as the label of a class."""
    answer, label = names.role(*ANSWERS), names.role(*LABELS)
    if label is None and not names.find(*TASKS, *QUESTIONS):
        label = names.role(*CLASSES)
    if answer and names.find("body") and names.find(*QUESTIONS):
        # SVAMP writes whole numbers as 7.0.
        column = answer.columns[0]
        answer = Role((column,), lambda row: _whole(row.get(column)))
    translation = names.find("translation")
    if answer is None and translation and names.is_a(translation, Mapping):
        languages = list(names.row[translation])[:2]
        return {
            role: Role((f"{translation}.{key}",), taker(f"{translation}.{key}"))
            for role, key in zip(("prompt", "answer"), languages, strict=False)
        }
    if answer is None:
        return {"label": label} if label else {}
    roles = {"answer": answer}
    accepted = names.find(*ACCEPTED)
    if accepted and accepted != answer.columns[0]:
        roles["accepted"] = Role((accepted,), lambda row: _separated(row.get(accepted)))
    paired = names.find("prompt") and folded(answer.columns[0]) == "completion"
    if paired and label and names.is_a(label.columns[0], bool):
        roles["kept"] = label
    elif label and (answer.columns, label.columns) == (("answer",), ("label",)):
        # Both by our names: which one is meant is for the user to say.
        roles["label"] = label
    return roles


def _separated(value: Any) -> Any:
    """Texts of a list, also where a table has them in one text, as TruthfulQA does."""
    return value.split("; ") if isinstance(value, str) else value


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return value.removesuffix(".0") if _WHOLE.fullmatch(value) else value
    number = whole_number(value)
    return value if number is None else number


def _prompt(names: Names, roles: Mapping[str, Role]) -> Role | None:
    """What is asked, with the text that it is about."""
    answer = roles.get("answer") or roles.get("label") or roles.get("chosen")
    ours = answer is not None and answer.columns in (("answer",), ("label",))
    if ours and "prompt" in names.row:
        return names.role("prompt")
    body, question = names.find("body"), names.find(*QUESTIONS)
    if body and question:
        return Role((body, question), lambda row: _told(row.get(body), row.get(question)))
    for pair in (*TWINS, *((("premise", "question"),) if "choices" in roles else ())):
        both = [column for column in map(names.find, pair) if column]
        sure = pair in TWINS[:2] or "label" in roles or pair == ("premise", "question")
        if sure and len(both) == 2:
            return _joined(both, "\n", named=True)
    # In the order in which they are read.
    prompt, task = names.find("prompt"), names.find(*TASKS)
    context, inner = names.find(*CONTEXTS), names.find(*INPUTS)
    if context is None and question and "choices" in roles:
        context = names.find("text")
    task = task or (names.find("definition") if inner else None)
    if prompt or (task and not question):
        parts = [task, context, inner]
    elif question:
        parts = [task, context, question, inner]
    else:
        used = {column for role in roles.values() for column in role.columns}
        plain = [names.find(name) for name in (*PLAIN, *(WORKS if roles else ()))]
        source = names.find(*SOURCES) if names.find("target", "targets", "tgt") else None
        parts = [next((one for one in (*plain, source) if one and one not in used), None)]
        if parts[0] and folded(parts[0]) == "title":
            # Of a post the title alone is not what was asked.
            told = names.find("body", "content")
            parts.append(None if told in used else told)
    needed = prompt or question or ""
    return _joined([part for part in dict.fromkeys(parts) if part], "\n\n", needed=needed)


def _told(body: Any, question: Any) -> Any:
    """A question behind its body, alone where it begins with it already."""
    if is_absent(body) or is_absent(question):
        return question
    begins = str(question).casefold().startswith(str(body).casefold().strip())
    return question if begins else f"{body} {question}"


def _joined(columns: list[str], glue: str, named: bool = False, needed: str = "") -> Role | None:
    if not columns:
        return None
    return Role(tuple(columns), taker(columns[0]), glue, named, needed)


def headed(place: Place, header: Row, prompt: str) -> str:
    """A prompt behind what the file says of all its prompts.

    That is the definition of Super-NaturalInstructions, or the prefix of BIG-bench.
    """
    definition = text_of(place, "definition", header.get("Definition"))
    prefix = text_of(place, "prefix", header.get("task_prefix")) or ""
    return f"{definition}\n\n{prompt}" if definition else prefix + prompt
