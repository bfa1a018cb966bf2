"""Tasks made of text: how it is worded, tokenised and graded."""

from .characters import TextTask, text_code, text_suite
from .class_suites import class_suite
from .graders import Choice, Verify
from .scores import SCORES
from .token_suites import token_suite
from .tokens import token_code
from .wording import Chat, Question

__all__ = [
    "SCORES",
    "Chat",
    "Choice",
    "Question",
    "TextTask",
    "Verify",
    "class_suite",
    "text_code",
    "text_suite",
    "token_code",
    "token_suite",
]
