"""What a reader wants to know of a suite: how long its rows are, and how each task is scored.

Legend: m examples.
"""

import numpy as np

from lessonplan.student import NO_TOKEN, Examples, Task, TaskSuite, Verify

_BATCHES = 1000
"""Batches that are drawn to see how much of them is padding."""


def row_unit(suite: TaskSuite) -> str:
    """What the length of a row is counted in; empty for suites that are not of text."""
    if suite.vocabulary:
        return "characters"
    return "tokens" if suite.tokenizer else ""


def row_lengths(suite: TaskSuite, examples: Examples) -> np.ndarray:
    """Characters or tokens of every example, without padding, (m,) int64; 0 where it has none.

    Prompt, answer and what marks the answer's beginning and end count, as in `Task.cost`.
    """
    if not row_unit(suite):
        return np.zeros(len(examples), dtype=np.int64)
    padding = 0 if suite.vocabulary else NO_TOKEN
    # The end of an answer is predicted, never read.
    end = 0 if suite.classes else 1
    return np.concatenate(
        [(inputs != padding).sum(dim=1).numpy() + end for inputs, _ in examples.blocks()]
    )


def padded_share(suite: TaskSuite, batch_size: int, generator: np.random.Generator) -> float:
    """Share of the positions of training batches that hold nothing.

    Batches are drawn from all tasks by data size. Those of tokens are as long as their own longest
    row, those of characters as the suite's.

    Args:
        suite: of text.
        batch_size: examples of a batch.
        generator: draws them.
    """
    lengths = np.concatenate([row_lengths(suite, task.splits["train"]) for task in suite.tasks])
    batches = generator.choice(lengths, size=(_BATCHES, batch_size))
    # One more for the end, which is no input.
    widths = suite.input_shape[0] + 1 if suite.vocabulary else batches.max(axis=1)
    return float(1.0 - batches.mean() / np.mean(widths))


def score_kind(suite: TaskSuite, task: Task) -> str:
    """How a task is scored, in a word: `exact` match, `class`, a score by name, or its grader."""
    if isinstance(task.grader, Verify):
        score = task.grader.scores["test"][0]
        return str(getattr(score, "name", "") or getattr(score, "__name__", "own"))
    if task.grader is not None:
        return type(task.grader).__name__.lower()
    return "class" if suite.classes else "exact"
