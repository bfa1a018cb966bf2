"""The folder here for a run directory that comes from a cluster."""

import os
import tempfile
from pathlib import Path

from .pack import unpack

_MARK = ".fetched-from"


def see_that_it_can_be_fetched(out: Path, source: str = "") -> None:
    """Change nothing, but refuse a folder that holds something else.

    Args:
        out: the folder to write: new, empty, or fetched before.
        source: what is fetched; anything that was fetched before if empty.

    Raises:
        ValueError: if it does.
    """
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    mark = out / _MARK
    if not mark.is_file() or (source and mark.read_text().strip() != source):
        raise ValueError(f"{out} is not empty; name a new folder with --out")


def unpack_into(log: str, out: Path) -> None:
    """Write the run directory that a log holds, in the place of an earlier state of it.

    Args:
        log: what a job of `pack` printed.
        out: the folder to write.

    Raises:
        ValueError: if the log holds none, or `out` something else.
    """
    out = out.resolve()
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetching-", dir=out.parent) as aside:
        new, old = Path(aside) / "new", Path(aside) / "old"
        source = unpack(log, new)
        see_that_it_can_be_fetched(out, source)
        (new / _MARK).write_text(source + "\n")
        if out.exists():
            os.replace(out, old)
        os.replace(new, out)
