"""Evidence: configs are run in pieces, and stored once they are whole."""

import copy
import json
import shutil
import sys
from pathlib import Path

import pytest
import yaml
from tiny_config import CONFIG

from lessonplan.experiments import evidence
from lessonplan.experiments.cells import keep, names_of, seen_from, take_up
from lessonplan.experiments.config.loading import make_config, read_config
from lessonplan.experiments.store.layout import RunDir
from lessonplan.experiments.trial import trial
from lessonplan.experiments.trial.trial import run_trial
from lessonplan.experiments.trial.tuning import tuning
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


def report_nothing(monkeypatch, checkout):
    """Takes the time out of reports; summaries say where they are from."""

    def write_report(run_dirs, out):
        summary = {"complete": True, "from": str(checkout)}
        RunDir(out).summary.write_text(json.dumps(summary))
        return summary

    monkeypatch.setattr(trial, "write_report", write_report)


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
    report_nothing(monkeypatch, checkout)
    stored, out = evidence.RESULTS / "small", tmp_path / "evidence"
    units = [unit.name for unit in plan(read_config(checkout))]
    with monkeypatch.context() as patch:
        first = runs_of(patch, stop_after=2)
        assert not evidence.gather([str(checkout)], out, 30.0)
    # Of selecting a cell is kept at once; all else waits until it is whole.
    assert {file.name for file in stored.rglob("*") if file.is_file()} <= {
        f"{name}.json" for name in first
    }
    said = capsys.readouterr()
    assert "the same command goes on" in said.err
    assert "0 of 1 are whole" in said.out
    with monkeypatch.context() as patch:
        second = runs_of(patch)
        assert evidence.gather([str(checkout)], out, 30.0)
    assert sorted(first + second) == sorted(units), "nothing is done twice"
    assert sorted(file.name for file in stored.iterdir()) == [
        "cells", "config.yaml", "environment.json", "summary.json",
    ]  # fmt: skip
    summary = json.loads((stored / "summary.json").read_text())
    assert summary == {"complete": True, "from": "experiments/small.yaml"}
    assert read_config(stored / "config.yaml") == read_config(checkout)
    with monkeypatch.context() as patch:
        assert evidence.gather([str(checkout)], out, 30.0)
        assert runs_of(patch) == []


def test_another_checkout_goes_on_from_the_cells_and_does_only_the_rest(
    checkout, tmp_path, monkeypatch
):
    config = read_config(checkout)
    with monkeypatch.context() as patch:
        runs_of(patch)
        assert evidence.gather([str(checkout)], tmp_path / "first", 30.0)
    first = json.loads((evidence.RESULTS / "small" / "summary.json").read_text())
    with monkeypatch.context() as patch:
        done = runs_of(patch)
        assert evidence.gather([str(checkout)], tmp_path / "second", 30.0)
    assert sorted(done) == sorted(unit.name for unit in plan(config) if unit.kind == "evaluate")
    second = json.loads((evidence.RESULTS / "small" / "summary.json").read_text())
    for name, teacher in first["teachers"].items():
        assert teacher["students"] == second["teachers"][name]["students"]


def test_cells_of_another_setting_are_done_again_and_leave(checkout, tmp_path, monkeypatch, capsys):
    assert evidence.gather([str(checkout)], tmp_path / "first", 30.0)
    values = yaml.safe_load(checkout.read_text())
    checkout.write_text(yaml.safe_dump(values | {"seeds": {"report": 2, "select": 2}}))
    with monkeypatch.context() as patch:
        done = runs_of(patch)
        assert evidence.gather([str(checkout)], tmp_path / "second", 30.0)
    assert sorted(done) == sorted(unit.name for unit in plan(read_config(checkout)))
    assert "small: 2 cells belong to other settings" in capsys.readouterr().err
    checkout.write_text(yaml.safe_dump(values | {"teachers": ["uniform"]}))
    assert evidence.gather([str(checkout)], tmp_path / "third", 30.0)
    cells = evidence.RESULTS / "small" / evidence.CELLS
    assert [file.name for file in cells.rglob("*.json")] == ["select-uniform-0.json"]


