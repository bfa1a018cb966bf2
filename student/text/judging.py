"""How the questions of a task are judged: by choices, by what is written, or by exact match.

Legend: p longest prompt.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor

from ..contract.grading import Grader
from .characters import TextTask
from .graders import Choice, Verify
from .tokens import TokenCode, Tokens
from .wording import Question, shown


def check_judging(task: TextTask[Question]) -> None:
    """Refuse a task whose questions are judged in different ways, or in two ways at once.

    Raises:
        ValueError: naming the task and a question.
    """
    every = [question for questions in task.splits.values() for question in questions]
    for way, has in (
        ("choices", [bool(question.choices) for question in every]),
        ("a score", [question.score is not None for question in every]),
    ):
        if any(has) and not all(has):
            prompt = shown(str(every[has.index(False)].prompt))
            raise ValueError(
                f"task {task.name!r} has questions with {way} and questions without, such as "
                f"{prompt}; give {way} to all of them or to none, or make two tasks of them"
            )
    for question in every:
        if question.choices and question.score:
            raise ValueError(
                f"task {task.name!r} has choices, which are judged by their losses, and a score, "
                "which judges what is written; leave one of them out"
            )
        if question.choices and question.answer not in question.choices:
            raise ValueError(
                f"the answer {shown(question.answer)} of task {task.name!r} must be one of its "
                f"choices, got {list(question.choices)!r}"
            )


def candidates(question: Question) -> tuple[str, ...]:
    """All texts that a student may be asked about behind the prompt: choices, or the answer."""
    return question.choices or (question.answer,)


def chance(task: TextTask[Question]) -> float:
    """Accuracy of guessing among the choices; 0 where there are none."""
    questions = task.splits["test"]
    return float(
        np.mean([1 / len(question.choices) if question.choices else 0.0 for question in questions])
    )


def grader_of(
    task: TextTask[Question],
    code: TokenCode,
    fronts: Mapping[str, Tensor],
    answers: Mapping[str, Tokens],
    per_token: bool = False,
) -> Grader | None:
    """What judges a task that is not judged by exact match.

    Args:
        task: in plain text.
        code: lays out what is asked.
        fronts: prompts (m, p) by split.
        answers: tokens of every candidate, its end among them.
        per_token: candidates are compared by their mean loss per token, not by their sum.
    """
    every: list[Question] = [question for one in task.splits.values() for question in one]
    if any(question.choices for question in every):
        options: dict[str, list[list[Tokens]]] = {
            split: [[answers[text] for text in candidates(question)] for question in questions]
            for split, questions in task.splits.items()
        }
        right: dict[str, Sequence[int]] = {
            split: [question.choices.index(question.answer) for question in questions]
            for split, questions in task.splits.items()
        }
        return Choice(code, fronts, options, right, per_token)
    if any(question.score for question in every):
        return Verify(code, fronts, task.splits)
    return None
