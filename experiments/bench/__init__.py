"""Speed, as ratios: `lessonplan bench` and the longer measurements beside it."""

from .bench import run_bench

__all__ = ["run_bench"]