def test_cells_belong_to_whoever_is_reported(checkout, tmp_path):
    assert evidence.gather([str(checkout)], tmp_path / "first", 30.0)
    values = yaml.safe_load(checkout.read_text())
    more = values["seeds"] | {"report": values["seeds"]["report"] + 1, "report_fold": 2}
    checkout.write_text(yaml.safe_dump(values | {"seeds": more}))
    config, cells = read_config(checkout), evidence.RESULTS / "small" / evidence.CELLS
    assert len(names_of(config, cells, checkout.parents[1])) == 2
    checkout.write_text(yaml.safe_dump(values | {"seeds": more | {"select": 2}}))
    assert names_of(read_config(checkout), cells, checkout.parents[1]) == set()


def test_a_trained_teacher_is_a_cell_with_its_file_and_its_log(tmp_path):
    learned = {
        "name": "learner", "type": "learned", "students": 2, "decisions": 16, "candidates": 1,
        "settings": {"n_steps": 8, "batch_size": 16, "n_epochs": 1},
    }  # fmt: skip
    config = make_config(CONFIG | {"workers": 1, "teachers": [learned]})
    folder = tmp_path / "cells"
    run_trial(config, tmp_path / "first")
    assert keep(config, tmp_path / "first", folder, tmp_path) == 1
    names = ["learner-0.jsonl", "learner-0.zip", "train-learner-0.json"]
    assert sorted(file.name for file in folder.rglob("*") if file.is_file()) == names
    trial.prepare(config, trial.check(config), tmp_path / "second", resume=False)
    take_up(config, tmp_path / "second", folder, tmp_path)
    again = run_trial(config, tmp_path / "second", resume=True)
    first = json.loads(RunDir(tmp_path / "first").summary.read_text())
    assert again["teachers"]["learner"]["students"] == first["teachers"]["learner"]["students"]


def lives_of(monkeypatch, stop_after=None):
    """Notes which settings are tried; after so many generations the time is up."""
    tried, live = [], tuning.live

    def noted(config, section, suite, settings, students):
        if stop_after is not None and len(tried) == stop_after:
            raise evidence._TimeIsUp
        tried.append([str(one) for one in settings])
        return live(config, section, suite, settings, students)

    monkeypatch.setattr(tuning, "live", noted)
    return tried


def test_a_tuning_that_was_cut_off_goes_on_in_another_checkout(
    checkout, tmp_path, monkeypatch, capsys
):
    report_nothing(monkeypatch, checkout)
    values = yaml.safe_load(checkout.read_text())
    static = {"name": "static", "rule": "static_mixture", "tune": True}
    tuned = {"teachers": [static], "tuning": {"lifetimes": 36, "students": 3}}
    checkout.write_text(yaml.safe_dump(values | tuned))
    config, results = read_config(checkout), evidence.RESULTS / "small"
    with monkeypatch.context() as patch:
        whole = lives_of(patch)
        assert evidence.gather([str(checkout)], tmp_path / "whole", 30.0)
    (stored,) = results.rglob("tune-static-0.json")
    expected = json.loads(stored.read_text())
    # A cell of other settings is in nobody's way.
    stored.write_text(json.dumps(expected | {"belongs_to": {}}))
    with monkeypatch.context() as patch:
        before = lives_of(patch, stop_after=2)
        assert not evidence.gather([str(checkout)], tmp_path / "first", 30.0)
    unfinished = results / "cells" / "unfinished" / "tune-static-0.json"
    assert unfinished.exists()
    assert names_of(config, results / "cells", checkout.parents[1]) == set()
    with monkeypatch.context() as patch:
        lives_of(patch, stop_after=1)
        # One that has come less far takes nothing away.
        assert not evidence.gather([str(checkout)], tmp_path / "less", 30.0)
    with monkeypatch.context() as patch:
        after = lives_of(patch)
        assert evidence.gather([str(checkout)], tmp_path / "second", 30.0)
    assert before + [some for some in after if some] == whole
    found = json.loads(stored.read_text())
    del expected["wall_seconds"], found["wall_seconds"]
    assert found == expected
    assert not unfinished.exists()
    unfinished.write_text(json.dumps(found | {"belongs_to": {}}))
    stored.unlink()
    assert evidence.gather([str(checkout)], tmp_path / "third", 30.0)
    assert "small: 1 cell belongs to other settings" in capsys.readouterr().err


