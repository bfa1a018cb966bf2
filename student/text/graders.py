"""How held-out examples are judged where that is not exact match.

Training goes on the reference answer in any case.

Legend: e examples, c candidates of all of them, p longest prompt, a longest answer, l tokens.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor

from ..contract.grading import Answering
from .tokens import TokenCode
from .wording import Question


class _OnceEach(ABC):
    """Judges every different example once, however often it is asked for.

    Evaluation sets are filled up with repetitions, and every example costs a pass or a text.
    """

    def grade(
        self, split: str, index: np.ndarray, student: Answering
    ) -> tuple[np.ndarray, np.ndarray]:
        """See `Grader`."""
        different, first, back = np.unique(index, return_index=True, return_inverse=True)
        # In the order in which they first come.
        order = np.argsort(first)
        credit, confidence = self._judged(split, different[order], student)
        places = np.argsort(order)[back]
        return credit[places], confidence[places]

    @abstractmethod
    def _judged(
        self, split: str, index: np.ndarray, student: Answering
    ) -> tuple[np.ndarray, np.ndarray]:
        """Credit and confidence of different examples, (e,) each."""


class Choice(_OnceEach):
    """Multiple choice: the candidate with the lowest loss is the student's answer.

    The loss is the sum over the candidate's tokens with its end token, so it is the negative log
    probability of writing just this; `per_token` takes the mean instead, which does not favour
    short candidates. The confidence is the softmax of the negative losses, at the answer. Losses
    that are not numbers get no credit and no confidence.

    Args:
        code: lays out candidates.
        prompts: (m, p) by split.
        candidates: tokens with the end token, for every example of a split.
        right: place of the reference among the candidates of every example.
        per_token: compare means, not sums.
    """

    def __init__(
        self,
        code: TokenCode,
        prompts: Mapping[str, Tensor],
        candidates: Mapping[str, Sequence[Sequence[Sequence[int]]]],
        right: Mapping[str, Sequence[int]],
        per_token: bool = False,
    ) -> None:
        self.code, self.prompts, self.candidates = code, prompts, candidates
        self.right = {split: np.array(places) for split, places in right.items()}
        self.per_token = per_token

    def _judged(
        self, split: str, index: np.ndarray, student: Answering
    ) -> tuple[np.ndarray, np.ndarray]:
        options = [self.candidates[split][i] for i in index]
        counts = np.array([len(candidates) for candidates in options], dtype=np.int64)
        example = np.repeat(np.arange(len(index)), counts)
        flat = [tokens for candidates in options for tokens in candidates]
        rows = self.code.lay(self.prompts[split][index[example]], flat)
        losses = np.asarray(student.losses(rows.inputs, rows.targets), dtype=np.float64)
        if self.per_token:
            losses = losses / [len(tokens) for tokens in flat]
        table = np.full((len(index), counts.max(initial=1)), np.inf)
        table[np.arange(table.shape[1]) < counts[:, None]] = losses
        best = table.min(axis=1)
        finite = np.isfinite(best)
        weights = np.exp(-(table - np.where(finite, best, 0.0)[:, None]))
        right = table.argmin(axis=1) == self.right[split][index]
        confidence = 1.0 / np.where(finite, weights.sum(axis=1), 1.0)
        return (right & finite).astype(np.float64), np.where(finite, confidence, 0.0)


class Verify(_OnceEach):
    """Text that the student generates is scored by a function, in [0, 1].

    The student decodes greedily, as many tokens as the longest reference of the suite has. White
    space around its text does not count. The confidence is the probability that the student gave to
    all of what it wrote, its end included: for a right answer the same as under exact match.

    Args:
        code: reads tokens.
        prompts: (m, p) by split.
        questions: by split, each with its `score` and `entry`.

    Raises:
        ValueError: from `grade`, if the function's score is not in [0, 1].
    """

    def __init__(
        self,
        code: TokenCode,
        prompts: Mapping[str, Tensor],
        questions: Mapping[str, Sequence[Question]],
    ) -> None:
        self.code, self.prompts, self.questions = code, prompts, questions

    def _judged(
        self, split: str, index: np.ndarray, student: Answering
    ) -> tuple[np.ndarray, np.ndarray]:
        prompts = self.prompts[split][index]
        end, length = self.code.wording.end, self.code.answer_length
        credit, whole = np.zeros(len(index)), []
        for place, answer in enumerate(student.generate(prompts, length)):
            ended = end in answer or len(answer) < length
            tokens = answer[: answer.index(end)] if end in answer else list(answer)
            whole.append([*tokens, end] if ended else tokens)
            text = self.code.wording.read(tokens, special=False).strip()
            credit[place] = _scored(self.questions[split][index[place]], text)
        rows = self.code.lay(prompts, whole)
        losses = np.asarray(student.losses(rows.inputs, rows.targets), dtype=np.float64)
        finite = np.isfinite(losses)
        confidence = np.exp(-np.where(finite, np.maximum(losses, 0.0), np.inf))
        return np.where(finite, credit, 0.0), confidence


def _scored(question: Question, text: str) -> float:
    if question.score is None:
        raise ValueError(
            f"the question {str(question.prompt)!r} has no score to verify an answer with"
        )
    score = float(question.score(text, question.entry))
    if not 0.0 <= score <= 1.0:
        raise ValueError(
            f"the score of the text {text!r} for the question {str(question.prompt)!r} must be in "
            f"[0, 1], got {score}"
        )
    return score
