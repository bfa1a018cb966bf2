"""Suites from people's own files: whatever they have, read as it is.

`reading` says which files and folders are read, what names of files mean, and which columns are
read as what; `records` lists the keys of our own, which always win.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..contract.tasks import TaskSuite
from ..text.characters import Progress
from ..text.scores import SCORES, Named
from ..text.stress import check_stress
from ..text.wording import PROMPT
from .reading.columns import Columns, NoColumnsError
from .reading.files import Source, rows, sources
from .reading.notices import DOUBTED, LOST, Notices
from .reading.places import BadRowError, Place, shortened
from .records import Reading, UnansweredError, Written, take
from .suite import MOST_LEFT_OUT, Division, Score, Writing, corpus_suite
from .task_table import TaskTable

ON_BAD = ("error", "skip")
PROGRESS_ROWS = 20_000
"""Rows between two reports of progress."""


def jsonl(
    path: str | Path,
    held_out: float = 0.1,
    tokenizer: str = "",
    chat: bool = False,
    template: str = PROMPT,
    max_tokens: int | None = None,
    stress: str = "noise",
    classify: bool | None = None,
    per_token: bool = False,
    score: Score | None = None,
    *,
    columns: Mapping[str, str] | None = None,
    task_column: str = "",
    turns: str = "last",
    tasks: Mapping[str, Mapping[str, Any]] | None = None,
    on_bad: str = "error",
    too_long: str = "drop",
    few_prompts: str = "drop",
    progress: Progress | None = None,
) -> TaskSuite:
    """The suite that a file or a folder describes: .jsonl, .json, .csv, .tsv, .parquet, .arrow.

    Each may be .gz; a folder may hold others, and may be one that `save_to_disk` wrote. Names of
    files and folders that are names of splits say which split their rows are in; what is left of
    the name is the task of rows that name none. Tasks come in the order of their first rows, files
    by name; sizes stay as unequal as they are.

    Rows without a split are divided by a hash of the prompt: `held_out` of a task's different
    prompts go to `probe` and as many to `test`, unless rows with that split are given. One prompt
    is in one split only, over all tasks, whatever its case, white space and Unicode form; where
    files have it in two, it stays in the stronger one (test before probe before train). An example
    that stands twice counts once. A task without `stress` rows gets its `test` examples with a typo
    in each, or in another template.

    Texts are characters to small models that are trained from nothing, tokens where a `tokenizer`
    is named. Then prompt and answer are tokenised apart, the answer ends with the tokenizer's end
    token (in a chat with the one that ends a turn), and nothing is added between them.

    What was read as what, left out or cut is in the suite's `notes`.

    Args:
        path: the file or folder.
        held_out: share of a task's prompts in `probe`, and in `test`.
        tokenizer: that of the pretrained model: a name (`smollm2`, `minilm`), a folder or a hub id.
        chat: plain prompts are messages of a user to the assistant, in the tokenizer's chat
            template; so they are by themselves where other tasks are chats.
        template: what is written around every prompt, `{prompt}` in it.
        max_tokens: most tokens of a prompt and its answer (characters without a tokenizer); by
            default what the model can read. Texts to be classified are cut there.
        stress: how `stress` is derived: `noise` or `template`.
        classify: True takes answers for labels, False labels for answers; by default each is what
            it is called.
        per_token: compare `choices` by mean loss per token, not by the sum.
        score: judges what the student writes instead of exact match, in tasks without `choices`:
            `exact`, `final_number`, `contains`, `choice`, `f1`, or (text, row) to [0, 1].
        columns: our key -> column of the file, such as `{"prompt": "question"}`, where a column is
            not called as usual.
        task_column: column that names the task.
        turns: which turns of the assistant in a chat are examples, `last` or `all`.
        tasks: by task, what is to be known of it: `threshold`, `importance`, `category`, `skills`,
            `difficulty`, `prerequisites`, `score`.
        on_bad: what becomes of a row that can't be used: `error` or `skip`.
        too_long: what becomes of an example with more than `max_tokens`: `error`, `drop`, or `cut`,
            which shortens prompts at their beginning.
        few_prompts: what becomes of a task with too few prompts to be divided: `error`, `drop`, or
            `join`, which makes one task of them.
        progress: told how far reading is.

    Raises:
        ValueError: for what cannot be read as described, with file and line, or if more than a
            tenth of the rows can't be used.
    """
    table, notices, path = TaskTable(tasks or {}), Notices(), Path(path)
    division = Division(held_out, stress, too_long, few_prompts)
    writing = Writing(
        tokenizer, chat, template, max_tokens, classify, per_token, score, table.scores
    )
    check_stress(stress, tokenised=bool(tokenizer))
    if on_bad not in ON_BAD:
        raise ValueError(
            f"on_bad must be one of {', '.join(ON_BAD)}, got {shortened(repr(on_bad))}"
        )
    reading = Reading(bool(tokenizer), chat, classify, *_judges(score, table.scores))
    finder = Columns(notices, columns, task_column, turns)
    reader = _Reader(finder, reading, on_bad == "skip", notices)
    for source in sources(path, notices):
        reader.read(source, progress)
    reader.settle(path)
    table.describe(reader.tasks, notices)
    return corpus_suite(_name(path), reader.tasks, division, writing, notices, progress)


def _judges(
    score: Score | None, scores: Mapping[str, Score]
) -> tuple[bool, Named | None, dict[str, Named | None]]:
    """Whether a function judges, which is given rows, and the scores that have names."""
    own = any(callable(one) for one in (score, *scores.values()))
    named = {
        task: SCORES.get(one) if isinstance(one, str) else None for task, one in scores.items()
    }
    return own, SCORES.get(score) if isinstance(score, str) else None, named


def _name(path: Path) -> str:
    """What a suite from a path is called."""
    path = path.resolve()
    name = path.name.removesuffix(".gz")
    return path.name if path.is_dir() else name.rpartition(".")[0] or name


@dataclass
class _Unanswered:
    """Rows without an answer."""

    first: UnansweredError
    row: Mapping[str, Any]
    count: int = 0


@dataclass
class _Reader:
    """Collects the examples of files by task."""

    columns: Columns
    reading: Reading
    skips: bool
    notices: Notices
    tasks: dict[str, Written] = field(default_factory=dict)
    unanswered: dict[tuple[str, str | None], _Unanswered] = field(default_factory=dict)
    answered: Counter[tuple[str, str | None]] = field(default_factory=Counter)
    useful: set[Path] = field(default_factory=set)
    """Files in which a row has an answer."""
    names_splits: bool = False
    """Whether a row names its split itself."""
    rows: int = 0

    def read(self, source: Source, progress: Progress | None) -> None:
        """Take all rows of a file."""
        for place, row in rows(source, self.notices):
            self.rows += 1
            if progress is not None and self.rows % PROGRESS_ROWS == 0:
                progress(f"reading {source.file.name}", self.rows)
            try:
                if isinstance(row, BadRowError):
                    raise row
                for record in self.columns.records(place, row):
                    self._take(record, place, source, row)
            except BadRowError as error:
                self._refuse(error)

    def settle(self, path: Path) -> None:
        """Leave splits aside in which nothing has an answer; single rows without one are bad."""
        for (task, split), without in self.unanswered.items():
            if split is not None and not self.answered[task, split] and task in self.tasks:
                self.notices.say(
                    f"the split {split!r} of task {task!r} has no answers, so it is not used: "
                    f"{without.count:,} rows (first: {without.first.place.brief})",
                    LOST,
                )
            else:
                self._refuse(self._unanswered(without), without.count)
        if not self.tasks:
            raise ValueError(f"{path} has no examples: {self.rows:,} rows were read")
        self._open(path)

    def _unanswered(self, without: _Unanswered) -> BadRowError:
        place = without.first.place
        if place.file in self.useful:
            return without.first
        return self.columns.unanswered(place, without.row)

    def _open(self, path: Path) -> None:
        """Take the files of one split alone for rows that are to be divided.

        Raises:
            ValueError: if there are two splits, and none is for training.
        """
        counts = Counter(line.split for task in self.tasks.values() for line in task.lines)
        if self.names_splits or not counts.keys() <= {"probe", "test"}:
            return
        if len(counts) > 1:
            rows = " or ".join(f"{split} ({count:,} rows)" for split, count in counts.items())
            raise ValueError(
                f"{shortened(str(path))} has nothing to train on: all is {rows}, and a test set is "
                "not trained on; add a file called train, or give one of those alone, to be divided"
            )
        for task in self.tasks.values():
            task.lines = [replace(line, split=None) for line in task.lines]
        ((split, count),) = counts.items()
        self.notices.count(
            f"rows of the split {split!r} alone, divided as there is nothing else to train on",
            count=count, weight=DOUBTED,
        )  # fmt: skip

    def _take(
        self, record: Mapping[str, Any], place: Place, source: Source, row: Mapping[str, Any]
    ) -> None:
        self.names_splits |= record.get("split") is not None
        record = {"split": source.split} | dict(record)
        key = record.get("task") or source.task, record["split"]
        try:
            take(self.tasks, record, place, source.task, self.reading, row)
        except UnansweredError as error:
            self.unanswered.setdefault(key, _Unanswered(error, row)).count += 1
        else:
            self.answered[key] += 1
            self.useful.add(place.file)

    def _refuse(self, error: BadRowError, count: int = 1) -> None:
        if not self.skips:
            skipping = f"; on_bad=skip leaves out up to {MOST_LEFT_OUT:.0%} of all rows"
            way = "" if isinstance(error, NoColumnsError) else skipping
            raise BadRowError(error.place, f"{error.rule}{error.came}{way}")
        self.notices.leave_out(error.rule, error.place, count)
