"""What an experiment is: every field of a config, with one line of help each.

Unknown keys are errors, of which `complaints.py` makes sentences. A field whose default shows
nothing of its form has an example. Configs stop at this room: `assembly/` makes objects of them,
and the other rooms take plain values.
"""

from typing import Annotated, Any, Literal

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
from .course import (
    Adapters,
    Course,
    Lifetime,
    OwnFeedback,
    OwnHalfLife,
    OwnProbeEvery,
    OwnProbeSize,
    OwnProbeUncertainty,
    Seeds,
    Student,
    Suite,
)
from .section import (
    BeginAt,
    FolderName,
    LeanedOn,
    Prior,
    PriorRow,
    Section,
    TeacherName,
    check_beginning,
    is_begun,
    leaned_on,
)

__all__ = [
    "Adapters", "Config", "Course", "LearnedSection", "Lifetime", "ReplaySection", "RuleSection",
    "Seeds", "Student", "Suite", "Teacher", "Tracking", "Tuning",
]  # fmt: skip


class RuleSection(Section):
    """A rule, bandit or fixed order."""

    arguments = "parameters", "the rule"

    name: TeacherName
    type: Literal["rule"] = Field("rule", description="what kind of teacher it is")
    rule: str = Field(
        "",
        description="a rule that `lessonplan list` names, or your own; by default that of the "
        "teacher's name",
        examples=["in_order"],
    )
    action: Literal["task", "mixture"] = Field(
        "task",
        description="what it chooses: a task, drawn from its probabilities, or these as a mixture",
    )
    parameters: dict[str, Any] = Field(
        default_factory=dict, description="arguments of the rule", examples=[{"gate": 0.9}]
    )
    tune: bool = Field(
        False,
        description="look for parameters in the grid before reporting; true where one is written",
    )
    grid: dict[str, Annotated[list[Any], Field(min_length=1)]] = Field(
        default_factory=dict,
        description="values of parameters to try, three numbers or more as a range; the rule's own "
        "ranges by default",
        examples=[{"gate": [0.5, 0.7, 0.9]}],
    )
    feedback: OwnFeedback = None
    probe_every: OwnProbeEvery = None
    probe_size: OwnProbeSize = None
    probe_uncertainty: OwnProbeUncertainty = None
    half_life: OwnHalfLife = None


class LearnedSection(Section):
    """A policy network that is trained over many lifetimes."""

    arguments = "settings", "the learner"

    name: TeacherName
    type: Literal["learned"] = Field(description="what kind of teacher it is", examples=["learned"])
    origin: str = Field(
        "",
        alias="from",
        description="a run directory or a teacher's file: it comes from there, and is not trained",
        examples=["runs/first"],
    )
    algorithm: str = Field("ppo", description="a learner that `lessonplan list` names")
    action: Literal["task", "mixture"] = Field("task", description="what it chooses")
    observe: list[str] = Field(
        default_factory=lambda: ["progress"], description="columns it is shown"
    )
    prior: Prior = ""
    lean_on: LeanedOn = Field(default_factory=list)
    prior_row: PriorRow = True
    begin_at: BeginAt = ""
    feedback: OwnFeedback = None
    probe_every: OwnProbeEvery = None
    probe_size: OwnProbeSize = None
    probe_uncertainty: OwnProbeUncertainty = None
    half_life: OwnHalfLife = None
    width: int = Field(64, ge=1, le=16_384, description="units per layer")
    students: int = Field(32, ge=1, le=100_000, description="students in lockstep during training")
    actors: int = Field(
        0,
        ge=0,
        le=10_000,
        description="Ray actors that share the students in training; 0 is no Ray",
    )
    actor_gpus: float = Field(
        0.0, ge=0, le=1_024, description="GPUs, or the fraction of one, of each actor"
    )
    decisions: int = Field(
        51_200, ge=1, le=10_000_000_000, description="training decisions, over all students"
    )
    anneal: bool = Field(False, description="let the learning rate fall to zero")
    settings: dict[str, Any] = Field(
        default_factory=dict,
        description="arguments of the learner, as Stable-Baselines3 names them",
        examples=[{"learning_rate": 0.002}],
    )
    courses: list[Course] = Field(
        default_factory=list,
        description="train on these instead of the reported one, an equal share of the students "
        "on each",
        examples=[[{"suite": {"name": "graph"}}]],
    )
    watch: int = Field(
        0,
        ge=0,
        le=1000,
        description="looks at its schedule as it is being learned, on students of their own; 0 is "
        "none",
    )
    candidates: int = Field(3, ge=1, le=10_000, description="latest checkpoints to select from")
    seeds: int = Field(
        1, ge=1, le=10_000, description="teachers to train, each from a seed of its own"
    )
    deterministic: bool = Field(
        True, description="select and report it with its likeliest task, not with sampled ones"
    )
    sampled: bool = Field(
        False, description="also report it with sampled instead of likeliest tasks"
    )

    @model_serializer(mode="wrap")
    def _as_written(self, values_of: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Under the names of a config: `from` can't be that of an attribute."""
        values = values_of(self)
        return {"from" if name == "origin" else name: value for name, value in values.items()}

    @model_validator(mode="after")
    def _show_rules(self) -> "LearnedSection":
        """Have the rules that it leans on among its columns, in the config that a run stores."""
        leans, columns = leaned_on(self.prior, self.lean_on, self.observe)
        object.__setattr__(self, "lean_on", leans)
        object.__setattr__(self, "observe", columns)
        return self

    @property
    def sampled_name(self) -> str:
        """What it is reported as when its tasks are sampled."""
        return f"{self.name}-sampled"

    @property
    def prior_name(self) -> str:
        """What it is reported as with its learned part off."""
        return f"{self.name}-prior"

    @property
    def twins(self) -> list[str]:
        """Names that it is reported as besides its own."""
        prior = [self.prior_name] if self.prior and self.prior_row else []
        return [self.sampled_name] * self.sampled + prior


class ReplaySection(Section):
    """The recorded schedules of another teacher."""

    name: TeacherName
    type: Literal["replay"] = Field(description="what kind of teacher it is", examples=["replay"])
    of: str = Field(description="name of the teacher whose schedules are played", examples=["ppo"])
    shuffled: bool = Field(True, description="keep the counts, shuffle them in time")


_EARLIER = "tuning_candidates"
"""Key of earlier versions in place of `tuning`."""

Teacher = Annotated[RuleSection | LearnedSection | ReplaySection, Field(discriminator="type")]


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
        description="who chooses: rules, learned teachers and replays, in the order of tables",
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
            if isinstance(teacher, ReplaySection):
                self._check_replay(teacher)
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

    def teacher(self, name: str) -> RuleSection | LearnedSection | ReplaySection:
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

    def _check_replay(self, replay: ReplaySection) -> None:
        types = {teacher.name: teacher.type for teacher in self.teachers}
        if replay.of not in types or replay.of == replay.name:
            raise ValueError(
                f"teacher {replay.name!r} replays {replay.of!r}; "
                f"{did_you_mean(replay.of, types)}it is not one of the teachers: {', '.join(types)}"
            )
        if types[replay.of] == "replay":
            raise ValueError(
                f"teacher {replay.name!r} replays {replay.of!r}, which is a replay itself; name "
                "the teacher whose schedules it plays"
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
