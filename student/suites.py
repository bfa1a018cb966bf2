"""Suites by name."""

from collections.abc import Callable

from .addition import addition
from .environments import environments
from .jsonl import jsonl
from .parity import parity
from .reasoning import reasoning
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
    "reasoning": reasoning,
    "environments": environments,
}
"""Suites by the names that configs use."""
