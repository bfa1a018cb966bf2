"""What every suite and every cohort keeps to, and the checkers that hold them to it."""

from .batches import draw_tasks
from .cohort import Cohort, Drawing, NotShownError, Outcomes, Returning, Training, takes
from .cohort_checks import COHORT_CHECKS, check_cohort, check_divergence
from .grading import Answering, Grader
from .scoring import LOSS_LIMIT, Evaluation
from .streams import shuffled, stream_key, uniform
from .suite_checks import SUITE_CHECKS, check_suite
from .tasks import IGNORED, NO_TOKEN, SPLITS, Examples, Task, TaskSuite, blank_splits

__all__ = [
    "COHORT_CHECKS",
    "IGNORED",
    "LOSS_LIMIT",
    "NO_TOKEN",
    "SPLITS",
    "SUITE_CHECKS",
    "Answering",
    "Cohort",
    "Drawing",
    "Evaluation",
    "Examples",
    "Grader",
    "NotShownError",
    "Outcomes",
    "Returning",
    "Task",
    "TaskSuite",
    "Training",
    "blank_splits",
    "check_cohort",
    "check_divergence",
    "check_suite",
    "draw_tasks",
    "shuffled",
    "stream_key",
    "takes",
    "uniform",
]
