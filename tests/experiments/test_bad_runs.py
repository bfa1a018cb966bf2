"""Damaged runs, full disks and students that fail: one sentence, the way out, and it works."""

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from bad_input_kit import PPO, TINY, command, contents, refused

from lessonplan.experiments.config.loading import make_config
from lessonplan.experiments.report import report
from lessonplan.experiments.trial.trial import run_trial

TEACHERS = [PPO, {"name": "again", "type": "replay", "of": "exp3s"}, "uniform", "exp3s"]


def numbers(run_dir: Path) -> object:
    """The summary without wall time."""

    def strip(value):
        if isinstance(value, dict):
            return {k: strip(v) for k, v in value.items() if "wall" not in k}
        return [strip(v) for v in value] if isinstance(value, list) else value

    return strip(json.loads((run_dir / "summary.json").read_text()))


@pytest.fixture(scope="module", autouse=True)
def without_pictures():
    """The pictures of a report take most of the time that these runs take."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "draw_figures", lambda *_: [])
        yield


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A whole run that nobody changes."""
    out = tmp_path_factory.mktemp("finished") / "run"
    run_trial(make_config(TINY | {"teachers": TEACHERS, "checkpoint_seconds": 1e-9}), out)
    return out


@pytest.fixture
def run(finished, tmp_path, monkeypatch):
    """A copy of it in the working directory."""
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(finished, tmp_path / "run"))


def recorded(run):
    """Everything but the cards of teachers, which are written anew as units are done."""
    return {name: data for name, data in contents(run).items() if not name.startswith("teachers/")}


def undo(run, *units):
    """Make units wait to be done again."""
    for unit in units:
        (run / "checkpoint" / f"{unit}.json").unlink()


def resumed(monkeypatch, capsys, run):
    status, _, err = command(monkeypatch, capsys, "run", "--resume", str(run))
    assert status == 0, err


def broken_checkpoint(run):
    undo(run, "evaluate-uniform-0")
    return run / "checkpoint" / "evaluate-uniform-0.pt", b"PK not a checkpoint"


def checkpoint_of_something_else(run):
    undo(run, "train-ppo-0")
    return run / "checkpoint" / "train-ppo-0.pt", b""


DAMAGES = {
    make.__name__.replace("_", " "): make
    for make in (broken_checkpoint, checkpoint_of_something_else)
}


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_file_is_named_and_deleting_it_is_the_way_out(
    kind, run, finished, monkeypatch, capsys
):
    file, data = DAMAGES[kind](run)
    file.write_bytes(data)
    before = contents(run)
    sentence = refused(monkeypatch, capsys, "run", "--resume", str(run))
    assert str(file) in sentence
    assert "damaged" in sentence
    assert "delete it" in sentence
    assert recorded(run) == {name: before[name] for name in recorded(run)}
    assert before.keys() == contents(run).keys()
    file.unlink()
    resumed(monkeypatch, capsys, run)
    assert numbers(run) == numbers(finished)


def test_a_part_that_is_to_be_replayed_but_broken_is_recorded_again_before(
    run, finished, monkeypatch, capsys
):
    undo(run, "evaluate-again-0")
    part = run / "schedule" / "part-exp3s-0-0000.parquet"
    part.write_bytes(b"PAR1 not")
    status, _, err = command(monkeypatch, capsys, "run", "--resume", str(run))
    assert status == 0, err
    assert f"{part} is damaged" in err
    assert "evaluate-exp3s-0 is done again" in err
    assert numbers(run) == numbers(finished)


def test_a_report_says_which_part_it_leaves_out_and_shows_the_rest(run, monkeypatch, capsys):
    (run / "schedule" / "part-uniform-0-0000.parquet").write_bytes(b"PAR1 not")
    status, _, err = command(monkeypatch, capsys, "report", str(run))
    assert status == 0
    assert "lessonplan: part-uniform-0-0000.parquet cannot be read and is left out" in err
    assert "exp3s" in json.loads((run / "summary.json").read_text())["teachers"]


def test_a_teacher_that_was_trained_on_other_columns_is_refused(run, monkeypatch, capsys):
    undo(run, "evaluate-ppo-0")
    stored = yaml.safe_load((run / "config.yaml").read_text())
    stored["teachers"][0]["observe"] = ["progress", "score"]
    for copy in ("config.yaml", "checkpoint/begun.yaml"):
        (run / copy).write_text(yaml.safe_dump(stored))
    before = contents(run)
    sentence = refused(monkeypatch, capsys, "run", "--resume", str(run))
    assert "observ" in sentence or "column" in sentence
    assert recorded(run) == {name: before[name] for name in recorded(run)}


