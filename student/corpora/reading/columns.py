"""From a row as it came to records with our own keys; `records` lists them.

What is read as what is decided once for rows with the same columns, by `benchmarks`, or as one
says; what is read as what and what is left aside is said.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .benchmarks import Layout, headed, is_marked, recognised
from .chats import TURNS, chat_parts, chat_records
from .facts import FACTS, fact_roles, facts_of
from .formats import HEADER
from .notices import DOUBTED, LOST, READ, Notices
from .options import Picks, choice_record
from .places import BadRowError, Place, listed, shortened
from .usual_names import UNANSWERABLE, Names
from .values import (
    Role,
    Row,
    answers_of,
    holds,
    is_absent,
    lists_nothing,
    taker,
    text_of,
    whole_number,
)

EXAMPLE = ("prompt", "answer", "accepted", "label", "choices", "messages")
"""Our own keys of an example."""
END_TOKENS = ("</s>", "<|endoftext|>", "<|im_end|>", "<|eot_id|>", "<eos>", "<|end_of_text|>",
              "<end_of_turn>")  # fmt: skip
_MEDIA = ("images", "image", "videos", "video", "audios", "audio")
_LONGEST_END = 40
"""Characters at the end of an answer in which an end token is looked for."""
_BOTH = "has both {0!r} and {1!r}; name the right one: -o 'suite.options.columns={{{0}: {0}}}'"
_MOST_NAMES, _LONGEST_NAMES = 8, 80


@dataclass(frozen=True)
class _Plan:
    """What is done with all rows of the same columns."""

    layout: Layout
    facts: Mapping[str, Role]
    kind: str
    """What is said of such a row."""
    ours: bool
    """Whether prompt and answer have our own names: such texts stay to the letter."""
    media: tuple[str, ...]
    picks: Picks
    pair: tuple[str, str] | None
    """The columns of prompt and answer where there is nothing else to read."""


class NoColumnsError(BadRowError):
    """A row in which prompt and answer can't be told, so that all others like it are bad, too."""


