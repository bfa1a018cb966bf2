"""How the questions of a task are judged, and what guessing gets.

Legend: m examples of a split.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ..contract.grading import Grader
from ..contract.ragged import Ragged
from ..contract.tasks import SPLITS
from .graders import Choice, Code, Verify
from .scores import SCORES, Named
from .wording import Question, shown

FEW, OFTEN = 32, 5
"""Different answers that are few at most, and how often each of them comes at least, on average."""

Splits = Mapping[str, Sequence[Question]]


def check_judging(name: str, splits: Splits) -> None:
    """Refuse a task whose questions are judged in different ways, or in two ways at once.

    Raises:
        ValueError: naming the task and a question.
    """
    every = [question for questions in splits.values() for question in questions]
    for way, has in (
        ("choices", [bool(question.choices) for question in every]),
        ("a score", [question.score is not None for question in every]),
    ):
        if any(has) and not all(has):
            prompt = shown(str(every[has.index(False)].prompt))
            raise ValueError(
                f"task {name!r} has questions with {way} and questions without, such as "
                f"{prompt}; give {way} to all of them or to none, or make two tasks of them"
            )
    for question in every:
        _check_choices(name, question)
        score = question.score
        if isinstance(score, Named) and (refusal := score.refusal(question.answer)):
            raise ValueError(
                f"the answer {shown(question.answer)} of task {name!r} {refusal}, so that no text "
                f"could be right by the score {score.name!r}; leave the example out, or take "
                "another score"
            )


def _check_choices(name: str, question: Question) -> None:
    if question.choices and question.score:
        raise ValueError(
            f"task {name!r} has choices, which are judged by their losses, and a score, which "
            "judges what is written; leave one of them out"
        )
    for answer in references(question) if question.choices else ():
        if answer not in question.choices:
            raise ValueError(
                f"the answer {shown(answer)} of task {name!r} must be one of its choices, got "
                f"{shown(str(list(question.choices)))}"
            )


def references(question: Question) -> tuple[str, ...]:
    """All right answers, each once, the one that is trained on first."""
    return tuple(dict.fromkeys((question.answer, *question.accepted)))


def candidates(question: Question) -> tuple[str, ...]:
    """All that a student may be asked about, or may write, behind the prompt."""
    return question.choices or references(question)


def chance(splits: Splits, majority: bool = False) -> float:
    """Accuracy of guessing.

    That is among choices, if there are any, the mean share of those that are right.

    With `majority` it is at least what a student gets that always gives the same answer, if answers
    are few and come again and again: from two to `FEW` different ones over train, probe and test,
    each at least `OFTEN` times on average. Such a student has learnt how frequent answers are, and
    nothing of the questions; where most answers come once, there is none. Where a function of
    one's own judges, nobody knows what always the same answer would get.

    Args:
        splits: questions of a task.
        majority: whether always the same answer is guessing.
    """
    shares = [
        len(references(question)) / len(question.choices) if question.choices else 0.0
        for question in splits.get("test", ())
    ]
    guessing = float(np.mean(shares or [0.0]))
    return max(guessing, _majority(splits)) if majority else guessing


def _majority(splits: Splits) -> float:
    """Share of the questions to which the most frequent answer is right; 0 if it is no guess.

    The largest of the shares in probe, in test, and over train, probe and test.
    """
    every = [question for split in SPLITS[:3] for question in splits.get(split, ())]
    different = len({question.answer for question in every})
    if not 1 < different <= FEW or len(every) < OFTEN * different:
        return 0.0
    if not all(one.score is None or isinstance(one.score, Named) for one in every):
        return 0.0
    counts = Counter(text for question in every for text in references(question))
    guess = counts.most_common(1)[0][0]
    # In a small split the guess may be right more often than in all of them.
    shares = [_share(guess, one) for one in (every, *(splits[name] for name in SPLITS[1:3]))]
    # Where it is always right there is nothing to learn, and no scale for it.
    return max((share for share in shares if share < 1.0), default=0.0)


def _share(answer: str, questions: Sequence[Question]) -> float:
    return float(np.mean([answer in references(question) for question in questions] or [False]))


def grader_of(
    splits: Splits,
    code: Code,
    prompts: Callable[[str], Ragged],
    answers: Callable[[Sequence[str]], Ragged],
    per_token: bool = False,
    limit: int | None = None,
) -> Grader | None:
    """What judges a task, `None` for exact match.

    Choices are judged by their losses, and what is written by the score; without one it must equal
    one of the right answers. With a single right answer this is exact match, which needs no text.

    Args:
        splits: questions of a task.
        code: lays out what is asked.
        prompts: tokens of the m prompts of a split.
        answers: tokens of candidates, each with its end.
        per_token: candidates are compared by their mean loss per token, not by their sum.
        limit: most tokens that the model reads of a prompt and what is written, if there is one.
    """
    every = [question for questions in splits.values() for question in questions]
    if any(question.choices for question in every):
        return _choice(splits, code, prompts, answers, per_token)
    if all(_is_exact(question) for question in every):
        return None
    scores = {
        split: [question.score or SCORES["exact"] for question in questions]
        for split, questions in splits.items()
    }
    keys = {
        split: [
            question.entry if _own(question) else references(question) for question in questions
        ]
        for split, questions in splits.items()
    }
    return Verify(code, {split: prompts(split) for split in splits}, scores, keys, limit)


def _own(question: Question) -> bool:
    """Whether a function of one's own judges, by the entry."""
    return question.score is not None and not isinstance(question.score, Named)


def _is_exact(question: Question) -> bool:
    return question.score in (None, SCORES["exact"]) and len(references(question)) == 1


def _choice(
    splits: Splits,
    code: Code,
    prompts: Callable[[str], Ragged],
    answers: Callable[[Sequence[str]], Ragged],
    per_token: bool,
) -> Choice:
    place: dict[str, int] = {}
    options = {
        split: Ragged.of(
            [
                [place.setdefault(text, len(place)) for text in question.choices]
                for question in questions
            ]
        )
        for split, questions in splits.items()
    }
    right = {
        split: Ragged.of(
            [[one.choices.index(text) for text in references(one)] for one in questions]
        )
        for split, questions in splits.items()
    }
    tokens = {split: prompts(split) for split in splits}
    return Choice(code, tokens, answers(list(place)), options, right, per_token)
