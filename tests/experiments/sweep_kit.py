"""A sweep that takes seconds, the command in a process of its own, and numbers to compare."""

import json
import sys
from pathlib import Path

import yaml

BASE = {
    "name": "tiny",
    "suite": {"name": "parity", "options": {"n_tasks": 3, "n_signs": 8}},
    "student": {"options": {"hidden": [16]}, "batch_size": 8, "evaluation_size": 16},
    "lifetime": {"budget": "120-steps", "steps_per_decision": 10, "end_after": 2},
    "seeds": {"report": 4, "select": 3},
    "checkpoint_seconds": 0.01,
    "tuning_candidates": 3,
    "teachers": [
        {
            "name": "ppo",
            "type": "learned",
            "observe": ["progress:ema=0.5", "score"],
            "students": 4,
            "decisions": 192,
            "candidates": 2,
            "seeds": 2,
            "sampled": True,
            "settings": {"n_steps": 8, "batch_size": 16, "n_epochs": 2},
        },
        {"name": "ppo-shuffled", "type": "replay", "of": "ppo"},
        "uniform",
        "highest-unmastered",
        {"name": "in-order-tuned", "rule": "in_order", "tune": True},
    ],
}
SWEEP = {"name": "tiny-sweep", "config": "base.yaml", "teachers": ["ppo", "uniform"]}
COMMAND = [
    sys.executable, "-c",
    "import sys; sys.argv[0] = 'lessonplan'; from lessonplan.experiments.cli import main; main()",
]  # fmt: skip


def write_files(folder: Path, sweep: dict, base: dict = BASE) -> Path:
    """`sweep.yaml` and the `base.yaml` that it names; returns the former."""
    (folder / "base.yaml").write_text(yaml.safe_dump(base))
    path = folder / "sweep.yaml"
    path.write_text(yaml.safe_dump(SWEEP | sweep))
    return path


def numbers(value) -> object:
    """A summary without wall time; of a folder, the summary in it."""
    if isinstance(value, Path):
        return numbers(json.loads((value / "summary.json").read_text()))
    if isinstance(value, dict):
        return {k: numbers(v) for k, v in value.items() if "wall" not in k}
    return [numbers(v) for v in value] if isinstance(value, list) else value
