"""Dividing examples into splits: one prompt, one split, whatever the order of the lines."""

import math
from dataclasses import dataclass

from ..text.characters import content_uniform
from ..text.stress import stressed
from ..text.wording import PROMPT, Prompt, Question
from .reading.places import Place

_LEAST_HELD_OUT, _LEAST_PROMPTS = 5, 20
"""Different prompts in a split that is cut, and in a task that is cut."""


@dataclass(frozen=True)
class Line:
    """One example; `split` is `None` where it is to be decided."""

    question: Question
    split: str | None
    place: Place

    @property
    def prompt(self) -> Prompt:
        """What is asked."""
        return self.question.prompt


Splits = dict[str, list[Question]]


def divide(
    tasks: dict[str, list[Line]],
    places: dict[str, Place],
    held_out: float,
    stress: str = "noise",
    template: str = PROMPT,
) -> dict[str, Splits]:
    """The four splits of every task.

    Args:
        tasks: lines by task.
        places: where each task begins, for messages.
        held_out: share of a task's prompts that `probe` gets, and as much for `test`.
        stress: how `stress` is derived where no line has that split, `noise` or `template`.
        template: the one that is trained with.

    Raises:
        ValueError: if a prompt is given in two splits, or a task is too small to be cut.
    """
    split_of = _given(tasks)
    for name, lines in tasks.items():
        _cut(name, lines, places[name], held_out, split_of)
    divided = {}
    for name, lines in tasks.items():
        splits: Splits = {"train": [], "probe": [], "test": [], "stress": []}
        different: dict[tuple[Prompt, str], Question] = {}
        for line in lines:
            different.setdefault((line.prompt, line.question.answer), line.question)
        for question in different.values():
            splits[split_of[question.prompt]].append(question)
        divided[name] = splits
    for name, splits in divided.items():
        for split in ("train", "probe", "test"):
            if not splits[split]:
                raise ValueError(
                    f"{places[name]}: task {name!r} is left with no example for {split!r}; "
                    "add lines with that split, or lines without a split"
                )
        splits["stress"] = splits["stress"] or [
            stressed(question, stress, template, split_of) for question in splits["test"]
        ]
    return divided


def _given(tasks: dict[str, list[Line]]) -> dict[Prompt, str]:
    """Split of every prompt for which some line names one."""
    split_of: dict[Prompt, str] = {}
    first: dict[Prompt, Place] = {}
    for lines in tasks.values():
        for line in lines:
            if line.split is None:
                continue
            before = split_of.setdefault(line.prompt, line.split)
            if before != line.split:
                raise ValueError(
                    f"{line.place}: the prompt {str(line.prompt)!r} is in {line.split!r} here, but "
                    f"in {before!r} at {first[line.prompt]}; one prompt must stay in one split"
                )
            first.setdefault(line.prompt, line.place)
    return split_of


def _cut(
    name: str, lines: list[Line], place: Place, held_out: float, split_of: dict[Prompt, str]
) -> None:
    """Give every prompt of a task a split, those first that the hash puts first."""
    splits = {line.split for line in lines}
    prompts = [
        prompt
        for prompt in dict.fromkeys(line.prompt for line in lines)
        if split_of.get(prompt) != "stress"
    ]
    free = sorted(
        (prompt for prompt in prompts if prompt not in split_of),
        key=lambda prompt: (content_uniform(str(prompt)), str(prompt)),
    )
    size = max(_LEAST_HELD_OUT, math.ceil(held_out * len(prompts)))
    for split in ("probe", "test"):
        if split in splits or None not in splits:
            continue
        wanted = size - sum(split_of.get(prompt) == split for prompt in prompts)
        if len(prompts) < _LEAST_PROMPTS or len(free) < wanted:
            raise ValueError(
                f"{place}: task {name!r} has {len(prompts)} different prompts, {len(free)} of them "
                f"free to be cut into {split!r}; {_LEAST_PROMPTS} are needed, or lines with "
                f'"split": "{split}"'
            )
        for prompt in free[: max(0, wanted)]:
            split_of[prompt] = split
        free = free[max(0, wanted) :]
    split_of.update(dict.fromkeys(free, "train"))
