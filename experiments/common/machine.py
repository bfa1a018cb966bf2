"""What a run is made on: the processor by name, and commits of the code."""

import os
import platform
import subprocess
from pathlib import Path

_RUN_NOTHING = ("-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}")
"""Settings that are stronger than those of a repository."""


def processor_name() -> str:
    """The name of the processor, such as `AMD EPYC 7763`; empty where the system has none."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in text.splitlines() if "model name" in line)
    return next(names, platform.processor())


def git_state(folder: str | Path) -> dict[str, str | bool] | None:
    """The `commit` that a folder is at, and whether it is `dirty`, changed since or never added.

    None where it is in no repository, where Git is not there, and where Git would run programs that
    the repository names to see what has changed.
    """
    commit = git_answer(folder, "rev-parse", "HEAD")
    if not commit or _names_filters(folder):
        return None
    # What a submodule holds is looked at in its own repository, which may name programs too.
    status = ("status", "--porcelain", "--ignore-submodules=dirty", "--", ".")
    changes = git_answer(folder, *status)
    return None if changes is None else {"commit": commit, "dirty": bool(changes)}


def git_answer(folder: str | Path, *words: str) -> str | None:
    """What Git says in a folder, none of whose hooks and helpers are run; None if it fails."""
    # A hook of another repository would point Git to that one.
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    # Nothing that is missing is fetched, which runs what the address says.
    clean |= {"GIT_ALLOW_PROTOCOL": "none", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
    try:
        answer = subprocess.run(
            ["git", *_RUN_NOTHING, "-C", str(folder), *words],
            capture_output=True,
            text=True,
            errors="replace",
            check=True,
            env=clean,
            timeout=20,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()


def _names_filters(folder: str | Path) -> bool:
    """Whether the repository itself says which programs files are read through.

    Those of whoever uses this machine are their own.
    """
    told = git_answer(folder, "config", "--show-scope", "--list")
    if told is None:
        # An old Git does not say whose settings they are.
        return True
    settings = (line.partition("\t") for line in told.splitlines())
    return any(
        key.startswith("filter.") and scope not in ("global", "system")
        for scope, _, key in settings
    )
