"""What people run: a trial, a sweep, and the report of what they stored.

Each name is imported when it is asked for, so that the command line answers at once.
"""

from typing import Any

__all__ = [
    "Config",
    "make_config",
    "read_config",
    "read_run",
    "read_sweep",
    "run_sweep",
    "run_trial",
    "write_report",
]


def __getattr__(name: str) -> Any:
    match name:
        case "Config":
            from .config.config import Config

            return Config
        case "make_config":
            from .config.loading import make_config

            return make_config
        case "read_config":
            from .config.loading import read_config

            return read_config
        case "read_run":
            from .store.runs import read_run

            return read_run
        case "read_sweep":
            from .config.sweeps import read_sweep

            return read_sweep
        case "run_sweep":
            from .sweep.sweep import run_sweep

            return run_sweep
        case "run_trial":
            from .trial.trial import run_trial

            return run_trial
        case "write_report":
            from .report.report import write_report

            return write_report
        case _:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
