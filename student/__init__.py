"""What learns: tasks, suites, models and cohorts of students."""

from .adapters import Adapter, combine_adapters, load_adapter, save_adapter
from .addition import addition
from .agent_cohort import RLCohort
from .agent_tasks import Environment, EnvironmentSuite
from .base import load_base
from .chats import Chat, Question
from .checks import check_cohort
from .classes import class_suite
from .cohort import Cohort, Training
from .docstrings import docstrings
from .environments import environments
from .graders import Choice, Verify
from .grading import Answering, Grader
from .jsonl import jsonl
from .loop import Batch, LoopCohort, SingleStudent
from .lora import QUERY_AND_VALUE, LoRA, copy_sharing_weights
from .lora_cohort import LoRACohort
from .lstm import LSTM
from .models import MLP, MODELS, Decoder
from .optimizer import Adam
from .pretrained import PRETRAINED, CausalLM, EncoderClassifier
from .reasoning import reasoning
from .registry import COHORTS, SUITES, make_cohort
from .saved_datasets import dataset
from .schedules import LEARNING_RATES, Constant, Cosine, Cyclical, WarmUp
from .scoring import Evaluation
from .sign_suites import distractors, finite, flat, graph, interference, parity
from .simulated import SimulatedCohort, simulated
from .sources import PACKAGED
from .stacked import StackedCohort
from .suite_checks import check_suite
from .tasks import IGNORED, NO_TOKEN, SPLITS, Examples, Task, TaskSuite, blank_splits
from .text import TextTask, text_code, text_suite
from .token_suites import token_suite
from .tokenizers import load_tokenizer
from .tokens import token_code

__all__ = [
    "COHORTS",
    "IGNORED",
    "LEARNING_RATES",
    "LSTM",
    "MLP",
    "MODELS",
    "NO_TOKEN",
    "PACKAGED",
    "PRETRAINED",
    "QUERY_AND_VALUE",
    "SPLITS",
    "SUITES",
    "Adam",
    "Adapter",
    "Answering",
    "Batch",
    "CausalLM",
    "Chat",
    "Choice",
    "Cohort",
    "Constant",
    "Cosine",
    "Cyclical",
    "Decoder",
    "EncoderClassifier",
    "Environment",
    "EnvironmentSuite",
    "Evaluation",
    "Examples",
    "Grader",
    "LoRA",
    "LoRACohort",
    "LoopCohort",
    "Question",
    "RLCohort",
    "SimulatedCohort",
    "SingleStudent",
    "StackedCohort",
    "Task",
    "TaskSuite",
    "TextTask",
    "Training",
    "Verify",
    "WarmUp",
    "addition",
    "blank_splits",
    "check_cohort",
    "check_suite",
    "class_suite",
    "combine_adapters",
    "copy_sharing_weights",
    "dataset",
    "distractors",
    "docstrings",
    "environments",
    "finite",
    "flat",
    "graph",
    "interference",
    "jsonl",
    "load_adapter",
    "load_base",
    "load_tokenizer",
    "make_cohort",
    "parity",
    "reasoning",
    "save_adapter",
    "simulated",
    "text_code",
    "text_suite",
    "token_code",
    "token_suite",
]
