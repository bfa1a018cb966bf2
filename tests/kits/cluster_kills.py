"""Kills at random moments on a cluster of three nodes, and whether summaries are the undisturbed.

    python tests/kits/cluster_kills.py --kills 10 --seed 0

begins a Ray head and two nodes on this machine, with addresses, ports and a token of their own,
and runs the same small sweep on them again and again. Each kill is of the driver (and `--resume`
goes on), of a process that works on a pair, or of a whole node (and another one comes). At the end
of each sweep its summary is compared with that of the same pairs without Ray. Linux only.
"""

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psutil
from ray_head_kit import Guarded, Head, ray_head
from sweep_kit import BASE, COMMAND, numbers, write_files

from lessonplan.experiments.config.sweeps import read_sweep, write_sweep
from lessonplan.experiments.report.report import write_report
from lessonplan.experiments.sweep.merge import merged_runs
from lessonplan.experiments.sweep.pairs import pairs_of
from lessonplan.experiments.trial.trial import run_trial

LONGER = BASE | {
    "checkpoint_seconds": 0.05,
    "seeds": {"report": 8, "select": 2},
    "teachers": [
        BASE["teachers"][0] | {"decisions": 2560, "seeds": 1, "sampled": False}, "uniform"
    ],
}  # fmt: skip
SWEEP = {"teachers": ["ppo", "uniform"], "space": {"seeds.teacher": [0, 1]}}
KINDS = ("driver", "worker", "node")
WORKER = "ray::ImplicitFunc"
"""What Ray calls a process that works on a pair."""


def undisturbed(folder: Path) -> object:
    """The numbers of the sweep in a folder, its pairs run one after the other without Ray."""
    sweep, alone = read_sweep(folder / "sweep.yaml"), folder / "alone"
    write_sweep(sweep, alone / "sweep.yaml")
    for pair in pairs_of(sweep):
        run_trial(pair.config, alone / "pairs" / pair.name)
    return numbers(write_report(merged_runs(alone), alone))


def workers(head: Head) -> list[psutil.Process]:
    """Processes that work on pairs, on any node."""
    processes = [*head.processes(), *(p for node in head.nodes.values() for p in node.processes())]
    return [one for one in processes if is_worker(one)]


def is_worker(process: psutil.Process) -> bool:
    """Whether a process works on a pair."""
    try:
        return process.cmdline()[:1] != [] and process.cmdline()[0].startswith(WORKER)
    except psutil.Error:
        return False


class KilledSweep:
    """One sweep on a cluster, whose driver is begun and begun again.

    Args:
        head: of the cluster.
        folder: with `sweep.yaml`.
        out: sweep directory.
    """

    def __init__(self, head: Head, folder: Path, out: Path) -> None:
        self.head, self._folder, self.out = head, folder, out
        self._drivers: list[Guarded] = []
        self.begin()

    @property
    def log(self) -> str:
        """All that the drivers have said."""
        return "".join(one.log.read_text() for one in self._drivers)

    def begin(self) -> None:
        """A driver, which goes on where one was before."""
        begun = (self.out / "sweep.yaml").exists()
        words = ["--resume", str(self.out)] if begun else ["sweep.yaml", "--out", str(self.out)]
        command = [*COMMAND, "sweep", *words, "--address", self.head.address]
        log = self._folder / f"{self.out.name}-{len(self._drivers)}.log"
        self._drivers.append(Guarded(command, self.head.env, log, self._folder))
        self._pid = self._drivers[-1].pid

    @property
    def runs(self) -> bool:
        """Whether its driver does."""
        return any(one.pid == self._pid for one in self._drivers[-1].processes())

    def kill(self, kind: str, chance: random.Random) -> str:
        """Kill something; returns what, or nothing if it was not there."""
        head = self.head
        if kind == "driver":
            self.end()
            self.begin()
            return "driver"
        if kind == "node":
            node = chance.choice(sorted(head.nodes))
            head.nodes[node].kill()
            return f"node {node}, {head.add_node().address} came"
        for victim in sorted(workers(head), key=lambda one: one.pid)[-1:]:
            victim.kill()
            return "worker"
        return ""

    def end(self) -> None:
        """End the driver, at once."""
        self._drivers[-1].end()


def kills(count: int, seed: int, folder: Path, say: Callable[[str], None] = print) -> bool:
    """Kill so often; whether every sweep had the numbers of the undisturbed pairs."""
    chance, done, equal, sweeps = random.Random(seed), 0, True, 0
    write_files(folder, SWEEP, LONGER)
    wanted = undisturbed(folder)
    with ray_head(cpus=1) as head:
        head.add_node(), head.add_node()
        while done < count or not sweeps:
            sweep = KilledSweep(head, folder, folder / f"out-{sweeps}")
            sweeps += 1
            try:
                done = _disturb(sweep, chance, done, count, say)
                same = numbers(sweep.out) == wanted
            except OSError:
                same = False
            finally:
                sweep.end()
            equal = equal and same
            say(f"sweep {sweeps}: {'equal' if same else 'NOT EQUAL: ' + sweep.log}")
    say(f"{done} kills in {sweeps} sweeps: {'equal summaries' if equal else 'NOT EQUAL'}")
    return equal


def _disturb(
    sweep: KilledSweep, chance: random.Random, done: int, count: int, say: Callable[[str], None]
) -> int:
    """Kill until the sweep has ended, or often enough; then wait for its end."""
    began, wait = 0.0, chance.uniform(0.0, 6.0)
    while sweep.runs:
        time.sleep(0.1)
        # A moment in the work of pairs, not in what comes before it.
        if done >= count or not workers(sweep.head):
            continue
        began = began or time.monotonic()
        if time.monotonic() - began >= wait and (what := sweep.kill(chance.choice(KINDS), chance)):
            done += 1
            say(f"kill {done}, {wait:.1f} s after pairs were begun: {what}")
            began, wait = 0.0, chance.uniform(0.0, 6.0)
    return done


def main() -> None:
    """Kill as often as is asked for, and end with 1 if anything differs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=10, metavar="N")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of kinds and moments")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="lp-kills-"))
    try:
        sys.exit(not kills(options.kills, options.seed, folder, partial(print, flush=True)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
