"""A trial that is killed at any moment and resumed ends with the same numbers."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tiny_config import CONFIG

from lessonplan.experiments.common.files import locked
from lessonplan.experiments.config.loading import read_config
from lessonplan.experiments.trial import environment
from lessonplan.experiments.trial.environment import git_commit
from lessonplan.experiments.trial.trial import prepare, run_trial
from lessonplan.student import parity

RUN = """
import os, signal, sys
from lessonplan.experiments import read_config
from lessonplan.experiments.trial import run_trial

config, out = read_config(sys.argv[1]), sys.argv[2]
resume, calls = sys.argv[3] == "resume", int(sys.argv[4])

def watch(unit, fraction, words):
    global calls
    calls -= 1
    if calls == 0:
        print("killed in", unit, words, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

run_trial(config, out, resume=resume, watch=watch)
"""


def run(config: Path, out: Path, *, calls: int = 0) -> subprocess.CompletedProcess[str]:
    """One process that works until it is done or has reported `calls` times."""
    resume = "resume" if (out / "config.yaml").exists() else "new"
    return subprocess.run(
        [sys.executable, "-c", RUN, str(config), str(out), resume, str(calls)],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def numbers(run_dir: Path) -> object:
    """The summary without wall time."""

    def strip(value: object) -> object:
        if isinstance(value, dict):
            return {k: strip(v) for k, v in value.items() if "wall" not in k}
        return [strip(v) for v in value] if isinstance(value, list) else value

    return strip(json.loads((run_dir / "summary.json").read_text()))


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("config") / "tiny.yaml"
    path.write_text(yaml.safe_dump(CONFIG | {"workers": 1}))
    return path


@pytest.fixture(scope="module")
def undisturbed(config: Path, tmp_path_factory: pytest.TempPathFactory) -> object:
    out = tmp_path_factory.mktemp("undisturbed") / "run"
    finished = run(config, out)
    assert finished.returncode == 0, finished.stderr
    return numbers(out)


def resume_until_done(config: Path, out: Path, kills: list[int]) -> list[str]:
    """Kill after each number of reports in turn, then let it finish; where it was killed."""
    places = []
    for calls in kills:
        killed = run(config, out, calls=calls)
        if killed.returncode == 0:
            break
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        places.append(killed.stdout.split()[2].split("-")[0])
    finished = run(config, out)
    assert finished.returncode == 0, finished.stderr
    return places


def test_killed_while_training_and_while_evaluating_it_ends_with_the_same_numbers(
    config: Path, undisturbed: object, tmp_path: Path
) -> None:
    places = resume_until_done(config, tmp_path / "run", [4, 30])
    assert places == ["train", "evaluate"]
    assert numbers(tmp_path / "run") == undisturbed


@pytest.mark.slow
def test_killed_in_every_phase_it_ends_with_the_same_numbers(
    config: Path, undisturbed: object, tmp_path: Path
) -> None:
    places = resume_until_done(config, tmp_path / "run", [3, 5, 3, 9, 14])
    assert {"train", "tune", "evaluate"} <= set(places)
    assert len(places) == 5
    assert numbers(tmp_path / "run") == undisturbed


def test_a_run_is_not_resumed_with_another_config(config: Path, tmp_path: Path) -> None:
    first, suite = read_config(config), parity(3, 8)
    prepare(first, suite, tmp_path / "run", False)
    other = read_config(config, ["seeds.report=5"])
    with pytest.raises(ValueError, match="another config"):
        prepare(other, suite, tmp_path / "run", True)
    with pytest.raises(ValueError, match="not empty"):
        prepare(first, suite, tmp_path / "run", False)


def test_a_folder_whose_making_was_killed_counts_as_new(config: Path, tmp_path: Path) -> None:
    (tmp_path / "checkpoint").mkdir()
    for left in ("checkpoint/lock", "environment.json", ".config.yaml.7.tmp"):
        (tmp_path / left).write_text("{")
    prepare(read_config(config), parity(3, 8), tmp_path, False)
    assert read_config(tmp_path / "config.yaml") == read_config(config)
    environment = json.loads((tmp_path / "environment.json").read_text())
    assert environment["threads"] == 1
    assert not list(tmp_path.rglob(".*.tmp"))


@pytest.mark.parametrize("other", ["checkpoint/train-ppo-0.json", "notes.txt", "report.html"])
def test_a_folder_with_anything_else_is_refused_and_left_as_it_was(
    config: Path, tmp_path: Path, other: str
) -> None:
    (tmp_path / other).parent.mkdir(exist_ok=True)
    (tmp_path / other).write_text("{}")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ValueError, match="not empty"):
        run_trial(read_config(config), tmp_path)
    assert sorted(tmp_path.rglob("*")) == before


def test_resuming_deletes_leftovers_and_writes_a_lost_environment_again(
    config: Path, tmp_path: Path
) -> None:
    settings, suite = read_config(config), parity(3, 8)
    prepare(settings, suite, tmp_path, False)
    described = tmp_path / "environment.json"
    whole = described.read_text()
    described.unlink()
    (tmp_path / "schedule").mkdir()
    (tmp_path / "schedule" / ".part-uniform-0-0000.parquet.7.tmp").write_text("half")
    prepare(settings, suite, tmp_path, True)
    assert described.read_text() == whole
    assert not list(tmp_path.rglob(".*.tmp"))
    described.write_text("{}")
    prepare(settings, suite, tmp_path, True)
    assert described.read_text() == "{}", "what a run was begun with is kept"


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such locks")
def test_two_processes_never_work_on_the_same_run(config: Path, tmp_path: Path) -> None:
    settings = read_config(config)
    prepare(settings, parity(3, 8), tmp_path, False)
    hold = (
        "import pathlib, sys; from lessonplan.experiments.common.files import locked\n"
        "with locked(pathlib.Path(sys.argv[1])): print('held', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(tmp_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as other:  # fmt: skip
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(ValueError, match=f"another process is working on {tmp_path}"):
            run_trial(settings, tmp_path, resume=True)
        other.kill()
    with locked(tmp_path):
        pass


def test_the_commit_is_that_of_the_checkout_that_the_package_belongs_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*command: str) -> str:
        named = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
        return subprocess.run(
            [*named, *command], capture_output=True, text=True, check=True
        ).stdout.strip()

    module = tmp_path / "environment.py"
    module.write_text("")
    monkeypatch.setattr(environment, "__file__", str(module))
    assert git_commit() is None
    git("init")
    git("commit", "--allow-empty", "-m", "another project, which only holds a copy")
    assert git_commit() is None
    git("add", "environment.py")
    git("commit", "-m", "the package")
    assert git_commit() == git("rev-parse", "HEAD")
