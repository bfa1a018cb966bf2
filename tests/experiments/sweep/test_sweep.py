"""Sweeps with Ray Tune: the numbers of runs without it, bad input, tuning, and what is shown."""

import io
import json
import re

import pytest
import yaml
from rich.console import Console
from sweep_kit import BASE, numbers, write_files

from lessonplan.experiments.cli.bars import live_bars
from lessonplan.experiments.common.watch import WorkFailedError
from lessonplan.experiments.config.loading import make_config, read_config
from lessonplan.experiments.config.sweeps import read_sweep
from lessonplan.experiments.sweep.pairs import pairs_of
from lessonplan.experiments.sweep.sweep import run_sweep
from lessonplan.experiments.trial.trial import run_trial

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("ray_here"),
    # Ray leaves sockets and files of what it has started to the end of the process.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def seen():
    """A watch and what it was told."""
    told = []
    return (lambda *what: told.append(what)), told


def test_a_sweep_with_half_a_gpu_for_each_pair_is_the_run_of_the_same_teachers(tmp_path):
    sweep = {
        "teachers": ["ppo", "uniform", "highest-unmastered"],
        "resources": {"cpu": 1, "gpu": 0.5},
    }
    watch, told = seen()
    settings = read_sweep(write_files(tmp_path, sweep))
    found = run_sweep(settings, tmp_path / "out", watch=watch)
    kept = [t for t in BASE["teachers"] if t == "uniform" or t == "highest-unmastered"]
    teachers = [BASE["teachers"][0], *kept]
    config = make_config(BASE | {"name": "tiny-sweep", "workers": 1, "teachers": teachers})
    assert numbers(found) == numbers(run_trial(config, tmp_path / "run"))
    assert numbers(tmp_path / "out") == numbers(found)
    done = [pair for pair, fraction, words in told if words == "done"]
    assert sorted(done) == ["highest-unmastered-0", "ppo-0", "ppo-1", "uniform-0"]
    for pair in pairs_of(settings):
        run = tmp_path / "out" / "pairs" / pair.name
        assert read_config(run / "config.yaml") == pair.config
        assert (run / "report.html").exists()
    again, told = seen()
    assert numbers(run_sweep(settings, tmp_path / "out", resume=True, watch=again)) == numbers(
        found
    )
    assert told == [], "what is whole is not run again"


def test_with_trackers_the_numbers_are_the_same_and_every_pair_has_a_run_of_its_own(
    tmp_path,
):
    watch, sentences = seen()
    path = write_files(tmp_path, {"teachers": ["uniform"], "space": {"seeds.teacher": [0, 1]}})
    said = []
    settings = read_sweep(path, ["wandb=mine", "tensorboard=true"])
    tracked = run_sweep(settings, tmp_path / "tracked", watch=watch, say=said.append)
    plain = run_sweep(read_sweep(path), tmp_path / "plain")
    assert numbers(tracked) == numbers(plain)
    assert sentences
    for seed in (0, 1):
        folder = tmp_path / "tracked" / "pairs" / f"uniform-{seed}" / "wandb"
        assert len(list(folder.glob("offline-run-*/*.wandb"))) == 1
        events = folder.parent / "tensorboard" / f"uniform-{seed}"
        assert len(list(events.glob("events.out.tfevents.*"))) == 1
    (sentence,) = [one for one in said if "wandb" in one]
    assert "wandb sync" in sentence
    assert "pairs/*/wandb" in sentence
    assert not list((tmp_path / "plain").rglob("wandb"))
    assert not list((tmp_path / "plain").rglob("tensorboard"))


SHY = """
import os
from pathlib import Path
import numpy as np

class Shy:
    needs, kind = (), "rule"
    def __init__(self, where="", trouble=""):
        self.where, self.trouble = where, trouble
    def start(self, n, k):
        with open(self.where, "a") as handle:
            print(os.environ.get("CUDA_VISIBLE_DEVICES"), os.environ.get("OMP_NUM_THREADS"),
                  file=handle)
        if self.trouble == "input":
            raise ValueError("the lesson is not what it was")
        if self.trouble == "crash" and len(open(self.where).readlines()) < 3:
            os._exit(1)
        return {"none": np.zeros(n)}
    def observe(self, memory, view): return memory
    def probabilities(self, memory, view): return view.present / view.present.sum(1)[:, None]
"""


