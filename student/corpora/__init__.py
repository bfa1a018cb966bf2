"""Suites from people's own files."""

from .datasets import dataset
from .json_lines import jsonl

__all__ = ["dataset", "jsonl"]
