"""The Python that pages show, and a way to run it as a reader would."""

import os
import re
import subprocess
import sys


def blocks_of(page):
    """The Python blocks of a page, in order of appearance."""
    return re.findall(r"```python\n(.*?)```", page.read_text(), flags=re.DOTALL)


def run_block(block, folder):
    """Run a block as it stands, in a process of its own, in this folder; what it printed.

    The home directory is empty, as that of somebody who never ran anything.
    """
    script, home = folder / "block.py", folder / "home"
    home.mkdir()
    script.write_text(block)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(script)],
        cwd=folder, env=os.environ | {"OMP_NUM_THREADS": "1", "HOME": str(home)},
        capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout
