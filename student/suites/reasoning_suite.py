"""Tasks from reasoning-gym: one of its datasets at one level of its curriculum each.

A task is named `dataset@levels`: `spell_backward@2` puts every attribute of the dataset's
curriculum at level 2, `chain_sum@num_digits=1` puts this attribute at level 1 and all others at
their lowest. A level holds only what is new in it, not the levels below, so the task below is
worth learning first and becomes a prerequisite.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ..contract.tasks import TaskSuite
from ..extras import install_hint
from ..text.characters import Pair, TextTask, content_uniform, text_suite
from ..text.stress import check_stress, stressed
from ..text.token_suites import token_suite
from ..text.tokens import opened
from ..text.wording import PROMPT, Question, Wording, check_template
from .reasoning_compact import COMPACTIONS, compact
from .reasoning_levels import (
    NO_ANSWERS,
    Spec,
    generated,
    named_tasks,
    open_dataset,
    parse,
    verified,
)

DEFAULT_TASKS = (
    "spell_backward@0",
    "spell_backward@1",
    "products@num_terms=0",
    "products@num_terms=1",
    "chain_sum@num_digits=0",
    "chain_sum@num_terms=1",
    "chain_sum@num_digits=1",
    "basic_arithmetic@num_terms=0",
)

_HELD_OUT_SHARE = 0.125
_LEAST_EXAMPLES = 4
_MOST_DRAWS, _PATIENCE = 100_000, 500
"""Examples drawn from a generator at most, and how many in a row may bring nothing new."""

_Splits = dict[str, list[Question]]


@dataclass(frozen=True)
class _Asking:
    """How questions are asked."""

    library: Any
    seed: int
    full: bool
    """Whole questions, not shortened ones."""
    verify: bool
    longest: int
    """Characters of a prompt, or tokens of a prompt and its answer."""
    wording: Wording | None

    def fits(self, question: Question) -> bool:
        """Whether a question is short enough."""
        if self.wording is None:
            return len(str(question.prompt)) <= self.longest
        prompts, answers = self.wording.prompts([question]), self.wording.answers([question.answer])
        return len(prompts[0]) + len(answers[0]) <= self.longest

    @property
    def limit(self) -> tuple[str, str]:
        """What a question may be at most, and the option that says so."""
        if self.wording is None:
            return f"{self.longest} characters", "prompt_length"
        return f"{self.longest} tokens with their answers", "max_tokens"


def reasoning(
    tasks: Sequence[str] = DEFAULT_TASKS,
    train_size: int = 2000,
    held_out: int = 128,
    prompt_length: int = 12,
    seed: int = 0,
    tokenizer: str = "",
    chat: bool = False,
    template: str = "",
    max_tokens: int = 128,
    shorten: bool | None = None,
    stress: str = "harder",
    verify: bool = False,
) -> TaskSuite:
    """A suite of reasoning-gym datasets at given levels, the same to the bit for the same seed.

    A hash of the prompt reserves an eighth of all prompts for each of probe, test and stress, in
    all tasks and under all seeds alike, so no held-out prompt is ever trained on. `stress` comes
    from the next harder level. Prompts are the questions, shortened by `COMPACTIONS`; those that
    are still longer than `prompt_length` are left out. A level with few different questions
    gives what it has.

    With the `tokenizer` of a pretrained model prompts are the whole questions, in its tokens, and
    the hash is that of the shortened ones.

    The score is exact match: an answer that reasoning-gym accepts although it is written otherwise
    than the reference ("05" for "5") counts as wrong. With `verify` it is what reasoning-gym's own
    scorer says of the text that the student writes, which may be as long as the longest reference.

    Args:
        tasks: names of the form `dataset@level` or `dataset@attribute=level,attribute=level`.
        train_size: most training examples of a task.
        held_out: most examples of a task in each of probe, test and stress.
        prompt_length: most characters of a prompt; every student step pays for the longest.
        seed: of the generators.
        tokenizer: a name (`smollm2`), a folder or a hub id.
        chat: questions are messages of a user, in the tokenizer's chat template.
        template: what is written around a question, `{prompt}` in it; by default nothing in a chat
            and a line break behind it elsewhere.
        max_tokens: most tokens of a prompt and its answer, with a tokenizer; longer ones are left
            out. Stands in for `prompt_length`.
        shorten: whether questions are shortened; by default without a tokenizer only.
        stress: `harder`, or the test examples with `noise` or in another `template`. Noise spares
            what `COMPACTIONS` finds, and is for whole questions.
        verify: score what the student writes.

    Raises:
        ModuleNotFoundError: if reasoning-gym is not installed.
        ValueError: for a task that does not exist or cannot be scored, or one that is too small.
    """
    library = _library()
    for name, value in (("train_size", train_size), ("held_out", held_out)):
        if value < _LEAST_EXAMPLES:
            raise ValueError(f"{name} must be at least {_LEAST_EXAMPLES}, got {value}")
    full = bool(tokenizer) and not shorten
    if not tokenizer and (chat or template or verify or shorten is False):
        raise ValueError(
            "chat, template, verify and shorten=False are for pretrained models; name their "
            "tokenizer, or leave them out"
        )
    _check_stress(stress, bool(tokenizer), full)
    specs = [parse(library, task) for task in named_tasks(tasks)]
    template = template or (PROMPT if chat or not tokenizer else f"{PROMPT}\n")
    check_template(template)
    source = opened(tokenizer) if tokenizer else ("", None)
    wording = Wording(source[1], chat, template) if tokenizer else None
    longest = max_tokens if tokenizer else prompt_length
    asking = _Asking(library, seed, full, verify, longest, wording)
    texts = [_task(asking, spec, specs, train_size, held_out, stress) for spec in specs]
    if stress != "harder":
        texts = _derived(texts, specs, stress, template)
    if tokenizer:
        return token_suite("reasoning", texts, source, chat, template, max_tokens)
    return text_suite("reasoning", [_in_characters(task) for task in texts])


def _check_stress(stress: str, tokenised: bool, full: bool) -> None:
    check_stress(stress, levels=True, tokenised=tokenised)
    if stress == "noise" and not full:
        raise ValueError(
            "stress='noise' needs whole questions: in shortened ones every character counts; take "
            "'harder', or a tokenizer without shorten"
        )


def make_dataset(task: str, seed: int, size: int) -> Any:
    """The reasoning-gym dataset that a task's examples come from, with its own `score_answer`."""
    library = _library()
    spec = parse(library, task)
    return open_dataset(library, spec.dataset, spec.levels, seed, size)


