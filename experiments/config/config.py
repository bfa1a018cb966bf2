"""What an experiment is: every field of a config, with one line of help each.

Unknown keys are errors, of which `complaints.py` makes sentences. A field whose default shows
nothing of its form has an example. Configs stop at this room: `assembly/` makes objects of them,
and the other rooms take plain values.
"""

from typing import Any

from pydantic import (
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    model_serializer,
    model_validator,
)

from ..common.folder_names import see_that_files_differ
from ..common.nearest import did_you_mean
from .sections.course import Adapters, Course, Lifetime, Seeds, Student, Suite
from .sections.section import FolderName, Section, check_beginning, is_begun
from .sections.teachers import (
    GuardedSection,
    GuardSection,
    LearnedSection,
    ReplaySection,
    RuleSection,
    Teacher,
)

__all__ = [
    "Adapters", "Config", "Course", "GuardSection", "GuardedSection", "LearnedSection", "Lifetime",
    "ReplaySection", "RuleSection", "Seeds", "Student", "Suite", "Teacher", "Tracking", "Tuning",
]  # fmt: skip

_EARLIER = "tuning_candidates"
"""Key of earlier versions in place of `tuning`."""


class Tuning(Section):
    """How parameters of tuned rules are looked for, on selection students."""

    lifetimes: int = Field(
        5_000, ge=1, le=1_000_000_000, description="what tuning a rule may take, its final aside"
    )
    least: int = Field(
        1_000,
        ge=0,
        le=1_000_000_000,
        description="lifetimes after which it may end early, where the last fifth brought no gain",
    )
    students: int = Field(
        16, ge=1, le=1_000_000, description="selection students that each candidate lives with"
    )
    finalists: int = Field(
        8, ge=1, le=10_000, description="best candidates, which live with all selection students"
    )


class Tracking(Section):
    """What W&B is told of a run that is logged to it, beside its numbers; changes none of them."""

    entity: str = Field(
        "", description="user or team of W&B; by default that of the key", examples=["my-team"]
    )
    group: str = Field(
        "", description="of its W&B runs; by default the name of the config", examples=["nights"]
    )
    name: str = Field("", description="begins the names of its W&B runs", examples=["night"])
    tags: list[str] = Field(
        default_factory=list, description="of its W&B runs", examples=[["first", "small"]]
    )
    notes: str = Field("", description="on its W&B runs", examples=["with half the students"])
    statistics: bool = Field(False, description="send what the machine is busy with")
    code: bool = Field(False, description="send the files of your own modules")


