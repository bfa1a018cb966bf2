"""Chats as people have them, read as messages that end with the assistant's."""

from pathlib import Path

import pytest

from lessonplan.student.corpora.reading import BadRowError, Notices, Place
from lessonplan.student.corpora.reading.columns import Columns

PLACE = Place(Path("mine.jsonl"), 2)
USER, REPLY = {"role": "user", "content": "3+4?"}, {"role": "assistant", "content": "7"}
SYSTEM = {"role": "system", "content": "Be short."}


def read(row, turns="last", notices=None):
    """The chats of a row."""
    notices = Notices() if notices is None else notices
    return [one["messages"] for one in Columns(notices, turns=turns).records(PLACE, row)]


@pytest.mark.parametrize(
    "row",
    [
        {"messages": [USER, REPLY]},
        {"messages": [USER, REPLY | {"weight": 1, "name": "x"}]},
        {"conversations": [{"from": "human", "value": "3+4?"}, {"from": "gpt", "value": "7"}]},
        {"conversation": [{"role": "User", "content": "3+4?"}, {"role": "model", "content": "7"}]},
        {"conversations": [{"human": "3+4?", "assistant": "7"}]},
        {"conversation": [{"input": "3+4?", "output": "7"}]},
        {"dialogue": ["3+4?", "7"]},
        {"id": "1", "data": ["3+4?", "7"]},
        {"prompt": [USER], "completion": [REPLY]},
        {"prompt": "3+4?", "completion": [REPLY]},
        {"prompt": "3+4?", "chosen": [USER, REPLY], "rejected": [USER, REPLY]},
        {"chosen_conversations": [USER, REPLY], "rejected_conversations": [USER]},
        {"prompt": "3+4?", "chosen": [REPLY], "rejected": [REPLY]},
        {"conversations": [{"from": "human", "value": "3+4?"}],
         "chosen": {"from": "gpt", "value": "7"}, "rejected": {"from": "gpt", "value": "8"}},
        {"chosen": "\n\nHuman: 3+4?\n\nAssistant: 7", "rejected": "\n\nHuman: 3+4?"},
        {"prompt": "\n\nHuman: 3+4?\n\nAssistant:", "chosen": "7", "rejected": "8"},
        {"text": "### Human: 3+4?### Assistant: 7"},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "3+"},
                                                   {"type": "text", "text": "4?"}]}, REPLY]},
    ],
)  # fmt: skip
def test_one_exchange_is_read_however_it_is_written(row):
    assert read(row) == [[USER, REPLY]]


@pytest.mark.parametrize(
    "row",
    [
        {"system": "Be short.", "messages": [USER, REPLY]},
        {"system": "", "messages": [SYSTEM, USER, REPLY]},
        {"system": "other", "messages": [SYSTEM, USER, REPLY]},
        {"system_prompt": "Be short.", "question": "3+4?", "response": "7"},
        {"system": "Be short.", "instruction": "3+4?", "input": "", "output": "7"},
        {"system": "Be short.", "question": "3+4?", "chosen": "7", "rejected": "8"},
    ],
)
def test_a_system_prompt_stands_in_front_once(row):
    assert read(row) == [[SYSTEM, USER, REPLY]]


def test_history_stands_before_the_prompt():
    row = {"instruction": "3+4?", "output": "7", "history": [["Hi", "Ho"]], "system": None}
    before = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}]
    assert read(row) == [[*before, USER, REPLY]]
    plain = Columns(Notices()).records(PLACE, row | {"history": []})
    assert plain == [{"prompt": "3+4?", "answer": "7"}]


def test_calls_of_tools_are_written_as_json():
    call = {"id": "c", "type": "function", "function": {"name": "add", "arguments": '{"a": 3}'}}
    calling = {"role": "assistant", "content": None, "tool_calls": [call]}
    result = {"role": "tool", "tool_call_id": "c", "content": "7"}
    (chat,) = read({"messages": [USER, calling, result, REPLY], "tools": []})
    assert [one["role"] for one in chat] == ["user", "assistant", "tool", "assistant"]
    assert chat[1]["content"] == '{"name": "add", "arguments": {"a": 3}}'
    assert chat[2] == {"role": "tool", "content": "7"}
    older = {
        "role": "assistant",
        "content": "So:",
        "function_call": {"name": "f", "arguments": "x"},
    }
    (chat,) = read({"messages": [USER, older]})
    assert chat[1]["content"] == 'So:\n{"name": "f", "arguments": "x"}'


