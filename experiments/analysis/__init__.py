"""Numbers and sentences from stored runs: statistics, comparisons, the verdict."""

from .summary import summarize, write_summary
from .verdicts import verdict

__all__ = ["summarize", "verdict", "write_summary"]
