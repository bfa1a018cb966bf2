"""Scores by name, by hand."""

import pickle
from fractions import Fraction

import pytest

from lessonplan.student.text.scores import SCORES, last_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("#### 72", 72),
        ("7 apples\n#### 8 done", 8),
        ("The total is $1,234.50.", Fraction("1234.5")),
        ("72.", 72),
        ("-5", -5),
        ("it is \N{MINUS SIGN}4", -4),
        ("10-5", 5),
        ("3 - 5", 5),
        ("-$5", -5),
        ("$-5", -5),
        ("a=-2", -2),
        ("50%", 50),
        ("1,2,3", 3),
        ("1,000,000", 1_000_000),
        ("1{,}000", 1000),
        (".5", Fraction(1, 2)),
        ("1e3", 1000),
        ("x = 3/4", Fraction(3, 4)),
        (r"-\frac{1}{2}", Fraction(-1, 2)),
        (r"\boxed{72} because of 3", 72),
        (r"so \boxed{1}, no, \boxed{\dfrac{3}{4}} units of 9", Fraction(3, 4)),
        (r"\boxed{12", 12),
        ("3/0", None),
        ("", None),
        ("none", None),
        ("9" * 5000, None),
    ],
)
def test_the_last_number_of_a_text_is_read_as_people_write_it(text, number):
    assert last_number(text) == number


@pytest.mark.parametrize(
    ("name", "text", "reference", "score"),
    [
        ("exact", "  New\n York ", "New York", 1),
        ("exact", "new york", "New York", 0),
        ("exact", "", "a", 0),
        ("final_number", "She has 70 + 2 = 72 clips.", "48/2 = 24\n#### 72", 1),
        ("final_number", "72.0", "72", 1),
        ("final_number", "about 71", "72", 0),
        ("final_number", "no idea", "72", 0),
        ("final_number", "7", "no number", 0),
        ("contains", "It is  New\nYork.", "new york", 1),
        ("contains", "17", "7", 0),
        ("contains", "7.", "7", 1),
        ("contains", "\u7b54\u6848\u662f\u5317\u4eac\u3002", "\u5317\u4eac", 1),
        ("contains", "costs $5 (net)", "$5", 1),
        ("contains", "anything", " ", 0),
        ("choice", "(B)", "B", 1),
        ("choice", "B.", "B", 1),
        ("choice", "b", "(B)", 1),
        ("choice", "**B**", "B", 1),
        ("choice", "B: because of A", "B", 1),
        ("choice", "The answer is B", "B", 1),
        ("choice", "A train leaves, so the answer is (C).", "C", 1),
        ("choice", "A train leaves", "A", 0),
        ("choice", "I think C", "C", 1),
        ("choice", "The answer is A.\nThe answer is B.", "A", 1),
        ("choice", "Bananas", "B", 0),
        ("choice", "", "B", 0),
        ("choice", "Yes, it is.", "yes", 1),
        ("choice", "Yesterday", "yes", 0),
        ("choice", "Well, the answer is: Yes", "yes", 1),
        ("choice", "No. Yes!", "yes", 0),
        ("f1", "The cat sat on a mat.", "cat on the mat", 2 * 3 / (4 + 3)),
        ("f1", "cat cat", "cat", 2 / 3),
        ("f1", "the", "a", 1),
        ("f1", "", "cat", 0),
        ("f1", "dog", "cat", 0),
    ],
)
def test_a_score_is_what_its_sentence_says(name, text, reference, score):
    assert SCORES[name](text, [reference]) == pytest.approx(score)


def test_the_best_of_several_right_answers_counts():
    assert SCORES["f1"]("on the mat", ["a dog", "mat", "the mat on"]) == 1.0
    assert SCORES["exact"]("b", ("a", "b")) == 1.0


@pytest.mark.parametrize("name", SCORES)
def test_every_score_is_bounded_takes_any_text_and_is_the_same_in_another_process(name):
    score = pickle.loads(pickle.dumps(SCORES[name]))
    assert score == SCORES[name]
    for text in ("", " ", "\\boxed{", "}{", "((", "$", "-", "1/", "#### ", "\x02", "e5", "é" * 999):
        for reference in ("B", "4", "yes", "?"):
            assert 0.0 <= score(text, [reference]) <= 1.0
