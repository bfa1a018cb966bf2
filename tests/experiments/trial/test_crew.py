"""The crew: what goes wrong in one process stops all, promptly, and says where."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lessonplan.experiments.common.watch import WorkFailedError
from lessonplan.experiments.trial.crew import Crew
from lessonplan.experiments.trial.units import Unit

FAKE = """
import json, os, pathlib, sys, time

folder = pathlib.Path(sys.argv[1]) / "checkpoint"
for line in sys.stdin:
    name = line.strip()
    what = name.split("-")[1]
    if what in ("ValueError", "KeyError"):
        print(json.dumps({"error": "seven is odd", "kind": what}), flush=True)
        break
    if what == "gone":
        os._exit(9)
    if what == "halfway":
        print('{"done": "eval', end="", flush=True)
        break
    if what == "endless":
        (folder / "endless").touch()
        time.sleep(300)
    if what != "forgetful":
        (folder / f"{name}.json").write_text("{}")
    print(json.dumps({"done": name}), flush=True)
"""


def unit(what: str, *after: str) -> Unit:
    return Unit("evaluate", what, 0, tuple(f"evaluate-{name}-0" for name in after))


def fake_command(run_dir: Path) -> list[str]:
    """A process that does what the unit's name says."""
    return [sys.executable, "-c", FAKE, str(run_dir)]


@pytest.fixture
def told():
    """What the watcher is told."""
    return []


def work(run_dir, told, *units: Unit, size: int = 2, command=fake_command) -> None:
    def watch(name, _, words):
        told.append((name, words))

    Crew(run_dir, size, watch, command).work(units, set())


def test_units_are_done_after_those_that_they_need(tmp_path, told):
    work(tmp_path, told, unit("c", "b"), unit("b", "a"), unit("a"), unit("d"))
    order = [name for name, words in told if words == "starting"]
    assert set(order) == {f"evaluate-{name}-0" for name in "abcd"}
    for before, after in ("ab", "bc"):
        done = told.index((f"evaluate-{before}-0", "done"))
        assert done < told.index((f"evaluate-{after}-0", "starting"))


@pytest.mark.parametrize(
    ("what", "kind", "sentence"),
    [
        ("ValueError", ValueError, "seven is odd"),
        ("KeyError", WorkFailedError, "KeyError: seven is odd"),
        ("gone", WorkFailedError, "its process is gone"),
        ("halfway", WorkFailedError, "broke off"),
    ],
)
def test_a_failure_names_its_unit_and_log_and_stops_the_others(
    tmp_path, told, what, kind, sentence
):
    began = time.monotonic()
    with pytest.raises(kind, match=sentence) as failure:
        work(tmp_path, told, unit("endless"), unit(what), unit("never", what))
    assert time.monotonic() - began < 60
    assert f"evaluate-{what}-0" in str(failure.value)
    log = str(failure.value).rsplit(" ", 1)[1]
    assert Path(log).parent == tmp_path / "checkpoint"
    assert Path(log).exists()
    assert ("evaluate-never-0", "starting") not in told


def test_processes_that_can_not_be_started_are_a_failure(tmp_path, told):
    def command(run_dir):
        return [str(tmp_path / "no-such-program")]

    with pytest.raises(WorkFailedError, match=r"evaluate-a-0 failed: .*worker-0\.log"):
        work(tmp_path, told, unit("a"), size=1, command=command)


def test_a_log_that_can_not_be_opened_is_a_failure(tmp_path, told):
    (tmp_path / "checkpoint" / "worker-0.log").mkdir(parents=True)
    with pytest.raises(WorkFailedError, match=r"evaluate-a-0 failed: IsADirectoryError.*\.log"):
        work(tmp_path, told, unit("a"), size=1)


def test_a_unit_that_left_no_file_is_not_done(tmp_path, told):
    with pytest.raises(WorkFailedError, match=r"evaluate-forgetful-0\.json is not there"):
        work(tmp_path, told, unit("a"), unit("forgetful"))


@pytest.mark.slow
def test_an_interruption_stops_the_processes(tmp_path, told):
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); import test_crew as t; from pathlib import"
        " Path\nt.work(Path(sys.argv[2]), [], t.unit('endless'))"
    )
    command = [sys.executable, "-c", script, str(Path(__file__).parent), str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        began = time.monotonic()
        while not (tmp_path / "checkpoint" / "endless").exists():
            assert time.monotonic() - began < 60
            time.sleep(0.05)
        process.send_signal(2)
        _, errors = process.communicate(timeout=60)
    assert "KeyboardInterrupt" in errors


def test_nothing_that_is_printed_comes_between_the_messages():
    script = """
import ctypes, os, sys
from lessonplan.experiments.trial.worker import message_channel
assert "torch" not in sys.modules
channel = message_channel()
print("from Python")
os.write(1, b"from below\\n")
os.system("echo from a child")
print("message", file=channel, flush=True)
"""
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert found.stdout == "message\n", found.stderr
    for noise in ("from Python", "from below", "from a child"):
        assert noise in found.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="children keep their parent")
def test_a_worker_whose_parent_is_gone_ends_though_its_input_stays_open(tmp_path):
    command = [sys.executable, "-m", "lessonplan.experiments.trial.worker", str(tmp_path)]
    with subprocess.Popen(
        [*command, str(os.getpid() + 1)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as worker:
        assert worker.wait(timeout=60) == 1
