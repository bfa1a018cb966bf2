"""Which students a config asks for: networks in a stack, agents, simulated learners, one's own."""

import json
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from torch import nn

from lessonplan.student import (
    COHORTS,
    MODELS,
    PRETRAINED,
    SCHEDULES,
    Adam,
    Cohort,
    LoopCohort,
    LoRA,
    LoRACohort,
    StackedCohort,
    TaskSuite,
    copy_sharing_weights,
    load_adapter,
    load_base,
)
from lessonplan.student.schedules import Schedule

from .base import read_base
from .config import Course, Student
from .named import call, named


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
    kind = named("cohort", suite.cohort, COHORTS)
    if kind is not StackedCohort:
        _refuse_network(student, suite, kind)
        make: Any = partial(kind, suite, n, **sizes)
        cohort: Cohort = call("student", suite.cohort, make, student.options)
        return cohort
    name = student.model or ("decoder" if suite.tokens else "mlp")
    _check_reader(student, suite, name)
    if name in PRETRAINED:
        return _cohort(student, suite, n, partial(_pretrained, name, student, suite), sizes)
    maker = named("model", name, MODELS)
    if hasattr(maker, "evaluate") and not _is_module(maker):
        make = partial(call, "student", name, partial(maker, suite), student.options)
        return LoopCohort(suite, make, n, **sizes)
    shaped = partial(maker, suite.input_shape, suite.n_outputs)
    return _cohort(student, suite, n, partial(call, "model", name, shaped, student.options), sizes)


def _pretrained(name: str, student: Student, suite: TaskSuite) -> nn.Module:
    """A model that shares its weights with all others of this process that were loaded alike.

    Its source is that of the suite's tokenizer, if the config does not say otherwise.
    """
    options = {"source": suite.tokenizer, **student.options}
    if name == "causal":
        options["answer_length"] = suite.tasks[0].splits["train"].targets.shape[1]
    else:
        options["n_outputs"] = suite.n_outputs
    said = json.dumps(options, sort_keys=True)
    return copy_sharing_weights(_loaded(name, said, student.device))


@lru_cache(maxsize=2)
def _loaded(name: str, options: str, device: str) -> nn.Module:
    module: nn.Module = call("model", name, PRETRAINED[name], json.loads(options))
    return module.to(device)


def _check_reader(student: Student, suite: TaskSuite, name: str) -> None:
    """Refuse a model that does not read what the suite is written in, or has no weights to it."""
    wanted = "encoder" if suite.classes else "causal"
    if suite.tokenizer and name != wanted:
        raise ValueError(
            f"suite {suite.name!r} is in the tokens of {suite.tokenizer}, for students of model "
            f"{wanted!r} with student.lora; got model {name!r}"
        )
    if name not in PRETRAINED:
        return
    if student.lora is None:
        raise ValueError(
            f"students of model {name!r} train adapters over one frozen model; add student.lora, "
            "such as {r: 8, lora_alpha: 16}"
        )
    if student.base:
        raise ValueError(
            f"a model {name!r} is its own base; leave out student.base, or name the folder of "
            "another model as student.options.source"
        )


def _cohort(
    student: Student, suite: TaskSuite, n: int, build: Callable[[], nn.Module], sizes: Any
) -> Cohort:
    """Students that train all their weights, or adapters over one module."""
    base = read_base(Path(student.base)) if student.base else None
    optimizer = _optimizer(student)
    if student.lora is None:
        return StackedCohort(
            suite, build, n, optimizer=optimizer, base=base, device=student.device, **sizes
        )

    def shared() -> nn.Module:
        module = build()
        if base is not None:
            load_base(module, base)
        return module

    given = student.lora
    return LoRACohort(
        suite,
        shared,
        n,
        lora=LoRA(
            given.r, given.lora_alpha, _names(given.target_modules), tuple(given.modules_to_save)
        ),
        optimizer=optimizer,
        member_chunk=given.member_chunk or None,
        device=student.device,
        start=load_adapter(given.start) if given.start else None,
        **sizes,
    )


def _names(given: list[str] | str) -> tuple[str, ...] | str:
    return given if isinstance(given, str) else tuple(given)


def _refuse_network(student: Student, suite: TaskSuite, kind: type[Cohort]) -> None:
    for name, given in (
        ("model", student.model), ("base", student.base), ("schedule", student.schedule),
    ):  # fmt: skip
        if given:
            raise ValueError(
                f"students of suite {suite.name!r} are no networks of ours: leave out "
                f"student.{name} (got {given!r}); student.options are the arguments of "
                f"{kind.__name__}"
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
