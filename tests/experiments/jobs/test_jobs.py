"""Jobs on a real Ray head with token authentication, its own in everything."""

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from ray_head_kit import Head, free_ports, ray_head
from tiny_config import CONFIG

from lessonplan.experiments.config.loading import make_config
from lessonplan.experiments.store.runs import read_run
from lessonplan.experiments.trial.trial import run_trial

pytestmark = pytest.mark.slow

RUN = CONFIG | {"workers": 1, "teachers": ["uniform", "in-order"]}
LONG = RUN | {
    "name": "long",
    "lifetime": {"budget": "2000-steps", "steps_per_decision": 2, "end_after": 2000},
    "seeds": {"report": 8, "select": 1},
    "checkpoint_seconds": 1.0,
    "teachers": [
        "uniform", "reverse", "proportional", "random-pacing", {"name": "own", "rule": "mine:Own"}
    ],
}  # fmt: skip
"""Takes twenty seconds at least."""
OWN = "from lessonplan.teacher import Uniform as Own"
HIDE = """
import sys
for found in (sys.meta_path, sys.path_hooks):
    found[:] = [one for one in found if "__editable__" not in getattr(one, "__module__", "")]
sys.path[:] = [place for place in sys.path if "__editable__" not in place]
"""
"""Undoes an editable install, as if the cluster had none."""


