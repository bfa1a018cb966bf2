"""Suites of questions that graders judge, in the tokens of a tiny model.

Needs transformers: a test module that uses this kit calls `pytest.importorskip("transformers",
reason=...)` before it imports it.
"""

import numpy as np
from tiny_pretrained import tiny_tokenizer

from lessonplan.student.chats import Question
from lessonplan.student.tasks import SPLITS
from lessonplan.student.text import TextTask
from lessonplan.student.token_suites import token_suite

TOKENIZER = tiny_tokenizer()
COLOURS = [
    Question("sky?", "blue", ("red", "blue", "green")),
    Question("grass?", "green", ("green", "blue")),
    Question("a very long one, blood?", "red", ("blue", "red")),
]
INDEX = np.arange(3)
"""Of three examples, such as these."""


def suite_of(questions, tokenizer=TOKENIZER, **fields):
    return token_suite("s", [TextTask("t", dict.fromkeys(SPLITS, questions))], tokenizer, **fields)
