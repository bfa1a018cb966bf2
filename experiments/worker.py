"""A process that does units: names come in on standard input, progress goes out as JSON lines.

It ends when its input ends, and also when the process that started it is gone.
"""

import json
import os
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

import torch

from .build import build_suite
from .loading import read_config
from .units import do, plan


def main() -> None:
    """Do units of the run directory named on the command line until the input ends."""
    torch.set_num_threads(1)
    _end_with_parent(os.getppid())
    run_dir = Path(sys.argv[1])
    # Whatever a library prints goes to the log, not between the messages.
    out, sys.stdout = sys.stdout, sys.stderr

    def say(**message: Any) -> None:
        print(json.dumps(message), file=out, flush=True)

    try:
        config = read_config(run_dir / "config.yaml")
        suite = build_suite(config)
        units = {unit.name: unit for unit in plan(config)}
        for line in sys.stdin:
            unit = units[line.strip()]
            last = 0.0

            def report(fraction: float, words: str) -> None:
                nonlocal last
                if time.monotonic() - last > 0.2:
                    last = time.monotonic()
                    say(fraction=fraction, words=words)

            do(unit, config, suite, run_dir, report)
            say(done=unit.name)
    except Exception as error:
        traceback.print_exc()
        say(error=str(error), kind=type(error).__name__)


def _end_with_parent(parent: int) -> None:
    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.2)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    main()