def shy(tmp_path, monkeypatch, **parameters):
    """A sweep over a rule of one's own, which stands in the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "shy_rule.py").write_text(SHY)
    where = tmp_path / "begun.txt"
    rule = {
        "name": "shy", "rule": "shy_rule:Shy",
        "parameters": {"where": str(where), **parameters},
    }  # fmt: skip
    teachers = [rule, "uniform"]
    path = write_files(tmp_path, {"teachers": ["shy", "uniform"]}, BASE | {"teachers": teachers})
    return read_sweep(path), where


def test_bad_input_in_a_pair_is_not_tried_again_and_the_others_are_kept(tmp_path, monkeypatch):
    sweep, where = shy(tmp_path, monkeypatch, trouble="input")
    monkeypatch.setattr("lessonplan.experiments.sweep.sweep.check_pairs", lambda pairs, gpu: None)
    watch, told = seen()
    with pytest.raises(WorkFailedError) as failed:
        run_sweep(sweep, tmp_path / "out", watch=watch)
    told_why = str(failed.value)
    assert told_why.startswith("1 of 2 pairs failed; shy-0: teacher 'shy': rule 'shy_rule:Shy': ")
    assert re.search(r"shy_rule\.py, line \d+: .*the lesson is not what it was; ", told_why)
    assert f"--resume {tmp_path / 'out'}" in str(failed.value)
    assert len(where.read_text().splitlines()) == 1
    assert ("shy-0", 0.0, "failed") in told
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert "uniform" in summary["teachers"]
    assert "the pair shy-0 has not ended" in summary["problems"]


def test_a_pair_whose_process_dies_is_taken_up_again_and_one_without_a_gpu_sees_none(
    tmp_path, monkeypatch
):
    sweep, where = shy(tmp_path, monkeypatch, trouble="crash")
    monkeypatch.setattr("lessonplan.experiments.sweep.sweep.check_pairs", lambda pairs, gpu: None)
    summary = run_sweep(sweep, tmp_path / "out")
    assert summary["complete"]
    lines = where.read_text().splitlines()
    assert len(lines) >= 3
    assert set(lines) == {" 1"}, "no GPU is seen, and there is one thread"


def test_a_pair_that_fits_nowhere_is_refused_instead_of_waited_for(tmp_path):
    sweep = read_sweep(write_files(tmp_path, {"resources": {"gpu": 2}}))
    with pytest.raises(ValueError, match=r"at most \d and 1; ask for less"):
        run_sweep(sweep, tmp_path / "out")
    less = read_sweep(write_files(tmp_path, {"teachers": ["uniform"]}))
    assert run_sweep(less, tmp_path / "out")["complete"], (
        "what was refused leaves nothing in the way"
    )


def test_a_folder_that_holds_something_or_another_sweep_is_refused(tmp_path):
    sweep = read_sweep(write_files(tmp_path, {}))
    with pytest.raises(ValueError, match="is not empty"):
        run_sweep(sweep, tmp_path)
    (tmp_path / "other").mkdir()
    with pytest.raises(ValueError, match=r"no sweep\.yaml"):
        run_sweep(sweep, tmp_path / "other", resume=True)


def test_a_sweep_tunes_on_the_selection_students_and_writes_what_can_be_pasted(tmp_path):
    gate = "teachers.highest-unmastered.parameters.gate"
    base = BASE | {
        "lifetime": {"budget": "1200-steps", "steps_per_decision": 10, "end_after": 2},
        "student": {"options": {"hidden": [32]}, "learning_rate": 0.01, "evaluation_size": 32},
    }
    path = write_files(
        tmp_path,
        {
            "teachers": ["highest-unmastered"], "purpose": "tune",
            "space": {gate: [0.05, 0.5, 0.9]},
        },
        base,
    )  # fmt: skip
    sweep = read_sweep(path)
    watch, told = seen()
    found = run_sweep(sweep, tmp_path / "out", watch=watch)
    assert {pair for pair, _, words in told if words in ("done", "stopped")} == set(found["tried"])
    pasted = yaml.safe_load((tmp_path / "out" / "best.yaml").read_text())
    (teacher,) = pasted["teachers"]
    assert teacher["name"] == "highest-unmastered"
    gate_found = teacher["parameters"]["gate"]
    assert gate_found in (0.05, 0.5, 0.9)
    make_config(base | pasted)
    whole = {name: one["cost"] for name, one in found["tried"].items() if "cost" in one}
    assert found["cost"] == min(whole.values())
    # The same candidate measured without Ray, as `tune` of a run does.
    from lessonplan.experiments.assembly.build import build_suite
    from lessonplan.experiments.config.config import Tuning
    from lessonplan.experiments.trial.tuning import tune

    pairs = {pair.name: pair for pair in pairs_of(sweep)}
    config = pairs[found["best"]].config
    alone = tune(
        config.model_copy(update={"tuning": Tuning(lifetimes=1)}),
        config.teachers[0].model_copy(update={"tune": True, "grid": {"gate": [gate_found]}}),
        build_suite(config), tmp_path / "alone.pt",
    )  # fmt: skip
    assert alone["tried"][0]["cost"] == found["cost"]
    assert not list((tmp_path / "out").rglob("*.parquet")), "nobody is reported"
    again, told = seen()
    assert run_sweep(sweep, tmp_path / "out", resume=True, watch=again) == found
    assert told == []


def test_a_learner_is_tuned_too(tmp_path):
    rate = "teachers.ppo.settings.learning_rate"
    path = write_files(
        tmp_path, {"teachers": ["ppo"], "purpose": "tune", "space": {rate: [1e-4, 1e-3]}}
    )
    found = run_sweep(read_sweep(path, ["seeds.teacher=0", "teachers.ppo.seeds=1"]), tmp_path / "o")
    (teacher,) = yaml.safe_load((tmp_path / "o" / "best.yaml").read_text())["teachers"]
    assert teacher["settings"]["learning_rate"] in (1e-4, 1e-3)
    assert teacher["type"] == "learned"
    assert found["tried"][found["best"]]["lifetimes"] > 0


def test_the_quickstart_sweep_made_small_ends_with_one_report(tmp_path):
    small = [
        "seeds.report=3", "seeds.select=2", "lifetime.budget=200-steps", "resources.gpu=0.5",
        "teachers.ppo.students=4", "teachers.ppo.decisions=64", "teachers.ppo.candidates=1",
        "teachers.ppo.settings={n_steps: 8, batch_size: 16, n_epochs: 1}",
        "student.options.hidden=[8]",
    ]  # fmt: skip
    summary = run_sweep(read_sweep("quickstart-sweep", small), tmp_path / "out")
    assert summary["complete"]
    assert {one["teacher_seeds"] for one in summary["teachers"].values()} == {2}
    assert set(summary["teachers"]) == {
        "ppo", "proportional", "shortfall.power_1", "shortfall.power_2"
    }  # fmt: skip
    assert (tmp_path / "out" / "report.html").exists()


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_a_bar_or_a_line_for_each_pair(terminal):
    console = Console(file=io.StringIO(), force_terminal=terminal, width=100)
    with live_bars(console, "mine", 3, "pairs", before=1) as watch:
        watch("a-0", 0.0, "starting")
        watch("a-0", 0.5, "half of it")
        watch("a-0", 1.0, "done")
        watch("a-0", 1.0, "stopped")
        watch("b-0", 0.0, "failed")
    shown = console.file.getvalue()
    if terminal:
        assert "mine" in shown
        assert "2 of 3 pairs" in shown
        assert "writing the report" in shown
    else:
        assert shown.splitlines() == [
            "done: a-0 (2 of 3)", "failed: b-0 (3 of 3)", "writing the report"
        ]  # fmt: skip
