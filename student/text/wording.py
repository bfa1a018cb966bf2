"""What a pretrained language model reads: prompts, chats and questions in plain text, worded.

A prompt is worded by a template and, in a chat, by the tokenizer's own chat template up to the
place where the assistant begins to write. Prompt and answer are tokenised apart and put one after
the other: those are the tokens that the model reads and then has to write by itself. A tokenizer
that would merge the last character of a prompt with the first of the answer never gets to.

Legend: m texts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

PROMPT = "{prompt}"
"""Stands for the prompt in a template."""

_ANSWER = "ANSWER"


@dataclass(frozen=True)
class Chat:
    """The messages before an answer, as (role, content); the last one is what is asked."""

    messages: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return "\n".join(f"{role}: {content}" for role, content in self.messages)


Prompt = str | Chat


@dataclass(frozen=True)
class Question:
    """One example in plain text.

    Args:
        prompt: text, or the messages of a chat.
        answer: the reference, which is trained on.
        choices: what may be answered, the reference among it; empty where everything may.
        template: how the prompt is worded where that is not the suite's own way.
        entry: what `score` needs besides the text.
        score: judges a text that was generated: a function of one's own, (text, entry) to [0, 1],
            or one of `SCORES`, which looks at the right answers and at nothing else.
        accepted: further right answers, beside the one that is trained on.
    """

    prompt: Prompt
    answer: str
    choices: tuple[str, ...] = ()
    template: str = ""
    entry: Any = field(default=None, compare=False, repr=False)
    score: Callable[[str, Any], float] | None = field(default=None, compare=False, repr=False)
    accepted: tuple[str, ...] = ()


def asked(prompt: Prompt) -> str:
    """The text of a prompt; in a chat the content of the last message."""
    return prompt.messages[-1][1] if isinstance(prompt, Chat) else prompt


def asking(prompt: Prompt, text: str) -> Prompt:
    """The same prompt with another text in it."""
    if isinstance(prompt, Chat):
        *before, (role, _) = prompt.messages
        return Chat((*before, (role, text)))
    return text


def worded(prompt: Prompt, template: str) -> Prompt:
    """The prompt in a template."""
    return asking(prompt, template.replace(PROMPT, asked(prompt)))


def check_template(template: str) -> None:
    """Refuse a template that has no place for the prompt.

    Raises:
        ValueError: unless it holds `{prompt}` once.
    """
    if not isinstance(template, str) or template.count(PROMPT) != 1:
        raise ValueError(f"template must hold {PROMPT} once, got {shown(str(template))}")


class Wording:
    """Turns prompts and answers into tokens, each by itself.

    Args:
        tokenizer: of transformers.
        chat: prompts are messages to an assistant; plain text becomes a message of the user. A
            tokenizer without a chat template gets each message under a line with its role.
        template: how a prompt is worded, `{prompt}` in it.
    """

    def __init__(self, tokenizer: Any, chat: bool = False, template: str = PROMPT) -> None:
        check_template(template)
        self.tokenizer, self.chat, self.template = tokenizer, chat, template
        self.end = _end(tokenizer, chat)
        """The token that ends every answer."""
        self._front = [] if chat and tokenizer.chat_template else _front(tokenizer)

    def text(self, question: Question) -> str:
        """What the model reads before it answers, special tokens in front left out."""
        prompt = worded(question.prompt, question.template or self.template)
        if not self.chat:
            return str(prompt)
        chat = prompt if isinstance(prompt, Chat) else Chat((("user", prompt),))
        return _rendered(self.tokenizer, chat.messages, True)

    def prompts(self, questions: Sequence[Question]) -> list[list[int]]:
        """Tokens of m prompts, with what the tokenizer puts in front of a text.

        Raises:
            ValueError: if a prompt has no token, or the chat template refuses it.
        """
        tokens = self._tokens([self.text(question) for question in questions])
        for row, question in zip(tokens, questions, strict=True):
            if not self._front and not row:
                raise ValueError(f"the prompt {shown(str(question.prompt))} has no token")
        return [self._front + row for row in tokens]

    def answers(self, texts: Sequence[str]) -> list[list[int]]:
        """Tokens of m answers, each with the end token behind it.

        Raises:
            ValueError: if an answer has no token, or holds the end token.
        """
        tokens = self._tokens(texts)
        for row, text in zip(tokens, texts, strict=True):
            if not row:
                raise ValueError(f"the answer {shown(text)} has no token")
            if self.end in row:
                raise ValueError(
                    f"the answer {shown(text)} holds {self.tokenizer.decode([self.end])!r}, which "
                    "marks where answers end; remove it"
                )
        return [[*row, self.end] for row in tokens]

    def read(self, tokens: Sequence[int], special: bool = True) -> str:
        """The text of tokens, with special tokens or without."""
        text: str = self.tokenizer.decode(
            list(tokens), skip_special_tokens=not special, clean_up_tokenization_spaces=False
        )
        return text

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        if not texts:
            return []
        # A chat template writes the special tokens itself; `_front` has those of plain text.
        tokens: list[list[int]] = self.tokenizer(
            list(texts), add_special_tokens=False, return_attention_mask=False, verbose=False
        )["input_ids"]
        return tokens


def shown(text: str) -> str:
    """The text in quotes, its beginning if it is long."""
    return repr(text if len(text) <= 60 else f"{text[:57]}...")


def _rendered(tokenizer: Any, messages: Sequence[tuple[str, str]], open_turn: bool) -> str:
    if not tokenizer.chat_template:
        lines = "".join(f"{role}:\n{content}\n" for role, content in messages)
        return lines + "assistant:\n" * open_turn
    try:
        text: str = tokenizer.apply_chat_template(
            [{"role": role, "content": content} for role, content in messages],
            tokenize=False,
            add_generation_prompt=open_turn,
        )
    except Exception as error:
        # Templates raise what they like, for roles that they do not know for example.
        raise ValueError(
            f"the chat template of the tokenizer refuses the messages {shown(str(messages))}: "
            f"{error}"
        ) from error
    return text


def _end(tokenizer: Any, chat: bool) -> int:
    """The token that ends a turn in the chat template, otherwise the tokenizer's end token."""
    if chat and tokenizer.chat_template:
        turns = _rendered(tokenizer, (("user", "?"), ("assistant", _ANSWER)), False)
        special = set(tokenizer.all_special_ids) | {
            token for token, added in tokenizer.added_tokens_decoder.items() if added.special
        }
        behind = tokenizer(turns.rpartition(_ANSWER)[2], add_special_tokens=False)["input_ids"]
        for token in behind:
            if token in special:
                return int(token)
    if tokenizer.eos_token_id is None:
        raise ValueError(
            "the tokenizer has no end token, so a model could not say where its answers end; take "
            "the tokenizer of a causal language model, or set its eos_token"
        )
    return int(tokenizer.eos_token_id)


def _front(tokenizer: Any) -> list[int]:
    """Special tokens that the tokenizer puts in front of a text."""
    bare = tokenizer("x", add_special_tokens=False)["input_ids"]
    whole = tokenizer("x")["input_ids"]
    for start in range(len(whole)):
        if whole[start : start + len(bare)] == bare:
            return list(whole[:start])
    return []