class Config(Course):
    """A whole experiment."""

    name: FolderName = Field(
        "experiment", description="of the run, and of its folder where none is given"
    )
    teachers: list[Teacher] = Field(
        description="who chooses: rules, learned teachers, replays and guarded ones, in the "
        "order of tables",
        examples=[["uniform", {"name": "ppo", "type": "learned"}]],
    )
    seeds: Seeds = Field(
        default_factory=Seeds,
        description="how many students and teachers",
        examples=[{"report": 64}],
    )
    tuning: Tuning = Field(
        default_factory=Tuning,
        description="how parameters of tuned rules are looked for",
        examples=[{"lifetimes": 5000}],
    )
    workers: int = Field(0, ge=0, le=10_000, description="processes; 0 is one per core")
    checkpoint_seconds: float = Field(60.0, gt=0, le=1e6, description="seconds between checkpoints")
    tracking: Tracking = Field(
        default_factory=Tracking,
        description="what W&B is told of a run that is logged to it",
        examples=[{"tags": ["first"]}],
    )

    _earlier_candidates: int | None = PrivateAttr(None)

    @model_validator(mode="wrap")
    @classmethod
    def _take_up_earlier(
        cls, values: Any, handler: ModelWrapValidatorHandler["Config"], info: ValidationInfo
    ) -> "Config":
        """A run that an earlier version began keeps its `tuning_candidates`."""
        count = values.get(_EARLIER) if isinstance(values, dict) else None
        if not (is_begun(info) and type(count) is int):
            return handler(values)
        config = handler({key: value for key, value in values.items() if key != _EARLIER})
        config._earlier_candidates = count
        return config

    @model_serializer(mode="wrap")
    def _as_begun_with(self, values_of: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """With what an earlier version began with."""
        values: dict[str, Any] = values_of(self)
        earlier = self._earlier_candidates
        return values | ({} if earlier is None else {_EARLIER: earlier})

    @property
    def earlier_candidates(self) -> int | None:
        """Settings that were tried per tuned rule in a run of an earlier version; else None."""
        return self._earlier_candidates

    @model_validator(mode="before")
    @classmethod
    def _rules_by_default(cls, values: Any) -> Any:
        """A teacher without `type` is a rule; a bare string is a rule of that name."""
        if isinstance(values, dict) and isinstance(values.get("teachers"), list):
            values = values | {"teachers": [_full_teacher(t) for t in values["teachers"]]}
        return values

    @model_validator(mode="after")
    def _check_teachers(self, info: ValidationInfo) -> "Config":
        names = [teacher.name for teacher in self.teachers]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two teachers have the same name: {', '.join(twice)}")
        if not is_begun(info):
            see_that_files_differ(names)
        if not names:
            raise ValueError("there are no teachers; name at least one")
        for teacher in self.teachers:
            if isinstance(teacher, ReplaySection | GuardedSection):
                self._check_original(teacher)
            if isinstance(teacher, LearnedSection):
                self._check_mixture(teacher)
                self._check_twins(teacher, names)
                check_beginning(teacher, self.teachers)
        return self

    @model_validator(mode="after")
    def _name_adapted_layers(self) -> "Config":
        """Have the layers that LoRA adapts by default named in the config that a run stores."""
        learned = [one for one in self.teachers if isinstance(one, LearnedSection)]
        courses: list[Course] = [
            self,
            *(course for teacher in learned for course in teacher.courses),
        ]
        sections = [one.student.lora for one in courses if one.student.lora is not None]
        if any(one.target_modules is None for one in sections):
            # Here, since it takes seconds, and a config with a mistake does not get here.
            from lessonplan.student import QUERY_AND_VALUE

            for adapters in sections:
                if adapters.target_modules is None:
                    object.__setattr__(adapters, "target_modules", list(QUERY_AND_VALUE))
        return self

    def teacher(self, name: str) -> Teacher:
        """The teacher that is reported under this name.

        Raises:
            ValueError: if there is none.
        """
        for teacher in self.teachers:
            if name in (teacher.name, *getattr(teacher, "twins", ())):
                return teacher
        raise ValueError(f"there is no teacher {name!r} in this config")

    def _check_twins(self, teacher: LearnedSection, names: list[str]) -> None:
        for twin in sorted({*teacher.twins} & {*names}):
            raise ValueError(
                f"teacher {teacher.name!r} is also reported as {twin!r}, which is the name of "
                "another teacher; rename one of them"
            )

    def _check_mixture(self, teacher: LearnedSection) -> None:
        if teacher.action == "mixture" and (teacher.sampled or not teacher.deterministic):
            raise ValueError(
                f"teacher {teacher.name!r} chooses a mixture, from which no task is sampled; leave "
                "out sampled and deterministic, or write sampled: false and deterministic: true"
            )

    def _check_original(self, teacher: ReplaySection | GuardedSection) -> None:
        """Refuse a replay, or guards, of what is no teacher, or has no schedule of its own."""
        types = {one.name: one.type for one in self.teachers}
        guards = teacher.type == "guarded"
        what = f"teacher {teacher.name!r} {'guards' if guards else 'replays'} {teacher.of!r}"
        if teacher.of not in types or teacher.of == teacher.name:
            raise ValueError(
                f"{what}; {did_you_mean(teacher.of, types)}it is not one of the teachers: "
                f"{', '.join(types)}"
            )
        if types[teacher.of] == "replay":
            raise ValueError(
                f"{what}, which is a replay itself; name the teacher whose schedules it plays"
            )
        if guards and types[teacher.of] == "guarded":
            raise ValueError(
                f"{what}, which has guards already; name the teacher that these are around, and "
                "write all guards in one list, the innermost first"
            )


def _full_teacher(teacher: Any) -> Any:
    if isinstance(teacher, str):
        return {"type": "rule", "name": teacher, "rule": teacher.replace("-", "_")}
    if isinstance(teacher, dict) and "type" not in teacher and "from" in teacher:
        return {"type": "learned"} | teacher
    if isinstance(teacher, dict) and teacher.get("type", "rule") == "rule":
        rule: dict[str, Any] = {"type": "rule"} | teacher
        if rule.get("grid"):
            rule.setdefault("tune", True)
        if "name" in rule and "rule" not in rule:
            rule["rule"] = str(rule["name"]).replace("-", "_")
        return rule
    return teacher