CHANGES = {
    "broken": (b"teachers: [uniform\nseeds: 3", ["config.yaml", "not valid YAML"]),
    "empty": (b"", ["config.yaml", "keys and values"]),
    "other bytes": (b"\xff\xfe", ["config.yaml", "UTF-8"]),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_a_run_whose_config_is_broken_is_left_alone(kind, run, monkeypatch, capsys):
    data, words = CHANGES[kind]
    (run / "config.yaml").write_bytes(data)
    before = contents(run)
    sentence = refused(monkeypatch, capsys, "run", "--resume", str(run))
    assert all(word in sentence for word in words)
    assert contents(run) == before


def test_a_run_whose_config_was_changed_is_not_resumed_until_it_is_copied_back(
    run, monkeypatch, capsys
):
    text = (run / "config.yaml").read_text()
    (run / "config.yaml").write_text(text.replace("report: 2", "report: 3"))
    before = contents(run)
    sentence = refused(monkeypatch, capsys, "run", "--resume", str(run))
    assert str(run / "config.yaml") in sentence
    assert f"copy {run / 'checkpoint' / 'begun.yaml'}" in sentence
    assert contents(run) == before
    (run / "config.yaml").write_text(text.replace("workers: 1", "workers: 0"))
    resumed(monkeypatch, capsys, run)


def test_what_is_no_run_or_not_to_be_changed_is_refused(run, monkeypatch, capsys):
    (run.parent / "notes").mkdir()
    (run.parent / "notes" / "mine.txt").write_text("mine")
    (run.parent / "tiny.yaml").write_text(yaml.safe_dump(TINY))
    before = contents(run.parent)
    for arguments, words in (
        (["run", "--resume", "notes"], "notes"),
        (["run", "--resume", "run", "--budget", "9-steps"], "give nothing else"),
        (["run", "tiny.yaml", "--out", "run"], "not empty"),
        (["run", "tiny.yaml", "--out", "notes"], "not empty"),
        (["run", "tiny.yaml", "--out", "tiny.yaml"], "tiny.yaml"),
        (["run", "tiny.yaml", "--out", "notes/mine.txt/run"], "mine.txt"),
        (["report", "notes"], "not a run directory"),
    ):
        assert words in refused(monkeypatch, capsys, *arguments)
        assert contents(run.parent) == before


@pytest.mark.parametrize("verb", ["write_table", "save", "replace"])
def test_after_a_full_disk_the_run_goes_on_to_the_same_numbers(
    verb, run, finished, monkeypatch, capsys
):
    undo(run, "evaluate-uniform-0", "evaluate-exp3s-0")
    before = {name for name in contents(run) if "uniform" not in name and "exp3s" not in name}

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    holder = {"write_table": pq, "save": Path, "replace": os}[verb]
    name = {"save": "write_bytes"}.get(verb, verb)
    with monkeypatch.context() as patch:
        patch.setattr(holder, name, full)
        sentence = refused(patch, capsys, "run", "--resume", str(run))
    assert "No space left on device" in sentence
    assert "--resume" in sentence
    assert before <= set(contents(run))
    assert not list(run.rglob(".*.tmp"))
    resumed(monkeypatch, capsys, run)
    assert numbers(run) == numbers(finished)


STUDENT = """
class Student:
    def __init__(self, suite, score=0.5, loss=1.0):
        self.score, self.loss = float(score), float(loss)

    def reset(self, seed): pass
    def train(self, batch): return self.loss
    def evaluate(self, batch): return self.score, 1.0
    def state_dict(self): return {}
    def load_state_dict(self, state): pass
"""


@pytest.mark.parametrize(("score", "shown"), [(".nan", "nan"), ("2", "2.0"), ("-1", "-1.0")])
def test_a_score_that_is_none_is_refused_with_student_and_task(
    score, shown, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own_student.py").write_text(STUDENT)
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(TINY))
    own = f"student={{model: 'own_student:Student', options: {{score: {score}}}}}"
    status, _, err = command(monkeypatch, capsys, "run", "tiny.yaml", "--out", "run", "-o", own)
    sys.modules.pop("own_student", None)
    assert status == 2
    consent, sentence = err.strip().splitlines()
    assert "runs code that its config names" in consent
    assert f"the score {shown} for task 'parity-1'" in sentence
    assert "must be in [0, 1]" in sentence


def test_students_that_diverge_end_flagged_with_finite_numbers_and_status_0(
    tmp_path, monkeypatch, capsys
):
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(TINY | {"teachers": ["uniform"]}))
    # Twenty layers multiply what a thousand does to each weight.
    deep = f"student.options={{hidden: {20 * [8]}}}"
    wild = ["-o", "student.learning_rate=1000", "-o", deep]
    run = tmp_path / "run"
    status, _, err = command(
        monkeypatch, capsys, "run", str(tmp_path / "tiny.yaml"), "--out", str(run), *wild
    )
    assert status == 0, err
    table = pq.read_table(run / "schedule" / "part-uniform-0-0000.parquet")
    assert all(table["diverged"].to_pylist())
    for column in ("test_score", "test_loss", "probe_loss", "observation", "reward"):
        assert np.isfinite(np.concatenate(np.atleast_2d(table[column].to_pylist()))).all(), column


def test_base_weights_of_another_model_are_refused(tmp_path, monkeypatch, capsys):
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(TINY))
    config, base = str(tmp_path / "tiny.yaml"), tmp_path / "base"
    status, _, err = command(
        monkeypatch, capsys, "pretrain", config, "--out", str(base), "--steps", "1"
    )
    assert status == 0, err
    before = contents(tmp_path)
    sentence = refused(
        monkeypatch, capsys, "run", config, "--out", str(tmp_path / "run"),
        "-o", f"student.base={base}", "-o", "student.options.hidden=[9]",
    )  # fmt: skip
    assert "base" in sentence
    assert contents(tmp_path) == before


@pytest.mark.slow
def test_the_installed_command_meets_a_real_limit_and_goes_on(run, finished):
    undo(run, "evaluate-uniform-0")
    limited = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000)); "
        "from lessonplan.experiments.cli import main; sys.argv[0] = 'lessonplan'; main()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", limited, "run", "--resume", str(run)],
        capture_output=True, text=True,
    )  # fmt: skip
    assert ended.returncode == 2, ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1
    assert "can't be written" in ended.stderr
    command = [Path(sys.executable).with_name("lessonplan"), "run", "--resume", str(run)]
    again = subprocess.run(command, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert numbers(run) == numbers(finished)