class Columns:
    """Reads rows, whatever their columns are called.

    Args:
        notices: what was read as what, left aside, cut or changed is counted there.
        columns: names of columns, dotted where they are nested, by our own keys; they go before
            the usual names, in rows that have them. A column may be called by a number.
        task_column: the column that names the task of every row.
        turns: which turns of the assistant's are examples, `last` or `all`.

    Raises:
        ValueError: for a key that is none of ours, what names no column, or another `turns`.
    """

    def __init__(
        self,
        notices: Notices,
        columns: Mapping[str, str | int] | None = None,
        task_column: str | int = "",
        turns: str = "last",
    ) -> None:
        if turns not in TURNS:
            got = shortened(repr(turns))
            raise ValueError(f"turns must be one of {', '.join(TURNS)}, got {got}")
        named = _named_columns(columns, task_column)
        self._named = {key: Role((path,), taker(path)) for key, path in named.items()}
        self._notices, self._turns = notices, turns
        self._plans: dict[tuple[str, ...], _Plan] = {}

    def records(self, place: Place, row: Row) -> list[dict[str, Any]]:
        """The examples of a row, in our own keys.

        An answer that is not there, as in a split without labels, is missing in the record too.

        Raises:
            BadRowError: for a row that can't be used.
        """
        if type(row) is not dict and not isinstance(row, Mapping):
            raise BadRowError(place, "every row must be an object of columns", row)
        plan = self._plans.get(tuple(row)) or self._planned(place, row)
        records = self._pair(plan, row)
        if records is None:
            records = self._read(place, row, plan)
        if records is None:
            # All that is read is empty: another set's row, as where two were joined in a table.
            return self.records(place, {c: v for c, v in row.items() if not is_absent(v)})
        if plan.kind:
            self._notices.count(plan.kind, place, 1, READ)
        return records

    def refusal(self, place: Place, row: Row) -> NoColumnsError:
        """The error for a row in which no prompt or no answer is to be seen, with the way out."""
        return NoColumnsError(
            place,
            f"can't tell prompt and answer among {_listed_names(row)}; "
            "type -o 'suite.options.columns={prompt: COLUMN, answer: COLUMN}'",
        )

    def unanswered(self, place: Place, row: Row) -> BadRowError:
        """The error for a row without an answer where no row of its file has one."""
        plan = self._plans.get(tuple(row)) or self._planned(place, row)
        roles = plan.layout.roles
        role = roles.get("chosen") or roles.get("answer") or roles.get("label")
        if role is None or "rows" in roles:
            return self.refusal(place, row)
        return BadRowError(place, f"the answer ({role}) is empty here and in all rows of the file")

    def _pair(self, plan: _Plan, row: Row) -> list[dict[str, Any]] | None:
        """The commonest row, two texts in which nothing is odd."""
        if plan.pair is None or HEADER in row:
            return None
        prompt, answer = row[plan.pair[0]], row[plan.pair[1]]
        if not (type(prompt) is str and type(answer) is str and prompt and answer):
            return None
        odd = answer[-1] == ">" or answer.isspace() or "\r" in prompt or "\r" in answer
        return None if odd else [{"prompt": prompt, "answer": answer}]

    def _read(self, place: Place, row: Row, plan: _Plan) -> list[dict[str, Any]] | None:
        """The examples of any row, None if all that would be read is empty but not the others."""
        roles = plan.layout.roles
        for column in plan.media:
            if row.get(column):
                raise BadRowError(place, f"{column!r} holds more than text; only text is read")
        facts = facts_of(place, row, plan.facts, self._named.get("task"), self._notices)
        if "rows" in roles:
            column = roles["rows"].columns[0]
            around = {key: value for key, value in row.items() if key != column}
            inner = [self.records(place, around | one) for one in roles["rows"].take(row)]
            return [record for records in inner for record in records]
        answer = roles.get("answer")
        unanswerable = row.get(UNANSWERABLE) is True or (answer and lists_nothing(answer.take(row)))
        if unanswerable and not self._named.keys() & {"answer", "label"}:
            self._notices.count(
                "questions that are marked as having no answer, left out", place, 1, LOST
            )
            return []
        if "kept" in roles and roles["kept"].take(row) is False:
            kind = "rows whose answer is marked as a bad one, left out"
            self._notices.count(kind, place, 1, LOST)
            return []
        value = {key: role.value(place, row) for key, role in roles.items()}
        if None in value.values() and _is_anothers(value, row):
            return None
        chat = chat_parts(place, value)
        if chat is not None:
            doubtful = plan.ours and "messages" in value and not self._named
            if doubtful and not any(is_absent(row.get(key)) for key in ("prompt", "answer")):
                raise BadRowError(place, _BOTH.format("messages", "prompt"))
            records = chat_records(place, chat, self._turns, self._notices)
            for record in records if not plan.ours else ():
                for message in record["messages"]:
                    message["content"] = self._line_ends(place, message["content"])
                last = record["messages"][-1]
                last["content"] = self._answer(place, last["content"], plan)
        else:
            records = [self._example(place, row, plan, value)]
        return [record | facts for record in records] if facts else records

    def _example(
        self, place: Place, row: Row, plan: _Plan, value: dict[str, Any]
    ) -> dict[str, Any]:
        if "prompt" not in value:
            raise self.refusal(place, row)
        if {"answer", "label"} <= value.keys() and "choices" not in value:
            raise BadRowError(place, _BOTH.format("answer", "label"))
        prompt = text_of(place, "prompt", value["prompt"])
        if prompt is None:
            raise BadRowError(place, f"the prompt ({plan.layout.roles['prompt']}) is empty")
        prompt = prompt if plan.ours else self._line_ends(place, prompt)
        header = row.get(HEADER)
        record: dict[str, Any] = {"prompt": headed(place, header, prompt) if header else prompt}
        answer = value.get("chosen", value.get("answer"))
        if isinstance(answer, Mapping) and "answer" in self._named and "choices" not in value:
            # One wants just this object, such as the call of a tool.
            answer = json.dumps(answer, ensure_ascii=False)
        if not is_absent(value.get("choices")):
            known = value.get("label") if answer is None else answer
            if _is_no_class(known) or is_marked(plan.layout.roles["choices"]):
                known = None
            base = plan.layout.base
            return record | choice_record(
                place, value["choices"], known, base, plan.picks, self._notices
            )
        texts = [] if is_absent(answer) else answers_of(place, answer)
        if texts and not is_absent(value.get("accepted")):
            texts += answers_of(place, value["accepted"])
        if texts:
            first, *further = dict.fromkeys(self._answer(place, text, plan) for text in texts)
            record["answer"] = first
            if further:
                record["accepted"] = further
        if "label" in value:
            record |= _label(place, value["label"])
        return record

    def _answer(self, place: Place, text: str, plan: _Plan) -> str:
        """An answer without an end token of another tokenizer; ours stay to the letter."""
        end = None
        if ">" in text[-_LONGEST_END:]:
            end = next((token for token in END_TOKENS if text.rstrip().endswith(token)), None)
        if plan.ours:
            if end:
                self._notices.count(f"answers that end in {end}, kept as text", place)
            if text.isspace():
                self._notices.count("answers of white space alone", place)
            return text
        text = self._line_ends(place, text)
        if end:
            text = text.rstrip().removesuffix(end).rstrip()
            self._notices.count(f"answers that ended in {end}, read without it", place)
        if not text.strip():
            raise BadRowError(place, "the answer is blank", text)
        return text

    def _line_ends(self, place: Place, text: str) -> str:
        if "\r\n" not in text:
            return text
        self._notices.count(r"texts with line ends of Windows (\r\n), read as \n", place)
        return text.replace("\r\n", "\n")

    def _planned(self, place: Place, row: Row) -> _Plan:
        """How rows with these columns are read, kept unless it hangs on what is empty here."""
        names = Names({column: value for column, value in row.items() if column != HEADER})
        plan = self._plan(place, names)
        if names.is_sure:
            self._plans[tuple(row)] = plan
        return plan

    def _plan(self, place: Place, names: Names) -> _Plan:
        named = self._fitting(place, names)
        example = {key: role for key, role in named.items() if key in EXAMPLE}
        layout = recognised(names, example)
        roles = layout.roles
        if not roles.keys() & {"prompt", "messages", "rows", "chosen"}:
            raise self.refusal(place, names.row)
        answers = [roles[key].columns for key in ("answer", "label") if key in roles]
        ours = ("messages",) == roles["messages"].columns if "messages" in roles else (
            "prompt" in roles and roles["prompt"].columns == ("prompt",)
            and bool(answers) and answers[0] in (("answer",), ("label",))
        )  # fmt: skip
        facts = fact_roles(names, named, EXAMPLE, ours)
        used = layout.columns | {column for role in facts.values() for column in role.columns}
        heads = used | {column.partition(".")[0] for column in used}
        aside = [str(column) for column in names.row if column not in heads]
        media = tuple(one for one in _MEDIA if one in names.row and one not in heads)
        picks = Picks(are_numbers="label" in (answers[0] if answers else ()))
        # What stands around several rows in one goes with each of them.
        if aside and "rows" not in roles:
            self._notices.gather("columns left aside", aside)
        pair = None if facts or media else _plain_pair(names, roles)
        return _Plan(layout, facts, _reading(roles), ours, media, picks, pair)

    def _fitting(self, place: Place, names: Names) -> dict[str, Role]:
        """The roles of columns that were named, in a row that has them.

        A row that has none of them is of another file, and read by the usual names.
        """
        row = names.row
        named = {key: role for key, role in self._named.items() if holds(row, role.columns[0])}
        if "task" in self._named and "task" not in named:
            column = self._named["task"].columns[0]
            rule = f"there is no column {column!r} for the task, but {_listed_names(row)}"
            raise NoColumnsError(place, rule)
        example = [key for key in self._named if key in EXAMPLE]
        missing = [key for key in example if key not in named]
        if missing and len(missing) < len(example):
            column = self._named[missing[0]].columns[0]
            rule = (
                f"there is no column {column!r}, named as {missing[0]!r}, but {_listed_names(row)}"
            )
            raise NoColumnsError(place, rule)
        if missing:
            self._notices.count(
                "files or kinds of rows without the columns that are named, read by usual names",
                place,
                weight=DOUBTED,
            )
        return named


