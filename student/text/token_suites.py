"""Suites of questions for pretrained causal language models, laid out as `tokens` says.

Legend: p longest prompt, a longest answer with its end token.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..contract.ragged import Ragged
from ..contract.tasks import SPLITS, Task, TaskSuite
from ..networks.tokenizers import vocabulary_size
from .characters import TextTask
from .judging import candidates, chance, check_judging, grader_of
from .tokens import TokenCode, Tokens, opened
from .wording import PROMPT, Chat, Question, Wording, shown


def token_suite(
    name: str,
    tasks: Sequence[TextTask[Question]],
    tokenizer: Any,
    chat: bool = False,
    template: str = PROMPT,
    max_tokens: int | None = None,
    per_token: bool = False,
    majority: bool = False,
) -> TaskSuite:
    """A suite for causal language models, no longer than its texts need.

    Questions with choices, further right answers or a score are judged as `grader_of` says, all
    others by exact match.

    Args:
        name: of the suite.
        tasks: in plain text.
        tokenizer: where it is (a name, a folder or a hub id), or the tokenizer itself.
        chat: plain prompts are messages to an assistant, too.
        template: how prompts are worded.
        max_tokens: most tokens of a prompt and its answer together; stress examples that have more
            are left out, others refused.
        per_token: candidates are compared by their mean loss per token, not by their sum.
        majority: whether always the same answer is guessing, see `chance`.

    Raises:
        ValueError: for texts that have no tokens or too many, or a task whose questions are not
            all judged in one way.
    """
    source, tokenizer = opened(tokenizer)
    wording = Wording(tokenizer, _talks(tasks, chat, tokenizer), template)
    wordings = [_Wordings(task, wording, max_tokens) for task in tasks]
    rows = [row for one in wordings for row in one.rows()]
    code = TokenCode(
        wording,
        prompt_length=max(len(prompt) for prompt, _ in rows),
        answer_length=max(len(answer) for _, answers in rows for answer in answers),
    )
    encoded = tuple(one.task(code, per_token, majority) for one in wordings)
    return TaskSuite(name, encoded, n_outputs=_vocabulary(source, tokenizer), tokenizer=source)


class _Wordings:
    """A task in tokens that are not laid out yet."""

    def __init__(self, task: TextTask[Question], wording: Wording, max_tokens: int | None) -> None:
        check_judging(task.name, task.splits)
        self.plain = task
        self.prompts: dict[str, Sequence[Tokens]] = {
            split: wording.prompts(questions) for split, questions in task.splits.items()
        }
        texts = {
            text
            for questions in task.splits.values()
            for question in questions
            for text in candidates(question)
        }
        # Sorted for the sake of messages: a set has no order of its own.
        ordered = sorted(texts)
        self.answers = dict(zip(ordered, wording.answers(ordered), strict=True))
        if max_tokens is not None:
            self._limit(max_tokens)

    def rows(self) -> list[tuple[Tokens, list[Tokens]]]:
        """Every prompt with all that may be written behind it."""
        return [
            (prompt, self._candidates(question))
            for split in self.plain.splits
            for prompt, question in self._zipped(split)
        ]

    def task(self, code: TokenCode, per_token: bool, majority: bool) -> Task:
        """The task, laid out."""
        fronts = {split: code.front(prompts) for split, prompts in self.prompts.items()}
        splits = {
            split: code.lay(fronts[split], [self.answers[one.answer] for one in questions])
            for split, questions in self.plain.splits.items()
        }
        return Task(
            name=self.plain.name,
            splits=splits,
            difficulty=self.plain.difficulty,
            skills=self.plain.skills,
            prerequisites=self.plain.prerequisites,
            category=self.plain.category,
            importance=self.plain.importance,
            threshold=self.plain.threshold,
            cost=self._mean_tokens(),
            chance=chance(self.plain.splits, majority),
            endless=self.plain.endless,
            grader=grader_of(
                self.plain.splits,
                code,
                lambda split: Ragged.of(self.prompts[split]),
                lambda texts: Ragged.of([self.answers[text] for text in texts]),
                per_token,
            ),
        )

    def _limit(self, max_tokens: int) -> None:
        """Refuse what is longer; leave it out of `stress`, which other words make longer."""
        short = [one for one in self._zipped("stress") if self._size(*one) <= max_tokens]
        for split in SPLITS if not short else SPLITS[:-1]:
            for prompt, question in self._zipped(split):
                size = self._size(prompt, question)
                if size > max_tokens:
                    raise ValueError(
                        f"the prompt {shown(str(question.prompt))} of task {self.plain.name!r} "
                        f"({split}) has {size} tokens together with its answer, more than "
                        f"max_tokens = {max_tokens}; raise max_tokens or leave the example out"
                    )
        self.prompts["stress"] = [prompt for prompt, _ in short]
        kept = {**self.plain.splits, "stress": [question for _, question in short]}
        self.plain = replace(self.plain, splits=kept)

    def _size(self, prompt: Tokens, question: Question) -> int:
        """Tokens of an example with the longest of its candidates."""
        return len(prompt) + max(len(tokens) for tokens in self._candidates(question))

    def _mean_tokens(self) -> float:
        """Tokens of a training example, prompt, answer and end."""
        sizes = [
            len(prompt) + len(self.answers[question.answer])
            for prompt, question in self._zipped("train")
        ]
        return float(np.mean(sizes))

    def _zipped(self, split: str) -> "zip[tuple[Tokens, Question]]":
        return zip(self.prompts[split], self.plain.splits[split], strict=True)

    def _candidates(self, question: Question) -> list[Tokens]:
        return [self.answers[text] for text in candidates(question)]


def _talks(tasks: Sequence[TextTask[Question]], chat: bool, tokenizer: Any) -> bool:
    """Whether the prompts are messages to an assistant, all of them or none."""
    kinds = {
        isinstance(question.prompt, Chat)
        for task in tasks
        for questions in task.splits.values()
        for question in questions
    }
    if kinds == {True, False} and not chat:
        raise ValueError(
            "some examples are messages and some a plain prompt with its answer; chat=True makes "
            "messages of all"
        )
    if False in kinds and chat and not tokenizer.chat_template:
        raise ValueError(
            "chat=True needs a tokenizer with a chat template, and this one has none; leave chat "
            "out, or take the tokenizer of a chat model"
        )
    return chat or kinds == {True}


def _vocabulary(source: str, tokenizer: Any) -> int:
    """Outputs of the model, which may have more than its tokenizer has tokens."""
    return vocabulary_size(source) if source else len(tokenizer)