def test_cells_have_no_path_of_the_checkout_and_belong_to_the_same_data_in_another(
    tmp_path, monkeypatch
):
    homes = [tmp_path / "josé" / "one", tmp_path / "two"]
    runs = []
    for home in homes:
        (home / "experiments" / "results").mkdir(parents=True)
        for i in range(2):
            lines = [
                json.dumps({"prompt": f"{n}", "completion": f"{(n + i) % 2}"}) for n in range(60)
            ]
            (home / "data").mkdir(exist_ok=True)
            (home / "data" / f"task-{i}.jsonl").write_text("\n".join(lines))
        file = home / "experiments" / "small.yaml"
        data = {
            "name": "small",
            "suite": {"name": "jsonl", "options": {"path": str(home / "data")}},
        }
        student = {"model": "decoder", "options": {"width": 8, "n_layers": 1, "n_heads": 1}}
        file.write_text(yaml.safe_dump(copy.deepcopy(SMALL) | data | {"student": student}))
        monkeypatch.setattr(evidence, "RESULTS", home / "experiments" / "results")
        cells = evidence.RESULTS / "small" / evidence.CELLS
        if home == homes[1]:
            shutil.copytree(homes[0] / "experiments" / "results" / "small", cells.parent)
            assert str(homes[0]) not in "".join(one.read_text() for one in cells.rglob("*.json"))
        with monkeypatch.context() as patch:
            runs.append(runs_of(patch))
            assert evidence.gather([str(file)], home / "runs", 30.0)
    assert len(runs[0]) == 4
    assert sorted(runs[1]) == ["evaluate-in-order-0", "evaluate-uniform-0"]


def test_cells_of_an_interrupted_run_stay_until_there_are_others(checkout, tmp_path, monkeypatch):
    assert evidence.gather([str(checkout)], tmp_path / "first", 30.0)
    cells = evidence.RESULTS / "small" / evidence.CELLS
    before = {file: file.read_text() for file in cells.rglob("*.json")}
    values = yaml.safe_load(checkout.read_text())
    checkout.write_text(yaml.safe_dump(values | {"seeds": {"report": 2, "select": 2}}))
    with monkeypatch.context() as patch:
        runs_of(patch, stop_after=0)
        assert not evidence.gather([str(checkout)], tmp_path / "second", 30.0)
    assert {file: file.read_text() for file in cells.rglob("*.json")} == before
    with pytest.raises(ValueError, match="small has no cell select-uniform-0; it has none yet"):
        evidence.do_again(read_config(checkout), ["select-uniform-0"], tmp_path)


def test_a_cell_is_done_again_and_compared(checkout, tmp_path, monkeypatch, capsys):
    assert evidence.gather([str(checkout)], tmp_path, 30.0)
    config, cells = read_config(checkout), evidence.RESULTS / "small" / evidence.CELLS
    assert evidence.do_again(config, ["select-uniform-0"], tmp_path)
    assert "small, select-uniform-0: the same numbers" in capsys.readouterr().out
    (cell,) = cells.rglob("select-uniform-0.json")
    stored = json.loads(cell.read_text())
    cell.write_text(json.dumps(stored | {"selection_cost": 1.05 * stored["selection_cost"]}))
    assert evidence.do_again(config, ["select-uniform-0"], tmp_path), "as another processor may"
    assert "select-uniform-0: other numbers, a cost of" in capsys.readouterr().out
    cell.write_text(json.dumps(stored | {"selection_cost": 2.0 * stored["selection_cost"]}))
    assert not evidence.do_again(config, ["select-uniform-0"], tmp_path)
    assert "which is too far" in capsys.readouterr().out
    with pytest.raises(ValueError, match="small has no cell tune-uniform-0; it has select-"):
        evidence.do_again(config, ["tune-uniform-0"], tmp_path)
    for names, words in (
        ([], "--repeat takes cells of one"),
        ([str(checkout)], "has no cell tune"),
    ):
        monkeypatch.setattr(sys, "argv", ["evidence", *names, "--repeat", "tune-uniform-0"])
        with pytest.raises(SystemExit) as ended:
            evidence.main()
        assert ended.value.code == 2
        assert words in capsys.readouterr().err


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
    assert seen_from(folder, checkout, values) == {
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
    assert evidence.gather([str(checkout)], tmp_path, 30.0)
    evidence.foretell([str(checkout)], tmp_path / "another")
    assert "small: 2 of 4 units are left, about " in capsys.readouterr().out, "two have cells"


def test_the_command_refuses_no_time(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["evidence", "--minutes", "0"])
    with pytest.raises(SystemExit):
        evidence.main()
    assert "--minutes must be a positive number" in capsys.readouterr().err
