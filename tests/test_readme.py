"""Every Python block of the README runs, in order of appearance, each in a process of its own."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parent.parent / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.DOTALL)


def test_the_readme_shows_own_data_own_student_and_own_teacher() -> None:
    text = "\n".join(BLOCKS)
    for word in ("jsonl(", "nn.Module", "def probabilities", "PPO(", "gym.make(", "run_trial("):
        assert word in text


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_a_block_of_the_readme_runs_as_it_stands(number: int, tmp_path: Path) -> None:
    script = tmp_path / "block.py"
    script.write_text(BLOCKS[number])
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", str(script)],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr


def test_every_command_of_the_readme_exists() -> None:
    known = {"run", "report", "list", "bench"}
    used = set(re.findall(r"lessonplan ([a-z]+)", "\n".join(
        re.findall(r"```(?:sh|bash)\n(.*?)```", README.read_text(), flags=re.DOTALL)
    )))  # fmt: skip
    assert {"run", "report", "bench"} <= used <= known
