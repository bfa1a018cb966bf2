"""Whether students can tell what a teacher is to be shown, and the evaluation of some tasks.

Legend: k tasks, r rows named in a call.
"""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from lessonplan.student import Cohort, Evaluation
from lessonplan.student.contract import takes

from .columns import COLUMNS, Column, parse_column, passes_of
from .probing import Probing


def make_probing(
    cohort: Cohort, observe: Sequence[str], reads: Sequence[str] | None, **settings: Any
) -> Probing:
    """What a teacher of these students looks at.

    Args:
        cohort: the students.
        observe: columns that are shown.
        reads: those that the teacher reads; all by default.
        settings: further arguments of `Probing`.

    Raises:
        ValueError: if the students can't tell that, with the way out.
    """
    reads = observe if reads is None else reads
    facts = [_fact(text) for text in reads]
    used = any(fact is not None and fact.measured for fact in facts)
    sizes = np.minimum(cohort.suite.sizes("probe"), cohort.evaluation_size)
    read = {parse_column(text).fact for text in reads}
    passes = passes_of([text for text in observe if parse_column(text).fact in read])
    probing = Probing(sizes, used=used, forward_passes=passes, **settings)
    _check_feedback(cohort, probing, observe, reads)
    return probing


def _check_feedback(
    cohort: Cohort, probing: Probing, observe: Sequence[str], reads: Sequence[str]
) -> None:
    """Refuse what the students can't tell; say once what is biased in it."""
    name = type(cohort).__name__
    if probing.size and not takes(cohort.evaluate, "size"):
        raise ValueError(
            f"probe_size={probing.size} needs students whose evaluate takes size=, and that of "
            f"{name} does not; leave probe_size out"
        )
    hears = probing.feedback == "training"
    gap = any(parse_column(text).fact == "gap" for text in observe)
    if (hears or gap) and not takes(cohort.train, "by_task"):
        what = "feedback='training'" if hears else "the column gap"
        raise ValueError(
            f"{what} needs students whose train takes by_task=, and that of {name} does not; "
            + ("take feedback full or bandit" if hears else "leave it out")
        )
    graded = [task.name for task in cohort.suite.tasks if task.grader is not None]
    if gap and graded:
        raise ValueError(
            f"task {graded[0]!r} has a grader, which judges no training examples, so the column "
            "gap can't tell how far they are from probe; leave it out"
        )
    if hears:
        _check_told_by_training(cohort, probing, reads, graded)


def _check_told_by_training(
    cohort: Cohort, probing: Probing, reads: Sequence[str], graded: Sequence[str]
) -> None:
    scores = [text for text in reads if (fact := _fact(text)) is not None and fact.of_score]
    if graded and scores:
        raise ValueError(
            f"task {graded[0]!r} has a grader, which judges no training examples, so with "
            f"feedback='training' the column {scores[0]!r} would not be its score; show losses, as "
            "in progress:signal=loss, or take feedback full or bandit"
        )
    epoched = [task.name for task in cohort.suite.tasks if not task.endless]
    if epoched and probing.used and not probing.probes:
        warnings.warn(
            f"the training data of task {epoched[0]!r} are epoched, so what their examples tell is "
            "better than what it will do on new ones: probe_every= lets the teacher know the gap",
            stacklevel=5,
        )


def evaluation_of_tasks(
    cohort: Cohort, rows: np.ndarray, tasks: np.ndarray, size: int | None = None
) -> Evaluation:
    """Evaluation (r, k) on `probe` of the `tasks` (r, k) bool, 0 where a task was not evaluated.

    Args:
        cohort: the students.
        rows: which of them.
        tasks: of each.
        size: only the first so many examples of each task.
    """
    asked: dict[str, Any] = {} if size is None else {"size": size}
    if tasks.all():
        return cohort.evaluate("probe", rows=rows, **asked)
    whole = Evaluation(*np.zeros((3, *tasks.shape)))
    every = np.flatnonzero(tasks.all(axis=1))
    if len(every):
        for name, values in vars(cohort.evaluate("probe", rows=rows[every], **asked)).items():
            getattr(whole, name)[every] = values
    # Each round has the next task of every other row that has one left.
    places, counts = np.argsort(~tasks, axis=1, kind="stable"), tasks.sum(axis=1)
    counts[every] = 0
    for place in range(counts.max(initial=0)):
        going = np.flatnonzero(counts > place)
        task = places[going, place]
        part = cohort.evaluate("probe", task, rows[going], **asked)
        for name, values in vars(part).items():
            getattr(whole, name)[going, task] = values[:, 0]
    return whole


def _fact(text: str) -> Column | None:
    """The column that one is read from; None for `present`."""
    return COLUMNS.get(parse_column(text).fact)