def _named_columns(columns: Any, task_column: Any) -> dict[str, str]:
    """The columns that one names, by our own keys.

    Raises:
        ValueError: for another key, or for what is no name.
    """
    if not isinstance(columns, Mapping | None):
        got = shortened(repr(columns))
        raise ValueError(f"columns must be like {{prompt: question, answer: final}}, got {got}")
    named = dict(columns or {})
    for key in named:
        if key not in EXAMPLE + FACTS:
            got, allowed = shortened(repr(key)), ", ".join(EXAMPLE + FACTS)
            raise ValueError(f"columns has no key {got}; the keys are {allowed}")
    if task_column not in ("", None):
        named["task"] = task_column
    for key, name in named.items():
        if isinstance(name, bool) or not isinstance(name, str | int) or name == "":
            option = "task_column" if key == "task" and name is task_column else f"columns: {key}"
            got = shortened(repr(name))
            raise ValueError(f"{option} must be the name of a column, got {got}")
    return {key: str(name) for key, name in named.items()}


def _listed_names(row: Iterable[str]) -> str:
    """The names of the columns, as many as a short message holds."""
    columns = [" ".join(str(column).split()) for column in row if column != HEADER]
    return listed((column or "(no name)" for column in columns), _MOST_NAMES, _LONGEST_NAMES)