def _library() -> Any:
    try:
        import reasoning_gym
    except ImportError:
        raise ModuleNotFoundError(
            "the reasoning suite needs reasoning-gym, which is not installed; "
            f"run {install_hint('reasoning')}"
        ) from None
    return reasoning_gym


def _task(
    asking: _Asking,
    spec: Spec,
    specs: Sequence[Spec],
    train_size: int,
    held_out: int,
    stress: str,
) -> TextTask[Question]:
    """The task with what its levels say about it, stress only if that is `harder`."""
    above = spec.harder() if stress == "harder" else {}
    most = {"train": train_size, "probe": held_out, "test": held_out}
    splits, category = _fill(asking, spec, spec.levels, most)
    if above:
        splits |= _fill(asking, spec, above, {"stress": held_out})[0]
    below = [other for other in specs if other.below(spec)]
    return TextTask(
        name=spec.name,
        splits=splits,
        difficulty=float(sum(spec.levels.values())),
        skills=(spec.dataset, *(f"{name}-{level}" for name, level in spec.levels.items() if level)),
        prerequisites=tuple(
            one.name for one in below if not any(one.below(other) for other in below)
        ),
        category=category,
        endless=True,
    )


def _in_characters(task: TextTask[Question]) -> TextTask[Pair]:
    splits = {
        split: [(str(question.prompt), question.answer) for question in questions]
        for split, questions in task.splits.items()
    }
    return TextTask(**{**vars(task), "splits": splits})


def _fill(
    asking: _Asking, spec: Spec, levels: dict[str, int], most: dict[str, int]
) -> tuple[_Splits, str]:
    """Different examples of some splits, up to `most` of each, and the dataset's category."""
    name = f"{spec.dataset} {sorted(levels.items())} {asking.seed}"
    first = int(content_uniform(name) * 2**31)
    dataset = open_dataset(asking.library, spec.dataset, levels, first, _MOST_DRAWS)
    splits: _Splits = {split: [] for split in most}
    for payload, question in _different_examples(asking, dataset, spec.dataset):
        split = _split_of(payload)
        if split in most and len(splits[split]) < most[split]:
            splits[split].append(question)
            if all(len(splits[name]) == most[name] for name in most):
                break
    longest, option = asking.limit
    for split, questions in splits.items():
        if len(questions) < _LEAST_EXAMPLES:
            raise ValueError(
                f"task {spec.name!r} has {len(questions)} questions of at most {longest} for "
                f"{split!r}, {_LEAST_EXAMPLES} are needed; raise {option} or change the level"
            )
    return splits, str(dataset.category)


def _different_examples(asking: _Asking, dataset: Any, name: str) -> Iterator[tuple[str, Question]]:
    """Examples in the dataset's order, each prompt that fits once, until nothing new comes.

    Each comes with its shortened prompt, which says what is asked whatever the words.
    """
    score = partial(verified, dataset) if asking.verify else None
    seen: set[str] = set()
    stale = 0
    for i in range(len(dataset)):
        item = generated(name, dataset.__getitem__, i)
        if not isinstance(item["answer"], str) or not item["answer"]:
            raise ValueError(f"{name!r} cannot be a task: it {NO_ANSWERS}; choose another")
        payload, answer = compact(name, item["question"], item["answer"])
        prompt, answer = (item["question"], item["answer"]) if asking.full else (payload, answer)
        question = Question(prompt, answer, entry=item, score=score)
        stale += 1
        if payload not in seen and asking.fits(question):
            stale = 0
            seen.add(payload)
            yield payload, question
        elif stale > _PATIENCE:
            return


def _derived(
    tasks: Sequence[TextTask[Question]], specs: Sequence[Spec], stress: str, template: str
) -> list[TextTask[Question]]:
    """The tasks with stress splits made of their test examples, equal to no prompt of any task."""
    prompts = {
        question.prompt
        for task in tasks
        for questions in task.splits.values()
        for question in questions
    }

    def changed(question: Question, dataset: str) -> Question:
        return stressed(question, stress, template, prompts, _asks_the_same(question, dataset))

    return [
        replace(
            task,
            splits={
                **task.splits,
                "stress": [changed(one, spec.dataset) for one in task.splits["test"]],
            },
        )
        for task, spec in zip(tasks, specs, strict=True)
    ]


def _asks_the_same(question: Question, dataset: str) -> Callable[[str], bool] | None:
    """Whether a text still holds what is asked for, where that is known."""
    shorten = COMPACTIONS.get(dataset)
    if shorten is None:
        return None
    parts = shorten.parts(str(question.prompt))
    return lambda text: all(part in text for part in parts)


def _split_of(prompt: str) -> str:
    """The split that a prompt belongs to, in every task."""
    place = int(content_uniform(prompt) / _HELD_OUT_SHARE)
    return ("probe", "test", "stress")[place] if place < 3 else "train"
