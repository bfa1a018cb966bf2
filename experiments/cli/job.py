"""What a shipped job begins with on the cluster: the command, in the folder that lasts."""

import socket
import sys
from pathlib import Path

from ..common.own_modules import find_own_modules
from ..config.loading import is_sweep, read_yaml
from ..jobs.shipped import MODULES, lasting
from ..store.layout import RunDir, SweepDir
from .app import main as command
from .console import print_text


def main() -> None:
    """Run a shipped job; arguments are its lasting folder, its ID and more options of the command.

    A run directory that was begun is gone on with.
    """
    root, job_id, *options = sys.argv[1:]
    config, run = lasting(Path.cwd(), Path(root).expanduser(), job_id)
    if not config.exists():
        sys.exit(f"lessonplan: there is no job in {config.parent} to go on with")
    find_own_modules(str(config.parent / MODULES))
    kind = "sweep" if is_sweep(read_yaml(config)) else "run"
    begun = RunDir(run).config.exists() or SweepDir(run).sweep.exists()
    where = ["--resume", str(run)] if begun else [str(config), "--out", str(run)]
    print_text(f"{'Going on with' if begun else 'Beginning'} {run} on {socket.gethostname()}")
    sys.argv = ["lessonplan", kind, *where, *options]
    command()


if __name__ == "__main__":
    main()
