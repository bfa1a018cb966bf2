"""What learns: tasks, suites, models and cohorts of students."""

from .cohort import Cohort
from .jsonl import jsonl
from .models import MLP, MODELS, Decoder
from .optimizer import Adam
from .parity import parity
from .reasoning import reasoning
from .scoring import Evaluation
from .stacked import StackedCohort
from .suites import SUITES
from .tasks import IGNORED, SPLITS, Examples, Task, TaskSuite
from .text import text_code, text_suite

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
    "jsonl",
    "parity",
    "reasoning",
    "text_code",
    "text_suite",
]
