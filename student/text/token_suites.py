"""Suites of questions for pretrained causal language models, laid out as `tokens` says.

Legend: p longest prompt, a longest answer with its end token.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from ..contract.ragged import Ragged, interleaved
from ..contract.stores import RaggedStore
from ..contract.tasks import SPLITS, Examples, Task, TaskSuite
from ..networks.tokenizers import position_limit, vocabulary_size
from .characters import Progress, TextTask
from .judging import candidates, chance, check_judging, grader_of
from .tokens import TokenCode, opened
from .wording import PROMPT, Chat, Question, Wording, shown

T = TypeVar("T")
_TEXTS = 10_000
"""Texts that the tokenizer gets at once."""
_ROWS = 2_000
"""Examples that are put together at once."""


def token_suite(
    name: str,
    tasks: Sequence[TextTask[Question]],
    tokenizer: Any,
    chat: bool = False,
    template: str = PROMPT,
    max_tokens: int | None = None,
    per_token: bool = False,
    majority: bool = False,
    progress: Progress | None = None,
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
            are left out, which the suite's notes say, others refused.
        per_token: candidates are compared by their mean loss per token, not by their sum.
        majority: whether always the same answer is guessing, see `chance`.
        progress: told how many examples are in tokens.

    Raises:
        ValueError: for texts that have no tokens or too many, or a task whose questions are not
            all judged in one way.
    """
    source, tokenizer = opened(tokenizer)
    n_outputs = _vocabulary(source, tokenizer)
    limit = position_limit(source) if source else None
    wording = Wording(tokenizer, _talks(tasks, chat, tokenizer), template)
    counter = _Counter(progress)
    wordings = [_Wordings(task, wording, max_tokens, n_outputs, counter) for task in tasks]
    code = TokenCode(
        wording,
        prompt_length=max(one.longest_prompt for one in wordings),
        answer_length=max(int(one.answers.lengths.max()) for one in wordings),
    )
    splits = {split: _laid_out([one.rows(split) for one in wordings], code) for split in SPLITS}
    encoded = tuple(
        one.task({split: splits[split][i] for split in SPLITS}, code, per_token, majority, limit)
        for i, one in enumerate(wordings)
    )
    notes = _left_out(sum(one.left_out for one in wordings), max_tokens)
    return TaskSuite(name, encoded, n_outputs=n_outputs, tokenizer=source, notes=notes)


class _Counter:
    """Counts the examples that are in tokens, and says so."""

    def __init__(self, progress: Progress | None) -> None:
        self._done, self._progress = 0, progress

    def add(self, count: int) -> None:
        """So many more."""
        self._done += count
        if self._progress is not None:
            self._progress("examples in tokens", self._done)


