"""Suites that ship."""

from .addition_suite import addition
from .chain_suite import chain
from .docstring_suite import docstrings
from .reasoning_suite import reasoning
from .sign_suites import distractors, finite, flat, graph, interference, parity

__all__ = [
    "addition",
    "chain",
    "distractors",
    "docstrings",
    "finite",
    "flat",
    "graph",
    "interference",
    "parity",
    "reasoning",
]
