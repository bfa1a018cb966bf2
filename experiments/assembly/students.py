"""Which students a config asks for: its sections as the plain values that `make_cohort` takes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lessonplan.student import (
    COHORTS,
    LEARNING_RATES,
    MODELS,
    PRETRAINED,
    QUERY_AND_VALUE,
    Adam,
    Cohort,
    LoRA,
    StackedCohort,
    TaskSuite,
    default_model,
    load_adapter,
    make_cohort,
)
from lessonplan.student.cohorts.lockstep import RateSchedule

from ..common.names import call, named
from ..config.config import Adapters, Config, Course, LearnedSection, Student
from ..store.base_weights import read_base
from .agents import import_algorithm, see_that_settings_write_nothing


def without_devices_of_others(config: Config) -> Config:
    """The same with students on the processor where this machine lacks the device they ask for.

    For what can be seen of a config here that is run elsewhere. What no machine has stays.
    """

    def here(student: Student) -> Student:
        return student.model_copy(update={"device": "cpu"}) if _is_elsewhere(student) else student

    teachers = [
        teacher.model_copy(
            update={
                "courses": [
                    course.model_copy(update={"student": here(course.student)})
                    for course in teacher.courses
                ]
            }
        )
        if isinstance(teacher, LearnedSection)
        else teacher
        for teacher in config.teachers
    ]
    return config.model_copy(update={"student": here(config.student), "teachers": teachers})


def _is_elsewhere(student: Student) -> bool:
    import torch

    try:
        device = torch.device(student.device)
    except RuntimeError:
        return False
    if device.type not in ("cuda", "mps", "xpu"):
        return False
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError):
        return True
    return False


@dataclass(frozen=True)
class _Worded:
    """Calls what the config names, and says in words which of its arguments do not fit."""

    name: str
    folders: tuple[str, ...]

    def __call__(self, kind: str, maker: Callable[..., Any], options: Mapping[str, Any]) -> Any:
        return call(kind, self.name, maker, options, self.folders)


def cohort_kind(course: Course, suite: TaskSuite) -> type[Cohort]:
    """The class of a course's students: that which the suite asks for, where no other is named."""
    kind: type[Cohort] = named(
        "cohort", course.student.cohort or suite.cohort, COHORTS, course.modules
    )
    return kind


def build_cohort(course: Course, suite: TaskSuite, n: int) -> Cohort:
    """N students of a course.

    Raises:
        ValueError: if the suite, the model and its options don't go together.
    """
    student = course.student
    kind = cohort_kind(course, suite)
    settings: dict[str, Any] = {
        "cohort": kind,
        "options": student.options,
        "batch_size": student.batch_size,
        "evaluation_size": student.evaluation_size,
    }
    if kind is not StackedCohort:
        _refuse_network(student, suite, kind)
        # A cohort of one's own may be made of agents.
        import_algorithm(student.options, course.modules)
        if isinstance(learning := student.options.get("settings"), Mapping):
            see_that_settings_write_nothing(learning)
        name = student.cohort or suite.cohort
        return make_cohort(suite, n, call=_Worded(name, tuple(course.modules)), **settings)
    name = student.model or default_model(suite)
    _check_reader(student, suite, name)
    return make_cohort(
        suite,
        n,
        model=name if name in PRETRAINED else named("model", name, MODELS, course.modules),
        optimizer=_optimizer(course),
        base=read_base(Path(student.base)) if student.base else None,
        device=student.device,
        call=_Worded(name, tuple(course.modules)),
        **settings,
        **(_adapters(student.lora) if student.lora else {}),
    )


def _check_reader(student: Student, suite: TaskSuite, name: str) -> None:
    """Refuse a model that does not read what the suite is written in, or has no weights to it."""
    reader = "encoder" if suite.classes else "causal"
    if suite.tokenizer and name != reader:
        raise ValueError(
            f"suite {suite.name!r} is in the tokens of {suite.tokenizer}, for students of model "
            f"{reader!r} with student.lora; got model {name!r}"
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


def _adapters(section: Adapters) -> dict[str, Any]:
    """What a cohort of adapters takes besides what every network does."""
    names = QUERY_AND_VALUE if section.target_modules is None else section.target_modules
    targets = names if isinstance(names, str) else tuple(names)
    return {
        "lora": LoRA(section.r, section.lora_alpha, targets, tuple(section.modules_to_save)),
        "member_chunk": section.member_chunk or None,
        "start": load_adapter(section.start) if section.start else None,
    }


def _refuse_network(student: Student, suite: TaskSuite, kind: type[Cohort]) -> None:
    for name in ("model", "base", "schedule"):
        if value := getattr(student, name):
            raise ValueError(
                f"students of suite {suite.name!r} are no networks of ours: leave out "
                f"student.{name} (got {value!r}); student.options are the arguments of "
                f"{kind.__name__}"
            )


def _optimizer(course: Course) -> Adam:
    student = course.student
    return Adam(
        student.learning_rate,
        weight_decay=student.weight_decay,
        clip_norm=student.clip_norm,
        schedule=_schedule(student.schedule, course.modules) if student.schedule else None,
    )


def _schedule(values: Mapping[str, Any], folders: Sequence[str]) -> RateSchedule:
    """By its `name`; what comes `then` after a warm-up is a schedule in turn."""
    options = dict(values)
    name = str(options.pop("name", ""))
    if isinstance(options.get("then"), Mapping):
        options["then"] = _schedule(options["then"], folders)
    schedule: RateSchedule = call(
        "schedule", name, named("schedule", name, LEARNING_RATES, folders), options
    )
    return schedule
