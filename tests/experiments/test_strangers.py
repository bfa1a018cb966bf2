"""Nothing that strangers hand in is run unasked, whichever way it comes in."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from own_folder import forgetting
from stranger_kit import NAMED, Strangers

from lessonplan.envs import Tutor
from lessonplan.experiments import make_config, read_config, run_trial
from lessonplan.experiments.cli.commands import sweeps
from lessonplan.experiments.common.trust import take_for_strange
from lessonplan.experiments.config.sweeps import read_sweep, write_sweep
from lessonplan.experiments.report import report
from lessonplan.experiments.sweep.pairs import pairs_of
from lessonplan.experiments.trial import environment
from lessonplan.experiments.trial.checking import check

CALLS = ("os:system", "subprocess:getoutput")
KINDS = list(NAMED)


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A run directory of one's own, of which strangers change copies."""
    folder = tmp_path_factory.mktemp("own")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "draw_figures", lambda *_: [])
        values = Strangers(folder / "s").values("rule", "uniform")
        run_trial(make_config(values | {"workers": 1}), folder / "run")
    return folder / "run"


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_plain_config_calls_nothing_of_python(kind, name, strangers, lessonplan):
    config = strangers.config(strangers.folder / "c", kind, name)
    (config.parent / "rows.jsonl").write_text("")
    for words in (["--dry-run"], ["--out", "run"]):
        status, err = lessonplan("run", config, *words)
        assert status == 2
        assert f"{name.partition(':')[0]} is installed and does not say" in err
        assert "if you trust it add --trust" in err
    assert strangers.left == []


def test_with_trust_the_proof_is_left(strangers, lessonplan):
    config = strangers.config(strangers.folder / "c", "suite", "os:system")
    status, err = lessonplan("run", config, "--dry-run", "--trust")
    assert (status, strangers.left) == (2, []), "what looks like no suite is not called with it"
    evil = strangers.plant(strangers.folder / "elsewhere")
    config = strangers.config(strangers.folder / "c", "suite", "lp_evil:leave", modules=[str(evil)])
    status, err = lessonplan("run", config, "--dry-run")
    assert (status, strangers.left) == (2, [])
    assert f"{evil / 'lp_evil.py'} would be imported, which lies neither in the folder" in err
    status, err = lessonplan("run", config, "--dry-run", "--trust")
    assert strangers.left == ["lp_evil was called", "lp_evil was imported"]
    assert f"runs code that its config names: {evil / 'lp_evil.py'}" in err


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["os:system", "lp_evil:leave", "lp_evil:Part"])
def test_a_run_directory_of_strangers_is_not_gone_on_with(kind, name, own, strangers, lessonplan):
    folder = strangers.folder / "run"
    changes = strangers.values(kind, name) | {"modules": [str(folder)]}
    strangers.run(own, folder, changes)
    for words in (["--dry-run"], []):
        status, err = lessonplan("run", "--resume", folder, *words)
        assert status == 2
        assert "--trust" in err
        assert "handed in" in err or "os is installed" in err
    assert strangers.left == []


@pytest.mark.parametrize("modules", [[], ["."]])
def test_to_stand_in_a_strange_directory_agrees_to_nothing_in_it(
    modules, own, strangers, lessonplan, monkeypatch
):
    folder = strangers.folder / "run"
    changes = strangers.values("rule", "lp_evil:Part") | {"modules": modules}
    monkeypatch.chdir(strangers.run(own, folder, changes))
    assert lessonplan("report", ".")[0] == 0
    # Without it the folder looks like that of a config.
    (folder / "environment.json").unlink()
    for words in (["run", "--resume", "."], ["run", "--resume", folder]):
        status, err = lessonplan(*words)
        assert (status, f"{folder / 'lp_evil.py'} would be imported" in err) == (2, True), err
        assert "lies in a directory that was handed in" in err
    assert strangers.left == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_report_runs_nothing(kind, own, strangers, lessonplan):
    folder = strangers.folder / "run"
    changes = strangers.values(kind, "lp_evil:Part") | {"modules": [str(folder)]}
    strangers.run(own, folder, changes)
    strangers.teacher(folder / "teachers" / "ppo-0.zip")
    status, err = lessonplan("report", folder)
    assert status in (0, 2), err
    assert strangers.left == []


