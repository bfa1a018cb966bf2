"""W&B online: whatever breaks off, W&B ends with every row once, and the trial does not notice."""

import json
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from tracked_trial import KEY, TINY
from tracking_kit import (
    each_decision_once,
    environment,
    numbers,
    offline_runs,
    tracked,
)
from wandb_server import WandbServer

from lessonplan.experiments.config.config import Config
from lessonplan.experiments.config.loading import read_config
from lessonplan.experiments.tracking.pair import run_id, tracked_pairs
from lessonplan.experiments.tracking.tracker import sync_command
from lessonplan.experiments.trial.trial import run_trial

PARTLY = (
    "lessonplan: W&B: not everything was sent, and nothing is lost: once W&B can be reached, "
    "--resume with --wandb sends the rest"
)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """The trial without tracking."""
    out = tmp_path_factory.mktemp("plain") / "run"
    run_trial(Config.model_validate(TINY), out)
    return out


@contextmanager
def when_rows_came(server, folder, then=lambda: None):
    """Do something when a server has the first rows; a file, which is yielded, says so."""
    came = folder / "came"

    def wait():
        server.got_rows.wait(120)
        then()
        came.write_text("")

    waiting = threading.Thread(target=wait)
    waiting.start()
    yield str(came)
    waiting.join()


def synced(out, home, **more):
    """Send the files of offline runs with the command that users are told."""
    command = f"{Path(sys.executable).parent}/{sync_command(out)}"
    subprocess.run(
        command, shell=True, env=environment(home, **more), capture_output=True, text=True,
        timeout=120, check=True,
    )  # fmt: skip


def sent(server, out):
    """What a server has of each pair of a run directory."""
    config, found = read_config(out / "config.yaml"), {}
    for teacher, seed in tracked_pairs(config):
        rows = server.rows.get(run_id(config, out, teacher, seed), [])
        decisions = [row for row in rows if "reward" in row]
        assert [row["_step"] for row in rows] == [*range(len(rows))]
        found[teacher] = SimpleNamespace(history=rows, decisions=decisions)
    return found


@pytest.mark.slow
def test_a_trial_goes_on_offline_where_nothing_answers_for_wandb(plain, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        process = tracked(TINY, tmp_path / "run", tmp_path, WANDB_API_KEY=KEY, WANDB_BASE_URL=url)
    assert process.returncode == 0, process.stderr
    sentences = process.stderr.splitlines()
    assert len(sentences) == 2, process.stderr
    assert "the trial goes on, and it is tried again offline" in sentences[0]
    assert "Traceback" not in process.stderr
    each_decision_once(offline_runs(tmp_path / "run"), tmp_path / "run")
    assert numbers(tmp_path / "run") == numbers(plain)


@pytest.mark.slow
def test_a_trial_goes_on_when_wandb_goes_away_in_the_middle_of_it(plain, tmp_path):
    server = WandbServer()
    with when_rows_came(server, tmp_path, server.close) as came:
        process = tracked(
            TINY, tmp_path / "run", tmp_path, calls=10,
            WANDB_API_KEY=KEY, WANDB_BASE_URL=server.url, WAIT_FOR=came,
        )  # fmt: skip
    assert process.returncode == 0, process.stderr
    assert server.got_rows.is_set(), "the run was online at first"
    out = tmp_path / "run"
    said = process.stderr.splitlines()
    assert said[-1] == PARTLY
    # The run of a teacher that came later could not be started any more.
    assert [line for line in said if "tried again offline" in line] == said[:-1][:1]
    assert json.loads(process.stdout) == {"same hooks": True, "left": []}
    assert numbers(out) == numbers(plain)
    again = WandbServer(server.rows)
    there = {"WANDB_API_KEY": KEY, "WANDB_BASE_URL": again.url}
    process = tracked(TINY, out, tmp_path, **there)
    assert (process.returncode, process.stderr) == (0, "")
    if any((out / "wandb").glob("offline-run-*")):
        synced(out, tmp_path, **there)
    again.close()
    each_decision_once(sent(again, out), out)


@pytest.mark.slow
def test_a_trial_that_is_killed_online_is_gone_on_with_where_wandb_says(plain, tmp_path):
    server, out = WandbServer(), tmp_path / "run"
    there = {"WANDB_API_KEY": KEY, "WANDB_BASE_URL": server.url}
    with when_rows_came(server, tmp_path) as came:
        process = tracked(TINY, out, tmp_path, kill="trial", calls=12, WAIT_FOR=came, **there)
    assert process.returncode == -9
    assert server.got_rows.is_set(), "W&B had a part"
    process = tracked(TINY, out, tmp_path, **there)
    assert (process.returncode, process.stderr) == (0, "")
    server.close()
    each_decision_once(sent(server, out), out)
    assert not [*(out / "wandb").glob("offline-run-*")]
    assert numbers(out) == numbers(plain)


@pytest.mark.slow
def test_what_was_ended_in_order_online_is_gone_on_with_offline_and_sent(plain, tmp_path):
    server, out = WandbServer(), tmp_path / "run"
    there = {"WANDB_API_KEY": KEY, "WANDB_BASE_URL": server.url}
    assert tracked(TINY, out, tmp_path, kill="stop", calls=12, **there).returncode != 0
    assert server.got_rows.is_set(), "W&B had a part"
    assert tracked(TINY, out, tmp_path).returncode == 0
    synced(out, tmp_path, **there)
    server.close()
    each_decision_once(sent(server, out), out)
    assert numbers(out) == numbers(plain)
