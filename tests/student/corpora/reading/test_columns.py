"""From rows to records: what is named, what is beside an example, what is odd, what is said."""

from pathlib import Path

import pytest

from lessonplan.student.corpora.reading import BadRowError, Notices, Place
from lessonplan.student.corpora.reading.columns import Columns

PLACE = Place(Path("mine.jsonl"), 1)
PAIR = {"prompt": "3+4=", "answer": "7"}


def read(row, notices=None, **options):
    """The only record of a row."""
    (record,) = Columns(notices or Notices(), **options).records(PLACE, row)
    return record


def test_our_own_rows_are_taken_as_they_are_without_a_word():
    notices = Notices()
    rows = [
        PAIR,
        {"prompt": "a\r\nb", "answer": "c\r\n"},
        {"prompt": "p", "label": 3},
        {"prompt": "p", "label": "neg", "task": "t", "split": "test"},
        PAIR | {"choices": ["7", "8"], "skills": ["add"], "prerequisites": ["count"]},
        PAIR | {"task": "add", "difficulty": 2, "category": "sums", "threshold": 0.5},
    ]
    columns = Columns(notices)
    assert [columns.records(PLACE, row) for row in rows] == [[row] for row in rows]
    assert notices.lines() == ()


def test_what_was_read_as_what_and_left_aside_is_said_once():
    notices = Notices()
    columns = Columns(notices)
    for number in (1, 2, 3):
        row = {"id": number, "question": "q", "answer": "a", "level": "easy"}
        columns.records(Place(Path("mine.jsonl"), number), row)
    assert notices.lines() == (
        "rows read with 'question' as prompt, 'answer' as answer: 3 (first: mine.jsonl, line 1)",
        "columns left aside: id, level",
    )


def test_a_column_is_left_aside_in_one_sentence_however_rows_differ():
    notices = Notices()
    columns = Columns(notices)
    for further in ({"a": 1}, {"a": 1, "b": 2}, {"b": 2}):
        columns.records(PLACE, PAIR | further)
    assert notices.lines() == ("columns left aside: a, b",)


@pytest.mark.parametrize(
    ("value", "text"), [(7, "7"), (7.5, "7.5"), (True, "true"), (0, "0"), (["a", "b"], "a")]
)
def test_numbers_and_booleans_are_text(value, text):
    assert read({"prompt": "p", "answer": value})["answer"] == text


@pytest.mark.parametrize("nothing", [None, "", float("nan"), []])
def test_an_answer_that_is_not_there_is_missing_in_the_record(nothing):
    assert read({"prompt": "p", "answer": nothing}) == {"prompt": "p"}


def test_named_columns_go_before_usual_names():
    row = {"question": "q", "problem": {"text": "nested"}, "answer": "a", "gold": "b"}
    columns = {"prompt": "problem.text", "answer": "gold"}
    assert read(row, columns=columns) == {"prompt": "nested", "answer": "b"}
    assert read(row, columns={"answer": "gold"}) == {"prompt": "q", "answer": "b"}


def test_a_column_whose_name_has_a_dot_goes_before_a_nested_one():
    assert read({"a.b": "p", "a": {"b": "n"}, "answer": "x"}, columns={"prompt": "a.b"}) == {
        "prompt": "p", "answer": "x",
    }  # fmt: skip


def test_an_answer_of_ones_own_naming_leaves_choices_aside():
    row = {"question": "q", "options": ["A)1", "B)2"], "correct": "A", "why": "since"}
    assert read(row, columns={"answer": "why"}) == {"prompt": "q", "answer": "since"}


def test_numbers_in_columns_a_and_b_are_no_choices():
    assert read({"a": 3, "b": 4, "question": "3+4", "answer": 7}) == {
        "prompt": "3+4", "answer": "7",
    }  # fmt: skip


def test_rows_without_any_named_column_are_read_by_usual_names_and_counted():
    notices = Notices()
    assert read(PAIR, notices, columns={"prompt": "frage", "answer": "antwort"}) == PAIR
    assert "without the columns that are named, read by usual names: 1" in notices.lines()[0]
    with pytest.raises(BadRowError, match="there is no column 'antwort', named as 'answer'"):
        read({"frage": "q", "x": "a"}, columns={"prompt": "frage", "answer": "antwort"})


def test_a_task_column_names_the_task_of_every_row():
    row = {"instruction": "i", "response": "r", "category": 5}
    assert read(row, task_column="category") == {"prompt": "i", "answer": "r", "task": "5"}
    with pytest.raises(BadRowError, match="no column 'kind' for the task, but instruction, resp"):
        read(row, task_column="kind")
    with pytest.raises(BadRowError, match=r"the task \('category'\) is empty"):
        read(row | {"category": None}, task_column="category")


@pytest.mark.parametrize(
    ("name", "split"),
    [("train", "train"), ("Training", "train"), ("validation", "probe"), ("valid", "probe"),
     ("val", "probe"), ("dev", "probe"), ("eval", "probe"), ("probe", "probe"), ("test", "test"),
     ("stress", "stress")],
)  # fmt: skip
def test_splits_are_read_by_their_usual_names(name, split):
    assert read(PAIR | {"split": name}) == PAIR | {"split": split}
    assert read(PAIR | {"subset": name}) == PAIR | {"split": split}


def test_another_split_is_refused_but_another_subset_left_aside():
    with pytest.raises(BadRowError, match=r"'split' must be one of train, .*, got 'main'"):
        read(PAIR | {"split": "main"})
    assert read(PAIR | {"subset": "main"}) == PAIR


