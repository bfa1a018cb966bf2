"""Text tasks: prompts and answers as characters, for small models that read them left to right.

An example is laid out as `prompt, SEPARATOR, answer`, with the prompt pushed to the right, so that
the answer begins at the same position in every example of a suite:

    . . . 1 2 + 5 > 1 7 .        inputs ('.' is END, '>' is SEPARATOR)
    - - - - - - - 1 7 . -        targets ('-' is IGNORED)

Only positions that predict the answer and its end are targets, so an example counts as right
exactly when greedy decoding writes the answer and then stops.

Legend: m examples, p longest prompt, a longest answer, l = p + 1 + a tokens.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from typing import Generic, TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..contract.ragged import Ragged
from ..contract.stores import CharacterStore, RaggedStore
from ..contract.tasks import IGNORED, Examples, Task, TaskSuite
from .judging import candidates, chance, check_judging, grader_of
from .wording import Question, worded

END, SEPARATOR = "\x03", "\x02"
"""Tokens 0 and 1: end of the answer (and padding), and where the answer begins."""

Pair = tuple[str, str]
"""A prompt and its answer."""

_BLOCK = 4096
"""Examples that are laid out at once, on their way to small integers."""
_MOST_PADDED = 30_000_000
"""Places of a whole suite, padding included, that are stored as they are laid out."""

Progress = Callable[[str, int], None]
"""Told what is being done, and to how many."""

E = TypeVar("E")
"""What an example is before it is encoded: a `Pair`, or a `Question` with more to it."""


@dataclass(frozen=True)
class TextTask(Generic[E]):
    """One task in plain text; the fields mean what they mean in `Task`."""

    name: str
    splits: Mapping[str, Sequence[E]]
    difficulty: float = 0.0
    skills: tuple[str, ...] = ()
    prerequisites: tuple[str, ...] = ()
    category: str = ""
    endless: bool = False
    importance: float = 1.0
    threshold: float = 0.9


@dataclass(frozen=True)
class TextCode:
    """Turns text into tokens and back.

    Args:
        vocabulary: characters by token; `END` is 0, `SEPARATOR` is 1.
        prompt_length: p.
        answer_length: a.
    """

    vocabulary: tuple[str, ...]
    prompt_length: int
    answer_length: int
    _token_of: np.ndarray = field(init=False, repr=False, compare=False)
    """Token of every character by its number, -1 where it has none; the last one has none."""

    def __post_init__(self) -> None:
        points = np.array([ord(character) for character in self.vocabulary], dtype=np.int64)
        token_of = np.full(points.max() + 2, -1, dtype=np.int32)
        token_of[points] = np.arange(len(points))
        object.__setattr__(self, "_token_of", token_of)

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, ...]]) -> "TextCode":
        """The smallest code for prompts, each with one answer or more."""
        characters: set[str] = set()
        prompt_length = answer_length = 1
        for prompt, *answers in pairs:
            characters.update(prompt, *answers)
            prompt_length = max(prompt_length, len(prompt))
            answer_length = max(answer_length, *map(len, answers))
        vocabulary = (END, SEPARATOR, *sorted(characters - {END, SEPARATOR}))
        return cls(vocabulary, prompt_length, answer_length)

    def encode(self, pairs: Sequence[Pair], ragged: bool = False) -> Examples:
        """Inputs (m, l) and targets (m, l), padded when batches are made where `ragged`.

        Raises:
            ValueError: if a text is empty, too long or has a character that is not in the
                vocabulary (`END` and `SEPARATOR` are not for use in texts).
        """
        for prompt, answer in pairs:
            self._check(prompt, answer)
        if ragged:
            inputs = self.tokens([f"{prompt}{SEPARATOR}{answer}" for prompt, answer in pairs])
            targets = self.tokens([answer + END for _, answer in pairs])
            length = self.prompt_length + self.room
            rows = RaggedStore(inputs, targets, length, self.room, answers_follow=True)
            return Examples.stored(CharacterStore(rows, padding=self.end))
        shape, small = (len(pairs), self.prompt_length + self.room), len(self.vocabulary) <= 256
        laid = torch.empty(shape, dtype=torch.uint8 if small else torch.int32)
        wanted = torch.empty(shape, dtype=torch.int16 if small else torch.int32)
        for first in range(0, len(pairs), _BLOCK):
            block = slice(first, first + _BLOCK)
            laid[block], wanted[block] = self._laid(pairs[block])
        return Examples(laid, wanted)

    def _laid(self, pairs: Sequence[Pair]) -> tuple[Tensor, Tensor]:
        p, a = self.prompt_length, self.answer_length
        lines = [
            prompt.rjust(p, END) + SEPARATOR + answer.ljust(a + 1, END) for prompt, answer in pairs
        ]
        tokens = self._written("".join(lines)).reshape(len(pairs), p + a + 2)
        lengths = np.array([len(answer) for _, answer in pairs], dtype=np.int64)
        beyond = np.arange(p + a + 1) - p > lengths[:, None]
        targets = np.where(beyond, IGNORED, tokens[:, 1:])
        targets[:, :p] = IGNORED
        return torch.from_numpy(tokens[:, :-1].copy()), torch.from_numpy(targets)

    @property
    def end(self) -> int:
        """The token that ends an answer."""
        return 0

    @property
    def room(self) -> int:
        """Most tokens of an answer, its end among them."""
        return self.answer_length + 1

    def tokens(self, texts: Sequence[str]) -> Ragged:
        """The texts by themselves, m rows."""
        small = np.min_scalar_type(len(self.vocabulary))
        flat = [
            self._written("".join(texts[first : first + _BLOCK])).astype(small)
            for first in range(0, len(texts), _BLOCK)
        ]
        lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
        return Ragged.cut(np.concatenate(flat) if flat else np.zeros(0, small), lengths)

    def asked(self, prompts: Ragged) -> Tensor:
        """Prompts and separators, (m, p + 1)."""
        table = torch.from_numpy(prompts.padded(self.prompt_length, self.end, right=True))
        return F.pad(table, (0, 1), value=1)

    def answered(self, prompts: Ragged, answers: Ragged) -> Examples:
        """Inputs (m, l) and targets (m, l) of prompts, and of answers with their ends, if any."""
        front, p = self.asked(prompts), self.prompt_length
        wanted = torch.from_numpy(answers.padded(self.room, IGNORED))
        inputs = torch.cat([front, wanted[:, :-1].clamp(min=self.end)], dim=1)
        return Examples(inputs, F.pad(wanted, (p, 0), value=IGNORED))

    def read(self, tokens: Sequence[int]) -> str:
        """The text of tokens, without ends and separators."""
        return "".join(self.vocabulary[token] for token in tokens if token > 1)

    def decode(self, inputs: Tensor) -> list[Pair]:
        """Prompts and answers of inputs (m, l); an answer ends at the first END."""
        pairs = []
        for row in inputs.tolist():
            text = "".join(self.vocabulary[token] for token in row)
            prompt, answer = text[: self.prompt_length], text[self.prompt_length + 1 :]
            pairs.append((prompt.lstrip(END), answer.split(END)[0]))
        return pairs

    def _written(self, text: str) -> np.ndarray:
        """Tokens of the characters, one each."""
        points = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
        tokens = self._token_of[np.minimum(points, len(self._token_of) - 1)]
        if (tokens < 0).any():
            unknown = chr(points[np.flatnonzero(tokens < 0)[0]])
            raise ValueError(f"the character {unknown!r} is not in the vocabulary of the suite")
        return np.asarray(tokens)

    def _check(self, prompt: str, answer: str) -> None:
        parts = {"prompt": (prompt, self.prompt_length), "answer": (answer, self.answer_length)}
        for what, (text, longest) in parts.items():
            if not 0 < len(text) <= longest:
                raise ValueError(
                    f"the {what} {text!r} has {len(text)} characters, wanted 1 to {longest}"
                )
            if END in text or SEPARATOR in text:
                raise ValueError(
                    f"the {what} {text!r} holds a control character (code 2 or 3) that marks where "
                    "answers begin and end; remove it"
                )


def text_suite(
    name: str,
    tasks: Sequence[TextTask[Pair]] | Sequence[TextTask[Question]],
    majority: bool = False,
    per_token: bool = False,
    progress: Progress | None = None,
) -> TaskSuite:
    """A suite over one vocabulary and one length, both no larger than its texts need.

    Questions with choices, further right answers or a score are judged as `grader_of` says, all
    others, and pairs, by exact match.

    Args:
        name: of the suite.
        tasks: in plain text.
        majority: whether always the same answer is guessing, see `chance`.
        per_token: candidates are compared by their mean loss per character, not by their sum.
        progress: told how many tasks are encoded.

    Raises:
        ValueError: for texts that can't be written, or a task whose questions are not all judged
            in one way.
    """
    every: list[TextTask[Pair] | TextTask[Question]] = [*tasks]
    asked = [_questions(task) for task in every]
    code = TextCode.of(
        (_prompt(question), *candidates(question))
        for splits in asked
        for questions in splits.values()
        for question in questions
    )
    count = sum(len(questions) for splits in asked for questions in splits.values())
    # Padding costs memory where there is much of it, and time where a batch is made without.
    ragged = count * (code.prompt_length + code.room) > _MOST_PADDED
    encode, encoded = partial(code.encode, ragged=ragged), []
    for task, splits in zip(every, asked, strict=True):
        encoded.append(_task(task, splits, encode, code, majority, per_token))
        if progress is not None:
            progress("tasks encoded", len(encoded))
    return TaskSuite(
        name, tuple(encoded), n_outputs=len(code.vocabulary), vocabulary=code.vocabulary
    )


def _questions(task: TextTask[Pair] | TextTask[Question]) -> dict[str, list[Question]]:
    splits = {
        split: [one if isinstance(one, Question) else Question(*one) for one in examples]
        for split, examples in task.splits.items()
    }
    check_judging(task.name, splits)
    return splits


def _prompt(question: Question) -> str:
    """What the student reads."""
    template = question.template
    return str(worded(question.prompt, template) if template else question.prompt)


def _task(
    task: TextTask[Pair] | TextTask[Question],
    splits: Mapping[str, Sequence[Question]],
    encode: Callable[[Sequence[Pair]], Examples],
    code: TextCode,
    majority: bool,
    per_token: bool,
) -> Task:
    pairs = {
        split: [(_prompt(question), question.answer) for question in questions]
        for split, questions in splits.items()
    }
    return Task(
        name=task.name,
        splits={split: encode(pairs[split]) for split in splits},
        difficulty=task.difficulty,
        skills=task.skills,
        prerequisites=task.prerequisites,
        category=task.category,
        importance=task.importance,
        cost=mean_tokens(pairs["train"]),
        chance=chance(splits, majority),
        endless=task.endless,
        threshold=task.threshold,
        grader=grader_of(
            splits,
            code,
            lambda split: code.tokens([prompt for prompt, _ in pairs[split]]),
            lambda texts: code.tokens([text + END for text in texts]),
            per_token,
        ),
    )


def content_uniform(text: str) -> float:
    """A number in [0, 1) that depends on nothing but the text."""
    digest = blake2b(text.encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "little") >> 11) * 2.0**-53


def mean_tokens(pairs: Sequence[Pair]) -> float:
    """Mean tokens per example, without padding: prompt, separator, answer, end."""
    return float(np.mean([len(prompt) + len(answer) + 2 for prompt, answer in pairs]))


def text_code(suite: TaskSuite) -> TextCode:
    """The code that a text suite was written in.

    Raises:
        ValueError: if the suite is not of text.
    """
    if suite.vocabulary[:2] != (END, SEPARATOR):
        raise ValueError(f"suite {suite.name!r} is not of text: it has no vocabulary of characters")
    length = suite.input_shape[0]
    _, targets = suite.tasks[0].splits["train"].store.take(np.zeros(1, dtype=np.int64))
    prompt_length = int((targets[0] != IGNORED).int().argmax())
    return TextCode(suite.vocabulary, prompt_length, length - 1 - prompt_length)
