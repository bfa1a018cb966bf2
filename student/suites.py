"""Suites by name."""

from collections.abc import Callable

from .addition import addition
from .docstrings import docstrings
from .environments import environments
from .jsonl import jsonl
from .parity import parity
from .reasoning import reasoning
from .saved_datasets import dataset
from .sign_suites import distractors, finite, flat, graph, interference
from .simulated import simulated
from .tasks import TaskSuite

SUITES: dict[str, Callable[..., TaskSuite]] = {
    "parity": parity,
    "addition": addition,
    "simulated": simulated,
    "interference": interference,
    "distractors": distractors,
    "graph": graph,
    "flat": flat,
    "finite": finite,
    "jsonl": jsonl,
    "dataset": dataset,
    "reasoning": reasoning,
    "docstrings": docstrings,
    "environments": environments,
}
"""Suites by the names that configs use."""
