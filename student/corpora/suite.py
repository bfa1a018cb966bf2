"""From examples as people write them to a suite: divided, stressed and encoded.

Without a tokenizer a suite is of characters, for small models that read them; with one it is of the
tokens of a pretrained causal language model, or of texts to be classified.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from typing import Any

from ..contract.tasks import TaskSuite
from ..text.characters import Pair, TextTask, text_suite
from ..text.class_suites import class_suite
from ..text.stress import check_stress
from ..text.token_suites import token_suite
from ..text.wording import PROMPT, Chat, Question, check_template, shown, worded
from .records import Written
from .splitting import Splits, divide


@dataclass(frozen=True)
class Writing:
    """How texts become examples; see `jsonl` for each."""

    held_out: float = 0.1
    tokenizer: str = ""
    chat: bool = False
    template: str = PROMPT
    max_tokens: int | None = None
    stress: str = "noise"
    classify: bool = False
    per_token: bool = False
    score: Callable[[str, Any], float] | None = None

    def __post_init__(self) -> None:
        if not 0.0 < self.held_out <= 0.4:
            raise ValueError(f"held_out must be above 0 and at most 0.4, got {self.held_out}")
        check_template(self.template)
        check_stress(self.stress, tokenised=bool(self.tokenizer))
        plain = Writing.__dataclass_fields__
        for option in ("chat", "template", "max_tokens", "classify", "per_token", "score"):
            if not self.tokenizer and getattr(self, option) != plain[option].default:
                raise ValueError(
                    f"{option} is for pretrained models; name their tokenizer, or leave it out"
                )
        if self.max_tokens is not None and self.max_tokens < 2:
            raise ValueError(f"max_tokens must be at least 2, got {self.max_tokens}")


def corpus_suite(name: str, tasks: dict[str, Written], writing: Writing) -> TaskSuite:
    """The suite of these tasks.

    Raises:
        ValueError: if the tasks do not go together, or one can't be divided or encoded.
    """
    _check_prerequisites(tasks)
    classify = _classifies(tasks, writing)
    _check_score(tasks, writing)
    splits = divide(
        {name: task.lines for name, task in tasks.items()},
        {name: task.place for name, task in tasks.items()},
        writing.held_out,
        writing.stress,
        writing.template,
    )
    if writing.tokenizer and not classify:
        questions = [
            TextTask(task, _graded(splits[task], writing.score), **tasks[task].description)
            for task in tasks
        ]
        return token_suite(
            name,
            questions,
            writing.tokenizer,
            chat=writing.chat,
            template=writing.template,
            max_tokens=writing.max_tokens,
            per_token=writing.per_token,
        )
    pairs = [
        TextTask(task, _pairs(splits[task], writing.template), **tasks[task].description)
        for task in tasks
    ]
    if classify:
        return class_suite(name, pairs, writing.tokenizer, writing.max_tokens)
    return text_suite(name, pairs)


def _classifies(tasks: dict[str, Written], writing: Writing) -> bool:
    """Whether the examples are to be classified: all or none."""
    labelled = [name for name, task in tasks.items() if "'label'" in task.forms]
    if not labelled and not writing.classify:
        return False
    if not writing.classify and len(labelled) < len(tasks):
        other = next(name for name in tasks if name not in labelled)
        raise ValueError(
            f"{tasks[other].place}: task {other!r} has answers, but task {labelled[0]!r} has "
            f"labels ({tasks[labelled[0]].place}); a suite has one or the other"
        )
    for name, task in tasks.items():
        for line in task.lines:
            if isinstance(line.prompt, Chat) or line.question.choices:
                raise ValueError(
                    f"{line.place}: {shown(str(line.prompt))} of task {name!r} is to be "
                    "classified, so it must be a 'prompt' with a 'label', without 'choices'"
                )
    for option in ("chat", "per_token", "score"):
        if getattr(writing, option):
            raise ValueError(f"{option} is for answers, and these texts are to be classified")
    return True


def _check_score(tasks: dict[str, Written], writing: Writing) -> None:
    """A score stands in for exact match, which some task must have."""
    if writing.score and all("'choices'" in task.forms for task in tasks.values()):
        raise ValueError(
            "score judges what the student writes, and every task here has 'choices', which are "
            "judged by their losses; leave score or the choices out"
        )


def _graded(splits: Splits, score: Callable[[str, Any], float] | None) -> Splits:
    return {
        split: [
            question if question.choices else replace(question, score=score)
            for question in questions
        ]
        for split, questions in splits.items()
    }


def _pairs(splits: Splits, template: str) -> dict[str, list[Pair]]:
    def pair(question: Question) -> Pair:
        return str(worded(question.prompt, question.template or template)), question.answer

    return {split: [pair(question) for question in splits[split]] for split in splits}


def _check_prerequisites(tasks: dict[str, Written]) -> None:
    graph = {name: task.description.get("prerequisites", ()) for name, task in tasks.items()}
    for name, before in graph.items():
        for other in before:
            if other not in tasks:
                raise ValueError(
                    f"{tasks[name].places['prerequisites']}: task {name!r} has the unknown "
                    f"prerequisite {other!r}; the tasks are {', '.join(tasks)}"
                )
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle = error.args[1]
        raise ValueError(
            f"{tasks[circle[0]].places['prerequisites']}: these prerequisites form a circle: "
            f"{' needs '.join(reversed(circle))}"
        ) from None
