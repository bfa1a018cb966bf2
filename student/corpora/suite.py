"""From examples as people write them to a suite: divided, stressed and encoded.

Without a tokenizer a suite is of characters, for small models that read them; with one it is of the
tokens of a pretrained causal language model, or of texts to be classified.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from typing import Any

from ..contract.tasks import SPLITS, TaskSuite
from ..networks.tokenizers import text_limit
from ..text.characters import Pair, Progress, TextTask, text_suite
from ..text.class_suites import class_suite
from ..text.scores import SCORES
from ..text.token_suites import token_suite
from ..text.tokens import opened
from ..text.wording import PROMPT, Chat, Question, Wording, asked, check_template, shown, worded
from .lengths import (
    Ruler,
    character_ruler,
    check_too_long,
    fitted,
    spread,
    token_ruler,
)
from .reading.notices import DOUBTED, SIZES, Notices
from .reading.places import listed, shortened
from .records import Written
from .small_tasks import check_few_prompts, divided
from .splitting import Line, Splits, divide

MOST_LEFT_OUT = 0.1
"""Share of the rows above which it is an error that they can't be used."""

MUCH_PADDING = 0.5
"""Share of padding from which the way out is said."""

_MARKS = 2
"""Characters that mark where an answer begins and where it ends."""

Score = str | Callable[[str, Any], float]


@dataclass(frozen=True)
class Division:
    """How examples come to their splits, and which stay; see `jsonl` for each."""

    held_out: float = 0.1
    stress: str = "noise"
    too_long: str = "drop"
    few_prompts: str = "drop"

    def __post_init__(self) -> None:
        number = isinstance(self.held_out, int | float)
        if not number or not 0.0 < self.held_out <= 0.4:
            came = shortened(repr(self.held_out))
            raise ValueError(f"held_out must be above 0 and at most 0.4, got {came}")
        check_too_long(self.too_long)
        check_few_prompts(self.few_prompts)


@dataclass(frozen=True)
class Writing:
    """How texts become examples; see `jsonl` for each."""

    tokenizer: Any = ""
    """Where it is, or what `opened` makes of that."""
    chat: bool = False
    template: str = PROMPT
    max_tokens: int | None = None
    classify: bool | None = None
    per_token: bool = False
    score: Score | None = None
    scores: Mapping[str, Score] = field(default_factory=dict)
    """Of single tasks, by name."""

    def __post_init__(self) -> None:
        check_template(self.template)
        for option in ("chat", "classify"):
            if not self.tokenizer and getattr(self, option):
                raise ValueError(
                    f"{option} is for pretrained models; name their tokenizer, or leave it out"
                )
        for score in (self.score, *self.scores.values()):
            if score is None or callable(score) or (isinstance(score, str) and score in SCORES):
                continue
            raise ValueError(
                f"score must be one of {', '.join(SCORES)}, or a function, got "
                f"{shortened(repr(score))}"
            )
        whole = isinstance(self.max_tokens, int) and not isinstance(self.max_tokens, bool)
        if self.max_tokens is not None and not (whole and self.max_tokens >= 2):
            came = shortened(repr(self.max_tokens))
            raise ValueError(f"max_tokens must be a whole number of at least 2, got {came}")


def corpus_suite(
    name: str,
    tasks: dict[str, Written],
    division: Division,
    writing: Writing,
    notices: Notices,
    progress: Progress | None = None,
) -> TaskSuite:
    """The suite of these tasks, with notes of what there was to say; `progress` is told of tokens.

    Raises:
        ValueError: if the tasks do not go together, one can't be divided or encoded, or too much
            is left out.
    """
    names, rows = list(tasks), notices.left_out + sum(len(task.lines) for task in tasks.values())
    classify = _classifies(tasks, writing)
    if writing.tokenizer:
        writing = _with_one_wording(
            tasks, replace(writing, tokenizer=opened(writing.tokenizer)), notices
        )
    if ruler := None if classify else _ruler(tasks, writing):
        for task in tasks.values():
            task.lines = fitted(task.lines, ruler, division.too_long, notices)
        # What is derived from an example, as for `stress`, must not be longer either.
        writing = replace(writing, max_tokens=ruler.most)
    _check_left_out(notices, rows)
    splits = divided(
        tasks,
        lambda: _divide(tasks, division, writing.template, notices),
        division.few_prompts,
        notices,
    )
    _settle_prerequisites(tasks, names, notices)
    _tell_constant(splits, notices)
    _check_scores(tasks, writing)
    _check_left_out(notices, rows)
    _tell_lengths(tasks, writing, notices)
    suite = _encoded(name, tasks, splits, writing, classify, progress)
    return replace(suite, notes=(*notices.lines(), *suite.notes))


