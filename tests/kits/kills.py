"""Runs that are killed at random moments and gone on with, held against an undisturbed one.

    python tests/kits/kills.py --kills 30 --seed 0

A third of the kills are of the whole process group, a third of the parent alone and a third of one
worker alone. Of ten or more, the first ten are two chains of five in one run directory each; all
others have a run directory of their own. Pictures are not drawn: they take most of the time, and
nothing is read of them. A run that is whole in the end has the summary and the
logs of training of the undisturbed one, and nobody is left of those that were orphaned.
"""

import argparse
import itertools
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import Any

import psutil
import yaml
from tiny_config import CONFIG

from lessonplan.experiments.cli import app as cli
from lessonplan.experiments.report import report

KINDS = ("group", "parent", "worker")
CHAINS, CHAIN = 2, 5
KILLED = CONFIG | {"workers": 2, "checkpoint_seconds": 0.05, "teachers": CONFIG["teachers"][:4]}
_PATIENCE_SECONDS = 300.0


def without_time(value: Any) -> Any:
    """A summary without wall time."""
    if isinstance(value, dict):
        return {key: without_time(one) for key, one in value.items() if "wall" not in key}
    return [without_time(one) for one in value] if isinstance(value, list) else value


def outcome(run_dir: Path) -> tuple[Any, dict[str, bytes]]:
    """What must be the same: the summary without wall time, and the logs of trainings."""
    logs = {path.name: path.read_bytes() for path in sorted(run_dir.glob("training/*.jsonl"))}
    return without_time(json.loads((run_dir / "summary.json").read_text())), logs


@dataclass
class Kills:
    """Kills runs in a folder, and counts.

    Args:
        folder: empty; each run has a directory in it.
        seed: of kinds and moments.
    """

    folder: Path
    seed: int = 0
    struck: list[str] = field(default_factory=list)
    """What was killed, one line a kill."""

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)
        self._names = (f"run-{number}" for number in itertools.count())
        # Each run is forked from this process, and imports nothing again.
        import_module("lessonplan.experiments.trial.trial")
        self._said = self.folder / "said.log"
        self.config = self.folder / "tiny.yaml"
        self.config.write_text(yaml.safe_dump(KILLED))
        whole = self.folder / "undisturbed"
        began = time.monotonic()
        process = self._started(whole)
        _wait_for_worker(process)
        waited = time.monotonic() - began
        self._end(process)
        self.seconds = time.monotonic() - began - waited
        """From the first worker to the end of an undisturbed run."""
        self.undisturbed = outcome(whole)

    def strike(self, count: int) -> Iterator[str]:
        """So many kills; a line for each run that ended as the undisturbed one.

        Raises:
            AssertionError: for one that did not.
        """
        chains = [CHAIN] * CHAINS if count >= CHAIN * CHAINS else []
        while len(self.struck) < count:
            before, length = len(self.struck), chains.pop() if chains else 1
            yield self._run(length)
            if length > 1 and len(self.struck) < before + length:
                chains.append(length)

    def _run(self, length: int) -> str:
        """One run directory that is killed so often, or less if it is whole before."""
        run_dir, before = self.folder / next(self._names), len(self.struck)
        # A chain has as much time for each kill as a run has for one, shared out.
        latest = self.seconds / length**0.5
        while len(self.struck) < before + length:
            if not self._kill(run_dir, self._dice.uniform(0.0, latest)):
                break
        else:
            self._end(self._started(run_dir))
        summary, logs = outcome(run_dir)
        assert summary == self.undisturbed[0], f"{run_dir} has another summary"
        assert logs == self.undisturbed[1], f"{run_dir} has other logs of training"
        assert not list(run_dir.rglob(".*.tmp")), f"{run_dir} has leftovers"
        return "; ".join(self.struck[before:]) or "no kill: it was whole before"

    def _kill(self, run_dir: Path, after: float) -> bool:
        """Go on with a run and kill it; False where it ended before."""
        kind = KINDS[len(self.struck) % len(KINDS)]
        process = self._started(run_dir)
        _wait_for_worker(process)
        process.join(after)
        workers = _workers(process)
        if process.exitcode is not None:
            self._end(process)
            return False
        if kind == "worker" and workers:
            victim = self._dice.choice(workers).pid
        else:
            # There is no worker left while the report is written.
            victim = process.pid
        with suppress(ProcessLookupError):
            (os.killpg if kind == "group" else os.kill)(victim, signal.SIGKILL)
        process.join(_PATIENCE_SECONDS)
        if process.exitcode == 0:
            return False
        _see_that_nobody_is_left(process.pid)
        done = len(list((run_dir / "checkpoint").glob("*-[0-9].json")))
        self.struck.append(f"{kind} after {after:.1f} s, {done} units done")
        return True

    def _started(self, run_dir: Path) -> ForkProcess:
        begun = (run_dir / "config.yaml").exists()
        where = ["--resume", run_dir] if begun else [self.config, "--out", run_dir]
        words = ["lessonplan", "run", *map(str, where)]
        process = get_context("fork").Process(target=_run, args=(words, self._said))
        process.start()
        return process

    def _end(self, process: ForkProcess) -> None:
        process.join(_PATIENCE_SECONDS)
        assert process.exitcode == 0, self._said.read_text()


def _run(words: list[str], said: Path) -> None:
    """The command in a process group of its own, forked from one that has imported all of it."""
    os.setsid()
    report.draw_figures = lambda *_, **__: []
    with said.open("w") as file:
        sys.stdout = sys.stderr = file
        sys.argv = words
        cli.main()


def _workers(process: ForkProcess) -> list[psutil.Process]:
    with suppress(psutil.Error):
        return psutil.Process(process.pid).children(recursive=True)
    return []


def _wait_for_worker(process: ForkProcess) -> None:
    """Until the work begins, or is over."""
    while process.exitcode is None and not _workers(process):
        time.sleep(0.02)


def _see_that_nobody_is_left(group: int) -> None:
    """Orphans notice within moments that they are alone."""
    end = time.monotonic() + 60.0
    while left := [one for one in psutil.process_iter() if _is_alive_in(one, group)]:
        assert time.monotonic() < end, f"left of what was killed: {left}"
        time.sleep(0.1)


def _is_alive_in(process: psutil.Process, group: int) -> bool:
    with suppress(psutil.Error, ProcessLookupError):
        return os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE
    return False


def main() -> None:
    """Kill as often as is asked; a line for each run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="lessonplan-kills-") as folder:
        kills = Kills(Path(folder), options.seed)
        for line in kills.strike(options.kills):
            print(f"{len(kills.struck)} of {options.kills}: equal after {line}", flush=True)
    print(f"{len(kills.struck)} kills, all summaries equal, {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
