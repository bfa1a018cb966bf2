"""Text tasks in the tokens of a pretrained causal language model.

An example is laid out with the prompt pushed to the right, so that the answer begins at the same
position in every example of a suite; '_' is NO_TOKEN, '-' is IGNORED, '$' the end token:

    _ _ 1 2 + 5 1 7 _        inputs: where a prompt or an answer has no token the model sees none
            1 7 $ -          targets: what the last a positions predict

Legend: m examples, p longest prompt, a longest answer with its end token, l = p + a - 1 tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..contract.ragged import Ragged
from ..contract.tasks import IGNORED, NO_TOKEN, Examples, TaskSuite
from ..networks.tokenizers import load_tokenizer
from .characters import Pair
from .wording import Question, Wording

Tokens = Sequence[int]


@dataclass(frozen=True)
class TokenCode:
    """Turns questions into examples and back.

    Args:
        wording: turns text into tokens.
        prompt_length: p.
        answer_length: a.
    """

    wording: Wording
    prompt_length: int
    answer_length: int

    def encode(self, pairs: Sequence[Pair]) -> Examples:
        """Inputs (m, l) and targets (m, a) of prompts, worded, with their answers.

        Raises:
            ValueError: if a text has no token or too many.
        """
        questions = [Question(*pair) for pair in pairs]
        prompts = self.wording.prompts(questions)
        return self.lay(self.front(prompts), self.wording.answers([answer for _, answer in pairs]))

    def front(self, prompts: Sequence[Tokens]) -> Tensor:
        """Prompts pushed to the right, (m, p).

        Raises:
            ValueError: if one has more than p tokens.
        """
        p = self.prompt_length
        rows = np.full((len(prompts), p), NO_TOKEN, dtype=np.int64)
        for row, tokens in zip(rows, prompts, strict=True):
            if len(tokens) > p:
                raise ValueError(f"a prompt has {len(tokens)} tokens, the suite's have at most {p}")
            row[p - len(tokens) :] = tokens
        return torch.from_numpy(rows)

    def lay(self, front: Tensor, answers: Sequence[Tokens]) -> Examples:
        """Examples of prompts (m, p) and of answers, which bring their end tokens along.

        Raises:
            ValueError: if an answer has more than a tokens.
        """
        p, a = self.prompt_length, self.answer_length
        inputs = np.full((len(answers), p + a - 1), NO_TOKEN, dtype=np.int64)
        targets = np.full((len(answers), a), IGNORED, dtype=np.int64)
        inputs[:, :p] = front.numpy()
        for row, wanted, tokens in zip(inputs, targets, answers, strict=True):
            if len(tokens) > a:
                raise ValueError(
                    f"an answer has {len(tokens)} tokens with its end, the suite's at most {a}"
                )
            row[p : p + len(tokens) - 1] = tokens[:-1]
            wanted[: len(tokens)] = tokens
        return Examples(torch.from_numpy(inputs), torch.from_numpy(targets))

    @property
    def end(self) -> int:
        """The token that ends an answer."""
        return self.wording.end

    @property
    def room(self) -> int:
        """Most tokens of an answer, its end among them."""
        return self.answer_length

    def asked(self, prompts: Ragged) -> Tensor:
        """Prompts pushed to the right, (m, p)."""
        return torch.from_numpy(prompts.padded(self.prompt_length, NO_TOKEN, right=True))

    def answered(self, prompts: Ragged, answers: Ragged) -> Examples:
        """Inputs (m, l) and targets (m, a) of prompts and of answers, with their ends if any."""
        wanted = torch.from_numpy(answers.padded(self.room, IGNORED))
        # The last token of an answer is written, and never read.
        read = wanted[:, :-1].masked_fill(wanted[:, 1:] == IGNORED, NO_TOKEN)
        return Examples(torch.cat([self.asked(prompts), read], dim=1), wanted)

    def read(self, tokens: Sequence[int]) -> str:
        """The text of tokens, special ones left out."""
        return self.wording.read(tokens, special=False)

    def decode(self, inputs: Tensor) -> list[Pair]:
        """Prompts as the model reads them, and answers, of inputs (m, l)."""
        p, read = self.prompt_length, self.wording.read
        rows = inputs.tolist()
        return [(read(_present(row[:p])), read(_present(row[p:]))) for row in rows]


def opened(tokenizer: Any) -> tuple[str, Any]:
    """Where a tokenizer is, and the tokenizer; "" where it was handed over without a place.

    What is returned may be given again: a tokenizer can take seconds to open.
    """
    if isinstance(tokenizer, tuple):
        source, tokenizer = tokenizer
        return source, tokenizer
    if not isinstance(tokenizer, str):
        return "", tokenizer
    return tokenizer, load_tokenizer(tokenizer)


def token_code(suite: TaskSuite, tokenizer: Any = None) -> TokenCode:
    """The code that a suite of tokens was written in; what it decodes is worded already.

    Args:
        suite: from `token_suite`.
        tokenizer: that of the suite where it was handed over, not named.

    Raises:
        ValueError: if the suite is not of tokens.
    """
    train = suite.tasks[0].splits["train"]
    a = train.targets.shape[1]
    if suite.classes or not (suite.tokenizer or tokenizer):
        raise ValueError(f"suite {suite.name!r} is not of answers in a tokenizer's tokens")
    _, tokenizer = opened(tokenizer or suite.tokenizer)
    wording = Wording(tokenizer)
    wording.end = int(train.targets[0][train.targets[0] != IGNORED][-1])
    return TokenCode(wording, train.inputs.shape[1] - a + 1, a)


def _present(row: Tokens) -> list[int]:
    return [token for token in row if token != NO_TOKEN]
