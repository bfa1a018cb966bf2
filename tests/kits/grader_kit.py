"""Suites of questions that graders judge, in the tokens of a tiny model.

Needs transformers: a test module that uses this kit calls `pytest.importorskip("transformers",
reason=...)` before it imports it.
"""

import numpy as np
from tiny_pretrained import tiny_tokenizer

from lessonplan.student.contract.tasks import SPLITS
from lessonplan.student.text.characters import TextTask
from lessonplan.student.text.token_suites import token_suite
from lessonplan.student.text.wording import Question

TOKENIZER = tiny_tokenizer()
COLOURS = [
    Question("sky?", "blue", ("red", "blue", "green")),
    Question("grass?", "green", ("green", "blue")),
    Question("a very long one, blood?", "red", ("blue", "red")),
]
INDEX = np.arange(3)[None]
"""Of three examples, such as these, for one student."""


def suite_of(questions, tokenizer=TOKENIZER, **fields):
    return token_suite("s", [TextTask("t", dict.fromkeys(SPLITS, questions))], tokenizer, **fields)
