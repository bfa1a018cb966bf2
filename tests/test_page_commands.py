"""Every command line that a page shows names a command and options that exist."""

import re
import shlex

import pytest
from doc_tables import DOCS
from places import ROOT
from typer.testing import CliRunner

from lessonplan.experiments.cli.app import command_line

PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
SHELL = re.compile(
    r"```(?:sh|bash|console)\n(.*?)```|((?:^(?: {4})?lessonplan [^\n]*\n)+)", re.DOTALL | re.M
)
"""Blocks of commands: between fences of a shell, or lines that begin with ours."""


def command_lines(text):
    """Words after `lessonplan` on each line of the shell blocks of a page."""
    for block in map("".join, SHELL.findall(text)):
        for line in block.replace("\\\n", " ").splitlines():
            for part in re.split(r"&&|;|\|", line.split("  #")[0]):
                words = shlex.split(part, comments=True)
                if words and words[0].rpartition("/")[2] == "lessonplan":
                    yield words[1:]


LINES = sorted({tuple(words) for page in PAGES for words in command_lines(page.read_text())})


def status_of_help(words):
    """How the command ends that is asked for its help behind these words, before it does a thing.

    Names of commands and options are read first, and a wrong one is an error in spite of it.
    """
    return CliRunner().invoke(command_line(), [*words, "--help"]).exit_code


@pytest.mark.parametrize("words", LINES, ids=" ".join)
def test_a_command_of_a_page_and_its_options_exist(words):
    assert status_of_help(words) == 0


def test_a_wrong_option_or_command_would_be_found():
    assert status_of_help(["run", "quickstart", "--colour", "red"]) == 2
    assert status_of_help(["runs"]) == 2


def test_commands_are_read_behind_a_path_and_over_lines():
    text = "```sh\npip x && .venv/bin/lessonplan run a  # why\nlessonplan b \\\n  --c 'd e'\n```"
    assert list(command_lines(text)) == [["run", "a"], ["b", "--c", "d e"]]
    indented = "so:\n\n    lessonplan run a\n    lessonplan b\n\nand on"
    assert list(command_lines(indented)) == [["run", "a"], ["b"]]