def _is_anothers(value: Row, row: Row) -> bool:
    """Whether all that would be read is empty, in a row that has gaps."""
    return all(map(is_absent, value.values())) and any(map(is_absent, row.values()))


def _plain_pair(names: Names, roles: Mapping[str, Role]) -> tuple[str, str] | None:
    """The columns of prompt and answer where rows have nothing else to be read."""
    columns = [role.columns for key, role in sorted(roles.items(), reverse=True)]
    whole = all(len(one) == 1 and one[0] in names.row for one in columns)
    plain = roles.keys() == {"prompt", "answer"} and whole
    return (columns[0][0], columns[1][0]) if plain else None


def _reading(roles: Mapping[str, Role]) -> str:
    """What is said of what was read as what."""
    words = {"messages": "chat", "chosen": "answer", "rows": "several examples", "kept": "approval"}
    if set(roles) <= set(EXAMPLE) and all(role.columns == (key,) for key, role in roles.items()):
        return ""
    if "chosen" in roles and not roles.keys() & {"prompt", "messages"}:
        words["chosen"] = "chat"
    order = ("system", "history", "messages", "prompt", "chosen", "answer", "label")
    keys = [key for key in order if key in roles] + [key for key in roles if key not in order]
    return f"rows read with {', '.join(f'{roles[key]} as {words.get(key, key)}' for key in keys)}"


def _label(place: Place, value: Any) -> dict[str, Any]:
    """The key `label`; -1 stands for no class in public sets."""
    if is_absent(value) or _is_no_class(value):
        return {}
    if isinstance(value, list | tuple) and len(value) == 1:
        value = value[0]
    if isinstance(value, list | tuple | Mapping):
        raise BadRowError(place, "a row must have one label", value)
    # A column with gaps comes as 1.0 where 1 was written.
    number = None if isinstance(value, str) else whole_number(value)
    return {"label": text_of(place, "label", value) if number is None else number}


def _is_no_class(value: Any) -> bool:
    return not isinstance(value, list) and whole_number(value) == -1
