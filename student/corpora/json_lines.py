"""Suites from your own text: a .jsonl file, or a folder of them.

Each line is one example, an object with `prompt` and `answer`, or with `messages` or `prompt` and
`label` for pretrained models; `records` lists every key. A line that names no task belongs to the
one that is called like its file, without .jsonl.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..contract.tasks import TaskSuite
from ..text.wording import PROMPT
from .reading.places import Place
from .records import Written, take
from .suite import Writing, corpus_suite


def jsonl(
    path: str | Path,
    held_out: float = 0.1,
    tokenizer: str = "",
    chat: bool = False,
    template: str = PROMPT,
    max_tokens: int | None = None,
    stress: str = "noise",
    classify: bool = False,
    per_token: bool = False,
    score: Callable[[str, Any], float] | None = None,
) -> TaskSuite:
    """The suite that a .jsonl file or a folder of .jsonl files describes.

    Tasks come in the order of their first lines, files by name; sizes stay as unequal as they
    are. Lines without a split are divided by a hash of the prompt: `held_out` of a task's
    different prompts go to `probe` and as many to `test`, unless lines with that split are given.
    One prompt is in one split only, over all tasks; a prompt that is given in two is an error. An
    example that stands twice counts once. A task without `stress` lines gets its `test` examples
    with a typo in each, or in another template.

    Texts are characters to small models that are trained from nothing, tokens where a `tokenizer`
    is named. Then prompt and answer are tokenised apart, the answer ends with the tokenizer's end
    token (in a chat with the one that ends a turn), and nothing is added between them.

    Args:
        path: the file or folder.
        held_out: share of a task's prompts in `probe`, and in `test`.
        tokenizer: that of the pretrained model: a name (`smollm2`, `minilm`), a folder or a hub id.
        chat: plain prompts are messages of a user to the assistant, in the tokenizer's chat
            template.
        template: what is written around every prompt, `{prompt}` in it.
        max_tokens: most tokens of a prompt and its answer; a longer one is an error, or left out
            of `stress`. Texts to be classified are cut there.
        stress: how `stress` is derived: `noise` or `template`.
        classify: take answers for labels.
        per_token: compare `choices` by mean loss per token, not by the sum.
        score: judges what the student writes instead of exact match, in tasks without `choices`,
            (text, line) to [0, 1].

    Raises:
        ValueError: for anything that cannot be read as described, with file and line.
    """
    writing = Writing(
        held_out, tokenizer, chat, template, max_tokens, stress, classify, per_token, score
    )
    path = Path(path)
    return corpus_suite(
        path.resolve().name.removesuffix(".jsonl"), _read(path, bool(tokenizer), chat), writing
    )


def _read(path: Path, tokenised: bool, chat: bool) -> dict[str, Written]:
    if not path.exists():
        raise ValueError(f"{path} does not exist; give a .jsonl file or a folder of .jsonl files")
    files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    if not files:
        raise ValueError(f"the folder {path} has no .jsonl files")
    tasks: dict[str, Written] = {}
    for file in files:
        for place, record in _records(file):
            take(tasks, record, place, file.stem, tokenised, chat)
    if not tasks:
        raise ValueError(f"{path} has no examples; every line must be one")
    return tasks


def _records(file: Path) -> Iterator[tuple[Place, Any]]:
    """Every line that is not blank, with where it stands."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{file} is not UTF-8 text: {error.reason}") from None
    # Not splitlines(): it also breaks at separators that may stand inside of a JSON string.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        place = Place(file, number)
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            at = f"column {error.colno}"
            raise ValueError(f"{place}, {at}: not valid JSON: {error.msg}") from None
        yield place, record
