"""Teachers in a config: rules, learned teachers, replays, and guards around any of them."""

from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from .course import (
    Course,
    OwnFeedback,
    OwnHalfLife,
    OwnProbeEvery,
    OwnProbeSize,
    OwnProbeUncertainty,
)
from .section import BeginAt, LeanedOn, Prior, PriorRow, Section, TeacherName, leaned_on


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


class GuardSection(Section):
    """A guard with its parameters."""

    arguments = "parameters", "the guard"

    guard: str = Field(description="a guard that `lessonplan list` names", examples=["review"])
    parameters: dict[str, Any] = Field(
        default_factory=dict, description="arguments of the guard", examples=[{"share": 0.25}]
    )


class GuardedSection(Section):
    """Another teacher with guards around it."""

    name: TeacherName
    type: Literal["guarded"] = Field(description="what kind of teacher it is", examples=["guarded"])
    of: str = Field(
        description="name of the teacher that they are around, as it was tuned or trained",
        examples=["shortfall"],
    )
    guards: list[GuardSection] = Field(
        min_length=1,
        description="guards, the innermost first; a bare name is one as it comes",
        examples=[["review", {"guard": "bring_back", "parameters": {"share": 0.3}}]],
    )

    @field_validator("guards", mode="before")
    @classmethod
    def _by_name(cls, guards: Any) -> Any:
        """A bare name is a guard with its defaults."""
        if not isinstance(guards, list):
            return guards
        return [{"guard": one} if isinstance(one, str) else one for one in guards]


Teacher = Annotated[
    RuleSection | LearnedSection | ReplaySection | GuardedSection, Field(discriminator="type")
]