def test_descriptions_of_other_kinds_are_left_aside_and_counted():
    notices = Notices()
    assert read(PAIR | {"difficulty": "easy", "category": 3}, notices) == PAIR
    assert len(notices.lines()) == 2
    assert read(PAIR | {"difficulty": "2"}) == PAIR | {"difficulty": 2}
    with pytest.raises(BadRowError, match="'importance' must be a number, got 'high'"):
        read(PAIR | {"importance": "high"})


def test_the_category_of_a_public_set_is_left_aside_unless_it_is_named():
    row = {"instruction": "i", "response": "r", "category": "open"}
    assert "category" not in read(row)
    assert read(row, columns={"category": "category"})["category"] == "open"


def test_line_ends_of_windows_and_end_tokens_go_and_are_counted():
    notices = Notices()
    row = {"question": "a\r\nb", "answer": "7 </s>"}
    assert read(row, notices) == {"prompt": "a\nb", "answer": "7"}
    assert notices.counted(r"texts with line ends of Windows (\r\n), read as \n") == 1
    assert notices.counted("answers that ended in </s>, read without it") == 1


def test_in_rows_of_our_own_end_tokens_and_blanks_stay_and_are_said():
    notices = Notices()
    columns = Columns(notices)
    for answer in ("7</s>", "  "):
        row = PAIR | {"answer": answer}
        assert columns.records(PLACE, row) == [row]
    assert notices.counted("answers that end in </s>, kept as text") == 1
    assert notices.counted("answers of white space alone") == 1


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ({"question": "q", "answer": "  "}, "the answer is blank, got '  '"),
        ({"question": "q", "answer": "</s>"}, "the answer is blank"),
        ({"question": "", "answer": "a"}, r"the prompt \('question'\) is empty"),
        ({"prompt": "p", "answer": b"x"}, "the answer must be text, got b'x'"),
        ({"prompt": "p", "answer": "a", "label": "c"}, "has both 'answer' and 'label'"),
        ({"question": "q", "answer": "a", "image": "a.png"}, "'image' holds more than text"),
        ([1], "every row must be an object of columns"),
        ({"chosen": "good", "rejected": "bad"}, "can't tell prompt and answer among chosen, rej"),
    ],
)
def test_rows_that_can_not_be_used_are_refused(row, rule):
    with pytest.raises(BadRowError, match=rule):
        read(row)


def test_a_chat_beside_a_prompt_with_its_answer_is_refused_until_one_is_named():
    chat = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    with pytest.raises(BadRowError, match="has both 'messages' and 'prompt'"):
        read(PAIR | {"messages": chat})
    named = read(PAIR | {"messages": chat}, columns={"messages": "messages"})
    assert named == {"messages": chat}
    assert read({"prompt": "q", "messages": chat}) == {"messages": chat}


def test_unknown_columns_are_named_with_what_to_type():
    with pytest.raises(BadRowError) as error:
        read({"foo": 1, "bar": 2})
    assert str(error.value) == (
        "mine.jsonl, line 1: can't tell prompt and answer among foo, bar; "
        "type -o 'suite.options.columns={prompt: COLUMN, answer: COLUMN}'"
    )


def test_an_error_stays_short_however_many_and_long_the_names_are():
    place = Place(Path("folder/" * 40 + "mine.jsonl"), 1_000_000)
    row = {f"a long name of a column, number {i}": "x" * 1000 for i in range(50)}
    with pytest.raises(BadRowError, match=r"and 4[0-9] more") as error:
        Columns(Notices()).records(place, row)
    assert len(str(error.value)) < 300


def test_a_table_of_two_joined_sets_is_read_row_by_row():
    chat = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    columns = Columns(Notices())
    rows = [
        {"messages": chat, "question": None, "answer": None},
        {"messages": None, "question": "q", "answer": "a"},
    ]
    for row in (*rows, *rows):
        (record,) = columns.records(PLACE, row)
        assert ("messages" in record) == (row["messages"] is not None)


def test_options_of_the_reader_are_checked():
    with pytest.raises(ValueError, match="columns has no key 'question'; the keys are prompt"):
        Columns(Notices(), columns={"question": "q"})
    for turns in ("first", "x" * 1000):
        with pytest.raises(ValueError, match=r"turns must be one of last, all, got '[fx]") as error:
            Columns(Notices(), turns=turns)
        assert len(str(error.value)) < 300


def test_columns_may_be_called_by_numbers():
    row = {"0": "q", "1": "a", "5": "t"}
    columns = {"prompt": 0, "answer": 1}
    assert read(row, columns=columns, task_column=5) == {"prompt": "q", "answer": "a", "task": "t"}
    assert read(row, columns={"prompt": 1, "answer": 5}, task_column=0)["task"] == "q"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"columns": ["prompt", "answer"]}, r"columns must be like {prompt: .*}, got \['prompt'"),
        ({"columns": "prompt=question"}, "columns must be like .*, got 'prompt=question'"),
        ({"columns": {"prompt": ["a"] * 500}}, r"columns: prompt must be the name of a column"),
        ({"columns": {"answer": None}}, "columns: answer must be the name of a column, got None"),
        ({"columns": {"answer": True}}, "columns: answer must be the name of a column, got True"),
        ({"columns": {"x" * 500: "a"}}, "columns has no key 'x+[.]{3}x+'; the keys are prompt"),
        ({"task_column": ["a"]}, r"task_column must be the name of a column, got \['a'\]"),
    ],
)
def test_what_names_no_column_is_one_sentence(options, sentence):
    with pytest.raises(ValueError, match=sentence) as error:
        Columns(Notices(), **options)
    assert len(str(error.value)) < 300


def test_an_object_that_one_names_as_the_answer_is_json():
    row = {"prompt": "Buy 3.", "call": {"name": "buy", "count": 3}}
    columns = {"prompt": "prompt", "answer": "call"}
    assert read(row, columns=columns)["answer"] == '{"name": "buy", "count": 3}'
