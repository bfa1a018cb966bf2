"""Pixels and HTML, from stored runs alone."""

from .report import write_report

__all__ = ["write_report"]