@pytest.fixture(scope="module")
def head(tmp_path_factory):
    """A head on which lessonplan is not installed; afterwards nothing but it is gone."""
    hidden = tmp_path_factory.mktemp("hidden")
    (hidden / "sitecustomize.py").write_text(HIDE)
    # `ray stop` would take this for a part of Ray.
    other = subprocess.Popen([sys.executable, "-c", "input()", "raylet"], stdin=subprocess.PIPE)
    try:
        with ray_head(cpus=2, gpus=1, env={"PYTHONPATH": str(hidden)}) as running:
            yield running
            everything = running.processes()
            assert len(everything) > 5
        assert not [process for process in everything if process.is_running()]
        assert other.poll() is None
    finally:
        other.kill()
        other.communicate()


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Where the user is; with configs."""
    folder = tmp_path_factory.mktemp("user")
    (folder / "tiny.yaml").write_text(yaml.safe_dump(RUN))
    (folder / "long.yaml").write_text(yaml.safe_dump(LONG))
    (folder / "mine.py").write_text(OWN)
    (folder / "sweep.yaml").write_text(
        yaml.safe_dump({
            "name": "tiny-sweep", "config": "tiny.yaml", "teachers": ["uniform", "in-order"],
            "resources": {"cpu": 1, "gpu": 0.5},
        })
    )  # fmt: skip
    return folder


def started(head: Head, folder: Path, *words: str, **env: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "lessonplan.experiments.cli"]
    kind = "submit" if words[0] in ("run", "sweep") else "jobs"
    # An address that is given twice is the last one.
    rest = ["--address", head.url, *words[1:]]
    return subprocess.Popen(
        [*command, kind, words[0], *rest], cwd=folder, env=head.env | env, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def command(head: Head, folder: Path, *words: str, **env: str) -> tuple[int, str, str]:
    """`submit run|sweep ...` or `jobs VERB ...`; its exit status and what it printed."""
    with started(head, folder, *words, **env) as process:
        try:
            out, err = process.communicate(timeout=600)
        finally:
            process.kill()
    assert head.token not in out + err
    return process.returncode, out, err


def numbers(run: Path) -> object:
    """The summary without wall time."""

    def strip(value):
        if isinstance(value, dict):
            return {k: strip(v) for k, v in value.items() if "wall" not in k}
        return [strip(v) for v in value] if isinstance(value, list) else value

    return strip(json.loads((run / "summary.json").read_text()))


def eventually(condition, seconds: float = 240.0):
    until = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.5)
    return found


def test_a_run_as_a_job_gives_the_numbers_of_a_run_here(head, folder):
    status, out, err = command(head, folder, "run", "tiny.yaml", "-o", "seeds.report=3")
    assert status == 0, err
    assert re.search(r"done: evaluate-in-order-0 \(\d of 4\)", out)
    run_trial(make_config(RUN, ["seeds.report=3"]), folder / "local")
    assert numbers(folder / "runs" / "tiny") == numbers(folder / "local")
    assert read_run(folder / "runs" / "tiny").problems == ()
    assert (folder / "runs" / "tiny" / "report.html").stat().st_size > 10_000


def test_a_sweep_as_a_job_runs_its_pairs_on_that_cluster(head, folder):
    status, out, err = command(head, folder, "sweep", "sweep.yaml", "--out", "swept")
    assert status == 0, out + err
    run_trial(make_config(RUN), folder / "together")
    # A teacher's numbers are the same, whoever else is in the run.
    alone, together = numbers(folder / "swept"), numbers(folder / "together")
    assert alone["teachers"] == together["teachers"]
    assert len(list((folder / "swept" / "pairs").iterdir())) == 2


def test_a_token_that_is_wrong_or_missing_is_explained_and_not_shown(head, folder, tmp_path):
    wrong = "0123456789abcdef" * 4
    (tmp_path / "token").write_text(wrong)
    for more in ([], ["--debug"]):
        status, out, err = command(
            head, folder, "status", *more, RAY_AUTH_TOKEN_PATH=str(tmp_path / "token")
        )
        assert status != 0
        assert f"refuses the token from {tmp_path / 'token'}" in err
        assert "~/.ray/auth_token of its head node" in err
        assert wrong not in out + err
    status, _, err = command(head, folder, "status", RAY_AUTH_TOKEN_PATH="")
    assert status == 2
    assert "asks for a token (401), and none was found in RAY_AUTH_TOKEN," in err
    assert len(err.strip().splitlines()) == 1


def test_what_the_cluster_has_not_is_the_reason_of_a_job_and_its_exit_status(head, folder):
    status, _, err = command(
        head, folder, "run", "tiny.yaml", "-o", "name=bad", "-o", "student.device=xpu"
    )
    assert status == 2
    assert re.search("failed: .*'xpu'", err)
    assert not (folder / "runs" / "bad").exists()


def test_nobody_at_the_address_is_one_sentence(head, folder):
    address = f"http://127.0.0.1:{free_ports(1)[0]}"
    status, _, err = command(head, folder, "status", "--address", address)
    assert status == 2
    assert f"nothing answers at {address}" in err
    assert len(err.strip().splitlines()) == 1


def test_a_job_is_left_fetched_followed_stopped_and_gone_on_with(head, folder):
    status, out, err = command(head, folder, "run", "long.yaml", "--detach")
    assert status == 0, err
    job = out.split()[1]
    root = head.home / "lessonplan-jobs" / job / "run"
    eventually(lambda: list(root.glob("schedule/*.parquet")))

    with started(head, folder, "follow", job) as follower:
        assert follower.stdout is not None
        assert follower.stderr is not None
        assert any(line.startswith(f"Beginning {root}") for line in follower.stdout)
        assert command(head, folder, "fetch", job, "--out", "partial")[0] == 0
        follower.send_signal(signal.SIGINT)
        words = follower.stdout.read()
        assert follower.wait(timeout=60) == 130, follower.stderr.read()
    for verb in ("follow", "stop", "fetch"):
        assert f"lessonplan jobs {verb} {job} --address {head.url}" in words
    assert f"{job}: STOPPED" in command(head, folder, "stop", job)[1]
    # What was fetched is the run as it was then.
    assert read_run(folder / "partial").name == "long"
    assert not (folder / "partial" / "summary.json").exists()

    status, _, err = command(head, folder, "follow", job)
    assert status == 1
    assert f"{job} was stopped" in err
    assert not (root / "summary.json").exists()

    status, out, err = command(head, folder, "resume", job, "--out", "whole")
    assert status == 0, err
    assert f"Going on with {root}" in out
    assert (root.parent / "job-modules" / "mine.py").exists()
    assert (root.parent.parent / out.split()[1]).resolve() == root.parent
    assert read_run(folder / "whole").problems == ()
    assert command(head, folder, "fetch", job, "--out", "partial")[0] == 0
    assert numbers(folder / "partial") == numbers(folder / "whole")


def test_a_job_that_the_head_forgot_can_still_be_fetched(head, folder):
    (root,) = (head.home / "lessonplan-jobs").glob("tiny-2*")
    head.stop()
    head.start()
    # Ray itself would prefer the variable to the address it is given.
    status, _, err = command(head, folder, "status", root.name, RAY_ADDRESS="http://127.0.0.1:1")
    assert status == 2
    assert f"knows no job {root.name}" in err
    status, _, err = command(head, folder, "fetch", root.name, "--out", "again")
    assert status == 0, err
    assert numbers(folder / "again") == numbers(root / "run")
    # A job that went on with another one.
    link = next(one for one in root.parent.glob("long-2*") if one.is_symlink())
    status, _, err = command(head, folder, "fetch", link.name, "--out", "whole")
    assert status == 0, err
    assert numbers(folder / "whole") == numbers(link.resolve() / "run")