def test_a_config_is_printed_and_none_of_it_run(strangers, lessonplan):
    for kind in KINDS:
        folder = strangers.plant(strangers.folder / kind)
        assert lessonplan("config", strangers.config(folder, kind, "lp_evil:Part"))[0] == 0
    assert strangers.left == []


def test_the_folder_of_a_config_that_is_named_is_said_before_it_is_imported(strangers, lessonplan):
    folder = strangers.plant(strangers.folder / "c")
    config = strangers.config(folder, "rule", "lp_evil:Part")
    _, err = lessonplan("run", config, "--dry-run")
    assert err.startswith(f"lessonplan: runs code that its config names: {folder / 'lp_evil.py'}\n")
    assert "lp_evil was imported" in strangers.left


def test_a_teacher_of_strangers_opens_no_folder(own, strangers, lessonplan):
    folder = strangers.run(own, strangers.folder / "run", {})
    strangers.teacher(folder / "teachers" / "ppo-0.zip")
    card = {"kind": "learned", "sampled_twin_of": None, "needs": ["progress"]}
    (folder / "teachers" / "ppo.json").write_text(json.dumps(card))
    for more in ({}, {"modules": [str(folder)], "lifetime": {"reward": "lp_evil:leave"}}):
        values = strangers.values("rule", "uniform") | more
        values["teachers"] = [{"name": "theirs", "from": str(folder)}, "uniform"]
        (strangers.folder / "c.yaml").write_text(yaml.safe_dump(values))
        for words in (["--dry-run"], ["--out", "run"]):
            status, err = lessonplan("run", strangers.folder / "c.yaml", *words)
            assert (status, "theirs" in err or "--trust" in err) == (2, True), err
    with pytest.raises(ValueError, match="teacher"):
        Tutor(["a", "b"], teacher=folder)
    assert strangers.left == []


@pytest.mark.parametrize("name", ["lp_evil:leave", "os:system"])
def test_data_of_strangers_brings_no_code(name, strangers, lessonplan, monkeypatch):
    folder = strangers.plant(strangers.folder / "data")
    for words in (["--data", folder], ["--data", "."]):
        options = ["-o", f"suite.options.score={name}", "-o", f"modules=['{folder}']"]
        status, err = lessonplan("run", *words, *options, "--dry-run")
        assert status == 2
        assert "handed in" in err or "os is installed" in err
        monkeypatch.chdir(folder)
    assert strangers.left == []


@pytest.mark.parametrize("name", ["os:system", "lp_evil:Part"])
def test_a_sweep_of_strangers_is_neither_gone_on_with_nor_run_for_a_report(
    name, own, strangers, lessonplan
):
    folder = strangers.plant(strangers.folder / "sweep")
    theirs = {"name": "theirs", "rule": name}
    base = strangers.values("rule", "uniform") | {"teachers": ["uniform", theirs]}
    base |= {"modules": [str(folder)]}
    (strangers.folder / "base.yaml").write_text(yaml.safe_dump(base))
    values = {"name": "s", "config": "base.yaml", "teachers": ["uniform", "theirs"]}
    (strangers.folder / "s.yaml").write_text(yaml.safe_dump(values))
    settings = read_sweep(strangers.folder / "s.yaml")
    write_sweep(settings, folder / "sweep.yaml")
    for words in (["--dry-run"], []):
        status, err = lessonplan("sweep", "--resume", folder, *words)
        assert (status, "--trust" in err) == (2, True), err
    (pair,) = (pair for pair in pairs_of(settings) if pair.teacher == "uniform")
    with forgetting():
        run_trial(pair.config, folder / "pairs" / pair.name)
    status, err = lessonplan("report", folder)
    assert status == 0, err
    assert strangers.left == []


@pytest.mark.parametrize(
    "words",
    [
        ["pretrain", "c.yaml", "--out", "base"],
        ["submit", "run", "c.yaml", "--address", "http://127.0.0.1:9"],
        ["suite", "os:system", "--out", "a.png", "-o", "command=true"],
        ["check", "os:system"],
        ["check", "subprocess:getoutput", "--kind", "suite"],
    ],
)
def test_other_commands_that_take_a_name_call_nothing_of_python(words, strangers, lessonplan):
    strangers.config(strangers.folder / "work", "suite", "os:system").rename("c.yaml")
    status, err = lessonplan(*words)
    assert (status, "is installed and does not say" in err) == (2, True), err
    assert strangers.left == []


