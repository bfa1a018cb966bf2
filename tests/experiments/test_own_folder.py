"""A config in one folder with a rule and a network of its own, used from another, by every way in.

In the other folder lie modules of the same names that are not meant.
"""

import json
import subprocess
import sys

import pytest
import yaml
from own_folder import OTHER, PARTS, RUN, forgetting, write_modules
from sweep_kit import COMMAND
from tiny_config import CONFIG

from lessonplan.experiments import cli, read_config, run_trial
from lessonplan.experiments.assembly import sharing
from lessonplan.experiments.config.sweeps import read_sweep
from lessonplan.experiments.report import report
from lessonplan.experiments.store.layout import RunDir
from lessonplan.experiments.sweep.sweep import run_sweep

REWARD = "def greedy(outcome):\n    return outcome.mean(outcome.after)\n"
COHORT = (
    "from lessonplan.student import SimulatedCohort\n"
    "class Quick(SimulatedCohort):\n    '''Learns at once.'''\n"
)
SUITE = "from lessonplan.student import parity\ndef small(n):\n    return parity(n, 8)\n"
PPO = CONFIG["teachers"][0] | {"decisions": 32, "candidates": 1, "sampled": False}


@pytest.fixture
def config(tmp_path, monkeypatch):
    """The path of a config from the working directory, where other modules have the same names."""
    write_modules(tmp_path / "config", lp_parts=PARTS, lp_beside="WIDTH = 8")
    write_modules(tmp_path / "work", lp_parts=OTHER, lp_beside=OTHER)
    (tmp_path / "config" / "c.yaml").write_text(yaml.safe_dump(RUN))
    monkeypatch.chdir(tmp_path / "work")
    # Pictures take most of the time of so small a run.
    monkeypatch.setattr(report, "draw_figures", lambda *_: [])
    with forgetting():
        yield "../config/c.yaml"


def command(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["lessonplan", *words])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return end.value.code or 0


def undo(out, unit):
    """Let a unit and what came after it be done again."""
    for path in (RunDir(out).unit(unit), RunDir(out).summary, RunDir(out).report):
        path.unlink()


@pytest.mark.slow
def test_the_command_runs_it_and_goes_on_from_any_folder(config, monkeypatch, capsys, tmp_path):
    assert command(monkeypatch, "run", config, "--out", "run") == 0
    out = tmp_path / "work" / "run"
    assert yaml.safe_load((out / "config.yaml").read_text())["modules"] == [
        str(tmp_path / "config")
    ]
    before = json.loads((out / "summary.json").read_text())["teachers"]["mine"]["area"]
    undo(out, "evaluate-mine-0")
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    with forgetting():
        assert command(monkeypatch, "run", "--resume", "work/run") == 2
        refused = capsys.readouterr().err
        assert f"{tmp_path / 'config' / 'lp_parts.py'} would be imported" in refused
        assert f"run it from {tmp_path / 'config'}, or if you trust it add --trust" in refused
    monkeypatch.chdir(tmp_path / "config")
    with forgetting():
        assert command(monkeypatch, "run", "--resume", str(out)) == 0
    assert f"runs code that its config names: {tmp_path / 'config'}" in capsys.readouterr().err
    undo(out, "evaluate-mine-0")
    monkeypatch.chdir(tmp_path)
    with forgetting():
        assert command(monkeypatch, "run", "--resume", "work/run", "--trust") == 0
    assert json.loads((out / "summary.json").read_text())["teachers"]["mine"]["area"] == before
    assert "is not what it was" not in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("module", ["lp_parts", "lp_beside"])
def test_code_that_changed_since_the_run_began_is_said(module, config, capsys, tmp_path):
    settings, out = read_config(config), tmp_path / "run"
    run_trial(settings, out)
    undo(out, "evaluate-mine-0")
    file = tmp_path / "config" / f"{module}.py"
    file.write_text(f"{file.read_text()}\n# another thought\n")
    capsys.readouterr()
    run_trial(settings, out, resume=True)
    assert f"{file} is not what it was when the run was begun" in capsys.readouterr().err


@pytest.mark.slow
def test_a_run_goes_on_with_code_that_was_moved(config, capsys, tmp_path):
    settings, out = read_config(config), tmp_path / "run"
    run_trial(settings, out)
    undo(out, "evaluate-mine-0")
    moved = (tmp_path / "config").rename(tmp_path / "moved")
    capsys.readouterr()
    with forgetting():
        elsewhere = settings.model_copy(update={"modules": [str(moved)]})
        with pytest.raises(ValueError, match=f"{moved / 'lp_parts.py'} would be imported"):
            run_trial(elsewhere, out, resume=True)
        run_trial(elsewhere, out, resume=True, trust=True)
    stored = out / "config.yaml"
    text = stored.read_text().replace(str(tmp_path / "config"), str(moved))
    stored.write_text(text.replace("workers: 1", "workers: 2"))
    undo(out, "evaluate-mine-0")
    again = read_config(stored, begun=True, trust=True)
    assert run_trial(again, out, resume=True)["complete"]
    assert "is not what it was" not in capsys.readouterr().err


