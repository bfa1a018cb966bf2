"""Follows a trial from beside it: reads its run directory and hands on what is new.

Everything happens in a thread of its own, so that a tracker that is slow or fails delays nothing.
"""

import shlex
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from .config import Config
from .tracked_pair import Pair, Position, pairs_of

SECONDS_BETWEEN, SHARE_OF_TIME = 60.0, 0.02
"""A look that takes long is followed by a long pause, so that looking has a small share."""


class TrackedRun(Protocol):
    """Where one pair is logged."""

    def log(self, row: dict[str, float], step: int) -> None:
        """Add one row."""

    def alert(self, found: dict[str, Any]) -> None:
        """Tell people that the schedule collapsed."""

    def end(self, pair: Pair, step: int) -> None:
        """Add what belongs at the end of a pair that is done."""

    def finish(self) -> None:
        """Close it.

        Raises:
            UnsentError: if not everything could be sent in time; it is on disk.
        """


class Service(Protocol):
    """Opens runs of one mode, `online` or `offline`."""

    mode: str

    def open(self, pair: Pair) -> TrackedRun:
        """A run for a pair, new or gone on with."""

    def close(self) -> None:
        """End whatever works in the background."""


class UnsentError(RuntimeError):
    """Everything is on disk, but not all of it could be sent."""


class Tracker:
    """Logs the pairs of a trial as they grow.

    Args:
        config: of the trial.
        run_dir: of the trial.
        services: makes a service of a mode.
        modes: to try in turn; each begins with what the run directory holds.
        every: seconds between looks.
        alarm: `share` and `window` of `Collapse`.
        say: told one sentence when something fails.
    """

    def __init__(
        self,
        config: Config,
        run_dir: Path,
        services: Callable[[str], Service],
        modes: Sequence[str],
        every: float,
        alarm: tuple[float, int],
        say: Callable[[str], None],
    ) -> None:
        self._config, self._run_dir, self._services = config, run_dir, services
        self._modes, self._every, self._alarm, self._say = modes, every, alarm, say
        self._begun, self._look, self._stop = (threading.Event() for _ in range(3))
        self._starting = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="tracker", daemon=True)
        self._finished = False
        self.unsent = False
        """Whether something waits on disk to be sent."""

    def watch(self, unit: str, fraction: float, words: str) -> None:
        """To be called as the trial goes on: look soon if a unit is done."""
        self._begin()
        if words == "done":
            self._look.set()

    def close(self, finished: bool) -> None:
        """Log what is left and wait until that is done.

        Args:
            finished: whether the trial came to its end: else what belongs there is not logged, and
                a trial that never began is not logged at all.
        """
        self._finished = finished
        if finished:
            self._begin()
        self._stop.set()
        self._look.set()
        if self._begun.is_set():
            self._thread.join()

    def _begin(self) -> None:
        with self._starting:
            if not self._begun.is_set():
                self._begun.set()
                self._thread.start()

    def _run(self) -> None:
        for i, mode in enumerate(self._modes):
            last = i == len(self._modes) - 1
            try:
                self._follow(mode)
                return
            except Exception as error:
                # Whatever goes wrong in the tracker must not touch the trial.
                self._say(problem(error, None if last else self._modes[i + 1]))

    def _follow(self, mode: str) -> None:
        """Log until the trial is over."""
        service = self._services(mode)
        open_runs: dict[str, tuple[TrackedRun, Position]] = {}
        try:
            share, window = self._alarm
            pairs = [
                Pair(self._config, self._run_dir, teacher, seed, share, window)
                for teacher, seed in pairs_of(self._config)
            ]
            while True:
                # Asked before the look, so that the last look comes after the end of the trial.
                stopped, began = self._stop.is_set(), time.perf_counter()
                for pair in pairs:
                    self._take(pair, service, open_runs)
                if stopped:
                    break
                took = time.perf_counter() - began
                self._look.wait(max(self._every, min(SECONDS_BETWEEN, took / SHARE_OF_TIME)))
                self._look.clear()
            ended = self._end(pairs, open_runs)
        finally:
            self._close(service, [run for run, _ in open_runs.values()])
        for pair in ended:
            pair.remember(pair.position, ended=True)

    def _take(
        self, pair: Pair, service: Service, open_runs: dict[str, tuple[TrackedRun, Position]]
    ) -> None:
        """Log what is new of one pair."""
        news = pair.news()
        if not news and not (self._stop.is_set() and pair.done):
            return
        if pair.id not in open_runs and pair.position.ended and pair.position.next >= pair.steps:
            return
        if pair.id not in open_runs:
            run = service.open(pair)
            open_runs[pair.id] = (run, pair.position)
        run, position = open_runs[pair.id]
        for step, row in news:
            if step >= position.next:
                run.log(row, step)
        position = pair.remember(position, next=max(position.next, pair.steps))
        found = pair.collapse.found
        if found and not position.alerted:
            run.alert(found)
            position = pair.remember(position, alerted=True)
        open_runs[pair.id] = (run, position)
        if service.mode == "offline":
            self.unsent = True

    def _end(
        self, pairs: list[Pair], open_runs: dict[str, tuple[TrackedRun, Position]]
    ) -> list[Pair]:
        """Log what belongs at the end; the pairs that have it now."""
        ended = [pair for pair in pairs if self._finished and pair.id in open_runs and pair.done]
        for pair in ended:
            run, position = open_runs[pair.id]
            if not position.ended:
                run.end(pair, pair.steps)
        return ended

    def _close(self, service: Service, runs: list[TrackedRun]) -> None:
        try:
            for run in runs:
                run.finish()
        except UnsentError:
            # The others would wait as long: the service ends them together.
            self.unsent = True
        finally:
            service.close()


def problem(error: Exception, following: str | None) -> str:
    """One sentence on what went wrong, and what is tried next."""
    reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    what = (
        f"it is tried again {following}"
        if following
        else "this run is no longer tracked; nothing that was recorded is lost, and --resume with "
        "--wandb logs it all"
    )
    return f"W&B: {reason:.300}; the trial goes on, and {what}"


def sync_command(folder: Path) -> str:
    """What sends everything that W&B runs keep in a run directory, or in those of a sweep.

    >>> sync_command(Path("runs/my run"))
    "wandb sync 'runs/my run'/wandb/*run-*"
    """
    runs = shlex.quote(str(folder))
    places = [f"{runs}/wandb/*run-*"]
    if (folder / "sweep.yaml").exists():
        places.append(f"{runs}/pairs/*/wandb/*run-*")
    # W&B takes runs that began online as sent unless it is told otherwise.
    began_online = any(folder.glob("**/wandb/run-*"))
    return " ".join(["wandb sync", *(["--include-online"] if began_online else []), *places])
