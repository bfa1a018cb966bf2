"""The page of a dry run: what there is to learn, how it is read and scored, and what it costs."""

from collections.abc import Iterator, Sequence

import numpy as np

from lessonplan.student import SPLITS, TaskSuite

from ..assembly.suite_facts import padded_share, row_lengths, row_unit, score_kind
from ..common.watch import Progress, nowhere
from ..config.config import Config
from ..trial.checking import check
from .costs import cost
from .decoding import more_tasks, printable, samples, shortened_lines

_THRESHOLD = 0.9
"""Of tasks that say nothing else."""
_MANY, _FIRST = 60, 40
"""Tasks from above which on only so many are in the table."""


def preview(config: Config, seconds: float = 16.0, progress: Progress = nowhere) -> str:
    """The page, in plain text; arguments and errors are those of `preview_parts`."""
    return "\n\n".join(preview_parts(config, seconds, progress))


def preview_parts(
    config: Config, seconds: float = 16.0, progress: Progress = nowhere
) -> Iterator[str]:
    """The page in two parts: what is read, and what it costs, which is measured only then.

    Args:
        config: the experiment.
        seconds: about what measuring its time may take.
        progress: told how far the loading of its suite is.

    Raises:
        ValueError: if the config names what can't be built.
    """
    suite = check(config, progress)
    parts = [
        ("", [f"{config.name}: suite {printable(suite.name)} with {len(suite)} tasks"]),
        ("Tasks", task_table(suite)),
        ("First training example of each task, as a student reads it (| read, > wanted)",
         samples(suite)),
        ("Reading", [f"  {printable(note)}" for note in suite.notes]),
        ("Padding", padding(suite, config.student.batch_size)),
    ]  # fmt: skip
    blocks = ["\n".join([title, *lines] if title else lines) for title, lines in parts if lines]
    yield "\n\n".join(blocks)
    yield "\n".join(["Cost", *(f"  {line}" for line in cost(config, suite, seconds))])


def task_table(suite: TaskSuite) -> list[str]:
    """Lines with a row for each task, of the first ones where there are very many."""
    rows = task_rows(suite)
    if len(suite) <= _MANY:
        return _aligned(rows)
    return _aligned(rows[: 1 + _FIRST]) + more_tasks(len(suite) - _FIRST)


def task_rows(suite: TaskSuite) -> list[tuple[str, ...]]:
    """A row for each task under a row of headings."""
    unit, thresholds = row_unit(suite), suite.values("threshold")
    rows: list[tuple[str, ...]] = [("task", *SPLITS, "score", "chance")]
    for task in suite.tasks:
        sizes = tuple(f"{len(task.splits[split]):,}" for split in SPLITS)
        (name,) = shortened_lines(task.name.replace("\n", " "), 1)
        rows.append((name, *sizes, score_kind(suite, task), f"{task.chance:.2f}"))
    if (thresholds != _THRESHOLD).any():
        column = ["threshold", *(f"{threshold:g}" for threshold in thresholds)]
        rows = [(*row, cell) for row, cell in zip(rows, column, strict=True)]
    if unit:
        lengths = [row_lengths(suite, task.splits["train"]) for task in suite.tasks]
        columns = [f"mean {unit}", *(f"{one.mean():.0f}" for one in lengths)]
        longest = ["longest", *(f"{one.max():,}" for one in lengths)]
        rows = [(*row, *cells) for row, *cells in zip(rows, columns, longest, strict=True)]
    return rows


def padding(suite: TaskSuite, batch_size: int) -> list[str]:
    """How much of the training batches is padding, in a sentence; none where no text is read."""
    unit = row_unit(suite)
    if not unit:
        return []
    lengths = [row_lengths(suite, task.splits["train"]) for task in suite.tasks]
    longest = int(np.argmax([one.max() for one in lengths]))
    share = padded_share(suite, batch_size, np.random.default_rng(0))
    marks = "" if suite.classes else ", with the marks around an answer"
    return [
        f"  {share:.0%} of batches of {batch_size} is padding; the longest training example has "
        f"{lengths[longest].max():,} {unit} (task {printable(suite.names[longest])}), the mean is "
        f"{np.concatenate(lengths).mean():.0f}{marks}."
    ]


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table, the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  "
        + "  ".join(
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
