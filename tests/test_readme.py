"""Every Python block of the README runs, in order of appearance, each in a process of its own."""

import re
from pathlib import Path

import pytest
from blocks import blocks_of, run_block

from lessonplan.experiments.cli.app import COMMANDS

README = Path(__file__).parent.parent / "README.md"
BLOCKS = blocks_of(README)


def test_the_readme_shows_an_own_teacher_the_environment_and_a_trial() -> None:
    text = "\n".join(BLOCKS)
    for word in ("def probabilities", "PPO(", "gym.make(", "run_trial("):
        assert word in text


def test_the_readme_has_under_900_words_beside_its_code() -> None:
    shown = re.sub(r"```.*?```|<!--.*?-->", "", README.read_text(), flags=re.DOTALL)
    assert len(shown.split()) < 900


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_a_block_of_the_readme_runs_as_it_stands(number: int, tmp_path: Path) -> None:
    run_block(BLOCKS[number], tmp_path)


def test_every_command_of_the_readme_exists() -> None:
    used = set(re.findall(r"lessonplan ([a-z]+)", "\n".join(
        re.findall(r"```(?:sh|bash)\n(.*?)```", README.read_text(), flags=re.DOTALL)
    )))  # fmt: skip
    assert {"run", "sweep", "submit", "dashboard", "report", "bench"} <= used <= set(COMMANDS)
