"""A sweep that takes seconds, the command in a process of its own, and numbers to compare."""

import json
import sys
from pathlib import Path

import yaml
from tiny_config import CONFIG

_PPO, _REPLAY, _UNIFORM, _TUNED = CONFIG["teachers"][:4]
BASE = CONFIG | {"teachers": [_PPO | {"seeds": 2}, _REPLAY, _UNIFORM, "highest-unmastered", _TUNED]}
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
