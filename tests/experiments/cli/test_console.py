"""What commands print where nobody looks at a terminal, and the options that all of them have."""

import importlib
import io
import subprocess
import sys
from importlib.metadata import version

import pytest
from rich.console import Console

from lessonplan.experiments.cli import console
from lessonplan.experiments.cli.app import COMMANDS, command_line, main
from lessonplan.experiments.cli.console import print_table, terminal

LONG = [["teacher", "what"], ["[mine]", "x" * 150], ["b", "a word " * 30 + ":smile:"]]
PATHS = [["jobs", verb] for verb in ("status", "follow", "stop", "fetch", "resume")] + [
    [name] for name in COMMANDS
]


def test_a_table_that_is_piped_is_as_wide_as_it_is_and_prints_names_as_they_are(capsys):
    print_table(LONG)
    terminal().print("y" * 300 + " z" * 100)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert lines[1].split() == LONG[1]
    assert lines[2].rstrip().endswith(":smile:")
    assert "…" not in "".join(lines)


def test_a_narrow_terminal_breaks_words_and_cuts_none(monkeypatch):
    narrow = Console(file=io.StringIO(), force_terminal=True, width=60, markup=False)
    monkeypatch.setattr(console, "terminal", lambda: narrow)
    print_table(LONG)
    text = narrow.file.getvalue()
    assert text.count("x") == 150
    assert "…" not in text


def command(*words, cwd):
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "lessonplan.experiments.cli", *words],
        cwd=cwd, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_version_is_that_of_the_package(tmp_path):
    assert command("--version", cwd=tmp_path).stdout == f"lessonplan {version('lessonplan')}\n"


@pytest.mark.parametrize("words", [["--debug", "run", "nope"], ["run", "nope", "--debug"]])
def test_debug_before_or_after_the_command_shows_where_an_error_comes_from(words, tmp_path):
    assert "Traceback" in command(*words, cwd=tmp_path).stderr
    plain = command(*(word for word in words if word != "--debug"), cwd=tmp_path)
    assert len(plain.stderr.splitlines()) == 1


@pytest.mark.parametrize("words", PATHS)
def test_every_command_has_debug_in_its_help_and_no_type_of_python_in_its_options(words, capsys):
    with pytest.raises(SystemExit):
        command_line()(args=[*words, "--help"], prog_name="lessonplan")
    options = capsys.readouterr().out.partition("Options:")[2]
    assert "--debug" in options
    assert not any(kind in options for kind in ("<str>", "<path>", "<int>", "list["))


def test_to_import_the_module_of_the_command_runs_nothing():
    module = importlib.import_module("lessonplan.experiments.cli.__main__")
    assert module.main is main
