"""Files that are whole or not there: written aside, then renamed into place."""

import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

if sys.platform != "win32":
    import fcntl


LOCK = "checkpoint/lock"
"""What a process holds in a folder that it works on."""


@contextmanager
def locked(run_dir: Path) -> Iterator[None]:
    """Keep other processes off a run directory, which is made if need be.

    The lock goes with the process, however that ends. Without it on Windows and on file systems
    that have no locks.

    Raises:
        ValueError: if another process holds it, or the directory can't be made.
    """
    try:
        (run_dir / LOCK).parent.mkdir(parents=True, exist_ok=True)
        handle = (run_dir / LOCK).open("a")
    except OSError as error:
        raise ValueError(f"{run_dir} can't be made: {error.strerror}") from error
    with handle:
        if sys.platform != "win32":
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise ValueError(f"another process is working on {run_dir}") from error
            except OSError:
                pass
        yield


def write_whole(path: Path, write: Callable[[Path], Any]) -> None:
    """Let `write` fill a file beside `path`, then rename it into place.

    Raises:
        ValueError: if it can't be written; what was there before is as it was.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            write(aside)
            os.replace(aside, path)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as error:
        raise ValueError(
            f"{path.name} can't be written to {path.parent}: {error.strerror or error}; make room "
            "or another folder for it (a run keeps what is done and goes on with --resume)"
        ) from error


def remove_leftovers(folder: Path) -> None:
    """Delete what killed processes had begun to write, in the folder and below."""
    for path in folder.rglob(".*.tmp"):
        if path.is_file():
            path.unlink()


def write_json(path: Path, value: Any) -> None:
    """JSON with sorted keys."""
    text = json.dumps(value, indent=1, sort_keys=True) + "\n"
    write_whole(path, lambda aside: aside.write_text(text))


def read_json(path: Path) -> dict[str, Any]:
    """The object that a file holds; nothing where it is not there or is not whole."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def read_object(path: Path) -> dict[str, Any]:
    """The object that a file of a run holds.

    Raises:
        ValueError: if it holds none.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not readable as JSON ({error}); write the run again") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path} must hold a JSON object, got {type(content).__name__}")
    return content


def write_checkpoint(path: Path, value: dict[str, Any]) -> None:
    """Tensors, arrays and plain values."""
    import torch

    # In memory first: torch reports a full disk as an error in its own code.
    buffer = io.BytesIO()
    torch.save(value, buffer)
    write_whole(path, lambda aside: aside.write_bytes(buffer.getbuffer()))


def read_checkpoint(path: Path) -> dict[str, Any] | None:
    """A checkpoint of one's own run; None where there is none.

    Raises:
        ValueError: if it is damaged.
    """
    if not path.exists():
        return None
    import torch

    try:
        state: Any = torch.load(path, map_location="cpu", weights_only=False)
    except Exception as error:  # A damaged pickle can raise anything.
        state = error
    if not isinstance(state, dict):
        raise ValueError(
            f"the checkpoint {path} is damaged ({type(state).__name__}); delete it, and --resume "
            "does this unit again from its beginning"
        )
    return state
