"""What a teacher teaches: a suite, its students, who they are, and their lifetimes, with help."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Protocol

from pydantic import Field

from .section import BudgetText, Section

Feedback = Literal["full", "bandit", "training"]
"""Which tasks are probed after a decision: all, those that were chosen, or none, where the examples
that are trained on tell."""
LOOKS = ("feedback", "probe_every", "probe_size", "probe_uncertainty", "half_life")
"""What both a lifetime and a teacher have."""

_OWN = "; by default as the lifetime says"
OwnFeedback = Annotated[
    Feedback | None,
    Field(description=f"which tasks are probed for it{_OWN}", examples=["training"]),
]
OwnProbeEvery = Annotated[
    int | None,
    Field(
        ge=0,
        le=1_000_000_000,
        description=f"decisions from one probe for it to the next{_OWN}",
        examples=[10],
    ),
]
OwnProbeSize = Annotated[
    int | None,
    Field(
        ge=0,
        le=1_000_000,
        description=f"examples of a task in a probe for it; 0 is all{_OWN}",
        examples=[32],
    ),
]
OwnProbeUncertainty = Annotated[
    float | None,
    Field(
        ge=0,
        le=1,
        description=f"standard error of a score above which a task is probed for it{_OWN}",
        examples=[0.1],
    ),
]
OwnHalfLife = Annotated[
    float | None,
    Field(
        gt=0,
        le=1e9,
        allow_inf_nan=False,
        description=f"decisions after which what training told it counts half{_OWN}",
        examples=[2.0],
    ),
]


class Suite(Section):
    """What there is to learn."""

    arguments = "options", "the suite"

    name: str = Field("parity", description="a suite that `lessonplan list` names, or your own")
    options: dict[str, Any] = Field(
        default_factory=dict, description="arguments of the suite", examples=[{"n_tasks": 6}]
    )


class Adapters(Section):
    """Low-rank adapters over one frozen model, under PEFT's names."""

    r: int = Field(8, ge=1, le=10_000, description="rank of the updates")
    lora_alpha: float = Field(
        8.0, gt=0, le=1e6, allow_inf_nan=False, description="scale of the updates, times r"
    )
    target_modules: list[str] | str | None = Field(
        None,
        description="ends of the names of adapted layers, a regular expression, or all-linear; by "
        "default the query and value projections",
        examples=[["q_proj", "v_proj"]],
    )
    modules_to_save: list[str] = Field(
        default_factory=list,
        description="layers that each student trains whole",
        examples=[["classifier"]],
    )
    start: str = Field(
        "",
        description="folder of a PEFT adapter, to start lifetimes from",
        examples=["adapters/first"],
    )
    member_chunk: int = Field(
        0,
        ge=0,
        le=100_000,
        description="students computed together; 1 takes the least memory, 0 picks it",
    )


class Student(Section):
    """Who learns, and how."""

    arguments = "options", "the model"

    model: str = Field(
        "",
        description="a model that `lessonplan list` names, or your own; by default an mlp for "
        "features and a decoder for tokens",
        examples=["mlp"],
    )
    cohort: str = Field(
        "",
        description="a cohort that `lessonplan list` names, or your own; by default the kind that "
        "the suite asks for",
        examples=["mine:MyCohort"],
    )
    options: dict[str, Any] = Field(
        default_factory=dict, description="arguments of the model", examples=[{"hidden": [64, 64]}]
    )
    base: str = Field(
        "",
        description="folder of `lessonplan pretrain`, to start lifetimes from",
        examples=["bases/first"],
    )
    lora: Adapters | None = Field(
        None,
        description="train adapters over the frozen model instead of all its weights",
        examples=[{"r": 8}],
    )
    learning_rate: float = Field(
        3e-3, gt=0, le=1e3, allow_inf_nan=False, description="of the students' optimizer, Adam"
    )
    weight_decay: float = Field(
        0.0,
        ge=0,
        le=1e3,
        allow_inf_nan=False,
        description="decoupled, as in AdamW",
        examples=[0.01],
    )
    schedule: dict[str, Any] = Field(
        default_factory=dict,
        description="of the learning rate: its `name`, as `lessonplan list` has it, and arguments",
        examples=[{"name": "cosine"}],
    )
    clip_norm: float = Field(1.0, gt=0, description="largest gradient norm of a student")
    batch_size: int = Field(
        32, ge=1, le=1_000_000, description="training examples per student step"
    )
    evaluation_size: int = Field(
        128, ge=1, le=1_000_000, description="held-out examples per task and split"
    )
    device: str = Field("cpu", description="where networks are computed, as torch names it")


