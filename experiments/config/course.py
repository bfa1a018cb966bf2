"""What a teacher teaches: a suite, its students and their lifetimes, every field with its help."""

from typing import Any, Literal

from pydantic import Field

from .section import BudgetText, Section


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


class Lifetime(Section):
    """One fine-tuning run."""

    budget: BudgetText = Field(
        "4000-steps", description="what it may spend, in steps, tokens or compute"
    )
    steps_per_decision: int = Field(
        20, ge=1, le=1_000_000_000, description="student steps that a decision buys"
    )
    feedback: Literal["full", "bandit"] = Field("full", description="which tasks are probed")
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
