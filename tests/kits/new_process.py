"""Runs a piece of code in a Python of its own, as a user's next session would."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path


def run_python(code, *arguments, cwd):
    """What the code printed; it finds the arguments in `sys.argv`, and this folder in its path."""
    path = [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, path)),
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code), *map(str, arguments)],
        cwd=cwd, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout
