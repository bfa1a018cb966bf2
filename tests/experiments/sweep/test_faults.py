"""Sweeps meet real faults: nothing that was recorded is lost, and the numbers are undisturbed."""

import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from ray_head_kit import Guarded, hermetic_environment, ray_head
from sweep_kit import BASE, COMMAND, numbers, write_files

from lessonplan.experiments.cluster import session
from lessonplan.experiments.common.files import locked
from lessonplan.experiments.config.sweeps import read_sweep, write_sweep
from lessonplan.experiments.report import report
from lessonplan.experiments.report.report import write_report
from lessonplan.experiments.sweep.merge import merged_runs
from lessonplan.experiments.sweep.pairs import pairs_of
from lessonplan.experiments.trial.trial import run_trial

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="processes are watched as Linux has them"),
]

PPO = BASE["teachers"][0] | {"decisions": 2560, "seeds": 1, "sampled": False}
LONGER = BASE | {
    "checkpoint_seconds": 0.05,
    "seeds": {"report": 8, "select": 2},
    "teachers": [PPO, "uniform"],
}
SWEEP = {"teachers": ["ppo", "uniform"], "space": {"seeds.teacher": [0, 1]}}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The numbers of the same pairs, run one after the other without Ray."""
    folder = tmp_path_factory.mktemp("undisturbed")
    sweep = read_sweep(write_files(folder, SWEEP, LONGER))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "draw_figures", lambda *_: [])
        return lived(folder, sweep)


def lived(folder, sweep):
    write_sweep(sweep, folder / "sweep" / "sweep.yaml")
    for pair in pairs_of(sweep):
        run_trial(pair.config, folder / "sweep" / "pairs" / pair.name)
    return numbers(write_report(merged_runs(folder / "sweep"), folder / "sweep"))


@pytest.fixture
def place(tmp_path):
    """A folder with the sweep, the environment of a user of its own, and an end to all it began."""
    home = Path(tempfile.mkdtemp(prefix="lp-"))
    write_files(tmp_path, SWEEP, LONGER)
    begun = []
    try:
        yield Place(tmp_path, hermetic_environment(home), begun)
        assert not (home / ".ray" / "auth_token").exists(), "the user's home is left alone"
    finally:
        for one in begun:
            one.end()
        shutil.rmtree(home, ignore_errors=True)


class Place:
    """Where a sweep is run by processes of their own."""

    def __init__(self, folder, env, begun):
        self.folder, self.env, self.begun = folder, env, begun
        # Ray makes a token by itself: that is to be seen.
        self.env.pop("RAY_AUTH_MODE")
        self.out = folder / "out"

    def start(self, *arguments, env=()):
        """`lessonplan` with these arguments; what it said is in `log`."""
        self.log = self.folder / f"{len(self.begun)}.log"
        started = Guarded([*COMMAND, *arguments], self.env | dict(env), self.log, self.folder)
        self.begun.append(started)
        return started, psutil.Process(started.pid)

    def finish(self, *arguments, env=()):
        """Run it to the end; returns what it said."""
        started, driver = self.start(*arguments, env=env)
        gone(driver, 300)
        started.end()
        return self.log.read_text()

    def wait_for(self, file, driver):
        """Until a file of the sweep is there, as long as the driver lives."""
        for _ in range(3000):
            if (self.out / file).exists():
                return
            assert alive(driver), self.log.read_text()
            time.sleep(0.05)
        raise AssertionError(f"{file} never came: {self.log.read_text()}")

    def rows(self):
        """Files of the schedule that are there, with their contents."""
        return {path: path.read_bytes() for path in self.out.rglob("part-*.parquet")}


def alive(process):
    with suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False


def gone(process, seconds):
    """Wait for the end of a process that is not a child of this one."""
    end = time.monotonic() + seconds
    while alive(process):
        assert time.monotonic() < end, f"{process} does not end"
        time.sleep(0.1)


def holder(started, run_dir):
    """The process that works on a run directory: it holds the lock."""
    lock = str(run_dir / "checkpoint" / "lock")
    for _ in range(200):
        for process in started.processes():
            with suppress(psutil.Error):
                if any(file.path == lock for file in process.open_files()):
                    return process
        time.sleep(0.05)
    raise AssertionError(f"nobody works on {run_dir}")


def test_a_worker_that_is_killed_in_a_pair_changes_nothing(place, undisturbed):
    started, driver = place.start("sweep", "sweep.yaml", "--out", str(place.out))
    place.wait_for("pairs/ppo-0/checkpoint/train-ppo-0.pt", driver)
    victim = holder(started, place.out / "pairs" / "ppo-0")
    assert victim.pid != driver.pid
    victim.send_signal(signal.SIGKILL)
    assert not (place.out / "pairs" / "ppo-0" / "summary.json").exists()
    gone(driver, 300)
    assert "Report:" in place.log.read_text(), place.log.read_text()
    assert numbers(place.out) == undisturbed


def test_a_driver_that_is_killed_at_any_moment_goes_on_with_resume(place, undisturbed):
    chance = random.Random()
    _, driver = place.start("sweep", "sweep.yaml", "--out", str(place.out))
    place.wait_for("pairs", driver)
    time.sleep(chance.uniform(0.0, 6.0))
    driver.send_signal(signal.SIGKILL)
    gone(driver, 10)
    done = {path: path.read_bytes() for path in place.out.glob("pairs/*/summary.json")}
    said = place.finish("sweep", "--resume", str(place.out))
    assert "Report:" in said, said
    assert numbers(place.out) == undisturbed
    assert {path: path.read_bytes() for path in done} == done, "what was whole is not done again"


def test_what_a_killed_sweep_left_in_the_temporary_folder_is_deleted_by_the_next(tmp_path):
    killed, young, living = (tmp_path / f"lp-ray-{name}" for name in ("killed", "young", "living"))
    for folder in (killed, young, living):
        (folder / "session").mkdir(parents=True)
    with locked(living):
        for folder in (killed, living):
            os.utime(folder, (0, 0))
        session.remove_orphans(tmp_path)
    assert [folder.exists() for folder in (killed, young, living)] == [False, True, True]


def test_a_head_that_stops_and_starts_again_costs_nothing_but_time(place, undisturbed):
    quick = {"RAY_gcs_rpc_server_reconnect_timeout_s": "5"}
    with ray_head(cpus=2, env=quick) as head:
        started, driver = place.start(
            "sweep", "sweep.yaml", "--out", str(place.out), "--address", head.address, env=head.env
        )
        place.wait_for("pairs/ppo-0/checkpoint/train-ppo-0.pt", driver)
        head.stop()
        gone(driver, 200)
        for _ in range(100):
            if f"go on with --resume {place.out}" in place.log.read_text():
                break
            time.sleep(0.1)
        else:
            raise AssertionError(f"nothing says what to do: {place.log.read_text()}")
        started.end()
        kept = place.rows()
        assert not (place.out / "summary.json").exists()
        head.start()
        said = place.finish(
            "sweep", "--resume", str(place.out), "--address", head.address, env=head.env
        )
        assert "Report:" in said, said
        assert head.processes(), "the cluster is not ours to end"
    assert numbers(place.out) == undisturbed
    assert all(path.exists() for path in kept)


FULL = """
import errno, os
import numpy as np
import pyarrow.parquet as pq
from lessonplan.teacher import RULES

