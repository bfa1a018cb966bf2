"""What every suite and every cohort keeps to, and the checkers that hold them to it."""

from .cohort import Cohort, Training
from .cohort_checks import check_cohort
from .grading import Answering, Grader
from .scoring import LOSS_LIMIT, Evaluation
from .streams import shuffled, stream_key, uniform
from .suite_checks import check_suite
from .tasks import IGNORED, NO_TOKEN, SPLITS, Examples, Task, TaskSuite, blank_splits

__all__ = [
    "IGNORED",
    "LOSS_LIMIT",
    "NO_TOKEN",
    "SPLITS",
    "Answering",
    "Cohort",
    "Evaluation",
    "Examples",
    "Grader",
    "Task",
    "TaskSuite",
    "Training",
    "blank_splits",
    "check_cohort",
    "check_suite",
    "shuffled",
    "stream_key",
    "uniform",
]
