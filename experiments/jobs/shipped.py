"""What a job ships, on the cluster: gives it a place that lasts.

The folder that Ray unpacks a job into goes with the job; what a run needs to be resumed must not.
"""

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..common.yaml_values import config_text, plain_values, yaml_text

CONFIG, DATA = "job-config.yaml", "job-data"
"""Where a job's folder holds its config, and what the config names."""
MODULES = "job-modules"
"""Where the folder that lasts holds code that the job shipped besides the rooms."""
SHIPPED = "<shipped>/"
"""Begins a path below `DATA` in a shipped config."""
BROUGHT = "<brought>"
"""The folder of `MODULES` in a shipped config."""


def lasting(job_dir: Path, root: Path, job_id: str) -> tuple[Path, Path]:
    """Copy config, data and modules of a job to the folder that lasts.

    Args:
        job_dir: the job's own folder; holds no config where a run is gone on with.
        root: the lasting folder, or a link to it.
        job_id: a link of this name is put beside the lasting folder of another job, so that a
            cluster that has forgotten both finds it by either.

    Returns:
        The config there, and the run directory, which need not exist yet.
    """
    root = root.resolve()
    config = root / CONFIG
    if (job_dir / CONFIG).exists():
        root.mkdir(parents=True, exist_ok=True)
    elif not config.exists():
        return config, root / "run"
    # Some shared storage has no links.
    with suppress(OSError):
        if not (link := root.parent / job_id).exists():
            link.symlink_to(root.name)
    for path in job_dir.iterdir():
        if path.name not in (CONFIG, DATA, "lessonplan") and path.suffix != ".dist-info":
            _copy(path, root / MODULES / path.name)
    if (job_dir / CONFIG).exists():
        if (job_dir / DATA).exists():
            shutil.copytree(job_dir / DATA, root / DATA, dirs_exist_ok=True)
        values = plain_values(config_text(job_dir / CONFIG), CONFIG)
        values_there = each_text(
            values,
            lambda text: _there(text, root),
        )
        config.write_text(yaml_text(values_there), encoding="utf-8")
    return config, root / "run"


def _there(text: str, root: Path) -> str:
    """A text of a shipped config, as it is in the folder that lasts."""
    if text == BROUGHT:
        return str(root / MODULES)
    return str(root / DATA / text.removeprefix(SHIPPED)) if text.startswith(SHIPPED) else text


def _copy(path: Path, to: Path) -> None:
    to.parent.mkdir(exist_ok=True)
    if path.is_dir():
        shutil.copytree(path, to, dirs_exist_ok=True)
    else:
        shutil.copyfile(path, to)


def each_text(value: Any, change: Callable[[str], str]) -> Any:
    """The same lists and keys, with every text among the values changed."""
    if isinstance(value, dict):
        return {key: each_text(inner, change) for key, inner in value.items()}
    if isinstance(value, list):
        return [each_text(inner, change) for inner in value]
    return change(value) if isinstance(value, str) else value
