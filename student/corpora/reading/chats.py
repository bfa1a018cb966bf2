"""Chats as people have them, as messages of {role, content} that end with the assistant's."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .notices import DOUBTED, Notices
from .places import BadRowError, Place
from .values import Row, answers_of, is_absent

_ROLES = {
    "user": ("user", "human", "prompter", "instruction"),
    "assistant": ("assistant", "gpt", "model", "bot", "chatgpt", "bing", "bard", "function_call"),
    "system": ("system", "developer"),
    "tool": ("tool", "function", "observation", "ipython", "function_response", "tool_response"),
}
_ROLE_OF = {alias: role for role, aliases in _ROLES.items() for alias in aliases}
_SPEAKERS = _ROLE_OF | {
    "input": "user", "prompt": "user", "question": "user",
    "output": "assistant", "response": "assistant", "answer": "assistant",
}  # fmt: skip
"""The keys of an exchange in one object."""
_ROLE_KEYS, _CONTENT_KEYS = ("role", "from"), ("content", "value", "text")
_TURN = re.compile(r"(?:^|\n\n)(Human|Assistant): ?|(?:^|\s*)### (Human|Assistant): ?")
"""Where a turn of a chat that is written as one text begins."""
_PLAIN_PARTS = ("text", "input_text", "output_text")
_OTHER_PARTS = ("reasoning", "thinking", "tool_call", "tool_result")
"""Parts of a message that are text of another kind."""
TURNS = ("last", "all")
"""Which of the assistant's turns are examples."""


@dataclass(frozen=True)
class _Turn:
    role: str
    content: str
    wanted: bool = True
    """Whether it is to be learnt where it is the assistant's."""


def is_transcript(value: Any) -> bool:
    """Whether a text is a whole chat, each turn behind `Human: ` or `Assistant: `."""
    return isinstance(value, str) and _TURN.match(value) is not None and "Assistant:" in value


def is_chat(value: Any) -> bool:
    """Whether a value is a list of messages."""
    return isinstance(value, list) and bool(value) and all(isinstance(x, Mapping) for x in value)


def chat_parts(place: Place, value: Row) -> list[Any] | None:
    """The parts of the chat that a row is, one after the other; None if it is none.

    Args:
        place: where it stands.
        value: what the row holds, by roles (`benchmarks`).
    """
    prompt, messages, system = value.get("prompt"), value.get("messages"), value.get("system")
    reply: Any = value.get("chosen", value.get("answer"))
    first: Any = reply[0] if is_chat(reply) else reply
    if not is_absent(messages):
        parts: list[Any] = [messages, value.get("chosen")]
    elif is_absent(reply):
        return None
    elif _role(first) not in ("", "assistant") and is_chat(reply):
        parts = [reply]
    elif is_chat(prompt) or _role(first):
        parts = [_part(place, "user", prompt), _part(place, "assistant", reply)]
    elif "chosen" in value and is_transcript(reply):
        parts = [reply]
    elif "chosen" in value and is_transcript(prompt):
        parts = [prompt, _part(place, "assistant", reply)]
    elif not is_absent(system) or value.get("history"):
        turn = _part(place, "user", prompt), _part(place, "assistant", reply)
        parts = [value.get("history"), *turn]
    else:
        return None
    spoken = is_chat(parts[0]) and _role(parts[0][0]) == "system"
    return parts if spoken or is_absent(system) else [_part(place, "system", system), *parts]


def _role(message: Any) -> str:
    """The role of a message, empty where it is none."""
    if not isinstance(message, Mapping):
        return ""
    role = next((message[key] for key in _ROLE_KEYS if key in message), "")
    return _ROLE_OF.get(str(role).lower(), str(role))


def _part(place: Place, role: str, value: Any) -> Any:
    """A part of a chat, where it is a text as a message of that role."""
    if is_chat(value) or _role(value):
        return value
    return {"role": role, "content": next(iter(answers_of(place, value)), "")}


def chat_records(
    place: Place, parts: Sequence[Any], turns: str, notices: Notices
) -> list[dict[str, Any]]:
    """The key `messages` of each example that a chat gives.

    Args:
        place: where it stands.
        parts: of the chat, one after the other: lists of messages, messages, transcripts, or
            lists of texts by turns, the user's first; None for one that is not there.
        turns: `last`, or `all` for an example for every turn of the assistant's.
        notices: what was cut off is counted there.

    Raises:
        BadRowError: for a chat that can't be read, or without a turn to learn.
    """
    chat = [turn for part in parts if part is not None for turn in _turns(place, part)]
    ends = [i for i, turn in enumerate(chat) if turn.role == "assistant"]
    if not ends:
        raise BadRowError(place, "the chat has no turn of the assistant's", _roles(chat))
    if ends[-1] < len(chat) - 1:
        notices.count(
            "chats that end with another turn than the assistant's, which was cut off", place
        )
    wanted = [i for i in ends if chat[i].wanted and i > 0]
    if not wanted:
        learnt = any(chat[i].wanted for i in ends)
        reason = (
            "nothing stands before the assistant's turn"
            if learnt
            else ("no turn of the assistant's has a weight")
        )
        raise BadRowError(place, reason, _roles(chat))
    if len(wanted) < len(ends) and turns == "all":
        skipped = len(ends) - len(wanted)
        notices.count("turns of the assistant's without weight, not learnt", place, skipped)
    if len(wanted) > 1 and turns == "last":
        notices.count(
            "chats with more turns of the assistant's than the last, which alone is learned; "
            "turns=all takes each", place, 1, DOUBTED,
        )  # fmt: skip
    messages = [{"role": turn.role, "content": turn.content} for turn in chat]
    records = []
    for end in wanted if turns == "all" else wanted[-1:]:
        if not chat[end].content.strip():
            raise BadRowError(place, "the assistant's turn is empty", None, f"message {end + 1}")
        records.append({"messages": messages[: end + 1]})
    return records


