"""Suites from your own text: a .jsonl file, or a folder of them.

Each line is one example, an object with these keys:

    prompt, answer   text, required
    task             name of the task; the file's name without .jsonl by default
    split            train, probe, test or stress; lines without it are divided here
    difficulty       number
    skills           list of names
    prerequisites    list of task names
    category         text

The last four describe the task and may stand on any of its lines.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from .splitting import Line, Place, divide
from .tasks import SPLITS, TaskSuite
from .text import END, SEPARATOR, TextTask, text_suite

_TEXT, _NAMES, _NUMBER = "text that is not empty", "a list of names", "a finite number"
_KEYS = {
    "prompt": _TEXT,
    "answer": _TEXT,
    "task": _TEXT,
    "split": f"one of {', '.join(SPLITS)}",
    "difficulty": _NUMBER,
    "skills": _NAMES,
    "prerequisites": _NAMES,
    "category": _TEXT,
}
_UNUSABLE = re.compile(f"[{END}{SEPARATOR}\ud800-\udfff]")
_DESCRIPTIONS = ("difficulty", "skills", "prerequisites", "category")


@dataclass
class _Written:
    """What the files say about one task."""

    place: Place
    lines: list[Line] = field(default_factory=list)
    description: dict[str, Any] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    """Where each part of the description stands."""


def jsonl(path: str | Path, held_out: float = 0.1) -> TaskSuite:
    """The suite that a .jsonl file or a folder of .jsonl files describes.

    Tasks come in the order of their first lines, files by name; sizes stay as unequal as they
    are. Lines without a split are divided by a hash of the prompt: `held_out` of a task's
    different prompts go to `probe` and as many to `test`, unless lines with that split are given.
    One prompt is in one split only, over all tasks; a prompt that is given in two is an error. An
    example that stands twice counts once. A task without `stress` lines gets the prompts of its
    `test` examples with a typo in each.

    Raises:
        ValueError: for anything that cannot be read as described, with file and line.
    """
    if not 0.0 < held_out <= 0.4:
        raise ValueError(f"held_out must be above 0 and at most 0.4, got {held_out}")
    path = Path(path)
    tasks = _read(path)
    _check_prerequisites(tasks)
    splits = divide(
        {name: task.lines for name, task in tasks.items()},
        {name: task.place for name, task in tasks.items()},
        held_out,
    )
    return text_suite(
        path.resolve().name.removesuffix(".jsonl"),
        [
            TextTask(name=name, splits=splits[name], **task.description)
            for name, task in tasks.items()
        ],
    )


def _read(path: Path) -> dict[str, _Written]:
    if not path.exists():
        raise ValueError(f"{path} does not exist; give a .jsonl file or a folder of .jsonl files")
    files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    if not files:
        raise ValueError(f"the folder {path} has no .jsonl files")
    tasks: dict[str, _Written] = {}
    for file in files:
        for place, record in _records(file):
            name = record.get("task", file.stem)
            task = tasks.setdefault(name, _Written(place))
            task.lines.append(Line(record["prompt"], record["answer"], record.get("split"), place))
            for key in _DESCRIPTIONS:
                if key in record:
                    _describe(name, task, key, record[key], place)
    if not tasks:
        raise ValueError(f"{path} has no examples; every line must be one")
    return tasks


def _records(file: Path) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Every line that is not blank, checked, with where it stands."""
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
        _check(place, record)
        yield place, record


def _check(place: Place, record: Any) -> None:
    if not isinstance(record, dict):
        raise ValueError(f"{place}: every line must be a JSON object, got {record!r}")
    for key in ("prompt", "answer"):
        if key not in record:
            raise ValueError(f"{place}: the key {key!r} is missing")
    for key, value in record.items():
        if key not in _KEYS:
            raise ValueError(f"{place}: unknown key {key!r}; the keys are {', '.join(_KEYS)}")
        if not _fits(_KEYS[key], value):
            raise ValueError(f"{place}: {key!r} must be {_KEYS[key]}, got {value!r}")
        if isinstance(value, str) and _UNUSABLE.search(value):
            raise ValueError(
                f"{place}: {key!r} holds a control character (code 2 or 3), which marks where "
                f"answers begin and end, or half of a surrogate pair: {value!r}; remove it"
            )


def _fits(wanted: str, value: Any) -> bool:
    if wanted == _NUMBER:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return is_number and abs(value) < 1e300
    if wanted == _NAMES:
        return isinstance(value, list) and all(_fits(_TEXT, item) for item in value)
    if wanted == _TEXT:
        return isinstance(value, str) and bool(value)
    return isinstance(value, str) and value in SPLITS


def _describe(name: str, task: _Written, key: str, value: Any, place: Place) -> None:
    value = tuple(value) if isinstance(value, list) else value
    if task.description.setdefault(key, value) != value:
        raise ValueError(
            f"{place}: {key!r} of task {name!r} is {value!r} here, but "
            f"{task.description[key]!r} at {task.places[key]}"
        )
    task.places.setdefault(key, place)


def _check_prerequisites(tasks: dict[str, _Written]) -> None:
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
