"""What many tasks take before anything is learned: `python -m lessonplan.experiments.bench.tasks`.

Legend: k tasks.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np

from ..assembly.build import build_rule, rule_teacher
from ..config.config import Config
from ..config.data_config import own_data
from ..config.loading import make_config
from ..dry_run import preview_parts
from ..trial.checking import check
from ..trial.teaching import Teaching

LIMIT_SECONDS, DATA_SECONDS = 5.0, 60.0
"""Processor time of check and first decision with 10,000 tasks; of a dry run on 1,000 in data."""
_RULES = ("uniform", "learnability", "highest_unmastered", "tscl_window")
_ROWS = 40
"""Rows of a task in data."""


def many_tasks(k: int) -> Config:
    """A config of k simulated tasks under four rules and PPO."""
    learned = {"name": "ppo", "type": "learned", "decisions": 64, "observe": ["progress", "score"]}
    return make_config(
        {
            "name": "many-tasks",
            "suite": {"name": "simulated", "options": {"n_tasks": k, "width": 3}},
            "student": {},
            "lifetime": {"budget": "400-steps"},
            "seeds": {"report": 2, "select": 2},
            "teachers": [*_RULES, learned],
        }
    )


def measure_beginning(k: int) -> tuple[float, float]:
    """Seconds of processor time of the check of k tasks, and of a first decision about two."""
    config = many_tasks(k)
    began = time.process_time()
    suite = check(config)
    checked = time.process_time()
    rule = build_rule(_RULES[1], {}, config, suite)
    Teaching(*rule_teacher(rule, config, suite, 2, 0), np.arange(2)).step()
    return checked - began, time.process_time() - checked


def write_many_tasks(path: Path, k: int) -> None:
    """Write a file of rows with k tasks in a column, each of them sums of its own."""
    rows = (
        {"task": f"sums-{i}", "question": f"{a} + {i} = ?", "answer": f"{a + i}"}
        for i in range(k)
        for a in range(_ROWS)
    )
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")


def measure_dry_run(k: int) -> float:
    """Seconds of processor time of a dry run on a file of k tasks."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{k} tasks.jsonl"
        write_many_tasks(path, k)
        began = time.process_time()
        for part in preview_parts(make_config(own_data("", str(path), "", {}).values)):
            assert part
        return time.process_time() - began


def main() -> None:
    """Measure what the options ask for, and say it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--tasks", type=int, default=10_000, help="of a simulated suite")
    parser.add_argument("--in-data", type=int, default=1_000, help="tasks of a file of rows")
    options = parser.parse_args()
    checked, decided = measure_beginning(options.tasks)
    print(
        f"{options.tasks:,} tasks: check {checked:.1f} s, first decision {decided:.2f} s of "
        "processor time",
        flush=True,
    )
    seconds = measure_dry_run(options.in_data)
    print(f"{options.in_data:,} tasks in data: dry run {seconds:.1f} s of processor time")


if __name__ == "__main__":
    main()
