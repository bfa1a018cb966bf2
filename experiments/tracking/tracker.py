"""Follows a trial from beside it: reads its run directory and hands on what is new.

Everything happens in a thread of its own, so that a tracker that is slow or fails delays nothing.
"""

import shlex
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ..config.config import Config
from ..store.layout import RunDir, SweepDir
from .pair import Position, TrackedPair, tracked_pairs

SECONDS_BETWEEN, SHARE_OF_TIME = 60.0, 0.02
"""A look that takes long is followed by a long pause, so that looking has a small share."""


class TrackedRun(Protocol):
    """Where one pair is logged."""

    def log(self, row: dict[str, float], step: int, pictures: dict[str, bytes]) -> None:
        """Add the numbers of one step, and pictures of it as PNG."""

    def alert(self, collapse: dict[str, Any]) -> None:
        """Tell people that the schedule collapsed."""

    def end(self, pair: TrackedPair, step: int) -> None:
        """Add what belongs at the end of a pair that is done."""

    def finish(self) -> None:
        """Close the run.

        Raises:
            UnsentError: if not everything could be sent in time.
        """


class Service(Protocol):
    """Opens runs of one mode, `online` or `offline`."""

    mode: str
    lasting: bool
    """Whether a run is gone on with in the next process, so that its position must be kept."""

    def open(self, pair: TrackedPair) -> TrackedRun:
        """A run for a pair, new or gone on with."""

    def close(self) -> None:
        """End whatever works in the background."""


class UnsentError(RuntimeError):
    """Not everything could be sent in time."""


@dataclass
class OpenRun:
    """A run that is open, how far it was logged, and whether what belongs at its end was."""

    pair: TrackedPair
    run: TrackedRun
    position: Position
    ends: bool = False

    def remember(self, **changes: Any) -> None:
        """Keep the position with some changes."""
        self.position = self.pair.remember(self.position, **changes)


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
        name: of what logs, for that sentence.
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
        name: str = "W&B",
    ) -> None:
        self._name = name
        self._config, self._run_dir, self._services = config, run_dir, services
        self._modes, self._every, self._alarm, self._say = modes, every, alarm, say
        self._started, self._look, self._stop = (threading.Event() for _ in range(3))
        self._starting = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="tracker", daemon=True)
        self._finished = False
        self.unsent = False
        """Whether files wait on disk to be sent."""
        self.partly = False
        """Whether W&B has only a part of a run that was online."""

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
        if self._started.is_set():
            self._thread.join()

    def _begin(self) -> None:
        with self._starting:
            if not self._started.is_set():
                self._started.set()
                self._thread.start()

    def _run(self) -> None:
        for i, mode in enumerate(self._modes):
            last = i == len(self._modes) - 1
            try:
                self._follow(mode)
                return
            except Exception as error:
                # Whatever goes wrong in the tracker must not touch the trial.
                self._say(problem(error, None if last else self._modes[i + 1], self._name))

    def _follow(self, mode: str) -> None:
        """Log until the trial is over."""
        service = self._services(mode)
        open_runs: dict[str, OpenRun] = {}
        in_order = False
        try:
            share, window = self._alarm
            pairs = [
                TrackedPair(
                    self._config, self._run_dir, teacher, seed, share, window, service.lasting
                )
                for teacher, seed in tracked_pairs(self._config)
            ]
            while True:
                # Asked before the look, so that the last look comes after the end of the trial.
                is_last, began = self._stop.is_set(), time.perf_counter()
                for pair in pairs:
                    self._take(pair, service, open_runs)
                if is_last:
                    break
                took = time.perf_counter() - began
                self._look.wait(max(self._every, min(SECONDS_BETWEEN, took / SHARE_OF_TIME)))
                self._look.clear()
            self._end(open_runs)
            in_order = True
        finally:
            self._close(service, open_runs, in_order)

    def _take(self, pair: TrackedPair, service: Service, open_runs: dict[str, OpenRun]) -> None:
        """Log what is new of one pair."""
        news = pair.news()
        if not news and not (self._stop.is_set() and pair.done):
            return
        if pair.id not in open_runs:
            position = pair.position
            if position.ended and position.next >= pair.steps:
                return
            if position.partly and service.mode == "offline":
                # A file that begins anywhere would leave a hole or write rows twice.
                self.partly = True
                return
            open_runs[pair.id] = OpenRun(pair, service.open(pair), pair.position)
            open_runs[pair.id].remember(mode=service.mode)
        one = open_runs[pair.id]
        for step, row in news:
            if step >= one.position.next:
                one.run.log(row, step, pair.pictures(row))
        one.remember(next=max(one.position.next, pair.steps))
        collapse = pair.collapse.first
        if collapse and not one.position.alerted:
            one.run.alert(collapse)
            one.remember(alerted=True)
        if service.mode == "offline":
            self.unsent = True

    def _end(self, open_runs: dict[str, OpenRun]) -> None:
        """Log what belongs at the end of the pairs that are done."""
        for one in open_runs.values():
            if self._finished and one.pair.done and not one.position.ended:
                one.run.end(one.pair, one.pair.steps)
                one.ends = True

    def _close(self, service: Service, open_runs: dict[str, OpenRun], in_order: bool) -> None:
        """End all runs; those that end in order need not be gone on with."""
        try:
            for one in open_runs.values():
                one.run.finish()
                if in_order:
                    one.remember(partly=False, ended=one.position.ended or one.ends)
        except UnsentError:
            # The others would wait as long: the service ends them together.
            self.partly = service.mode == "online"
        finally:
            service.close()


def problem(error: Exception, following: str | None, name: str = "W&B") -> str:
    """One sentence on what went wrong, and what is tried next."""
    reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    what = (
        f"it is tried again {following}"
        if following
        else "this run is no longer tracked; nothing that was recorded is lost, and --resume with "
        "the same option logs it all"
    )
    return f"{name}: {reason:.300}; the trial goes on, and {what}"


def sync_command(folder: Path) -> str:
    """What sends the files of offline runs in a run directory, or in those of a sweep.

    Not those of online runs: W&B would append their rows to the ones that it has.

    >>> sync_command(Path("runs/my run"))
    "wandb sync 'runs/my run'/wandb/offline-run-*"
    """
    quoted = Path(shlex.quote(str(folder)))
    places = [RunDir(quoted).tracking]
    if SweepDir(folder).sweep.exists():
        places.append(SweepDir(quoted).run_dir("*").tracking)
    return " ".join(["wandb sync", *(f"{place}/offline-run-*" for place in places)])
