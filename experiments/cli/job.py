"""What a shipped job begins with on the cluster: the command, in the folder that lasts."""

import socket
import sys
from pathlib import Path

from ..common.trust import agree_to
from ..config.loading import is_sweep, read_yaml
from ..config.own_names import folders_of
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
    values = read_yaml(config)
    # Whoever submitted it has agreed to what its config names.
    for folder in (str(config.parent / MODULES), *folders_of(values)):
        agree_to(folder)
    kind = "sweep" if is_sweep(values) else "run"
    begun = RunDir(run).config.exists() or SweepDir(run).sweep.exists()
    where = ["--resume", str(run)] if begun else [str(config), "--out", str(run)]
    print_text(f"{'Going on with' if begun else 'Beginning'} {run} on {socket.gethostname()}")
    sys.argv = ["lessonplan", kind, *where, *options]
    command()


if __name__ == "__main__":
    main()
