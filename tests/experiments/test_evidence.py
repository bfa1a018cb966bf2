"""Evidence: configs are run in pieces, and stored once they are whole."""

import copy
import json
import sys
from pathlib import Path

import pytest
import yaml
from tiny_config import CONFIG

from lessonplan.experiments import evidence
from lessonplan.experiments.config.loading import make_config, read_config
from lessonplan.experiments.store.layout import RunDir
from lessonplan.experiments.trial import trial
from lessonplan.experiments.trial.units import plan

SMALL = CONFIG | {"workers": 1, "teachers": ["uniform", "in-order"]}


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A made-up checkout with a config, whose results have their place."""
    results = tmp_path / "checkout" / "experiments" / "results"
    results.mkdir(parents=True)
    monkeypatch.setattr(evidence, "RESULTS", results)
    file = results.parent / "small.yaml"
    file.write_text(yaml.safe_dump(copy.deepcopy(SMALL) | {"name": "small"}))
    return file


def runs_of(monkeypatch, stop_after=None):
    """Notes which units are done; after so many the time is up."""
    done, do = [], trial.do

    def noted(unit, *rest):
        if stop_after is not None and len(done) == stop_after:
            raise evidence._TimeIsUp
        done.append(unit.name)
        return do(unit, *rest)

    monkeypatch.setattr(trial, "do", noted)
    return done


def test_a_config_is_run_in_pieces_and_stored_when_it_is_whole(
    checkout, tmp_path, monkeypatch, capsys
):
    def write_report(run_dirs, out):
        summary = {"complete": True, "from": str(checkout)}
        RunDir(out).summary.write_text(json.dumps(summary))
        return summary

    monkeypatch.setattr(trial, "write_report", write_report)
    stored, out = evidence.RESULTS / "small", tmp_path / "evidence"
    units = [unit.name for unit in plan(read_config(checkout))]
    with monkeypatch.context() as patch:
        first = runs_of(patch, stop_after=2)
        assert not evidence.gather([str(checkout)], out, 30.0)
    assert not stored.exists()
    said = capsys.readouterr()
    assert "the same command goes on" in said.err
    assert "0 of 1 are whole" in said.out
    with monkeypatch.context() as patch:
        second = runs_of(patch)
        assert evidence.gather([str(checkout)], out, 30.0)
    assert sorted(first + second) == sorted(units), "nothing is done twice"
    assert sorted(file.name for file in stored.iterdir()) == [
        "config.yaml", "environment.json", "summary.json",
    ]  # fmt: skip
    summary = json.loads((stored / "summary.json").read_text())
    assert summary == {"complete": True, "from": "experiments/small.yaml"}
    assert read_config(stored / "config.yaml") == read_config(checkout)
    with monkeypatch.context() as patch:
        assert evidence.gather([str(checkout)], out, 30.0)
        assert runs_of(patch) == []


def test_what_takes_longer_is_ended_wherever_it_is(monkeypatch, tmp_path, checkout, capsys):
    def forever(*_, **__):
        while True:
            pass

    monkeypatch.setattr(evidence, "run_trial", forever)
    assert not evidence.gather([str(checkout)], tmp_path / "evidence", 0.2 / 60)
    assert "0.00333333 minutes are over" in capsys.readouterr().err


def test_one_that_can_not_be_run_is_said_and_the_others_are_run(
    checkout, tmp_path, monkeypatch, capsys
):
    ran = []
    monkeypatch.setattr(evidence, "_gather", lambda config, folder: ran.append(config.name))
    assert not evidence.gather(["nothing", str(checkout)], tmp_path, 30.0)
    assert ran == ["small"]
    assert "nothing: there is no config 'nothing'" in capsys.readouterr().err


def test_a_run_that_was_begun_with_another_config_is_refused(checkout, tmp_path, capsys):
    run_dir = RunDir(tmp_path / "small")
    run_dir.path.mkdir()
    changed = SMALL | {"name": "small", "seeds": {"report": 5, "select": 3}}
    trial.write_config(make_config(copy.deepcopy(changed)), run_dir.config)
    assert not evidence.gather([str(checkout)], tmp_path, 30.0)
    assert "was begun with another config" in capsys.readouterr().err


def test_stored_configs_have_no_path_of_this_machine(tmp_path):
    checkout, folder = Path("/home/me/code"), Path("/home/me/code/experiments/results/words")
    values = {
        "suite": {"options": {"path": "/home/me/code/experiments/examples/words"}},
        "modules": ["/elsewhere", "words", "/home/me/codes"],
    }
    assert evidence._seen_from(folder, checkout, values) == {
        "suite": {"options": {"path": "../../examples/words"}},
        "modules": ["/elsewhere", "words", "/home/me/codes"],
    }


def test_what_is_left_is_foretold_for_each_config(checkout, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(evidence, "_MEASURING_SECONDS", 0.1)
    evidence.foretell([str(checkout), "nothing"], tmp_path)
    said = capsys.readouterr()
    assert "small: 4 of 4 units are left, about " in said.out
    assert "All that is left: about " in said.out
    assert "there is no config 'nothing'" in said.err


def test_the_command_refuses_no_time(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["evidence", "--minutes", "0"])
    with pytest.raises(SystemExit):
        evidence.main()
    assert "--minutes must be a positive number" in capsys.readouterr().err
