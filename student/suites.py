"""Suites by name."""

from collections.abc import Callable

from .jsonl import jsonl
from .parity import parity
from .reasoning import reasoning
from .tasks import TaskSuite

SUITES: dict[str, Callable[..., TaskSuite]] = {
    "parity": parity,
    "jsonl": jsonl,
    "reasoning": reasoning,
}
