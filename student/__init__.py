"""What learns: tasks, suites, models and cohorts of students."""

from .cohort import Cohort
from .models import MLP, MODELS, Decoder
from .optimizer import Adam
from .parity import parity
from .scoring import Evaluation
from .stacked import StackedCohort
from .suites import SUITES
from .tasks import IGNORED, SPLITS, Examples, Task, TaskSuite

__all__ = [
    "IGNORED",
    "MLP",
    "MODELS",
    "SPLITS",
    "SUITES",
    "Adam",
    "Cohort",
    "Decoder",
    "Evaluation",
    "Examples",
    "StackedCohort",
    "Task",
    "TaskSuite",
    "parity",
]
