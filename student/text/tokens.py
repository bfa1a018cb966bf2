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
        prompts = self.wording.prompts([Question(*pair) for pair in pairs])
        answers = self.wording.answers([answer for _, answer in pairs])
        return self.answered(Ragged.of(prompts), Ragged.of(answers))

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
    a = suite.answer_length
    if suite.classes or not (suite.tokenizer or tokenizer):
        raise ValueError(f"suite {suite.name!r} is not of answers in a tokenizer's tokens")
    _, tokenizer = opened(tokenizer or suite.tokenizer)
    wording = Wording(tokenizer)
    _, targets = suite.tasks[0].splits["train"].store.take(np.zeros(1, dtype=np.int64))
    wording.end = int(targets[targets != IGNORED][-1])
    return TokenCode(wording, suite.input_shape[0] - a + 1, a)


def _present(row: Tokens) -> list[int]:
    return [token for token in row if token != NO_TOKEN]
