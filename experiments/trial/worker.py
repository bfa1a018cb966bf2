"""A process that does units: names come in on standard input, progress goes out as JSON lines.

It ends when its input ends, and also when the process that started it is gone.
"""

import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from ..common.mistakes import words_of


def main() -> None:
    """Do units until the input ends.

    Arguments are the run directory, the parent's pid, what the parent has agreed to, in JSON, and
    where there is one the number of the file that holds the suite, which the parent has lent.
    """
    run_dir, parent = Path(sys.argv[1]), int(sys.argv[2])
    # Before PyTorch is imported, which takes seconds in which the parent may go.
    _end_with_parent(parent)
    out = message_channel()

    def say(**message: Any) -> None:
        print(json.dumps(message), file=out, flush=True)

    try:
        _work(run_dir, say)
    except Exception as error:
        traceback.print_exc()
        say(error=words_of(error), kind=type(error).__name__)


def message_channel() -> TextIO:
    """What standard output was; whatever a library prints, C code included, goes to the log."""
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return channel


def _work(run_dir: Path, say: Callable[..., None]) -> None:
    import torch

    from ..assembly.build import build_suite
    from ..assembly.sharing import borrowed
    from ..common.own_modules import find_own_modules
    from ..common.trust import take_over
    from ..config.loading import read_config
    from ..store.layout import RunDir
    from .units import do, plan

    torch.set_num_threads(1)
    take_over(json.loads(sys.argv[3]))
    config = read_config(RunDir(run_dir).config, begun=True)
    # The suite that is borrowed may hold objects of them.
    find_own_modules(config.modules)
    lent = int(sys.argv[4]) if len(sys.argv) > 4 else None
    suite = borrowed(config, lent) or build_suite(config)
    units = {unit.name: unit for unit in plan(config)}
    last = 0.0

    def tell(fraction: float, words: str) -> None:
        nonlocal last
        if time.monotonic() - last > 0.2:
            last = time.monotonic()
            say(fraction=fraction, words=words)

    for line in sys.stdin:
        unit = units[line.strip()]
        do(unit, config, suite, run_dir, tell)
        say(done=unit.name)


def _end_with_parent(parent: int) -> None:
    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.2)
        os._exit(1)

    # Windows never gives a child another parent, and may put a launcher between the two.
    if sys.platform != "win32":
        threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    main()
