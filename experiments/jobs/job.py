"""A job for a Ray cluster, how it stands, and where on the cluster it leaves what lasts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .shipped import MODULES

REMOTE = "~/lessonplan-jobs"
"""Where jobs leave their run directories on the head node, each in a folder of its own."""


@dataclass(frozen=True)
class Job:
    """What to do on a cluster.

    Args:
        name: its ID begins with this.
        values: of a run or a sweep, resolved; empty to go on with what is in `root`.
        options: more words for the command.
        place: folder on the cluster for that of the job.
        root: the job's folder itself, where there is one already.
        env: variables of its processes.
        include: files and folders that its own code imports.
        shared: folders that the cluster sees under the same path.
        cpus: cores that Ray sets aside for the job itself; pairs of a sweep have their own.
        gpus: that Ray sets aside for the job itself.
    """

    name: str
    values: dict[str, Any]
    options: Sequence[str] = ()
    place: str = REMOTE
    root: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    include: Sequence[Path] = ()
    shared: Sequence[Path] = ()
    cpus: float = 0.0
    gpus: float = 0.0


@dataclass(frozen=True)
class JobState:
    """How a job stands, in Ray's words."""

    job_id: str
    status: str
    message: str
    exit_status: int | None
    root: str
    """Its folder on the cluster; empty where it is none of ours."""
    cpus: float = 0.0
    """Cores that Ray sets aside for the job itself."""
    gpus: float = 0.0
    """GPUs that it sets aside."""

    @property
    def ended(self) -> bool:
        """Whether nothing will change any more."""
        return self.status in ("SUCCEEDED", "FAILED", "STOPPED", "FORGOTTEN")


def see_that_it_lasts(place: str) -> None:
    """Refuse a folder on the cluster that would be in the one that goes with a job.

    Raises:
        ValueError: if it would be.
    """
    if not place.startswith(("/", "~/")):
        raise ValueError(
            "--remote-out is a folder on the cluster that begins with / or ~/ (a job's own working "
            f"directory is thrown away with all results in it), got {place!r}"
        )


def python_path(root: str, path: str) -> str:
    """Where processes of a job, on any node, find the modules that were shipped with it.

    Ray puts the job's own folder before it, and fills in variables on each node.
    """
    modules = f"{root}/{MODULES}"
    if modules.startswith("~/"):
        modules = "${HOME}" + modules.removeprefix("~")
    return f"{path}:{modules}" if path else modules
