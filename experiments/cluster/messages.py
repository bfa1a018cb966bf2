"""What Ray prints when nodes and workers die: in a file as it is, for the user in a sentence."""

import io
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, suppress
from pathlib import Path
from typing import Any

_LONGEST = 160
"""Characters of a message of no known kind that are told."""
_DEAD_NODE = re.compile(r"The node with node id: \w+ and address: (?P<where>\S+) .*marked dead")
_NO_MEMORY = re.compile(
    r"(?P<count>\d+) Workers .*killed due to memory pressure.* IP: (?P<where>[^\s)]+)"
)
_DEAD_WORKER = re.compile(r"A worker died or was killed .*Worker IP address: (?P<where>\S+)")
_DEAD_RAYLET = re.compile(r"Raylet is terminated")
"""Comes beside the message of its node."""


class Messages:
    """Takes what Ray has to say, and tells it in our words.

    Args:
        log: file that gets everything as it came.
        say: told a sentence of each kind that is news.
    """

    def __init__(self, log: Path, say: Callable[[str], None]) -> None:
        self._log, self._say = log, say
        self._told: set[str] = set()
        self._lock = threading.Lock()

    def take(self, message: str) -> None:
        """Keep a message, and say what it means unless that was said before."""
        with self._lock:
            with suppress(OSError), self._log.open("a", encoding="utf-8") as log:
                log.write(message.rstrip("\n") + "\n")
            sentence = in_words(message)
            if sentence and sentence not in self._told:
                self._told.add(sentence)
                self._say(f"{sentence} (Ray's own words: {self._log})")


def in_words(message: str) -> str:
    """What a message of Ray's means to somebody whose work it runs; empty where another says it."""
    flat = " ".join(message.split())
    if match := _DEAD_NODE.search(flat):
        return f"the node {match['where']} is gone; what it worked on is taken up elsewhere"
    if match := _NO_MEMORY.search(flat):
        return (
            f"memory ran out on the node {match['where']}, and Ray ended a process there; let "
            "fewer work side by side, with more cores for each (resources.cpu of a sweep)"
        )
    if match := _DEAD_WORKER.search(flat):
        return (
            f"a process of Ray's on the node {match['where']} died; what it did is taken up again"
        )
    if not flat or _DEAD_RAYLET.search(flat):
        return ""
    return f"Ray says: {flat[:_LONGEST]}{'...' if len(flat) > _LONGEST else ''}"


@contextmanager
def messages_in_words(log: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Have all that Ray prints in this process go to a file, and be said in our words.

    Args:
        log: the file; it is not there afterwards if Ray had nothing to say.
        say: told a sentence of each kind that is news.
    """
    import ray._private.worker

    # The thread of Ray's that prints what the cluster reports asks for no handler.
    of_ray: Any = ray._private.worker
    print_it, messages = of_ray.print_to_stdstream, Messages(log, say)

    def take(data: dict[str, Any], *_: Any, **__: Any) -> None:
        messages.take("\n".join(map(str, data["lines"])))

    log.parent.mkdir(parents=True, exist_ok=True)
    of_ray.print_to_stdstream = take
    try:
        with _error_output_to(log):
            yield
    finally:
        of_ray.print_to_stdstream = print_it
        with suppress(OSError):
            if not log.stat().st_size:
                log.unlink()


class _ErrorOutput(io.TextIOBase):
    """Standard error of this process, at whichever number of a file it is."""

    def __init__(self, number: int) -> None:
        self.number = number

    def write(self, text: str) -> int:
        """All of it, at once."""
        left = text.encode("utf-8", "backslashreplace")
        while left:
            left = left[os.write(self.number, left) :]
        return len(text)

    def writable(self) -> bool:
        """Yes."""
        return True

    def isatty(self) -> bool:
        """Whether somebody looks at it."""
        return os.isatty(self.number)

    def fileno(self) -> int:
        """Its number now."""
        return self.number


def _copy_of_error_output() -> int | None:
    """Another number for where standard error goes; none if it is closed."""
    # Python has none where it was closed from the beginning.
    if sys.stderr is None:
        return None
    try:
        sys.stderr.flush()
        return os.dup(2)
    except (OSError, ValueError):
        return None


@contextmanager
def _error_output_to(log: Path) -> Iterator[None]:
    """Standard error of what is not Python to a file; Python's own stays where it is.

    Ray's C++ writes there by itself, up to the moment in which it ends the process. Where standard
    error is closed its number may be that of any other file by now and stays as it is, and what is
    Python's, which Ray asks for, is the log.
    """
    before, kept = sys.stderr, _copy_of_error_output()
    if kept is None:
        with log.open("a", encoding="utf-8") as file, redirect_stderr(file):
            yield
        return
    output = _ErrorOutput(kept)
    with log.open("a") as file:
        os.dup2(file.fileno(), 2)
    # Anything else that stands there, such as that of a progress bar, writes elsewhere.
    if before is sys.__stderr__:
        sys.stderr = output
    try:
        yield
    finally:
        os.dup2(kept, 2)
        # Who has it still goes on with it.
        output.number = 2
        os.close(kept)
        sys.stderr = before if sys.stderr is output else sys.stderr
