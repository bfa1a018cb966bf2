"""Stress splits that are derived from test examples: noise, and other wordings.

The answer stays that of the test example. `harder` is for suites that have levels and is theirs.
"""

from collections.abc import Callable, Container, Iterator
from dataclasses import replace

from .characters import content_uniform
from .wording import PROMPT, Prompt, Question, asked, asking, shown, worded

STRESS = ("noise", "template", "harder")
"""What a stress split may be."""

TEMPLATES = (
    f"Question: {PROMPT}\nAnswer:\n",
    f"Please answer this.\n{PROMPT}\n",
    f"{PROMPT}\nWhat is the answer?\n",
    f"Here is a task for you.\n{PROMPT}\nReply with the answer alone.\n",
)
"""Other ways to ask the same."""


def check_stress(stress: str, levels: bool = False, tokenised: bool = True) -> None:
    """Refuse a stress split that can't be made.

    Args:
        stress: what is wanted.
        levels: whether there is something harder.
        tokenised: whether the student reads tokens of a pretrained model.

    Raises:
        ValueError: saying what to take instead.
    """
    if stress not in STRESS:
        raise ValueError(f"stress must be one of {', '.join(STRESS)}, got {shown(str(stress))}")
    if stress == "harder" and not levels:
        raise ValueError(
            "stress='harder' is for tasks with levels, and these have none: take 'noise' or "
            "'template', or give examples with the split 'stress'"
        )
    if stress == "template" and not tokenised:
        raise ValueError(
            "stress='template' is for pretrained models: one that learns from characters has never "
            "read the words of another template; name a tokenizer, or take another stress"
        )


def stressed(
    question: Question,
    stress: str,
    template: str,
    prompts: Container[Prompt],
    same: Callable[[str], bool] | None = None,
) -> Question:
    """The question with noise in its prompt, or in another template.

    Args:
        question: of the test split.
        stress: `noise` or `template`.
        template: the one that is trained with.
        prompts: those that are elsewhere in the suite.
        same: whether a text still asks the same; every typo does by default.
    """
    if stress == "noise":
        return replace(question, prompt=noisy(question.prompt, prompts, same))
    return replace(question, template=other_template(question.prompt, template, prompts))


def noisy(
    prompt: Prompt, prompts: Container[Prompt], same: Callable[[str], bool] | None = None
) -> Prompt:
    """The prompt with two neighbours swapped or one character lost, not equal to any in `prompts`.

    Digits keep their order, so that a number stays the number that it was; in a chat the typo is in
    the last message. Where nothing can be swapped or lost, the prompt gets a space in front.
    """
    text = asked(prompt)
    places = list(_places(text))
    start = int(content_uniform(str(prompt)) * len(places)) if places else 0
    for place in places[start:] + places[:start]:
        candidate = _typo(text, *place)
        if candidate == text or not candidate.strip() or (same and not same(candidate)):
            continue
        changed = asking(prompt, candidate)
        if changed not in prompts:
            return changed
    return asking(prompt, f" {text}")


def other_template(prompt: Prompt, trained: str, prompts: Container[Prompt]) -> str:
    """One of `TEMPLATES` that is not the trained one, by a hash of the prompt."""
    others = [template for template in TEMPLATES if template.strip() != trained.strip()]
    start = int(content_uniform(f"template {prompt}") * len(others))
    order = others[start:] + others[:start]
    free = (template for template in order if worded(prompt, template) not in prompts)
    return next(free, order[0])


def _places(text: str) -> Iterator[tuple[int, bool]]:
    """Where a character is lost or, if true, swapped with the next; each typo is there once.

    Losing either of two equal neighbours is the same, and swapping any such is no typo: of those
    the first stands for all.
    """
    is_unchanged = False
    for i, character in enumerate(text):
        if character.isdigit():
            continue
        if i == 0 or text[i - 1] != character:
            yield i, False
        following = text[i + 1 : i + 2]
        if following and not following.isdigit() and not (is_unchanged and following == character):
            is_unchanged = is_unchanged or following == character
            yield i, True


def _typo(text: str, i: int, swaps: bool) -> str:
    if swaps:
        return text[:i] + text[i + 1] + text[i] + text[i + 2 :]
    return text[:i] + text[i + 1 :]
