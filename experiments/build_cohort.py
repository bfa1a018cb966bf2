"""Which students a config asks for: networks in a stack, agents, simulated learners, one's own."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from lessonplan.student import (
    MODELS,
    SCHEDULES,
    Adam,
    Cohort,
    LoopCohort,
    RLCohort,
    SimulatedCohort,
    StackedCohort,
    TaskSuite,
)
from lessonplan.student.schedules import Schedule

from .base import read_base
from .config import Course, Student
from .named import call, named

KINDS: dict[str, Callable[..., Cohort]] = {"simulated": SimulatedCohort, "rl": RLCohort}
"""Cohorts of suites whose students are not networks on examples."""


def build_cohort(course: Course, suite: TaskSuite, n: int) -> Cohort:
    """N students of a course.

    Raises:
        ValueError: if the suite, the model and its options don't go together.
    """
    student = course.student
    sizes: dict[str, Any] = {
        "batch_size": student.batch_size,
        "evaluation_size": student.evaluation_size,
    }
    if suite.cohort in KINDS:
        _refuse_network(student, suite)
        cohort: Cohort = call(
            "student", suite.cohort, partial(KINDS[suite.cohort], suite, n, **sizes),
            student.options,
        )  # fmt: skip
        return cohort
    name = student.model or ("decoder" if suite.tokens else "mlp")
    maker = named("model", name, MODELS)
    if hasattr(maker, "evaluate") and not _is_module(maker):
        make = partial(call, "student", name, partial(maker, suite), student.options)
        return LoopCohort(suite, make, n, **sizes)
    build = partial(maker, suite.input_shape, suite.n_outputs)
    return StackedCohort(
        suite,
        partial(call, "model", name, build, student.options),
        n,
        optimizer=_optimizer(student),
        base=read_base(Path(student.base)) if student.base else None,
        **sizes,
    )


def _refuse_network(student: Student, suite: TaskSuite) -> None:
    for name, given in (
        ("model", student.model), ("base", student.base), ("schedule", student.schedule),
    ):  # fmt: skip
        if given:
            raise ValueError(
                f"students of suite {suite.name!r} are no networks of ours: leave out "
                f"student.{name} (got {given!r}); student.options are the arguments of "
                f"{KINDS[suite.cohort].__name__}"
            )


def _optimizer(student: Student) -> Adam:
    return Adam(
        student.learning_rate,
        weight_decay=student.weight_decay,
        clip_norm=student.clip_norm,
        schedule=_schedule(student.schedule) if student.schedule else None,
    )


def _schedule(values: Mapping[str, Any]) -> Schedule:
    """By its `name`; what comes `then` after a warm-up is a schedule in turn."""
    options = dict(values)
    name = str(options.pop("name", ""))
    if isinstance(options.get("then"), Mapping):
        options["then"] = _schedule(options["then"])
    schedule: Schedule = call("schedule", name, named("schedule", name, SCHEDULES), options)
    return schedule


def _is_module(maker: Any) -> bool:
    return isinstance(maker, type) and issubclass(maker, nn.Module)
