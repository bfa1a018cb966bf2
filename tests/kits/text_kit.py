"""The texts that a suite was made of, read back from its tokens."""

from lessonplan.student.contract.tasks import SPLITS
from lessonplan.student.text.characters import text_code
from lessonplan.student.text.tokens import token_code

START, END = "<|im_start|>", "<|im_end|>\n"
"""Around a turn of a chat, for the tiny tokenizer."""


def pairs(suite, task=0):
    code = token_code(suite) if suite.tokenizer else text_code(suite)
    return {split: code.decode(suite.tasks[task].splits[split].inputs) for split in SPLITS}
