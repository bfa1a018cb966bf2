"""What a node lacks for the pairs of a sweep, as a process there says.

Nothing that must be installed is imported before it is looked for.
"""

import os
import platform
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PATIENCE_SECONDS = 10.0
"""What storage that is mounted when it is asked for, or read from a cache, may take to come."""
_LONGEST = 300
"""Characters of a reason that are told."""


def lack_here(needs: Mapping[str, Any], seconds: float = 0.0) -> str:
    """What this machine lacks for a pair, in words; empty where nothing.

    Args:
        needs: `sweep`, the directory; `mark`, a file in it, and `text`, what that holds; `files`
            that pairs read; `version` of lessonplan. Nothing where pairs run on the machine of
            the sweep.
        seconds: how long it may take for the storage to come.
    """
    if not needs:
        return ""
    end = time.monotonic() + seconds
    while not _sees(needs) and time.monotonic() < end:
        time.sleep(0.5)
    if not _sees(needs):
        return f"it does not see {needs['sweep']}"
    return _no_writing(Path(needs["sweep"])) or _no_file(needs["files"]) or _no_code(needs)


def _sees(needs: Mapping[str, Any]) -> bool:
    """Whether the sweep directory is there, and no other of the same path."""
    with suppress(OSError, UnicodeDecodeError):
        return Path(needs["mark"]).read_text(encoding="utf-8") == str(needs["text"])
    return False


def _no_writing(sweep_dir: Path) -> str:
    trial = sweep_dir / f".{platform.node()}-{os.getpid()}.tmp"
    try:
        trial.write_text("")
        trial.unlink()
    except OSError as error:
        return f"it can't write to {sweep_dir} ({error.strerror})"
    return ""


def _no_file(files: Sequence[str]) -> str:
    missing = [file for file in files if not os.path.exists(file)]
    more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
    return f"it does not see {missing[0]}{more}" if missing else ""


def _no_code(needs: Mapping[str, Any]) -> str:
    try:
        if (there := version("lessonplan")) != needs["version"]:
            return f"it has lessonplan {there}, the sweep {needs['version']}"
        from ..trial import trial  # noqa: F401
    except PackageNotFoundError:
        return "it has no lessonplan"
    except Exception as error:
        return f"it can't import what pairs need ({' '.join(str(error).split())[:_LONGEST]})"
    return ""
