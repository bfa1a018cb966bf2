"""What learns: tasks, suites, models and cohorts of students."""

from .addition import addition
from .checks import check_cohort
from .cohort import Cohort, Training
from .environments import Environment, EnvironmentSuite, RLCohort, environments
from .jsonl import jsonl
from .loop import Batch, LoopCohort, SingleStudent
from .lstm import LSTM
from .models import MLP, MODELS, Decoder
from .optimizer import Adam
from .parity import parity
from .reasoning import reasoning
from .schedules import SCHEDULES, Constant, Cosine, Cyclical, WarmUp
from .scoring import Evaluation
from .sign_suites import distractors, finite, flat, graph, interference
from .simulated import SimulatedCohort, simulated
from .stacked import StackedCohort
from .suite_checks import check_suite
from .suites import SUITES
from .tasks import IGNORED, SPLITS, Examples, Task, TaskSuite, blank_splits
from .text import text_code, text_suite

__all__ = [
    "IGNORED",
    "LSTM",
    "MLP",
    "MODELS",
    "SCHEDULES",
    "SPLITS",
    "SUITES",
    "Adam",
    "Batch",
    "Cohort",
    "Constant",
    "Cosine",
    "Cyclical",
    "Decoder",
    "Environment",
    "EnvironmentSuite",
    "Evaluation",
    "Examples",
    "LoopCohort",
    "RLCohort",
    "SimulatedCohort",
    "SingleStudent",
    "StackedCohort",
    "Task",
    "TaskSuite",
    "Training",
    "WarmUp",
    "addition",
    "blank_splits",
    "check_cohort",
    "check_suite",
    "distractors",
    "environments",
    "finite",
    "flat",
    "graph",
    "interference",
    "jsonl",
    "parity",
    "reasoning",
    "simulated",
    "text_code",
    "text_suite",
]