def test_results_of_a_sweep_that_is_gone_on_with_go_nowhere_that_only_its_directory_names(
    strangers, lessonplan
):
    base = strangers.values("rule", "uniform") | {"tracking": {"entity": "them"}}
    values = {"name": "s", "config": base, "teachers": ["a"], "wandb": "theirs"}
    (strangers.folder / "s.yaml").write_text(yaml.safe_dump(values))
    folder = strangers.folder / "sweep"
    folder.mkdir()
    write_sweep(read_sweep(strangers.folder / "s.yaml"), folder / "sweep.yaml")
    words = "nothing is sent to the W&B project 'theirs' that"
    status, err = lessonplan("sweep", "--resume", folder, "--dry-run")
    assert (status, words in err) == (0, True), err
    for more in (["--wandb", "theirs"], ["--trust"]):
        err = lessonplan("sweep", "--resume", folder, "--dry-run", *more)[1]
        assert words not in err
        assert "W&B is sent the project 'theirs' of 'them', whom" in err
    with forgetting():
        no_wish = {"wandb": "", "tensorboard": False}
        assert sweeps._settings("", None, folder, no_wish, [])[0].wandb == ""
        wish = no_wish | {"wandb": "mine"}
        assert sweeps._settings("", None, folder, wish, [])[0].wandb == "mine"


OURS = "lessonplan.teacher.pickles:unpickled_checkpoint"


@pytest.mark.parametrize("name", [OURS, "lessonplan.teacher:load_teacher"])
def test_what_opens_pickles_is_no_part_that_a_config_names(name, own, strangers, lessonplan):
    (strangers.folder / "w.pt").write_bytes(strangers.pickle("w"))
    arguments = {"file": str(strangers.folder / "w.pt")}
    if name != OURS:
        arguments = {"path": arguments["file"], "env": None, "trust": True}
    changes = {"student": {"schedule": {"name": name} | arguments}}
    values = strangers.values("rule", "uniform") | changes
    (strangers.folder / "c.yaml").write_text(yaml.safe_dump(values))
    folder = strangers.run(own, strangers.folder / "run", changes)
    for words in ([strangers.folder / "c.yaml"], ["--resume", folder]):
        status, err = lessonplan("run", *words, "--dry-run")
        assert (status, "that a config may name" in err or "no config may" in err) == (2, True), err
    assert strangers.left == []


OWN_SUITES = """
from lessonplan.student import RLCohort, environments
def handed_on(tasks): return environments(tasks)
def made_of(environment): return environments([
    {"name": name, "id": environment, "low": 0.0, "high": 1.0} for name in "ab"
])
class Agents(RLCohort): ...
"""


@pytest.mark.parametrize(
    "suite", ["environments", "lessonplan.student:environments", "lp_own:handed_on"]
)
def test_environments_are_looked_at_whatever_the_suite_is_called(
    suite, strangers, lessonplan, monkeypatch
):
    monkeypatch.syspath_prepend(strangers.plant(strangers.folder / "elsewhere"))
    values = strangers.values("environment", "lp_evil:Maze")
    values["suite"]["name"] = suite
    check_refused(values, strangers, lessonplan)


def test_an_option_that_looks_like_an_environment_is_one(strangers, lessonplan, monkeypatch):
    monkeypatch.syspath_prepend(strangers.plant(strangers.folder / "elsewhere"))
    suite = {"name": "lp_own:made_of", "options": {"environment": "lp_evil:Maze-v0"}}
    check_refused(strangers.values("rule", "uniform") | {"suite": suite}, strangers, lessonplan)


@pytest.mark.parametrize("name", ["lp_evil.nothing:Maze-v0", "lp_evil..x:Maze", "lp_evil:"])
def test_no_package_around_an_environment_is_imported_before_it_is_missed(
    name, strangers, lessonplan, monkeypatch
):
    monkeypatch.syspath_prepend(strangers.plant(strangers.folder / "elsewhere"))
    values = strangers.values("environment", "a")
    for task in values["suite"]["options"]["tasks"]:
        task["id"] = name
    config = strangers.config(strangers.folder / "c", "rule", "uniform", suite=values["suite"])
    status, err = lessonplan("run", config, "--dry-run")
    assert (status, f"environment '{name}': " in err) == (2, True), err
    assert strangers.left == []