class _Wordings:
    """A task in tokens that are not laid out yet."""

    def __init__(
        self,
        task: TextTask[Question],
        wording: Wording,
        max_tokens: int | None,
        n_outputs: int,
        counter: _Counter,
    ) -> None:
        check_judging(task.name, task.splits)
        self.plain = task
        self.left_out = 0
        """Stress examples that were too long."""
        self._highest = n_outputs
        self._places: dict[str, int] = {}
        self._candidates = {
            split: Ragged.of([self._placed(question) for question in questions])
            for split, questions in task.splits.items()
        }
        self._own = {
            split: np.array([self._places[one.answer] for one in questions], dtype=np.int64)
            for split, questions in task.splits.items()
        }
        texts = list(self._places)
        self.answers = self._tokens(wording.answers, texts)
        self.prompts = {
            split: self._tokens(wording.prompts, questions, counter)
            for split, questions in task.splits.items()
        }
        if max_tokens is not None:
            self._limit(max_tokens)

    def _placed(self, question: Question) -> list[int]:
        """Places among the answers of all that may be written behind a prompt."""
        places = self._places
        return [places.setdefault(text, len(places)) for text in candidates(question)]

    def _tokens(
        self,
        worded: Callable[[Sequence[T]], list[list[int]]],
        texts: Sequence[T],
        counter: _Counter | None = None,
    ) -> Ragged:
        """Tokens of all, so many at a time that their lists take little memory."""
        parts = []
        for start in range(0, len(texts), _TEXTS):
            some = texts[start : start + _TEXTS]
            parts.append(Ragged.of(worded(some), self._highest))
            if counter is not None:
                counter.add(len(some))
        return Ragged.joined(parts or [Ragged.of([], self._highest)])

    @property
    def longest_prompt(self) -> int:
        """Tokens of the longest prompt."""
        return max(int(prompts.lengths.max(initial=0)) for prompts in self.prompts.values())

    def rows(self, split: str) -> tuple[Ragged, Ragged]:
        """Inputs and targets of the examples."""
        inputs, targets = [], []
        for start in range(0, len(self._own[split]), _ROWS):
            answers = self.answers.take(self._own[split][start : start + _ROWS])
            prompts = self.prompts[split].part(start, start + len(answers))
            inputs.append(interleaved(prompts, answers.without_last()))
            targets.append(answers)
        return Ragged.joined(inputs), Ragged.joined(targets)

    def task(
        self,
        splits: dict[str, Examples],
        code: TokenCode,
        per_token: bool,
        majority: bool,
        limit: int | None,
    ) -> Task:
        """The task with its examples."""
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
                lambda split: self.prompts[split],
                lambda texts: self.answers.take(np.array([self._places[text] for text in texts])),
                per_token,
                limit,
            ),
        )

    def _limit(self, max_tokens: int) -> None:
        """Refuse what is longer; leave it out of `stress`, which other words make longer."""
        short = np.flatnonzero(self._sizes("stress") <= max_tokens)
        for split in SPLITS if not len(short) else SPLITS[:-1]:
            sizes = self._sizes(split)
            for place in np.flatnonzero(sizes > max_tokens)[:1]:
                prompt = self.plain.splits[split][place].prompt
                raise ValueError(
                    f"the prompt {shown(str(prompt))} of task {self.plain.name!r} ({split}) has "
                    f"{sizes[place]} tokens together with its answer, more than max_tokens = "
                    f"{max_tokens}; raise max_tokens or leave the example out"
                )
        for rows in (self.prompts, self._candidates):
            rows["stress"] = rows["stress"].take(short)
        self._own["stress"] = self._own["stress"][short]
        questions = self.plain.splits["stress"]
        self.left_out = len(questions) - len(short)
        kept = {**self.plain.splits, "stress": [questions[place] for place in short.tolist()]}
        self.plain = replace(self.plain, splits=kept)

    def _sizes(self, split: str) -> np.ndarray:
        """Tokens of every example with the longest of its candidates."""
        candidates = self._candidates[split]
        if not len(candidates):
            return np.zeros(0, dtype=np.int64)
        lengths = self.answers.lengths[candidates.flat]
        longest = np.maximum.reduceat(lengths, candidates.starts[:-1])
        return np.asarray(self.prompts[split].lengths + longest)

    def _mean_tokens(self) -> float:
        """Tokens of a training example, prompt, answer and end."""
        answers = self.answers.lengths[self._own["train"]]
        return float(np.mean(self.prompts["train"].lengths + answers))


def _laid_out(parts: Sequence[tuple[Ragged, Ragged]], code: TokenCode) -> list[Examples]:
    """Examples of each task in one store of all of them."""
    inputs, targets = (Ragged.joined(rows) for rows in zip(*parts, strict=True))
    length = code.prompt_length + code.answer_length - 1
    store = RaggedStore(inputs, targets, length, code.answer_length, answers_follow=True)
    ends = np.cumsum([len(rows) for rows, _ in parts]).tolist()
    return [Examples.stored(store, *ends_of) for ends_of in itertools.pairwise([0, *ends])]


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


def _left_out(count: int, max_tokens: int | None) -> tuple[str, ...]:
    """A note of stress examples that were too long, if any were."""
    if max_tokens is None or not count:
        return ()
    return (f"stress examples left out, longer than {max_tokens:,} tokens: {count:,}",)


def _vocabulary(source: str, tokenizer: Any) -> int:
    """Outputs of the model, which may have more than its tokenizer has tokens."""
    return vocabulary_size(source) if source else len(tokenizer)
