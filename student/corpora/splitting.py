"""Dividing examples into splits: one prompt, one split, over all tasks.

Prompts that are equal after Unicode form, case and white space are twins: they stand in one split
together. The first that was read decides for all of them, so that a set without twins is divided
by its prompts as they are, whatever the order of its lines.
"""

import math
import unicodedata
from collections import Counter
from collections.abc import Collection, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from ..text.characters import content_uniform
from ..text.stress import stressed
from ..text.wording import PROMPT, Prompt, Question, asked, shown
from .reading.notices import LOST, Notices
from .reading.places import Place

LEAST_HELD_OUT, LEAST_PROMPTS = 5, 20
"""Different prompts in a split that is cut, and in a task that is cut."""

MANY = 20
"""Small tasks from which it is asked whether they are tasks."""
CUT = ("probe", "test")
"""Splits that are cut from `train` where they are missing."""
_STRONGEST = ("test", "probe", "stress", "train")
"""Of a prompt that stands in several splits, the lines of the first of these stay."""


@dataclass(frozen=True, slots=True)
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


class TooFewError(ValueError):
    """Tasks that have too few prompts to be divided.

    Args:
        reasons: by task, what it has and what is needed.
        places: where each task begins.
    """

    def __init__(self, reasons: Mapping[str, str], places: Mapping[str, Place]) -> None:
        self.reasons = dict(reasons)
        name, reason = next(iter(reasons.items()))
        more = f" (and {len(reasons) - 1} more tasks like it)" if len(reasons) > 1 else ""
        if len(reasons) > MANY:
            more += "; does what names the tasks name rows instead?"
        super().__init__(f"{places[name]}: task {shown(name)} {reason}{more}")


class Families:
    """Which prompts are twins: each stands for its family by the digest of its normal form."""

    def __init__(self) -> None:
        self._first: dict[bytes, Prompt] = {}
        self._of: dict[Prompt, Prompt] = {}

    def first(self, prompt: Prompt) -> Prompt:
        """The twin of the prompt that came first, which may be itself."""
        twin = self._of.get(prompt)
        if twin is None:
            twin = self._first.setdefault(_digest(prompt), prompt)
            self._of[prompt] = twin
        return twin

    def __contains__(self, prompt: object) -> bool:
        """Whether this prompt was read."""
        return prompt in self._of

    @property
    def twins(self) -> int:
        """Different prompts that have a twin which came before."""
        return len(self._of) - len(self._first)


