"""`lessonplan pretrain`: one student on a fixed mixture, whose weights are the base of lifetimes.

A lifetime that starts from them is fine-tuning: what a teacher decides is then what comes after
the broad training that everybody does.

Legend: k tasks.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lessonplan.student import PRETRAINED, Evaluation, StackedCohort, TaskSuite

from .assembly.build import build_room, build_suite
from .common.watch import Tell, nowhere
from .config.config import Course
from .store.base_weights import write_base

PRETRAIN_SEEDS = 3_000_000
"""First student seed of pretraining; no lifetime has one from here on, so none sees its stream."""

_PORTION = 50
"""Student steps between two signs of progress."""


def pretrain_base(
    course: Course,
    steps: int,
    seed: int,
    mixture: Mapping[str, float] | None,
    out: Path,
    tell: Tell = nowhere,
) -> dict[str, Any]:
    """Train one student on a mixture and write its weights to the folder `out`.

    Args:
        course: suite and student; its lifetime is not used.
        steps: student steps.
        seed: of the initial weights and of the data.
        mixture: weight of each task, by name, tasks without one are left out; by the sizes of
            their training data for None.
        out: folder for `weights.safetensors` and `base.json`.
        tell: told now and then how far it is.

    Returns:
        What `base.json` says: the course's suite and student, the mixture, steps, seed, and each
        task's score and loss on `test` before and after.

    Raises:
        ValueError: if the mixture names no task of the suite, the suite's students have no
            weights, or the student diverges.
    """
    if steps < 1 or seed < 0:
        raise ValueError(f"steps must be at least 1 and seed at least 0, got {steps} and {seed}")
    course = _without_adapters(course)
    suite = build_suite(course)
    shares = shares_by_name(suite, mixture)
    cohort = build_room(course, suite, 1).cohort
    if not isinstance(cohort, StackedCohort):
        raise ValueError(
            f"only a model of ours or a torch module can be pretrained; the students of suite "
            f"{suite.name!r} in this course are a {type(cohort).__name__}"
        )
    cohort.reset(np.array([0]), np.array([PRETRAIN_SEEDS + seed]))
    before = cohort.evaluate("test")
    for begin in range(0, steps, _PORTION):
        portion = min(_PORTION, steps - begin)
        cohort.train(shares[None], portion)
        tell((begin + portion) / steps, f"{begin + portion:,} of {steps:,} steps")
        if cohort.diverged[0]:
            raise ValueError(
                f"the student diverged within {begin + portion} steps; lower student.learning_rate"
            )
    record = {
        "suite": course.suite.model_dump(mode="json"),
        "student": course.student.model_dump(mode="json"),
        "mixture": dict(zip(suite.names, shares.tolist(), strict=True)),
        "steps": steps,
        "seed": seed,
        "tasks": _by_task(suite, before, cohort.evaluate("test")),
        "torch": torch.__version__,
    }
    write_base(out, cohort.student(0).state_dict(), record)
    return record


def _without_adapters(course: Course) -> Course:
    """All weights are pretrained, also where lifetimes are to train adapters."""
    if course.student.model in PRETRAINED:
        raise ValueError(
            f"a model {course.student.model!r} is pretrained already; `lessonplan pretrain` is for "
            "models of ours and torch modules"
        )
    student = course.student.model_copy(update={"lora": None})
    return course.model_copy(update={"student": student})


def shares_by_name(suite: TaskSuite, mixture: Mapping[str, float] | None) -> np.ndarray:
    """Share of every task in the training examples, (k,), sums to 1.

    Raises:
        ValueError: for an unknown task, a weight that is no weight, or none above 0.
    """
    if mixture is None:
        sizes = suite.sizes("train")
        return np.asarray(sizes / sizes.sum())
    unknown = [name for name in mixture if name not in suite.names]
    if unknown:
        raise ValueError(
            f"the mixture names {unknown[0]!r}, which is no task of suite {suite.name!r}; its "
            f"tasks are {', '.join(suite.names)}"
        )
    entries = [mixture.get(name, 0.0) for name in suite.names]
    numbers = all(isinstance(weight, int | float) for weight in entries)
    weights = np.array(entries if numbers else [np.nan], dtype=np.float64)
    if not (np.isfinite(weights).all() and (weights >= 0.0).all() and weights.sum() > 0.0):
        raise ValueError(
            f"the weights of a mixture must be finite and at least 0, one of them above 0, got "
            f"{dict(mixture)}"
        )
    return np.asarray(weights / weights.sum())


def _by_task(
    suite: TaskSuite, before: Evaluation, after: Evaluation
) -> dict[str, dict[str, float]]:
    columns = {
        "score_before": before.score,
        "score_after": after.score,
        "loss_before": before.loss,
        "loss_after": after.loss,
    }
    return {
        name: {title: float(values[0, i]) for title, values in columns.items()}
        for i, name in enumerate(suite.names)
    }
