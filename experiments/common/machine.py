"""What a run is made on: the processor by name, and commits of the code."""

import os
import platform
import subprocess
from pathlib import Path


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

    None where it is in no repository, or Git is not there.
    """
    # A hook of another repository would point Git to that one.
    clean = {name: value for name, value in os.environ.items() if name != "GIT_DIR"}
    answers = []
    for command in (["rev-parse", "HEAD"], ["status", "--porcelain", "--", "."]):
        try:
            answer = subprocess.run(
                ["git", "-C", str(folder), *command],
                capture_output=True,
                text=True,
                check=True,
                env=clean,
                timeout=20,
            )
        except (OSError, subprocess.SubprocessError):
            return None
        answers.append(answer.stdout.strip())
    return {"commit": answers[0], "dirty": bool(answers[1])}
