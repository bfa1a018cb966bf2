"""Choices however they are written, and which of them an answer names."""

from pathlib import Path

import pytest

from lessonplan.student.corpora.reading import BadRowError, Notices, Place
from lessonplan.student.corpora.reading.options import Picks, choice_record, options_of

PLACE = Place(Path("mine.jsonl"), 3)


def record(choices, answer, base=0, picks=None, notices=None):
    return choice_record(PLACE, choices, answer, base, picks or Picks(), notices or Notices())


@pytest.mark.parametrize(
    "choices",
    [
        ["x", "y"],
        ["A) x", "B) y"],
        ["(A) x", "(B) y"],
        ["A. x", "B. y"],
        ["1. x", "2. y"],
        {"label": ["A", "B"], "text": ["x", "y"]},
        [{"label": "A", "text": "x"}, {"label": "B", "text": "y"}],
        {"A": "x", "B": "y"},
        {"A": "x", "B": "y", "C": None},
        "A) x, B) y",
        '["x", "y"]',
        "['x', 'y']",
    ],
)
def test_choices_are_read_however_they_are_written(choices):
    assert record(choices, "y") == {"choices": ["x", "y"], "answer": "y"}


@pytest.mark.parametrize("answer", ["y", " Y ", "B", "b", "(B)", "B)", "B.", "B) y", 1, "1", 1.0])
def test_an_answer_is_a_text_a_letter_or_a_number(answer):
    assert record(["x", "y"], answer)["answer"] == "y"


def test_numbers_count_from_the_base():
    assert record(["x", "y"], "1", base=1)["answer"] == "x"
    with pytest.raises(BadRowError, match=r"none of the 2 choices \(counted from 1\), got 0"):
        record(["x", "y"], 0, base=1)


def test_the_text_goes_before_the_letter():
    assert record(["B", "A"], "A")["answer"] == "A"


def test_labels_of_the_row_go_before_texts():
    choices = {"label": ["1", "2", "3"], "text": ["2", "3", "1"]}
    assert record(choices, "1")["answer"] == "2"


def test_what_rows_before_have_shown_tells_texts_from_numbers():
    # 1 is both the second choice and the text of the third.
    odd = ["0", "4", "1"]
    with pytest.raises(BadRowError, match="one of the choices and the number of another"):
        record(odd, 1)
    counting, writing = Picks(), Picks()
    record(["x", "y"], 1, picks=counting)
    record(["7", "8"], 8, picks=writing)
    assert record(odd, 1, picks=counting)["answer"] == "4"
    assert record(odd, 1, picks=writing)["answer"] == "1"


def test_prefixes_stay_unless_all_have_the_one_that_is_due():
    assert record(["A) x", "y"], "y")["choices"] == ["A) x", "y"]
    assert record(["1.5", "2.5"], "2.5")["choices"] == ["1.5", "2.5"]
    assert record(["A) x", "B) y"], "B) y")["choices"] == ["A) x", "B) y"]


def test_equal_choices_are_merged_and_counted():
    notices = Notices()
    merged = record(["tough", "thin", "wet", "tough"], "tough", notices=notices)
    assert merged == {"choices": ["tough", "thin", "wet"], "answer": "tough"}
    assert notices.lines() == (
        "rows with equal choices, which were merged: 1 (first: mine.jsonl, line 3)",
    )


def test_numbers_and_booleans_are_choices_as_text():
    assert record([3, 4.5, True], "4.5") == {"choices": ["3", "4.5", "true"], "answer": "4.5"}


def test_empty_choices_are_left_out_after_counting():
    assert record(["x", "", "z"], 2) == {"choices": ["x", "z"], "answer": "z"}
    with pytest.raises(BadRowError, match="names a choice that is empty"):
        record(["x", "", "z"], 1)


def test_choices_without_an_answer_are_read():
    assert record(["x", "y"], None) == {"choices": ["x", "y"]}


def test_the_highest_scores_are_right():
    assert record({"x": 0, "y": 1}, None)["answer"] == "y"
    tie = record({"x": 1, "y": 0, "z": 1}, None)
    assert (tie["answer"], tie["accepted"]) == ("x", ["z"])


@pytest.mark.parametrize(
    ("choices", "answer", "texts", "right"),
    [
        ({"A": 1, "B": 5, "C": 9}, "A", ["1", "5", "9"], "1"),
        ({"A": 0.5, "B": 0.25}, "B", ["0.5", "0.25"], "0.25"),
        ({"option1": 4, "option2": 5}, "option1", ["4", "5"], "4"),
        ({"robin": 0.9, "trout": 0.1}, "trout", ["robin", "trout"], "trout"),
        ({"label": [0, 1], "text": ["a robin", "a trout"]}, 0, ["a robin", "a trout"], "a robin"),
        ({"label": [1, 0], "text": ["a robin", "a trout"]}, "0", ["a robin", "a trout"], "a trout"),
    ],
)
def test_numbers_are_no_scores_where_an_answer_says_which_is_right(choices, answer, texts, right):
    assert record(choices, answer) == {"choices": texts, "answer": right}


@pytest.mark.parametrize(
    ("choices", "answer", "rule"),
    [
        (["x", "y"], "z", "the answer is none of the 2 choices, got 'z'"),
        (["x", "y"], 2, r"none of the 2 choices \(counted from 0\), got 2"),
        (["x", "x"], "x", "two or more different choices"),
        (["x"], "x", "two or more different choices"),
        ({"x": 1, "y": 1}, None, "all choices have the same score"),
        ("x or y", "x", "must be a list of texts"),
        (7, "x", "must be a list of texts"),
    ],
)
def test_choices_that_can_not_be_used_are_refused(choices, answer, rule):
    with pytest.raises(BadRowError, match=rule):
        record(choices, answer)


def test_a_row_of_many_long_choices_has_a_short_error():
    with pytest.raises(BadRowError) as error:
        record(["x" * 10_000, "y" * 10_000], "z" * 10_000)
    assert len(str(error.value)) < 300


def test_options_know_their_labels():
    assert options_of(PLACE, {"labels": ["a", "b"], "texts": ["x", "y"]}).labels == ("A", "B")
