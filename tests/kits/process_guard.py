"""Runs a command until standard input ends, then ends it and everything that came of it.

It adopts orphans (Linux: "subreaper"), so nothing that detaches itself escapes.
"""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

_ADOPT_ORPHANS = 36  # PR_SET_CHILD_SUBREAPER


def guard(command: Sequence[str]) -> None:
    """Run the command; when standard input ends, end it and everything that came of it."""
    ctypes.CDLL(None).prctl(_ADOPT_ORPHANS, 1, 0, 0, 0)
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    signal.signal(signal.SIGTERM, lambda *_: os.close(0))
    with suppress(OSError):
        while os.read(0, 1024):
            pass
    with suppress(ProcessLookupError):
        child.kill()
    while children := _children(os.getpid()):
        for pid in children:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        # The children of those are adopted here, and their turn comes next.
        with suppress(ChildProcessError):
            os.waitpid(-1, 0)


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


if __name__ == "__main__":
    guard(sys.argv[1:])
