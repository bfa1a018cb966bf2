"""What a step of a student takes of the machine's memory, counted before it is tried.

Legend: v symbols of a suite's vocabulary.
"""

import inspect
import math
import os

import numpy as np

from lessonplan.student import MODELS, SUITES, StackedCohort, TaskSuite, default_model

from ..assembly.students import cohort_kind
from ..assembly.suite_facts import row_lengths
from ..common.names import named
from ..config.config import Course

_SHARE = 0.25
"""Of the machine's memory that measuring may take."""
_FILLED = 64
"""Examples are evaluated in multiples of these, filled up with the last."""
_TRAINED, _JUDGED = (4, 24), (2, 16)
"""Numbers that a place of a row takes: v times the one and the width of a layer times the other.

Measured. A training step keeps the activations of all layers, an evaluation those of one.
"""
_NUMBER_BYTES = 4
_USUAL = 0.95
"""Share of the rows that are no longer than the length that is proposed."""


def machine_bytes() -> float:
    """Memory of this machine; without end where the system does not say, as Windows does not."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return math.inf


def step_bytes(course: Course, suite: TaskSuite, trained: int, judged: int) -> float:
    """What the larger of a training step and an evaluation takes.

    Rows of characters are all as long as the suite's longest; of other suites nothing is counted,
    so it is 0. Attention takes no more than its inputs: its weights are never all in memory.

    Args:
        course: whose students they are.
        suite: of the course.
        trained: examples of the step.
        judged: examples that are evaluated at once.
    """
    stacked = cohort_kind(course, suite) is StackedCohort
    if not (suite.vocabulary and stacked):
        return 0.0
    name = course.student.model or default_model(suite)
    arguments = inspect.signature(named("model", name, MODELS, course.modules)).parameters
    options = {key: one.default for key, one in arguments.items()} | course.student.options
    width, layers = (_size(options.get(key)) for key in ("width", "n_layers"))
    step = trained * (_TRAINED[0] * suite.n_outputs + _TRAINED[1] * width * max(layers, 1))
    filled = -(-judged // _FILLED) * _FILLED
    evaluation = filled * (_JUDGED[0] * suite.n_outputs + _JUDGED[1] * width)
    return float(_NUMBER_BYTES * suite.input_shape[0] * max(step, evaluation))


def _size(option: object) -> int:
    """The option of a model, where it has it and it is a number."""
    return option if isinstance(option, int) else 0


def fits(course: Course, suite: TaskSuite, trained: int, judged: int) -> bool:
    """Whether such a step and evaluation may be tried; see `step_bytes`."""
    return step_bytes(course, suite, trained, judged) <= _SHARE * machine_bytes()


def evaluated_together(course: Course, suite: TaskSuite) -> int:
    """Examples that are evaluated at once: those of every task."""
    sizes = np.maximum(suite.sizes("probe"), suite.sizes("test"))
    return int(np.minimum(sizes, course.student.evaluation_size).max()) * len(suite)


def heaviest_step(course: Course, suite: TaskSuite) -> str:
    """The step of a run that takes the most memory, and the way out, in a sentence.

    Empty where it takes no more than measuring may.
    """
    batch, together = course.student.batch_size, evaluated_together(course, suite)
    if fits(course, suite, batch, together):
        return ""
    step = step_bytes(course, suite, batch, 0)
    evaluation = step_bytes(course, suite, 0, together)
    kind, rows = ("batch", batch) if step > evaluation else ("evaluation", together)
    sentence = (
        f"a run's {kind} of {rows:,} rows of {suite.input_shape[0] + 1:,} characters takes about "
        f"{max(step, evaluation) / 1e9:,.1f} GB, and this machine has {machine_bytes() / 1e9:,.1f}"
    )
    maker = named("suite", course.suite.name, SUITES, course.modules)
    fewer = f"-o student.{kind}_size=N takes fewer"
    if "max_tokens" not in inspect.signature(maker).parameters:
        return f"{sentence}; {fewer}."
    lengths = [row_lengths(suite, task.splits["train"]) for task in suite.tasks]
    usual = int(np.quantile(np.concatenate(lengths), _USUAL))
    return f"{sentence}; -o suite.options.max_tokens={usual} makes rows shorter, {fewer}."