@pytest.mark.slow
def test_from_python_two_configs_each_have_the_module_beside_them(config, tmp_path):
    write_modules(tmp_path / "second", lp_parts=PARTS + "\nraise LookupError('of the second')\n")
    write_modules(tmp_path / "second", lp_beside="WIDTH = 4")
    (tmp_path / "second" / "c.yaml").write_text(yaml.safe_dump(RUN))
    assert run_trial(read_config(config), tmp_path / "run")["teachers"]["mine"]
    with pytest.raises(ValueError, match=r"second/lp_parts\.py, line \d+: LookupError"):
        run_trial(read_config("../second/c.yaml"), tmp_path / "another")
    assert run_trial(read_config(config), tmp_path / "again")["teachers"]["mine"]


def test_a_dry_run_finds_it_too(config, monkeypatch, capsys):
    assert command(monkeypatch, "run", config, "--dry-run") == 0
    assert "12 decisions of 10 student steps" in capsys.readouterr().out


def test_a_missing_module_is_said_with_where_was_looked(config, monkeypatch, capsys, tmp_path):
    assert command(monkeypatch, "run", config, "-o", "teachers.mine.rule=lp_gone:Mine") == 2
    err = capsys.readouterr().err
    assert "rule 'lp_gone:Mine': there is no module 'lp_gone'" in err
    assert f"looked in {tmp_path / 'config'}, {tmp_path / 'work'}, and among" in err


@pytest.mark.slow
def test_a_reward_that_pays_for_unfinished_students_is_said_where_somebody_is_paid(
    config, monkeypatch, capsys, tmp_path
):
    write_modules(tmp_path / "work", lp_reward=REWARD)
    options = ["run", config, "--dry-run", "-o", "lifetime.reward=lp_reward:greedy"]
    assert command(monkeypatch, *options) == 0
    assert "unfinished" not in capsys.readouterr().err, "rules are not paid"
    learned = f"teachers=[{json.dumps(PPO)}]"
    out = ["--out", str(tmp_path / "run")]
    assert command(monkeypatch, *options[:2], *options[3:], "-o", learned, *out) == 0
    err = capsys.readouterr().err
    assert err.count("reward 'lp_reward:greedy': it pays for unfinished students") == 1


def test_a_cohort_and_a_suite_of_ones_own(config, tmp_path):
    write_modules(tmp_path / "config", lp_cohort=COHORT, lp_suite=SUITE)
    options = [
        "suite.name=lp_suite:small", "suite.options={n: 2}", "student={}",
        "student.cohort=lp_cohort:Quick", "student.options={rate: 0.05}",
    ]  # fmt: skip
    summary = run_trial(read_config(config, options), tmp_path / "run")
    facts = json.loads((tmp_path / "run" / "environment.json").read_text())
    assert [task["name"] for task in facts["suite"]["tasks"]] == ["parity-1", "parity-2"]
    assert set(facts["modules"]) == {"lp_parts", "lp_beside", "lp_cohort", "lp_suite"}
    assert summary["teachers"]["mine"]


@pytest.mark.slow
def test_worker_processes_find_it(config, tmp_path):
    words = [*COMMAND, "run", config, "-o", "workers=2", "--out", str(tmp_path / "run")]
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "run" / "report.html").exists()


@pytest.mark.slow
def test_worker_processes_take_a_suite_that_holds_objects_of_ones_own(
    config, monkeypatch, tmp_path
):
    own = (
        "from dataclasses import replace\nfrom lessonplan.student import parity\n\n"
        "class Name(str):\n    pass\n\n"
        "def small(n):\n    return replace(parity(n, 8), name=Name('own'))\n"
    )
    write_modules(tmp_path / "config", lp_suite=own)
    # As one that is large.
    monkeypatch.setattr(sharing, "_LARGE", 0)
    options = ["suite={name: 'lp_suite:small', options: {n: 2}}", "workers=2"]
    assert run_trial(read_config(config, options), tmp_path / "run")["complete"]


@pytest.mark.slow
def test_pairs_of_a_sweep_and_actors_with_students_find_it(config, ray_here, tmp_path):
    own = {"name": "own", "rule": "uniform"}
    teachers = [own, PPO | {"name": "ppo", "actors": 2, "students": 4}]
    values = RUN | {"teachers": teachers, "suite": {"name": "lp_suite:small", "options": {"n": 2}}}
    write_modules(tmp_path / "config", lp_suite=SUITE)
    (tmp_path / "config" / "c.yaml").write_text(yaml.safe_dump(values))
    sweep = {
        "name": "s", "config": "c.yaml", "teachers": ["own", "ppo"],
        "space": {"teachers.own.rule": ["lp_parts:Mine"]}, "resources": {"cpu": 1},
    }  # fmt: skip
    (tmp_path / "config" / "s.yaml").write_text(yaml.safe_dump(sweep))
    settings, out = read_sweep("../config/s.yaml"), tmp_path / "sweep"
    summary = run_sweep(settings, out)
    assert len(summary["teachers"]) == 2
    pair = next((out / "pairs").iterdir())
    undo(pair, f"evaluate-{pair.name}")
    parts, told = tmp_path / "config" / "lp_parts.py", []
    parts.write_text(parts.read_text() + "\n# Changed.\n")
    again = run_sweep(settings, out, resume=True, say=told.append)
    assert [line for line in told if f"{parts} is not what it was" in line] == told[:1] != []
    assert {name: one["area"] for name, one in again["teachers"].items()} == {
        name: one["area"] for name, one in summary["teachers"].items()
    }
