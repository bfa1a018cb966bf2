"""A look at the first rows of a file."""

import json

import pytest

from lessonplan.student.corpora import has_labels

ODD = {"prompt": "", "answer": ""}


@pytest.mark.parametrize(
    ("rows", "labelled"),
    [
        ([{"prompt": "p", "label": "a"}], True),
        ([{"question": "p", "answer": "a"}], False),
        ([{"text": "p", "label": 1}], True),
        ([ODD, {"prompt": "p", "label": "a"}], True),
        ([ODD], False),
    ],
)
def test_the_first_row_that_can_be_read_tells_labels_from_answers(rows, labelled, tmp_path):
    (tmp_path / "mine.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert has_labels(tmp_path / "mine.jsonl") is labelled


def test_columns_are_read_as_one_says(tmp_path):
    (tmp_path / "mine.jsonl").write_text(json.dumps({"a": "p", "b": "x", "c": "y"}))
    assert has_labels(tmp_path, {"prompt": "a", "label": "b"}, "c")
    assert not has_labels(tmp_path, {"prompt": "a", "answer": "b"}, "c")


def test_a_broken_line_is_passed_over(tmp_path):
    (tmp_path / "mine.jsonl").write_text('{"prompt": \n{"prompt": "p", "label": "a"}')
    assert has_labels(tmp_path / "mine.jsonl")