class Looking(Protocol):
    """The section of a teacher that may look otherwise than the lifetime says; None is as it."""

    @property
    def feedback(self) -> Feedback | None:
        """What it is told by."""

    @property
    def probe_every(self) -> int | None:
        """Decisions from one of its probes to the next."""

    @property
    def probe_size(self) -> int | None:
        """Examples of a task in one of its probes."""

    @property
    def probe_uncertainty(self) -> float | None:
        """Standard error of a score above which the task is probed."""

    @property
    def half_life(self) -> float | None:
        """Of what training examples told, in decisions."""


class Lifetime(Section):
    """One fine-tuning run."""

    budget: BudgetText = Field(
        "4000-steps", description="what it may spend, in steps, tokens or compute"
    )
    steps_per_decision: int = Field(
        20, ge=1, le=1_000_000_000, description="student steps that a decision buys"
    )
    feedback: Feedback = Field(
        "full",
        description="which tasks are probed: all, the chosen ones, or none, where training tells",
    )
    probe_every: int = Field(
        0,
        ge=0,
        le=1_000_000_000,
        description="decisions from one probe to the next; 0 is each, and with training none",
    )
    probe_size: int = Field(
        0, ge=0, le=1_000_000, description="examples of a task in a probe; 0 is all"
    )
    probe_uncertainty: float = Field(
        0.0,
        ge=0,
        le=1,
        description="standard error of a score above which a task is probed too; 0 is never",
        examples=[0.1],
    )
    half_life: float = Field(
        1.0,
        gt=0,
        le=1e9,
        allow_inf_nan=False,
        description="decisions after which what training told counts half",
    )
    check_every: int = Field(
        10,
        ge=1,
        le=1_000_000_000,
        description="decisions from one check for the end of a lifetime that every teacher pays "
        "for to the next",
    )
    reward: str = Field(
        "mean_score", description="what a learning teacher is paid; its name, or your own"
    )
    targets: list[str] = Field(
        default_factory=list,
        description="tasks that the reward target_tasks pays for",
        examples=[["parity-1"]],
    )
    forgetting_penalty: float = Field(
        0.0,
        ge=0,
        le=1e6,
        allow_inf_nan=False,
        description="weight of the rise of forgetting, taken off the reward",
        examples=[0.1],
    )
    mastery_streak: int = Field(
        1, ge=1, le=1_000_000, description="evaluations in a row that make mastery"
    )
    rehearsal: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="share of every batch that is drawn from all tasks by size",
        examples=[0.5],
    )
    shuffle_tasks: bool = Field(True, description="show the tasks in another order each lifetime")
    end_after: int = Field(
        8,
        ge=1,
        le=1_000_000_000,
        description="when reporting: decisions in a row at mastery, by probe, that end a lifetime",
    )
    test_every: int = Field(
        1,
        ge=1,
        le=1_000_000_000,
        description="when reporting: decisions from one evaluation of test to the next",
        examples=[10],
    )


def looks_of(lifetime: Looking, teacher: Looking | None = None) -> dict[str, Any]:
    """How a teacher looks, by key: as its own section says, else as the lifetime does.

    Args:
        lifetime: where every key has a value.
        teacher: None for one that has no keys of its own.
    """
    own = {key: getattr(teacher, key, None) for key in LOOKS}
    return {key: getattr(lifetime, key) if own[key] is None else own[key] for key in LOOKS}


def idle_looks(looks: Mapping[str, Any]) -> dict[str, str]:
    """Keys of how a teacher looks that change nothing, and why."""
    hears = looks["feedback"] == "training"
    idle = {} if hears else {"half_life": "only what training told is averaged, and nothing did"}
    if hears and not looks["probe_every"] and not looks["probe_uncertainty"]:
        idle["probe_size"] = "nothing is probed; write probe_every too"
    return idle


class Course(Section):
    """A suite, its students and their lifetimes."""

    suite: Suite = Field(
        default_factory=Suite,
        description="what there is to learn",
        examples=[{"name": "parity"}],
    )
    student: Student = Field(
        default_factory=Student,
        description="who learns, and how",
        examples=[{"learning_rate": 0.003}],
    )
    lifetime: Lifetime = Field(
        default_factory=Lifetime,
        description="one fine-tuning run of a student",
        examples=[{"budget": "4000-steps"}],
    )
    modules: list[str] = Field(
        default_factory=list,
        description="folders where `module:name` is looked for; by default that of the config, "
        "then the working directory",
        examples=[["../code"]],
    )


class Seeds(Section):
    """How many students and teachers; the ranges of student seeds are disjoint."""

    teacher: int = Field(0, ge=0, le=2_000_000_000, description="first teacher seed")
    report: int = Field(64, ge=2, le=1_000_000, description="students that are reported")
    report_fold: int = Field(
        0,
        ge=0,
        le=1_000,
        description="which students these are; another number names students that nobody has seen",
    )
    select: int = Field(32, ge=1, le=1_000_000, description="students for tuning and selecting")
