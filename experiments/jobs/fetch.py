"""The folder here for a run directory that comes from a cluster."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from ..store.layout import RunDir
from .archive import archive_in, unpack


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
    mark = RunDir(out).fetched_from
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
    archive, source = archive_in(log)
    out = out.resolve()
    made = next(
        (one for one in reversed([out.parent, *out.parent.parents]) if not one.exists()), None
    )
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".fetching-", dir=out.parent) as aside:
            new, old = Path(aside) / "new", Path(aside) / "old"
            unpack(archive, new)
            see_that_it_can_be_fetched(out, source)
            RunDir(new).fetched_from.write_text(source + "\n")
            _put(new, out, old)
    except OSError as error:
        raise ValueError(
            f"{out} can't be written: {error.strerror or error}; make room, or name another folder "
            "with --out, and fetch again"
        ) from error
    finally:
        _remove_empty(out.parent, made)


def _put(new: Path, out: Path, old: Path) -> None:
    """Put a folder in the place of an earlier one, which stays where that fails."""
    if out.exists():
        os.replace(out, old)
    try:
        os.replace(new, out)
    except OSError:
        if old.exists():
            os.replace(old, out)
        raise


def _remove_empty(folder: Path, first: Path | None) -> None:
    """Remove folders that were made for nothing, up to the first of them."""
    while first is not None and folder.is_relative_to(first):
        with suppress(OSError):
            folder.rmdir()
        folder = folder.parent
