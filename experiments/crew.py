"""Several processes that do the units of a trial side by side."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from .units import Unit

Watch = Callable[[str, float, str], None]
"""Told of a unit's name, the fraction of it that is done, and a few words."""


class WorkFailedError(RuntimeError):
    """A unit failed; what is done is kept, and the run can be resumed."""


class Crew:
    """Hands out units to processes, each as soon as those before it are done.

    Args:
        run_dir: of the trial; workers read its config.
        size: processes.
        watch: told how far each unit is.
    """

    def __init__(self, run_dir: Path, size: int, watch: Watch) -> None:
        self._run_dir, self._size, self._watch = run_dir, size, watch
        self._changed = threading.Condition()
        self._failure: BaseException | None = None

    def work(self, units: Sequence[Unit], done: set[str]) -> None:
        """Do all units; `done` names those that were done before.

        Raises:
            WorkFailedError: when a unit fails or its process is gone.
            ValueError: when a unit says that its input is wrong.
        """
        self._waiting, self._done = list(units), set(done)
        size = min(self._size, len(units))
        threads = [threading.Thread(target=self._serve, args=(i,)) for i in range(size)]
        self._processes: list[subprocess.Popen[str]] = []
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        except BaseException as interruption:
            self._fail(interruption)
            for process in self._processes:
                process.kill()
            raise
        if self._failure is not None:
            raise self._failure

    def _serve(self, index: int) -> None:
        """Feed one process."""
        log = self._run_dir / "checkpoint" / f"worker-{index}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "lessonplan.experiments.worker", str(self._run_dir)]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        with log.open("w") as handle:
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=handle, text=True,
                env=environment,
            )  # fmt: skip
            self._processes.append(process)
            try:
                while (unit := self._next()) is not None:
                    self._do(process, unit, log)
            except BaseException as failure:
                self._fail(failure)
                process.kill()
            finally:
                if process.stdin is not None and not process.stdin.closed:
                    try:
                        process.stdin.close()
                    except BrokenPipeError:
                        pass
                process.wait()

    def _do(self, process: subprocess.Popen[str], unit: Unit, log: Path) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._watch(unit.name, 0.0, "starting")
        print(unit.name, file=process.stdin, flush=True)
        for line in process.stdout:
            message = json.loads(line)
            if "error" in message:
                if message["kind"] == "ValueError":
                    raise ValueError(message["error"])
                raise WorkFailedError(
                    f"{unit.name} failed: {message['kind']}: {message['error']}; the log is {log}"
                )
            if "done" in message:
                self._watch(unit.name, 1.0, "done")
                with self._changed:
                    self._done.add(unit.name)
                    self._changed.notify_all()
                return
            self._watch(unit.name, message["fraction"], message["words"])
        raise WorkFailedError(f"the process that did {unit.name} is gone; the log is {log}")

    def _next(self) -> Unit | None:
        """The first unit that can begin; None when there is nothing left to begin."""
        with self._changed:
            while self._waiting and self._failure is None:
                for unit in self._waiting:
                    if self._done.issuperset(unit.after):
                        self._waiting.remove(unit)
                        return unit
                self._changed.wait()
        return None

    def _fail(self, failure: BaseException) -> None:
        with self._changed:
            self._failure = self._failure or failure
            self._changed.notify_all()