def test_a_last_turn_of_the_user_is_cut_off_and_counted():
    notices = Notices()
    assert read({"messages": [USER, REPLY, USER]}, notices=notices) == [[USER, REPLY]]
    assert notices.lines() == (
        "chats that end with another turn than the assistant's, which was cut off: 1 "
        "(first: mine.jsonl, line 2)",
    )


def test_every_turn_of_the_assistant_is_an_example_where_all_are_wanted():
    second = {"role": "assistant", "content": "8"}
    row = {"messages": [USER, REPLY, USER, second]}
    assert read(row) == [[USER, REPLY, USER, second]]
    assert read(row, "all") == [[USER, REPLY], [USER, REPLY, USER, second]]


def test_turns_without_weight_are_not_learnt():
    notices, second = Notices(), {"role": "assistant", "content": "8"}
    row = {"messages": [USER, REPLY | {"weight": 0}, USER, second | {"weight": 1}]}
    assert read(row, "all", notices) == [[USER, REPLY, USER, second]]
    assert notices.counted("turns of the assistant's without weight, not learnt") == 1
    last = {"messages": [USER, REPLY, USER, second | {"weight": 0}]}
    assert read(last) == [[USER, REPLY]]


def test_a_role_of_ones_own_stays_but_an_unknown_speaker_is_refused():
    critic = {"role": "critic", "content": "no"}
    assert read({"messages": [USER, critic, REPLY]}) == [[USER, critic, REPLY]]
    with pytest.raises(
        BadRowError, match=r"a message is from an unknown role \(message 1\), got 'alien'"
    ):
        read({"conversations": [{"from": "alien", "value": "x"}, {"from": "gpt", "value": "y"}]})


def test_answers_that_are_marked_as_bad_are_left_out_and_counted():
    notices = Notices()
    assert read({"messages": [USER, REPLY], "label": False}, notices=notices) == []
    assert notices.counted("rows whose answer is marked as a bad one, left out") == 1
    assert read({"messages": [USER, REPLY], "label": True}) == [[USER, REPLY]]


PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 9000}}


@pytest.mark.parametrize(
    ("messages", "rule"),
    [
        ([USER], "the chat has no turn of the assistant's, got 'user'"),
        ([REPLY], "nothing stands before the assistant's turn"),
        ([USER, REPLY | {"weight": 0}], "no turn of the assistant's has a weight"),
        ([USER, REPLY | {"content": " "}], r"the assistant's turn is empty \(message 2\)"),
        ([USER, REPLY | {"content": None}], r"the assistant's turn is empty \(message 2\)"),
        (
            [{"role": "user", "content": [PICTURE]}, REPLY],
            r"a message holds more than text \(message 1\)",
        ),
        ([7, REPLY], r"must be an object of role and content \(message 1\), got 7"),
        ([{"words": "x"}, REPLY], r"a message has no role \(message 1\)"),
        (7, "a chat must be a list of messages, got 7"),
    ],
)
def test_a_chat_that_can_not_be_read_is_refused_in_few_words(messages, rule):
    with pytest.raises(BadRowError, match=rule) as error:
        read({"messages": messages})
    assert str(error.value).startswith("mine.jsonl, line 2: ")
    assert len(str(error.value)) < 200


def test_a_chat_with_pictures_beside_it_is_refused():
    with pytest.raises(BadRowError, match="'images' holds more than text"):
        read({"messages": [USER, REPLY], "images": ["a.png"]})
    assert read({"messages": [USER, REPLY], "images": []}) == [[USER, REPLY]]


def test_parts_of_type_and_value_are_joined_and_calls_stand_on_their_own_lines():
    parts = [("reasoning", "Add."), ("text", "So"), ("text", " 7"), ("tool_call", '{"name": "f"}')]
    content = [{"type": kind, "value": value} for kind, value in parts]
    ((_, reply),) = read({"messages": [USER, {"role": "assistant", "content": content}]})
    assert reply["content"] == 'Add.\nSo 7\n{"name": "f"}'
    with pytest.raises(BadRowError, match=r"a message holds more than text \(message 1\)"):
        read({"messages": [{"role": "user", "content": [{"type": "image", "value": "x"}]}, REPLY]})
