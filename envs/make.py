"""Environments by name: `gymnasium.make("lessonplan/Parity-v0")` and what stands behind it."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import gymnasium as gym

from lessonplan.student import MODELS, SUITES, Adam, StackedCohort, TaskSuite

from .budget import Budget
from .classroom import Classroom, check_choice
from .env import CurriculumEnv
from .seeding import TRAINING_SEEDS
from .vector_env import CurriculumVectorEnv


def make_classroom(
    suite: str | TaskSuite = "parity",
    n: int = 1,
    *,
    suite_options: Mapping[str, Any] | None = None,
    model: str | None = None,
    model_options: Mapping[str, Any] | None = None,
    learning_rate: float = 3e-3,
    batch_size: int = 32,
    evaluation_size: int = 128,
    budget: str | Budget | None = None,
    **options: Any,
) -> Classroom:
    """A classroom of n stacked students from plain values.

    Args:
        suite: a name in `lessonplan.student.SUITES` with its `suite_options`, or a suite.
        n: students.
        suite_options: arguments of the suite's function.
        model: a name in `lessonplan.student.MODELS`; the decoder for tokens, else the MLP.
        model_options: arguments of the model; two layers of 64 for the MLP by default.
        learning_rate: of Adam.
        batch_size: training examples per student step.
        evaluation_size: held-out examples per task and split.
        budget: what a lifetime may spend, such as `4000-steps`; 4000 steps by default.
        options: arguments of `Classroom`.
    """
    suite = _suite(suite, suite_options or {})
    cohort = StackedCohort(
        suite,
        _student(suite, model, model_options),
        n,
        batch_size=batch_size,
        optimizer=Adam(learning_rate),
        evaluation_size=evaluation_size,
    )
    if not isinstance(budget, Budget):
        budget = Budget.parse(budget or "4000-steps")
    return Classroom(cohort, budget, **options)


def _suite(suite: str | TaskSuite, options: Mapping[str, Any]) -> TaskSuite:
    """A suite, by its name or as it is."""
    if isinstance(suite, TaskSuite):
        return suite
    check_choice("suite", suite, SUITES)
    return SUITES[suite](**options)


def _student(
    suite: TaskSuite, model: str | None, options: Mapping[str, Any] | None
) -> Callable[[], Any]:
    """What builds one student for a suite."""
    model = model or ("decoder" if suite.tokens else "mlp")
    check_choice("model", model, MODELS)
    settings = dict(options or ({"hidden": (64, 64)} if model == "mlp" else {}))
    return partial(MODELS[model], suite.input_shape, suite.n_outputs, **settings)


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


IDS = {
    "lessonplan/Parity-v0": {"suite": "parity"},
    "lessonplan/Jsonl-v0": {"suite": "jsonl"},
    "lessonplan/Reasoning-v0": {"suite": "reasoning"},
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
