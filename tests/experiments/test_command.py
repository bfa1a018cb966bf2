"""The command line and configs: bad input is one sentence and exit status 2."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from places import EXAMPLES, ROOT
from tiny_config import CONFIG

from lessonplan.experiments.cli import app as cli
from lessonplan.experiments.cli.bars import live_bars
from lessonplan.experiments.cli.commands.runs import Own, settings_of
from lessonplan.experiments.cli.console import terminal
from lessonplan.experiments.config.loading import config_names, read_config, write_config
from lessonplan.experiments.trial.units import plan

WORDS = EXAMPLES / "words"
"""A folder of data that ships."""


def command(monkeypatch, capsys, *arguments: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["lessonplan", *arguments])
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(SystemExit) as ended:
        cli.main()
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


@pytest.mark.parametrize("name", config_names())
def test_every_config_that_ships_can_be_read_and_survives_a_round_trip(name, tmp_path):
    config = read_config(name)
    write_config(config, tmp_path / "config.yaml")
    assert read_config(tmp_path / "config.yaml") == config
    assert plan(config)


def test_overrides_reach_keys_items_and_teachers_by_name():
    config = read_config(
        "quickstart",
        ["seeds.report=5", "teachers.ppo.decisions=99", "teachers.ppo.settings.gamma=0.5",
         "suite.options.n_tasks=4", "teachers.proportional.parameters={}"],
    )  # fmt: skip
    assert config.seeds.report == 5
    ppo = next(teacher for teacher in config.teachers if teacher.name == "ppo")
    assert ppo.decisions == 99
    assert ppo.settings["gamma"] == 0.5
    assert ppo.settings["n_steps"] == 10
    assert config.suite.options["n_tasks"] == 4


BAD = {
    "unknown config": (["run", "nope"], "there is no config 'nope'"),
    "nothing to run": (["run"], "name a config"),
    "unknown key": (["run", "quickstart", "-o", "colour=red"], "there is no colour"),
    "unknown nested key": (["run", "quickstart", "-o", "seeds.x=1"], "there is no seeds.x"),
    "not an override": (["run", "quickstart", "-o", "seeds"], "an override reads key=value"),
    "unknown teacher": (["run", "quickstart", "-o", "teachers.x.tune=1"], "there is no item 'x'"),
    "unknown rule": (
        ["run", "quickstart", "-o", "teachers.shortfall.rule=shortfal"],
        "there is no rule 'shortfal'",
    ),
    "a learner as a rule": (
        ["run", "quickstart", "-o", "teachers=[uniform, recurrent-ppo]"],
        "'recurrent_ppo' is a learner and no rule; write {name: NAME, type: learned",
    ),
    "a mixture of which tasks are sampled": (
        ["run", "quickstart", "-o", "teachers.ppo.sampled=true"], "or write sampled: false and"
    ),
    "unknown parameter": (
        ["run", "quickstart", "-o", "teachers.proportional.parameters.gate=1"],
        "does not take these",
    ),
    "impossible gate": (
        ["run", "quickstart", "-o", "teachers.in-order-tuned.parameters.gate=7"], "gate"
    ),
    "unknown suite": (["run", "quickstart", "-o", "suite.name=x"], "there is no suite 'x'"),
    "impossible suite": (["run", "quickstart", "-o", "suite.options.n_signs=99"], "n_signs must"),
    "unknown model": (["run", "quickstart", "-o", "student.model=x"], "there is no model 'x'"),
    "unknown reward": (["run", "quickstart", "-o", "lifetime.reward=x"], "reward must be one of"),
    "unknown column": (
        ["run", "quickstart", "-o", "teachers.ppo.observe=[progress,scor]"], "no column 'scor'"
    ),
    "progress is not first": (
        ["run", "quickstart", "-o", "teachers.ppo.observe=[score]"], "first column"
    ),
    "not a budget": (["run", "quickstart", "--budget", "many"], "a budget reads like"),
    "no such data": (["run", "--data", "nowhere.jsonl"], "nowhere.jsonl"),
    "negative rate": (
        ["run", "quickstart", "-o", "student.learning_rate=-1"], "student.learning_rate"
    ),
    "no teachers": (["run", "quickstart", "-o", "teachers=[]"], "there are no teachers"),
    "twice the same": (
        ["run", "quickstart", "-o", "teachers=[uniform,uniform]"], "the same name: uniform"
    ),
    "replay of nobody": (
        ["run", "quickstart", "-o", "teachers=[{name: a, type: replay, of: b}]"], "replays 'b'"
    ),
    "nothing to resume": (["run", "--resume", "nowhere"], "can't be read"),
    "not a run": (["report", "."], "not a run directory"),
    "own module is missing": (
        ["run", "quickstart", "-o", "suite.name=nomodule:x"], "there is no module 'nomodule'"
    ),
    "unknown option of the model": (
        ["run", "quickstart", "-o", "student.options.depth=3"], "model 'mlp' does not take these"
    ),
    "one width instead of a list": (
        ["run", "quickstart", "-o", "student.options.hidden=64"], "a list of widths, got 64"
    ),
    "impossible width": (
        ["run", "quickstart", "-o", "student.options.hidden=[-1]"], "from 1 to 65,536, got [-1]"
    ),
    "model for numbers, suite of text": (
        ["run", "quickstart", "--data", str(WORDS)], "try student.model=decoder"
    ),
    "model for text, suite of numbers": (
        ["run", "quickstart", "-o", "student.model=decoder", "-o", "student.options={}"],
        "float32 of shape (18,)",
    ),
    "below a name": (["run", "quickstart", "-o", "name.x=3"], "'x' is below a plain value"),
    "below a budget": (
        ["run", "quickstart", "-o", "lifetime.budget.x=1"], "'x' is below a plain value"
    ),
    "unknown setting of PPO": (
        ["run", "quickstart", "-o", "teachers.ppo.settings.nonsense=3"], "teacher 'ppo' can't be"
    ),
    "impossible batches of PPO": (
        ["run", "quickstart", "-o", "teachers.ppo.settings.batch_size=1"], "teacher 'ppo' can't be"
    ),
    "a rate that is text to YAML": (
        ["run", "quickstart", "-o", "teachers.ppo.settings.learning_rate=fast"], "teacher 'ppo' can"
    ),
    "--out with --resume": (
        ["run", "--resume", "nowhere", "--out", "elsewhere"], "leave out --out"
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_bad_input_is_one_sentence_and_status_2(kind, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    arguments, words = BAD[kind]
    status, _, err = command(monkeypatch, capsys, *arguments)
    assert status == 2
    assert words in err
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "runs").exists()


def test_a_folder_that_is_not_empty_is_not_overwritten(monkeypatch, capsys, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    status, _, err = command(monkeypatch, capsys, "run", "quickstart", "--out", str(tmp_path))
    assert status == 2
    assert "is not empty" in err
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_list_names_everything_with_a_line_each(monkeypatch, capsys):
    status, out, _ = command(monkeypatch, capsys, "list")
    assert status == 0
    for name in ("quickstart", "parity", "decoder", "exp3s", "mean_score", "recency"):
        assert name in out


def test_a_dry_run_says_what_it_would_take_and_writes_nothing(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    config = tmp_path / "tiny.yaml"
    config.write_text(yaml.safe_dump(CONFIG))
    status, out, _ = command(monkeypatch, capsys, "run", str(config), "--dry-run")
    assert status == 0
    assert "12 decisions of 10 student steps" in out
    assert "probing is" in out
    assert "seconds with" in out
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.yaml"]


def test_paths_of_data_are_relative_to_the_config(tmp_path):
    values = {"suite": {"name": "jsonl", "options": {"path": "d.jsonl"}}, "teachers": ["uniform"]}
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(values))
    assert read_config(tmp_path / "c.yaml").suite.options["path"] == str(tmp_path / "d.jsonl")


@pytest.mark.slow
def test_a_run_from_the_command_line_ends_with_table_verdict_and_report(
    monkeypatch, capsys, tmp_path
):
    config, out = tmp_path / "tiny.yaml", tmp_path / "run"
    config.write_text(yaml.safe_dump(CONFIG | {"workers": 1}))
    status, shown, _ = command(monkeypatch, capsys, "run", str(config), "--out", str(out))
    assert status == 0
    assert "exp3s" in shown
    assert "done: evaluate-ppo-0" in shown
    summary = json.loads((out / "summary.json").read_text())
    assert set(summary["teachers"]) == {
        "ppo", "ppo-sampled", "ppo-shuffled", "uniform", "in-order-tuned", "exp3s",
    }  # fmt: skip
    assert (out / "report.html").stat().st_size > 10_000
    assert "http" not in (out / "report.html").read_text().split("<body")[1].split("data:")[0]


@pytest.mark.parametrize(
    ("data", "name"), [(".", "my.data"), ("../my.data", "my.data"), ("../my.data/a.jsonl", "a")]
)
def test_a_run_on_data_is_named_after_the_file_or_folder(data, name, tmp_path, monkeypatch):
    folder = tmp_path / "my.data"
    folder.mkdir()
    (folder / "a.jsonl").write_text("")
    monkeypatch.chdir(folder)
    settings, run_dir = settings_of("", None, [], None, Own(data), "")
    assert settings.name == name
    assert run_dir == Path("runs") / name


RULE = """
from lessonplan.teacher import Uniform

