import json
from pathlib import Path

import pytest

from lessonplan.student import jsonl
from lessonplan.student.corpora.lengths import character_ruler, fitted, spread, token_ruler
from lessonplan.student.corpora.reading import BadRowError, Notices, Place
from lessonplan.student.corpora.splitting import Line
from lessonplan.student.text.wording import Chat, Question


def lines(*questions):
    return [
        Line(question, None, Place(Path("a.csv"), number))
        for number, question in enumerate(questions, start=2)
    ]


SHORT, LONG = Question("1 + 1", "2"), Question("please add one and one", "2")


class Letters:
    """A wording in which every character is a token, and the end is one, too."""

    template = "{prompt}"

    def __init__(self):
        self.asked = 0

    def prompts(self, questions):
        self.asked += 1
        return [list(str(question.prompt).encode()) for question in questions]

    def answers(self, texts):
        return [[*text.encode(), 0] for text in texts]


def test_a_long_example_is_left_out_and_counted_with_its_place():
    notices = Notices()
    kept = fitted(lines(SHORT, LONG, LONG), character_ruler(10, "{prompt}"), "drop", notices)
    assert [line.question for line in kept] == [SHORT]
    assert notices.left_out == 2
    assert notices.lines() == (
        "rows left out, longer than 10 characters: 2 (first: a.csv, line 3)",
    )


def test_a_cut_prompt_keeps_its_end_and_fits_exactly():
    notices = Notices()
    [line] = fitted(lines(LONG), character_ruler(12, "{prompt}"), "cut", notices)
    assert line.prompt == "one and one"
    assert line.question.answer == "2"
    assert notices.left_out == 0
    assert "prompts cut at their beginning, longer than 12 characters: 1" in notices.lines()[0]


def test_of_a_chat_the_last_message_is_cut():
    chat = Question(Chat((("system", "add"), ("user", "one and two"))), "3")
    notices = Notices()
    most = len("system: add\nuser: two") + 1
    [line] = fitted(lines(chat), character_ruler(most, "{prompt}"), "cut", notices)
    assert line.prompt == Chat((("system", "add"), ("user", "two")))


def test_an_answer_is_never_cut():
    notices = Notices()
    long_answer = Question("say it", "a b c d e f g h")
    assert fitted(lines(long_answer), character_ruler(10, "{prompt}"), "cut", notices) == []
    assert notices.left_out == 1


def test_a_long_example_may_be_an_error_that_names_line_length_and_limit():
    with pytest.raises(
        BadRowError, match=r"a.csv, line 3: has 23 characters, more than max_tokens=10"
    ):
        fitted(lines(SHORT, LONG), character_ruler(10, "{prompt}"), "error", Notices())


def test_choices_count_with_the_longest_of_them():
    question = Question("which", "a", ("a", "the longest"))
    ruler = character_ruler(15, "{prompt}")
    assert ruler.size(question) == len("which") + len("the longest")


def test_only_texts_with_many_bytes_are_given_to_the_tokenizer():
    wording = Letters()
    ruler = token_ruler(200, wording)
    assert ruler.size(SHORT) <= 200
    assert wording.asked == 0
    long = Question("x" * 250, "2")
    # 250 letters, the answer's one, and its end.
    assert ruler.size(long) == 252
    assert wording.asked == 1
    [line] = fitted(lines(long), ruler, "cut", Notices())
    assert len(line.prompt) <= 198


def test_a_spread_names_the_longest_line_and_what_is_usual():
    lengths = spread(lines(SHORT, LONG))
    assert lengths.longest.place.number == 3
    assert (lengths.most, lengths.mean) == (23, (6 + 23) / 2)
    many = spread(lines(*[SHORT] * 198, LONG, LONG))
    assert (many.usual, many.most) == (6, 23)


def test_padding_is_told_by_the_longest_prompt_and_the_longest_answer(tmp_path):
    """Up to five and one, and up to two and four letters, take nine places each, and marks."""
    for name, prompt, answer in (("asks", "abc", "x"), ("tells", "", "wxyz")):
        rows = [json.dumps({"prompt": f"{prompt}{i}", "answer": answer}) for i in range(30)]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(rows))
    suite = jsonl(tmp_path)
    assert suite.input_shape == (1 + 5 + 4,)
    (note,) = [one for one in suite.notes if "padding" in one]
    assert "the longest prompt, the longest answer and 2 marks, 11: " in note
    assert note.rpartition(": ")[2].startswith("30% is padding")
