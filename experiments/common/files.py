"""Files that are whole or not there: written aside, then renamed into place."""

import io
import json
import os
import stat
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

from .trust import is_trusted

if sys.platform != "win32":
    import fcntl


LOCK = "checkpoint/lock"
"""What a process holds in a folder that it works on."""
_REFUSED = ("GLOBAL", "nsupported class", "Can only", "unrecognized function")
"""Words of PyTorch where it found something that it does not open."""


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


def see_that_nothing_leads_out(
    folder: Path, is_ours: Callable[[str], bool], apart: str = ""
) -> None:
    """Refuse a directory that would have us write, delete or wait somewhere else.

    Through a link that leads out of it work would be done where nobody asked for it, and whoever
    opens a pipe waits without an end. Links of one's own are followed with `--trust`.

    Args:
        folder: that may be anybody's; nothing is done where it is not there.
        is_ours: whether what lies in it, by its name, is looked at, with all below.
        apart: a folder of this name holds files of others, with links of theirs: of those in it
            only what `is_ours` is looked at.

    Raises:
        ValueError: naming the first link that leads out, or what is neither a file nor a folder.
    """
    home = os.path.realpath(folder)
    seen, left = {home}, [home]
    while left:
        place = left.pop()
        for entry in _entries(place):
            if (place == home or os.path.basename(place) == apart) and not is_ours(entry.name):
                continue
            target = _target(entry, home)
            if _is_folder(entry) and target not in seen:
                seen.add(target)
                left.append(target)


def _entries(folder: str) -> list[os.DirEntry[str]]:
    """What lies in a folder that whoever works in it may have removed by now."""
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise ValueError(f"{folder} can't be read: {error.strerror}") from error


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder, or leads to one."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _target(entry: os.DirEntry[str], home: str) -> str:
    """Where an entry leads to: to itself, or as a link to another place in its directory.

    Raises:
        ValueError: if it leads out of it, or is neither a file nor a folder.
    """
    if not entry.is_symlink():
        # What the folder says of it is enough; to look at each file takes long on a network's disk.
        if not (entry.is_dir(follow_symlinks=False) or entry.is_file(follow_symlinks=False)):
            _see_that_it_is_regular(entry.path)
        return entry.path
    target = os.path.realpath(entry.path)
    if not is_trusted() and not Path(target).is_relative_to(home):
        raise ValueError(
            f"{entry.path} is a link that leads out of {home}, to {target}, where nothing is to "
            "be changed; put what it leads to in its place, or add --trust if you made it"
        )
    _see_that_it_is_regular(target)
    return target


def _see_that_it_is_regular(path: str) -> None:
    """Refuse what is there and is neither a file nor a folder: to open a pipe may never end."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise ValueError(
            f"{path} is neither a file nor a folder but a pipe, a socket or a device, and to open "
            "it may never end; take it away"
        )


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
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def read_object(path: Path) -> dict[str, Any]:
    """The object that a file of a run holds.

    Raises:
        ValueError: if it holds none.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not readable as JSON ({error}); write the run again") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path} must hold a JSON object, got {type(content).__name__}")
    return content


def write_checkpoint(path: Path, value: dict[str, Any]) -> None:
    """Tensors, arrays of numbers and plain values.

    Raises:
        ValueError: for anything else, or if it can't be written.
    """
    import torch

    from lessonplan.student import plain_state

    # In memory first: torch reports a full disk as an error in its own code.
    buffer = io.BytesIO()
    torch.save(plain_state(value, "the checkpoint"), buffer)
    write_whole(path, lambda aside: aside.write_bytes(buffer.getbuffer()))


def read_checkpoint(path: Path) -> dict[str, Any] | None:
    """What `write_checkpoint` kept; None where there is nothing.

    Raises:
        ValueError: if it is damaged, or holds what has to be trusted.
    """
    if not path.exists():
        return None
    import torch

    from lessonplan.student import restored_state

    state: Any
    try:
        with warnings.catch_warnings(action="ignore"):
            state = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        state = _trusted(path, error)
    except Exception as error:  # What is damaged can raise anything.
        state = error
    if not isinstance(state, dict):
        raise ValueError(
            f"the checkpoint {path} is damaged ({type(state).__name__}); delete it, and --resume "
            "does this unit again from its beginning"
        )
    restored: dict[str, Any] = restored_state(state)
    return restored


def _trusted(path: Path, refused: UnpicklingError) -> Any:
    """What a checkpoint holds that `weights_only` refuses, or the error of one that is damaged.

    Those of earlier versions have NumPy's arrays as pickles.
    """
    from lessonplan.teacher.files import unpickled_checkpoint

    if not any(word in str(refused) for word in _REFUSED):
        return refused
    if not is_trusted():
        raise ValueError(
            f"the checkpoint {path} holds pickles, as those of earlier versions do, which can run "
            "any code when they are opened, so they were not; if you trust whoever wrote it, add "
            "--trust, or delete it, and --resume does this unit again from its beginning"
        ) from None
    try:
        return unpickled_checkpoint(path)
    except Exception as error:  # A pickle can raise anything.
        return error
