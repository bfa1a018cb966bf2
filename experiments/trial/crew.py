"""Several processes that do the units of a trial side by side."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ..common.trust import agreement
from ..common.watch import Watch, WorkFailedError
from ..store.layout import RunDir
from .units import Unit


def worker_command(run_dir: Path, suite: int | None = None) -> list[str]:
    """What starts a process that does units of a run directory as long as this one lives.

    It finds the suite in a file that it inherits with this descriptor, or makes its own.
    """
    worker = "lessonplan.experiments.trial.worker"
    # -P: a file in the working directory must not stand in for a module of the standard library.
    agreed = json.dumps(agreement())
    lent = [] if suite is None else [str(suite)]
    return [sys.executable, "-P", "-m", worker, str(run_dir), str(os.getpid()), agreed, *lent]


class Crew:
    """Hands out units to processes, each as soon as those before it are done.

    Args:
        run_dir: of the trial; workers read its config.
        size: processes.
        watch: told how far each unit is.
        command: what starts a process that does units of a run directory.
        inherited: descriptors of files that the processes have open too.
    """

    def __init__(
        self,
        run_dir: Path,
        size: int,
        watch: Watch,
        command: Callable[[Path], Sequence[str]] = worker_command,
        inherited: Sequence[int] = (),
    ) -> None:
        self._run_dir, self._size, self._watch = run_dir, size, watch
        self._command, self._inherited = command, inherited
        self._changed = threading.Condition()
        self._failure: BaseException | None = None
        self._processes: list[subprocess.Popen[str]] = []

    def work(self, units: Sequence[Unit], done: set[str]) -> None:
        """Do all units; `done` names those that were done before.

        When one fails the others are stopped where they are; they can be resumed.

        Raises:
            WorkFailedError: when a unit fails, its process is gone, or it left no file.
            ValueError: when a unit says that its input is wrong.
        """
        self._waiting, self._done = list(units), set(done)
        size = min(self._size, len(units))
        threads = [threading.Thread(target=self._serve, args=(i,)) for i in range(size)]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        except BaseException as interruption:
            self._fail(interruption)
            raise
        finally:
            for thread in threads:
                if thread.ident is not None:
                    thread.join()
        if self._failure is not None:
            raise self._failure
        for unit in units:
            if not unit.file(self._run_dir).exists():
                raise WorkFailedError(
                    f"{unit.name} was done but {unit.file(self._run_dir)} is not there; "
                    "go on with --resume"
                )

    def _serve(self, index: int) -> None:
        """Feed one process."""
        log = RunDir(self._run_dir).worker_log(index)
        process: subprocess.Popen[str] | None = None
        try:
            while (unit := self._next()) is not None:
                with _named_errors(unit, log):
                    process = process or self._start(log)
                    self._do(process, unit)
        except BaseException as failure:
            self._fail(failure)
        finally:
            if process is not None:
                _dismiss(process)

    def _start(self, log: Path) -> subprocess.Popen[str]:
        log.parent.mkdir(parents=True, exist_ok=True)
        environment = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        with log.open("w") as handle:
            process = subprocess.Popen(
                self._command(self._run_dir),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=handle,
                text=True,
                env=environment,
                pass_fds=self._inherited,
            )
        with self._changed:
            self._processes.append(process)
            if self._failure is not None:
                process.kill()
        return process

    def _do(self, process: subprocess.Popen[str], unit: Unit) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._watch(unit.name, 0.0, "starting")
        # A process that is gone says so by the end of its messages.
        with suppress(BrokenPipeError):
            print(unit.name, file=process.stdin, flush=True)
        for line in process.stdout:
            message = _message(line)
            if "error" in message:
                if message["kind"] == "ValueError":
                    raise ValueError(message["error"])
                raise WorkFailedError(f"{message['kind']}: {message['error']}")
            if "done" in message:
                self._watch(unit.name, 1.0, "done")
                with self._changed:
                    self._done.add(unit.name)
                    self._changed.notify_all()
                return
            self._watch(unit.name, message["fraction"], message["words"])
        raise WorkFailedError("its process is gone")

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
        """Keep the first failure and stop everything."""
        with self._changed:
            self._failure = self._failure or failure
            for process in self._processes:
                process.kill()
            self._changed.notify_all()


def _message(line: str) -> dict[str, Any]:
    try:
        message: dict[str, Any] = json.loads(line)
    except ValueError as error:
        raise WorkFailedError(f"its process broke off with {line!r}") from error
    return message


@contextmanager
def _named_errors(unit: Unit, log: Path) -> Iterator[None]:
    """Errors say which unit it was and where more is written."""
    try:
        yield
    except ValueError as error:
        # A fault of one's own code has the unit's name already.
        words = str(error).removeprefix(f"{unit.name}: ")
        raise ValueError(f"{unit.name}: {words}; the log is {log}") from error
    except Exception as error:
        what = error if isinstance(error, WorkFailedError) else f"{type(error).__name__}: {error}"
        raise WorkFailedError(f"{unit.name} failed: {what}; the log is {log}") from error


def _dismiss(process: subprocess.Popen[str]) -> None:
    """The end of its input ends a process, unless it was killed before."""
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(BrokenPipeError):
        process.stdin.close()
    process.wait()
    process.stdout.close()
