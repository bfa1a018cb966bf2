"""Suites and cohorts by name."""

from collections.abc import Callable

from .addition import addition
from .agent_cohort import RLCohort
from .cohort import Cohort
from .docstrings import docstrings
from .environments import environments
from .jsonl import jsonl
from .reasoning import reasoning
from .saved_datasets import dataset
from .sign_suites import distractors, finite, flat, graph, interference, parity
from .simulated import SimulatedCohort, simulated
from .stacked import StackedCohort
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

COHORTS: dict[str, type[Cohort]] = {
    "stacked": StackedCohort,
    "simulated": SimulatedCohort,
    "rl": RLCohort,
}
"""Cohorts by the kind that a suite names."""