def normal_form(text: str) -> str:
    """The text in Unicode's NFKC, without case, with single spaces between its words."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return " ".join(plain.casefold().split())


def divide(
    tasks: Mapping[str, Sequence[Line]],
    places: Mapping[str, Place],
    held_out: float,
    stress: str = "noise",
    template: str = PROMPT,
    notices: Notices | None = None,
) -> dict[str, Splits]:
    """The four splits of every task.

    A line with a split stays in it, unless its prompt stands in a stronger one, too (test before
    probe before stress before train): then it is left out. A line without a split goes where its
    prompt is held out, by whatever task. A missing `probe` or `test` is cut from
    the lines without a split, or where there are none from those of `train`.

    Args:
        tasks: lines by task.
        places: where each task begins, for messages.
        held_out: share of a task's prompts that `probe` gets, and as much for `test`.
        stress: how `stress` is derived where no line has that split, `noise` or `template`.
        template: the one that is trained with.
        notices: told about twins, lines that are left out, and what is cut from `train`.

    Raises:
        TooFewError: if there are tasks that are too small to be cut, or have nothing left for a
            split; nothing is noticed then.
    """
    families = Families()
    strongest = _strongest(tasks, families)
    present = {name: _present(lines, strongest, families) for name, lines in tasks.items()}
    split_of = _kept_in_train(tasks, present, families) | strongest
    reasons, cuts = {}, Counter[str]()
    for name, lines in tasks.items():
        try:
            cuts.update(_cut(lines, present[name], held_out, split_of, strongest, families))
        except ValueError as error:
            reasons[name] = str(error)
    if reasons:
        raise TooFewError(reasons, places)
    left_out: dict[str, list[Place]] = {}
    divided = {
        name: _placed(lines, strongest, split_of, families, left_out)
        for name, lines in tasks.items()
    }
    reasons = {name: _WITHOUT.format(split) for name, split in _blanks(divided)}
    if reasons:
        raise TooFewError(reasons, places)
    for splits in divided.values():
        splits["stress"] = splits["stress"] or [
            _stressed(question, stress, template, families) for question in splits["test"]
        ]
    _tell(notices or Notices(), families, left_out, cuts)
    return divided


_WITHOUT = "is left with no example for {!r}; add lines with that split, or lines without a split"

_UNTRAINED = (
    "has nothing to train on; add lines for 'train' or without a split, or give its file alone"
)
_HELD_OUT = "has no prompt that is not held out for probe or test elsewhere"


def _blanks(divided: Mapping[str, Splits]) -> Iterator[tuple[str, str]]:
    """Tasks with a split that no example is in."""
    for name, splits in divided.items():
        for split in ("train", "probe", "test"):
            if not splits[split]:
                yield name, split
                break


def _stressed(question: Question, stress: str, template: str, families: Families) -> Question:
    """The question with a typo that its normal form shows, or in another template."""
    form = normal_form(asked(question.prompt))
    return stressed(question, stress, template, families, lambda text: normal_form(text) != form)


def _tell(
    notices: Notices, families: Families, left_out: Mapping[str, list[Place]], cuts: Counter[str]
) -> None:
    if families.twins:
        notices.count(
            "prompts equal to another but for case, white space or Unicode form, kept in the split "
            "of that one",
            count=families.twins,
        )
    for kind, places in left_out.items():
        notices.count(kind, places[0], len(places), LOST)
    for split in CUT:
        if cuts[split]:
            notices.count(f"prompts cut from train into {split}", count=cuts[split])


def _strongest(tasks: Mapping[str, Sequence[Line]], families: Families) -> dict[Prompt, str]:
    """Split of every family that some line holds out: the strongest that one of them names."""
    split_of: dict[Prompt, str] = {}
    for lines in tasks.values():
        for line in lines:
            first = families.first(line.prompt)
            if line.split is not None and line.split != "train":
                before = split_of.get(first, line.split)
                split_of[first] = min(before, line.split, key=_STRONGEST.index)
    return split_of


def _present(
    lines: Sequence[Line], held_out: Mapping[Prompt, str], families: Families
) -> set[str | None]:
    """Splits that lines of a task name and stay in; None where some name none."""
    return {
        line.split
        for line in lines
        if line.split is None or held_out.get(families.first(line.prompt)) in (None, line.split)
    }


def _is_opened(present: Collection[str | None]) -> bool:
    """Whether lines of `train` are to be cut, since a split is missing and no others are free."""
    return None not in present and not set(present).issuperset(CUT)


def _kept_in_train(
    tasks: Mapping[str, Sequence[Line]],
    present: Mapping[str, Collection[str | None]],
    families: Families,
) -> dict[Prompt, str]:
    """Families that stay in `train`, since a line says so and its task has all splits."""
    return {
        families.first(line.prompt): "train"
        for name, lines in tasks.items()
        if not _is_opened(present[name])
        for line in lines
        if line.split == "train"
    }


def _cut(
    lines: Sequence[Line],
    present: Collection[str | None],
    held_out: float,
    split_of: dict[Prompt, str],
    strongest: Container[Prompt],
    families: Families,
) -> Counter[str]:
    """Give every family of a task a split, those first that the hash puts first.

    What is cut from `train` has at most twice its share of the families that are free, however
    large the test is that came with them. Those in `strongest` are held out by lines of this task
    or of another; lines without a split go along with them, lines of `train` don't.

    Returns:
        Families that were cut from lines of `train`, by split.
    """
    if not {None, "train"} & set(present):
        raise ValueError(_UNTRAINED if present else _HELD_OUT)
    opened = _is_opened(present)
    prompts = [
        prompt
        for prompt in dict.fromkeys(families.first(line.prompt) for line in lines)
        if split_of.get(prompt) != "stress"
    ]
    free = sorted(
        (prompt for prompt in prompts if prompt not in split_of),
        key=lambda prompt: (content_uniform(str(prompt)), str(prompt)),
    )
    size = math.ceil(held_out * len(prompts))
    size = max(LEAST_HELD_OUT, min(size, math.ceil(2 * held_out * len(free))) if opened else size)
    cuts = Counter[str]()
    for split in CUT:
        if split in present or not (opened or None in present):
            continue
        counted = (prompt for prompt in prompts if not (opened and prompt in strongest))
        wanted = size - sum(split_of.get(prompt) == split for prompt in counted)
        if len(prompts) < LEAST_PROMPTS or len(free) < wanted:
            raise ValueError(
                f"has {len(prompts)} different prompts, {len(free)} of them free to be cut into "
                f'{split!r}; {LEAST_PROMPTS} are needed, or lines with "split": "{split}"'
            )
        for prompt in free[: max(0, wanted)]:
            split_of[prompt] = split
        cuts[split] += max(0, wanted) * opened
        free = free[max(0, wanted) :]
    split_of.update(dict.fromkeys(free, "train"))
    return cuts


def _placed(
    lines: Sequence[Line],
    held_out: Mapping[Prompt, str],
    split_of: Mapping[Prompt, str],
    families: Families,
    left_out: dict[str, list[Place]],
) -> Splits:
    """The lines of a task in their splits, each example once."""
    splits: Splits = {"train": [], "probe": [], "test": [], "stress": []}
    different: set[tuple[Prompt, str]] = set()
    for line in lines:
        first = families.first(line.prompt)
        strongest = held_out.get(first)
        if line.split is not None and strongest not in (None, line.split):
            kind = f"lines left out of {line.split}, since their prompt stands in {strongest}, too"
            left_out.setdefault(kind, []).append(line.place)
            continue
        example = line.prompt, line.question.answer
        if example in different:
            left_out.setdefault("examples that stand in a task twice, counted once", []).append(
                line.place
            )
            continue
        different.add(example)
        splits[split_of[first]].append(line.question)
    return splits


def _digest(prompt: Prompt) -> bytes:
    return blake2b(
        normal_form(str(prompt)).encode("utf-8", "surrogatepass"), digest_size=8
    ).digest()
