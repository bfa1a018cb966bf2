"""The real command in this process, and folders compared byte for byte."""

import sys
from pathlib import Path

import pytest

from lessonplan.experiments.cli import app as cli

TINY = {
    "name": "tiny",
    "suite": {"name": "parity", "options": {"n_tasks": 3, "n_signs": 8}},
    "student": {"options": {"hidden": [8]}, "batch_size": 4, "evaluation_size": 8},
    "lifetime": {"budget": "20-steps", "steps_per_decision": 10, "end_after": 2},
    "seeds": {"report": 2, "select": 1},
    "workers": 1,
    "teachers": ["uniform", "exp3s"],
}
"""An experiment that takes a fraction of a second."""

PPO = {
    "name": "ppo",
    "type": "learned",
    "students": 2,
    "decisions": 16,
    "candidates": 1,
    "width": 8,
    "settings": {"n_steps": 4, "batch_size": 8, "n_epochs": 1},
}


def command(monkeypatch, capsys, *arguments: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of `lessonplan` with these arguments."""
    monkeypatch.setattr(sys, "argv", ["lessonplan", *map(str, arguments)])
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(SystemExit) as ended:
        cli.main()
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def refused(monkeypatch, capsys, *arguments: str) -> str:
    """The one sentence that the command refuses these arguments with."""
    status, _, err = command(monkeypatch, capsys, *arguments)
    assert status == 2, err
    lines = err.strip().splitlines()
    assert len(lines) == 1, err
    assert lines[0].startswith("lessonplan: ")
    return lines[0]


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path; the lock, which is empty, does not count."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "lock"
    }
