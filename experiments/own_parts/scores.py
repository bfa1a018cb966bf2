"""Checks of a score of one's own: a function of a text and of the row that it answers."""

import copy
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

_ROW = {"prompt": "2 + 2 =", "answer": "4"}
_TEXTS = ("", " ", "4", "-1.5e3", "the answer is 4", "I don't know", "{[(<", "\N{SNOWMAN}" * 50)


def score_checks(
    score: Callable[[str, Any], float], columns: Mapping[str, Any]
) -> Iterator[tuple[str, Callable[[], None]]]:
    """What each check looks at, and what does it.

    Args:
        score: takes a text that a student wrote, and the row.
        columns: of a row, where `prompt` and `answer` alone don't do.
    """
    row = _ROW | {name: value for name, value in columns.items()}
    yield "What it returns is a number in [0, 1]", partial(_check_range, score, row)
    yield "The same text is judged the same, and the row stays", partial(_check_purity, score, row)
    yield "The right answer is right", partial(_check_answer, score, row)


def _check_range(score: Callable[[str, Any], float], row: dict[str, Any]) -> None:
    for text in (*_TEXTS, str(row["answer"])):
        value = _judged(score, text, row)
        if not 0.0 <= value <= 1.0:
            raise ValueError(f"the text {text!r:.40} is judged with {value:g}, not in [0, 1]")


def _check_purity(score: Callable[[str, Any], float], row: dict[str, Any]) -> None:
    before = copy.deepcopy(row)
    for text in _TEXTS:
        if _judged(score, text, row) != _judged(score, text, row):
            raise ValueError(f"the text {text!r:.40} is judged in two ways")
        if row != before:
            raise ValueError("it changes the row, which comes again")


def _check_answer(score: Callable[[str, Any], float], row: dict[str, Any]) -> None:
    value = _judged(score, str(row["answer"]), row)
    if value < 1.0:
        raise ValueError(
            f"the answer {row['answer']!r:.40} of the row is judged with {value:g}: nobody could "
            "master a task; try it on a row of yours with -o COLUMN=VALUE"
        )


def _judged(score: Callable[[str, Any], float], text: str, row: dict[str, Any]) -> float:
    try:
        value = score(text, row)
    except KeyError as error:
        raise ValueError(
            f"it looks for the column {error} of the row; give one with -o COLUMN=VALUE"
        ) from error
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"it must return a number, got {value!r:.60}") from error