def _roles(chat: Sequence[_Turn]) -> str:
    return ", ".join(turn.role for turn in chat)


def _turns(place: Place, part: Any) -> list[_Turn]:
    if isinstance(part, str):
        return _of_transcript(place, part)
    if isinstance(part, Mapping):
        part = [part]
    if not isinstance(part, list | tuple):
        raise BadRowError(place, "a chat must be a list of messages", part)
    if all(isinstance(one, str) for one in part):
        return [_Turn(("user", "assistant")[i % 2], text) for i, text in enumerate(part)]
    turns = []
    for number, one in enumerate(part, start=1):
        if isinstance(one, list | tuple) and len(one) == 2:
            turns += _turns(place, [str(text) for text in one])
        elif isinstance(one, Mapping) and not any(key in one for key in _ROLE_KEYS):
            turns += _of_exchange(place, number, one)
        else:
            turns.append(_of_message(place, number, one))
    return turns


def _of_transcript(place: Place, text: str) -> list[_Turn]:
    pieces = _TURN.split(text)
    if len(pieces) < 4 or pieces[0].strip():
        raise BadRowError(place, "the chat must begin with 'Human: '", text)
    turns = [
        _Turn(_ROLE_OF["human" if "Human" in (first, second) else "assistant"], content.strip())
        for first, second, content in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True)
    ]
    # A prompt of a pair ends where the assistant's turn is to begin.
    return turns[:-1] if not turns[-1].content else turns


def _of_exchange(place: Place, number: int, one: Row) -> list[_Turn]:
    """The turns of {human: ..., assistant: ...}."""
    turns = [
        _Turn(_SPEAKERS[key.lower()], content)
        for key, content in one.items()
        if key.lower() in _SPEAKERS and isinstance(content, str)
    ]
    if not turns:
        raise BadRowError(place, "a message has no role", one, f"message {number}")
    return turns


def _of_message(place: Place, number: int, one: Any) -> _Turn:
    if not isinstance(one, Mapping):
        rule = "a message must be an object of role and content"
        raise BadRowError(place, rule, one, f"message {number}")
    key = next(key for key in _ROLE_KEYS if key in one)
    role = str(one[key])
    # A role of one's own may be known to one's own template.
    role = _ROLE_OF.get(role.lower(), role if key == "role" else "")
    if not role:
        raise BadRowError(place, "a message is from an unknown role", one[key], f"message {number}")
    content = next((one[key] for key in _CONTENT_KEYS if one.get(key) is not None), None)
    weights = [one.get(key) for key in ("weight", "train", "loss")]
    wanted = all(weight is None or bool(weight) for weight in weights)
    return _Turn(role, _content(place, number, content, _calls(one)), wanted)


def _content(place: Place, number: int, content: Any, calls: str) -> str:
    if isinstance(content, list):
        content = _joined(_piece(place, number, piece) for piece in content)
    elif content is not None and not isinstance(content, str):
        # Some have the arguments of a call, or what a tool gave, as an object.
        content = json.dumps(content, ensure_ascii=False)
    return "\n".join(text for text in (content, calls) if text)


def _joined(pieces: Iterable[tuple[str, bool]]) -> str:
    """Pieces of a message, those that are no plain text on lines of their own."""
    whole, was_plain = "", True
    for text, is_plain in pieces:
        whole += "" if not whole or (is_plain and was_plain) else "\n"
        whole, was_plain = whole + text, is_plain
    return whole


def _piece(place: Place, number: int, piece: Any) -> tuple[str, bool]:
    """The text of a piece, and whether it is plain text."""
    inside = piece if isinstance(piece, Mapping) else {"text": piece}
    text = inside.get("text", inside.get("value"))
    kind = inside.get("type", "text")
    if not isinstance(text, str) or kind not in _PLAIN_PARTS + _OTHER_PARTS:
        raise BadRowError(place, "a message holds more than text", piece, f"message {number}")
    return text, kind in _PLAIN_PARTS


def _calls(one: Row) -> str:
    """Calls of tools as JSON, a line each."""
    calls = list(one.get("tool_calls") or ())
    if one.get("function_call"):
        calls.append(one["function_call"])
    return "\n".join(_call(call) for call in calls)


def _call(call: Any) -> str:
    inner = call.get("function", call) if isinstance(call, Mapping) else call
    if not isinstance(inner, Mapping):
        return json.dumps(inner, ensure_ascii=False)
    arguments = inner.get("arguments")
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except json.JSONDecodeError:
            pass
    return json.dumps({"name": inner.get("name"), "arguments": arguments}, ensure_ascii=False)
