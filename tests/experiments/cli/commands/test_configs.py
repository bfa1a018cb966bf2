"""`lessonplan config` prints a config that can be saved, changed and run."""

import json
import sys

import pytest

from lessonplan.experiments.cli.app import main
from lessonplan.experiments.config.loading import read_config
from lessonplan.experiments.config.sweeps import read_sweep


@pytest.fixture
def printed(monkeypatch, capsys, tmp_path):
    """What the command prints of these words, in a file."""

    def run(*words):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["lessonplan", "config", *words])
        with pytest.raises(SystemExit) as end:
            main()
        file = tmp_path / "mine.yaml"
        out = capsys.readouterr()
        file.write_text(out.out)
        return file, end.value.code, out.err

    return run


def test_a_run_with_overrides_is_the_same_run_again(printed):
    overrides = ["student.lora.r=3", "student.lora.target_modules=[a]", "teachers.ppo.width=7"]
    options = [word for override in overrides for word in ("-o", override)]
    file, status, _ = printed("quickstart", *options)
    assert status == 0
    assert read_config(file) == read_config("quickstart", overrides)


def test_a_sweep_by_name_or_by_path_is_the_same_sweep_again(printed):
    file, _, _ = printed("quickstart-sweep", "-o", "samples=1", "-o", "seeds.report=9")
    sweep = read_sweep("quickstart-sweep", ["seeds.report=9"])
    assert read_sweep(file) == sweep
    again, _, _ = printed("mine.yaml")
    assert read_sweep(again) == sweep


def test_ones_own_data_has_a_config_too(printed, tmp_path):
    rows = [{"prompt": f"p{i}", "answer": "a", "topic": f"t{i % 2}"} for i in range(6)]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    file, status, _ = printed("--data", "rows.jsonl", "--task-column", "topic")
    assert status == 0
    options = read_config(file).suite.options
    assert options == {"path": str(tmp_path / "rows.jsonl"), "task_column": "topic"}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nope"], "there is no config 'nope'"),
        (["nope.yaml"], "nope.yaml can't be read"),
        ([], "name a config"),
        (["quickstart", "-o", "student.lr=1"], "did you mean student.learning_rate?"),
    ],
)
def test_mistakes_are_answered_as_those_of_run_are(words, sentence, printed):
    _, status, complaint = printed(*words)
    assert status == 2
    assert sentence in complaint


def test_nothing_named_is_answered_with_what_the_command_takes(printed):
    _, status, err = printed()
    assert status == 2
    assert "name a config or a sweep (see `lessonplan list`), or give --data" in err
    assert "--resume" not in err