class Filling(RULES["uniform"]):
    def start(self, n, k):
        if n > 2 and os.path.exists(os.environ["FULL"]):
            def full(*_, **__):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            pq.write_table = os.replace = full
            with open(os.environ["FULL"], "a") as handle:
                print("full", file=handle)
        return super().start(n, k)
"""


def test_a_full_disk_under_a_pair_is_one_sentence_and_resume_goes_on(place, tmp_path):
    own = {"name": "filling", "rule": "filling_rule:Filling"}
    (tmp_path / "filling_rule.py").write_text(FULL)
    flag = tmp_path / "full"
    sweep = {"teachers": ["filling", "uniform"], "space": {"seeds.teacher": [0, 1]}}
    write_files(tmp_path, sweep, LONGER | {"teachers": [own, "uniform"]})
    flag.write_text("")
    env = {"FULL": str(flag)}
    said = place.finish("sweep", "sweep.yaml", "--out", str(place.out), env=env)
    code, sentence = [line for line in said.splitlines() if line.startswith("lessonplan:")]
    assert code.endswith(f"runs code that its config names: {tmp_path / 'filling_rule.py'}")
    assert "2 of 4 pairs failed" in sentence
    assert "No space left on device" in sentence
    assert f"--resume {place.out}" in sentence
    assert flag.read_text().splitlines() == ["full"] * 2, "it is not tried again"
    whole = json.loads((place.out / "summary.json").read_text())
    assert whole["teachers"]["uniform"]["teacher_seeds"] == 2
    flag.unlink()
    said = place.finish("sweep", "--resume", str(place.out), env=env)
    assert "Report:" in said, said
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FULL", str(flag))
        patch.syspath_prepend(tmp_path)
        patch.setattr(report, "draw_figures", lambda *_: [])
        alone = lived(tmp_path / "alone", read_sweep(tmp_path / "sweep.yaml"))
    assert numbers(place.out) == alone
