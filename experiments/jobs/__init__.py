"""Runs and sweeps as jobs of a Ray cluster: submit, follow, stop, fetch."""

from .cluster import JobCluster

__all__ = ["JobCluster"]
