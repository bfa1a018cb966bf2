import json

import pytest

from lessonplan.student.corpora.reading.formats.containers import json_rows
from lessonplan.student.corpora.reading.notices import Notices

A, B = {"prompt": "3+4=", "answer": 7}, {"prompt": "1+1=", "answer": None}


def read(path, text, name="a.json", notices=None):
    file = path / name
    file.write_text(text if isinstance(text, str) else json.dumps(text))
    return list(json_rows(file, notices or Notices()))


def rows_of(path, value, **options):
    return [row for _, row in read(path, value, **options)]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_an_array_is_read_under_either_name(tmp_path, name, indent):
    found = read(tmp_path, json.dumps([A, B], indent=indent), name)
    assert [(place.number, place.unit, row) for place, row in found] == [
        (1, "row", A), (2, "row", B),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_an_object_a_line_is_read_under_either_name(tmp_path, name):
    text = f"{json.dumps(A)}\n\n{json.dumps(B)}\r\n"
    assert [(str(place)[-6:], row) for place, row in read(tmp_path, text, name)] == [
        ("line 1", A), ("line 3", B),
    ]  # fmt: skip
    assert rows_of(tmp_path, json.dumps(A), name=name) == [A]


def test_objects_over_several_lines_are_read_one_after_the_other(tmp_path):
    text = "\n".join(json.dumps(each, indent=1) for each in (A, B))
    assert rows_of(tmp_path, text, name="a.jsonl") == [A, B]


@pytest.mark.parametrize("key", ["examples", "data", "Instances", "rows", "questions"])
def test_a_list_in_an_object_is_read_with_what_stands_beside_it(tmp_path, key):
    header = {"name": "sums", "keywords": ["sum", "digits"], "task_prefix": ""}
    assert rows_of(tmp_path, header | {key: [A, B]}) == [
        A | {"_header": header}, B | {"_header": header},
    ]  # fmt: skip
    assert rows_of(tmp_path, {key: [A]}) == [A]


def test_the_list_of_rows_wins_over_other_lists(tmp_path):
    notices = Notices()
    value = {"Definition": ["Add."], "Positive Examples": [A], "Instances": [B], "Reviews": [A]}
    found = rows_of(tmp_path, value, notices=notices)
    assert found == [B | {"_header": {"Definition": ["Add."]}}]
    (line,) = notices.lines()
    assert "the lists Reviews are left aside" in line


def test_lists_that_are_called_like_splits_give_rows_their_split(tmp_path):
    found = rows_of(tmp_path, {"train": [A], "validation": [B], "version": 1})
    header = {"_header": {"version": 1}}
    assert found == [A | header | {"split": "train"}, B | header | {"split": "probe"}]
    columns = {"Train": {"q": ["1", "2"], "a": ["3", "4"]}, "test": {"q": ["5"], "a": ["6"]}}
    assert rows_of(tmp_path, columns) == [
        {"q": "1", "a": "3", "split": "train"}, {"q": "2", "a": "4", "split": "train"},
        {"q": "5", "a": "6", "split": "test"},
    ]  # fmt: skip


def test_columns_as_pandas_writes_them_are_rows(tmp_path):
    rows = [{"q": "1", "a": 3}, {"q": "2", "a": None}]
    assert rows_of(tmp_path, {"q": {"0": "1", "1": "2"}, "a": {"0": 3, "1": None}}) == rows
    assert rows_of(tmp_path, {"q": ["1", "2"], "a": [3, None]}) == rows
    table = {"columns": ["q", "a"], "index": [0, 1], "data": [["1", 3], ["2", None]]}
    assert rows_of(tmp_path, table) == rows


def test_objects_by_their_names_and_one_object_alone_are_rows(tmp_path):
    assert rows_of(tmp_path, {"first": A, "second": B}) == [A, B]
    chat = {"messages": [{"role": "user", "content": "3+4?"}]}
    assert rows_of(tmp_path, chat) == [chat]


@pytest.mark.parametrize("value", ["", "[]", "{}", '{"examples": []}'])
def test_nothing_is_no_row(tmp_path, value):
    assert read(tmp_path, value) == []


def test_a_line_that_cannot_be_read_is_a_bad_row_and_the_next_ones_follow(tmp_path):
    text = f'{json.dumps(A)}\n{{"prompt": "x"\n[1]\n"words"\n{json.dumps(B)}\n'
    first, *bad, last = rows_of(tmp_path, text, name="a.jsonl")
    assert (first, last) == (A, B)
    assert [error.rule for error in bad] == [
        "not valid JSON: Expecting ',' delimiter",
        *['a row must be an object, {"prompt": ..., "answer": ...}'] * 2,
    ]
    assert str(bad[0]) == (
        f"{tmp_path}/a.jsonl, line 2: not valid JSON: Expecting ',' delimiter (column 15), "
        """got '{"prompt": "x"'"""
    )
    assert [str(row)[-9:] for row in rows_of(tmp_path, [A, "words"])[1:]] == ["t 'words'"]


def test_one_rule_is_broken_wherever_lines_are_cut_off(tmp_path):
    lines = [f'{{"prompt": "{"x" * length}"' for length in range(150)]
    bad = rows_of(tmp_path, "\n".join(lines), name="a.jsonl")
    assert {error.rule for error in bad} == {"not valid JSON: Expecting ',' delimiter"}
    ends = [f"(column {length + 14})" in str(error) for length, error in enumerate(bad)]
    assert len(ends) == 150
    assert all(ends)


def test_a_number_with_too_many_digits_is_a_short_sentence(tmp_path):
    (bad,) = rows_of(tmp_path, f'{{"a": {"1" * 5000}}}', name="a.jsonl")
    assert "(value has 5000 digits), got" in str(bad)
    assert len(str(bad)) < 300


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[\n  {"a": 1},\n  {"a" 2}\n]', r"line 3, column 8: not valid JSON: Expecting ':'"),
        ("words", r"a.json, line 1, column 1: not valid JSON"),
        ("7", "a.json has no rows: it is 7, but should be a list of objects"),
        ('{"x": [{"a": 1}], "y": [{"a": 1}]}', "has several lists of objects: x, y; make each"),
        ("[" * 100_000, "a.json: not valid JSON: nested too deeply"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_named_with_the_place(tmp_path, text, sentence):
    with pytest.raises(ValueError, match=sentence) as error:
        read(tmp_path, text)
    assert len(str(error.value)) < 200 + len(str(tmp_path))