def _divide(
    tasks: Mapping[str, Written], division: Division, template: str, notices: Notices
) -> dict[str, Splits]:
    return divide(
        {name: task.lines for name, task in tasks.items()},
        {name: task.place for name, task in tasks.items()},
        division.held_out,
        division.stress,
        template,
        notices,
    )


def _encoded(
    name: str,
    tasks: Mapping[str, Written],
    splits: Mapping[str, Splits],
    writing: Writing,
    classify: bool,
    progress: Progress | None,
) -> TaskSuite:
    if classify:
        pairs = [
            TextTask(task, _pairs(splits[task], writing.template), **tasks[task].settled())
            for task in tasks
        ]
        return class_suite(name, pairs, writing.tokenizer, writing.max_tokens)
    questions = [
        TextTask(task, _judged(splits[task], task, writing), **tasks[task].settled())
        for task in tasks
    ]
    if writing.tokenizer:
        return token_suite(
            name,
            questions,
            writing.tokenizer,
            chat=writing.chat,
            template=writing.template,
            max_tokens=writing.max_tokens,
            per_token=writing.per_token,
            majority=True,
            progress=progress,
        )
    return text_suite(
        name, questions, majority=True, per_token=writing.per_token, progress=progress
    )


def _classifies(tasks: Mapping[str, Written], writing: Writing) -> bool:
    """Whether the examples are to be classified: all or none."""
    labelled = [name for name, task in tasks.items() if "'label'" in task.forms]
    if not labelled or not writing.tokenizer:
        return False
    if len(labelled) < len(tasks):
        other = next(name for name in tasks if name not in labelled)
        raise ValueError(
            f"{tasks[other].place}: task {other!r} has answers, but task {labelled[0]!r} has "
            f"labels ({tasks[labelled[0]].place}); classify=False takes labels for answers, "
            "classify=True answers for labels"
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


def _with_one_wording(tasks: Mapping[str, Written], writing: Writing, notices: Notices) -> Writing:
    """Where some tasks are chats and some plain prompts, all become chats."""
    lines = [line for task in tasks.values() for line in task.lines]
    kinds = {isinstance(line.prompt, Chat) for line in lines}
    _, tokenizer = opened(writing.tokenizer)
    if len(kinds) < 2 or writing.chat or not tokenizer.chat_template:
        return writing
    for task in tasks.values():
        task.lines = [_plain_if_alone(line) for line in task.lines]
    notices.say("some examples are chats and some plain prompts: all are put into chats")
    return replace(writing, chat=True)


def _plain_if_alone(line: Line) -> Line:
    """One message of a user is what a plain prompt becomes in a chat: the same prompt."""
    prompt = line.prompt
    if isinstance(prompt, Chat) and [role for role, _ in prompt.messages] == ["user"]:
        return replace(line, question=replace(line.question, prompt=asked(prompt)))
    return line


def _ruler(tasks: Mapping[str, Written], writing: Writing) -> Ruler | None:
    if not writing.tokenizer:
        most = writing.max_tokens
        return None if most is None else character_ruler(most, writing.template)
    source, tokenizer = opened(writing.tokenizer)
    chats = any(isinstance(line.prompt, Chat) for task in tasks.values() for line in task.lines)
    wording = Wording(tokenizer, writing.chat or chats, writing.template)
    most = writing.max_tokens or text_limit(source, tokenizer)
    return None if most is None else token_ruler(most, wording)


def _score(task: str, writing: Writing) -> Callable[..., float] | None:
    score = writing.scores.get(task, writing.score)
    return SCORES[score] if isinstance(score, str) else score


def _check_scores(tasks: Mapping[str, Written], writing: Writing) -> None:
    """A score stands in for exact match, which some task must have."""
    if writing.score and all("'choices'" in task.forms for task in tasks.values()):
        raise ValueError(
            "score judges what the student writes, and every task here has 'choices', which are "
            "judged by their losses; leave score or the choices out"
        )


def _check_left_out(notices: Notices, rows: int) -> None:
    if notices.left_out > MOST_LEFT_OUT * rows:
        raise ValueError(
            f"{notices.left_out:,} of {rows:,} rows can't be used, more than {MOST_LEFT_OUT:.0%}: "
            f"{notices.leading('rows left out')}; mend them, or leave such files out"
        )


def _tell_constant(splits: Mapping[str, Splits], notices: Notices) -> None:
    """Say which tasks have one answer to everything, as where a label names the task, too."""
    constant = [
        name
        for name, task in splits.items()
        if len({one.answer for split in SPLITS[:3] for one in task[split]}) == 1
    ]
    if constant:
        notices.say(
            f"tasks in which every answer is the same, so that there is nothing to learn but that: "
            f"{listed(constant, 5, 72)}",
            DOUBTED,
        )


def _tell_lengths(tasks: Mapping[str, Written], writing: Writing, notices: Notices) -> None:
    lines = spread([line for task in tasks.values() for line in task.lines])
    place = lines.longest.place.brief
    begin = f"examples have {lines.mean:,.0f} characters on average; "
    if writing.tokenizer:
        notices.say(
            f"{begin}the longest has {lines.most:,} ({place}); only its own batches are as long",
            SIZES,
        )
        return
    # Prompts end, and answers begin, at the same place in every row.
    room = lines.longest_prompt + lines.longest_answer + _MARKS
    padding = 1.0 - (lines.mean + _MARKS) / room
    way = f"; max_tokens={lines.usual} leaves out the longest twentieth" * (padding > MUCH_PADDING)
    notices.say(
        f"{begin}the longest has {lines.most:,} ({place}); each takes the place of the longest "
        f"prompt, the longest answer and {_MARKS} marks, {room:,}: {padding:.0%} is padding{way}",
        SIZES,
    )


def _judged(splits: Splits, task: str, writing: Writing) -> Splits:
    """The questions of a task with their score, and for small models in their template."""
    score = _score(task, writing)
    template = "" if writing.tokenizer or writing.template == PROMPT else writing.template

    def judged(question: Question) -> Question:
        return replace(
            question,
            score=None if question.choices else score,
            template=question.template or template,
        )

    if score is None and not template:
        return splits
    return {split: [judged(question) for question in splits[split]] for split in splits}


def _pairs(splits: Splits, template: str) -> dict[str, list[Pair]]:
    def pair(question: Question) -> Pair:
        return str(worded(question.prompt, question.template or template)), question.answer

    return {split: [pair(question) for question in splits[split]] for split in splits}


def _settle_prerequisites(
    tasks: Mapping[str, Written], names: Sequence[str], notices: Notices
) -> None:
    """Check the graph of prerequisites, from which tasks that were left out are taken.

    Args:
        tasks: those that are left.
        names: of all that were read.
        notices: told what was taken from the graph.
    """
    graph: dict[str, tuple[str, ...]] = {}
    left_out = set(names) - set(tasks)
    for name, task in tasks.items():
        before = task.description.get("prerequisites", ())
        graph[name] = tuple(other for other in before if other not in left_out)
        if len(graph[name]) < len(before):
            task.description["prerequisites"] = graph[name]
            notices.say(f"task {name!r} goes without prerequisites that were left out")
        for other in graph[name]:
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
