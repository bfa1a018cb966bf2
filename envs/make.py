"""Environments by name: `gymnasium.make("lessonplan/Parity-v0")` and what stands behind it."""

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium as gym

from lessonplan.student import SUITES, Adam, TaskSuite, make_cohort

from .classroom.budget import Budget
from .classroom.checking import check_choice
from .classroom.classroom import Classroom
from .faces.env import CurriculumEnv
from .faces.seeding import TRAINING_SEEDS
from .faces.vector_env import CurriculumVectorEnv


def make_classroom(
    suite: str | TaskSuite = "parity",
    n: int = 1,
    *,
    suite_options: Mapping[str, Any] | None = None,
    model: str | None = None,
    model_options: Mapping[str, Any] | None = None,
    learning_rate: float | None = None,
    batch_size: int | None = None,
    evaluation_size: int | None = None,
    student_options: Mapping[str, Any] | None = None,
    budget: str | Budget | None = None,
    **options: Any,
) -> Classroom:
    """A classroom of n students from plain values; what is left out is as configs have it.

    Args:
        suite: a name in `lessonplan.student.SUITES` with its `suite_options`, or a suite.
        n: students.
        suite_options: arguments of the suite's function.
        model: a name in `lessonplan.student.MODELS`, for suites whose students are networks; the
            decoder for tokens, else the MLP.
        model_options: arguments of the model; the MLP has one layer of 64 by default.
        learning_rate: of the networks' Adam; 3e-3 by default.
        batch_size: training examples per student step; `lessonplan.student.BATCH_SIZE` by default.
        evaluation_size: held-out examples per task and split; `EVALUATION_SIZE` by default.
        student_options: further arguments of the cohort that the suite needs.
        budget: what a lifetime may spend, such as `4000-steps`; 4000 steps by default.
        options: arguments of `Classroom`.
    """
    suite = _suite(suite, suite_options or {})
    sizes = {"batch_size": batch_size, "evaluation_size": evaluation_size}
    settings: dict[str, Any] = {name: size for name, size in sizes.items() if size is not None}
    # What is given by its name goes before what is among the options.
    further = {name: x for name, x in (student_options or {}).items() if name not in settings}
    network = {"model": model, "model_options": model_options, "learning_rate": learning_rate}
    if suite.cohort == "stacked":
        settings |= {"model": model, "options": model_options}
        settings |= {} if learning_rate is None else {"optimizer": Adam(learning_rate)}
        settings |= further
    elif wrong := [name for name, value in network.items() if value is not None]:
        raise ValueError(
            f"students of suite {suite.name!r} are not networks of ours and take no {wrong[0]}; "
            "set what they take with student_options="
        )
    else:
        settings["options"] = further
    if not isinstance(budget, Budget):
        budget = Budget.parse(budget or "4000-steps")
    return Classroom(make_cohort(suite, n, **settings), budget, **options)


def _suite(suite: str | TaskSuite, options: Mapping[str, Any]) -> TaskSuite:
    """A suite, by its name or as it is."""
    if isinstance(suite, TaskSuite):
        return suite
    check_choice("suite", suite, SUITES)
    return SUITES[suite](**options)


def make_env(
    student_seeds: Sequence[int] = TRAINING_SEEDS, render_mode: str | None = None, **options: Any
) -> CurriculumEnv:
    """One student; `options` are those of `make_classroom`."""
    low, high = student_seeds
    return CurriculumEnv(make_classroom(n=1, **options), (low, high), render_mode)


def make_vector_env(
    num_envs: int = 1, student_seeds: Sequence[int] = TRAINING_SEEDS, **options: Any
) -> CurriculumVectorEnv:
    """`num_envs` students; `options` are those of `make_classroom`."""
    low, high = student_seeds
    return CurriculumVectorEnv(make_classroom(n=num_envs, **options), (low, high))


_PRETRAINED = ("dataset", "docstrings")
"""Suites for pretrained models: a `Classroom` over a `LoRACohort` shows those."""

IDS = {
    f"lessonplan/{name.capitalize()}-v0": {"suite": name}
    for name in SUITES
    if name not in _PRETRAINED
}
"""Registered ids; `Jsonl` needs `suite_options={"path": ...}`."""


def register_ids() -> None:
    """Tell Gymnasium of our ids; happens when `lessonplan.envs` is imported."""
    for name, kwargs in IDS.items():
        if name not in gym.registry:
            gym.register(
                name,
                entry_point="lessonplan.envs.make:make_env",
                vector_entry_point="lessonplan.envs.make:make_vector_env",
                kwargs=kwargs,
            )