@pytest.mark.parametrize("cohort", ["lessonplan.student:RLCohort", "lp_own:Agents", "rl"])
def test_the_algorithm_is_looked_at_whatever_the_cohort_is_called(
    cohort, strangers, lessonplan, monkeypatch
):
    monkeypatch.syspath_prepend(strangers.plant(strangers.folder / "elsewhere"))
    values = strangers.values("algorithm", "lp_evil:Part")
    values["student"]["cohort"] = cohort
    check_refused(values, strangers, lessonplan)


def check_refused(values, strangers, lessonplan):
    """Such a config, beside suites of one's own, does not import what lies elsewhere."""
    folder = strangers.folder / "c"
    folder.mkdir()
    (folder / "lp_own.py").write_text(OWN_SUITES)
    (folder / "c.yaml").write_text(yaml.safe_dump(values))
    status, err = lessonplan("run", folder / "c.yaml", "--dry-run")
    assert (status, "lp_evil.py would be imported" in err) == (2, True), err
    assert strangers.left == []


def test_a_config_says_no_place_to_write_to(strangers, lessonplan, tmp_path):
    values = strangers.values("reward", "score")
    values["lifetime"].pop("reward", None)
    values["lifetime"]["budget"] = "60-steps"
    values["teachers"][0]["settings"]["tensorboard_log"] = str(tmp_path / "events")
    agents = strangers.values("algorithm", "PPO")
    agents["student"]["options"]["settings"] = {"tensorboard_log": str(tmp_path / "events")}
    for one in (values, agents):
        (strangers.folder / "c.yaml").write_text(yaml.safe_dump(one))
        status, err = lessonplan("run", strangers.folder / "c.yaml", "--dry-run")
        assert (status, "--tensorboard to the command, which writes" in err) == (2, True), err
    assert not (tmp_path / "events").exists()


def test_the_repository_of_strange_data_runs_nothing(strangers, monkeypatch):
    folder = strangers.plant(strangers.folder / "data")
    asked = []
    monkeypatch.setattr(environment, "git_state", asked.append)
    monkeypatch.chdir(folder)
    config = make_config(strangers.values("rule", "uniform"))
    suite = check(config)
    environment.environment_of(config, suite)
    assert folder in asked
    asked.clear()
    take_for_strange(folder)
    environment.environment_of(config, suite)
    assert folder not in asked


def test_the_config_of_a_sweep_in_another_folder_was_not_named(strangers, lessonplan):
    theirs = strangers.plant(strangers.folder / "theirs")
    strangers.config(theirs, "rule", "lp_evil:Part")
    mine = strangers.folder / "mine"
    mine.mkdir()
    sweep = {"name": "s", "config": "../theirs/c.yaml", "teachers": ["a"]}
    (mine / "s.yaml").write_text(yaml.safe_dump(sweep))
    status, err = lessonplan("sweep", mine / "s.yaml", "--dry-run")
    assert (status, f"{theirs / 'lp_evil.py'} would be imported" in err) == (2, True), err
    assert strangers.left == []


def test_from_python_a_named_path_agrees_to_its_folder_and_plain_values_to_nothing(strangers):
    folder = strangers.plant(strangers.folder / "c")
    values = strangers.values("rule", "lp_evil:Part")
    config = make_config(values | {"modules": [str(folder)]})
    with pytest.raises(ValueError, match="lies neither in the folder of a config that was named"):
        check(config)
    (folder / "c.yaml").write_text(yaml.safe_dump(values))
    with pytest.raises(ValueError, match="lies neither in the folder of a config that was named"):
        check(read_config(folder / "c.yaml", begun=True))
    assert strangers.left == []
    for agree in (
        lambda: make_config(values | {"modules": [str(folder)]}, trust=True),
        lambda: read_config(folder / "c.yaml"),
    ):
        with forgetting(), pytest.raises(ValueError, match=r"^teacher 'a': Part\.probabilities"):
            check(agree())
        assert "lp_evil was imported" in strangers.left


@pytest.mark.slow
def test_the_installed_command_imports_nothing_of_the_directory_that_it_stands_in(own, strangers):
    values = strangers.values("rule", "uniform") | {"workers": 2}
    folder = strangers.run(own, strangers.folder / "run", values)
    for unit in folder.glob("checkpoint/evaluate-*.json"):
        unit.unlink()
    command = Path(sys.executable).with_name("lessonplan")
    done = subprocess.run(
        [command, "run", "--resume", "."],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert strangers.left == []