class MyRule(Uniform):
    '''Mine.'''
"""


def with_a_rule(folder: Path, workers: int) -> None:
    (folder / "my_module.py").write_text(RULE)
    values = CONFIG | {"workers": workers, "teachers": [{"name": "a", "rule": "my_module:MyRule"}]}
    (folder / "tiny.yaml").write_text(yaml.safe_dump(values))


def test_a_rule_in_the_working_directory_is_found_last(monkeypatch, capsys, tmp_path):
    with_a_rule(tmp_path, workers=1)
    (tmp_path / "json.py").write_text("raise SystemExit('the wrong one')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    status, _, err = command(monkeypatch, capsys, "run", "tiny.yaml", "--out", "run")
    sys.modules.pop("my_module", None)
    assert status == 0, err
    assert sys.path[-1] == str(tmp_path)
    assert (tmp_path / "run" / "checkpoint" / "evaluate-a-0.json").exists()


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_the_installed_command_and_its_workers_find_a_rule_in_the_working_directory(
    workers, tmp_path
):
    with_a_rule(tmp_path, workers)
    ended = subprocess.run(
        [Path(sys.executable).with_name("lessonplan"), "run", "tiny.yaml", "--out", "run"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "run" / "checkpoint" / "evaluate-a-0.json").exists()


def test_progress_counts_what_was_done_before_a_resume(capsys):
    with live_bars(terminal(), "tiny", 6, "units", 3) as watch:
        watch("evaluate-exp3s-0", 1.0, "done")
    assert capsys.readouterr().out == "done: evaluate-exp3s-0 (4 of 6)\n"


@pytest.mark.slow
def test_a_resumed_run_counts_on(monkeypatch, capsys, tmp_path):
    config, out = tmp_path / "tiny.yaml", tmp_path / "run"
    config.write_text(yaml.safe_dump(CONFIG | {"workers": 1, "teachers": ["uniform", "exp3s"]}))
    command(monkeypatch, capsys, "run", str(config), "--out", str(out))
    (out / "checkpoint" / "evaluate-exp3s-0.json").unlink()
    status, shown, _ = command(monkeypatch, capsys, "run", "--resume", str(out))
    assert status == 0
    assert "done: evaluate-exp3s-0 (4 of 4)" in shown


def test_progress_is_a_line_per_unit_where_there_is_no_terminal(capsys):
    with live_bars(terminal(), "tiny", 6, "units") as watch:
        watch("tune-in-order-tuned-0", 0.5, "candidate 1 of 3")
        watch("tune-in-order-tuned-0", 1.0, "done")
    assert capsys.readouterr().out.count("done:") == 1


def test_the_folder_of_configs_is_where_the_package_is():
    assert (ROOT / "experiments" / "configs" / "quickstart.yaml").exists()
