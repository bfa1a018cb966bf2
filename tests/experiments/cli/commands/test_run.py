"""`lessonplan run` as its users see it: what is said before anything runs."""

import io
import json
import sys
from functools import partial

import bad_input_kit
import pytest
import yaml
from rich.console import Console
from tiny_config import CONFIG

from lessonplan.experiments.cli.status import loading_status

SUITE = """
from dataclasses import replace
from lessonplan.student import parity

def noted(progress=None):
    '''Parity that was read from somewhere.'''
    for count in (1, 2000):
        progress("rows read", count)
    return replace(parity(n_tasks=2, n_signs=8), notes=("'q' is read as [b]prompt[/b].", "2 cut."))
"""
ROWS = [{"prompt": f"{i} + 1", "answer": str(i + 1)} for i in range(40)]


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    return partial(bad_input_kit.command, monkeypatch, capsys)


def config_file(folder, **more):
    values = CONFIG | {"workers": 1, "teachers": ["uniform", "exp3s"]} | more
    (folder / "tiny.yaml").write_text(yaml.safe_dump(values))
    return folder / "tiny.yaml"


def rows_file(folder, rows=ROWS):
    (folder / "mine.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder / "mine.jsonl"


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_one_task_alone_is_one_sentence_that_says_how_to_get_more(options, command, tmp_path):
    status, out, err = command("run", "--data", rows_file(tmp_path), *options)
    assert status == 2
    assert "nothing to order" in err
    assert "--task-column COLUMN" in err
    assert len(err.strip().splitlines()) == 1
    assert len(err) < 300
    assert out == ""
    assert not (tmp_path / "runs").exists()


def test_one_task_of_a_suite_that_is_no_file_is_not_sent_to_look_for_columns(command):
    status, _, err = command("run", "quickstart", "-o", "suite.options.n_tasks=1")
    assert status == 2
    assert "nothing to order; ask for more in suite.options" in err
    assert "--task-column" not in err


def test_what_left_one_task_alone_is_said_with_it(command, tmp_path):
    rare = [{"prompt": "once", "answer": "1", "task": "rare"}]
    rows = [row | {"task": "common"} for row in ROWS] + rare
    status, _, err = command("run", "--data", rows_file(tmp_path, rows))
    assert status == 2
    assert "'rare'" in err
    assert "nothing to order" in err.splitlines()[-1]


def test_a_sweep_over_one_task_is_the_same_sentence(command, tmp_path):
    suite = {"name": "jsonl", "options": {"path": str(rows_file(tmp_path))}}
    config_file(tmp_path, suite=suite, student={"model": "decoder"})
    values = {"config": "tiny.yaml", "teachers": ["uniform", "exp3s"]}
    (tmp_path / "sweep.yaml").write_text(yaml.safe_dump(values))
    status, _, err = command("sweep", "sweep.yaml", "--dry-run")
    assert status == 2
    assert "nothing to order" in err


@pytest.mark.slow
def test_a_dry_run_on_ones_own_data_is_a_page_that_writes_nothing(command, tmp_path):
    rows = [row | {"task": task} for task in ("up", "[red]down") for row in ROWS]
    for row in rows:
        row["prompt"] = f"{row['task']} {row['prompt']}"
    path = rows_file(tmp_path, rows)
    status, out, err = command("run", "--data", path, "--budget", "20-steps", "--dry-run")
    assert status == 0, err
    for words in ("[red]down", "| up ", "Padding", "2 decisions of 10 student steps"):
        assert words in out
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--task-column", "topic"], "suite.options.task_column"),
        (["quickstart", "--columns", "prompt=q"], "are for --data"),
        (["--data", "mine.jsonl", "--columns", "prompt"], "--columns reads like"),
        (["--resume", "somewhere", "--task-column", "topic"], "give nothing else"),
    ],
)
def test_options_about_data_without_data_are_one_sentence(arguments, words, command, tmp_path):
    rows_file(tmp_path)
    status, _, err = command("run", *arguments)
    assert status == 2
    assert words in err
    assert len(err.strip().splitlines()) == 1


@pytest.mark.slow
def test_what_there_is_to_say_of_the_data_is_said_once_and_kept(command, tmp_path):
    (tmp_path / "own_suite.py").write_text(SUITE)
    config_file(tmp_path, suite={"name": "own_suite:noted"})
    status, _, err = command("run", "tiny.yaml", "--out", "run")
    sys.modules.pop("own_suite", None)
    assert status == 0, err
    notes = ["'q' is read as [b]prompt[/b].", "2 cut."]
    code, *said = err.splitlines()
    assert code == f"lessonplan: runs code that its config names: {tmp_path / 'own_suite.py'}"
    assert said == [f"lessonplan: {note}" for note in notes]
    environment = json.loads((tmp_path / "run" / "environment.json").read_text())
    assert environment["suite"]["notes"] == notes
    assert "&#x27;q&#x27; is read as [b]prompt[/b]." in (tmp_path / "run/report.html").read_text()


def test_a_quick_load_shows_nothing_and_a_slow_one_a_line_outside_of_a_terminal(capsys):
    with loading_status(after=60.0, console=Console(file=io.StringIO())) as progress:
        progress("rows read", 1000)
    assert capsys.readouterr().err == ""
    with loading_status(after=0.0, console=Console(file=io.StringIO())) as progress:
        progress("rows read", 1000)
        progress("rows read", 2000)
    assert capsys.readouterr().err == "lessonplan: rows read: 1,000\n"


def test_in_a_terminal_a_status_goes_on_and_is_gone_at_the_end():
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=60)
    with loading_status(after=0.0, console=console) as progress:
        progress("rows [of] it", 1000)
        progress("rows [of] it", 2500)
    assert "rows [of] it: 2,500" in text.getvalue()
    assert text.getvalue().endswith("\x1b[2K")


def test_a_run_that_is_interrupted_says_how_it_goes_on(command, monkeypatch, tmp_path):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("lessonplan.experiments.trial.trial.run_trial", interrupted)
    status, _, err = command("run", str(config_file(tmp_path)), "--out", "begun")
    assert status == 130
    assert "kept: lessonplan run --resume begun goes on" in err


@pytest.mark.slow
def test_with_tensorboard_a_run_has_event_files_for_each_pair_and_the_same_numbers(
    command, tmp_path
):
    file = config_file(tmp_path, teachers=["uniform"])
    for folder, options in (("plain", []), ("seen", ["--tensorboard"])):
        status, _, err = command("run", file, "--out", folder, *options)
        assert status == 0, err
    events = tmp_path / "seen" / "tensorboard" / "uniform-0"
    assert len(list(events.glob("events.out.tfevents.*"))) == 1
    assert not (tmp_path / "plain" / "tensorboard").exists()
    found, plain = (
        json.loads((tmp_path / folder / "summary.json").read_text()) for folder in ("seen", "plain")
    )
    assert found["teachers"]["uniform"]["area"] == plain["teachers"]["uniform"]["area"]
