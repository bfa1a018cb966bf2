"""Ray for a sweep: an own one on this machine, or a cluster that is running."""

import functools
import logging
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ..common.files import locked
from ..common.sentences import say
from ..config.sweeps import Resources
from .head import connecting, see_that_a_head_answers
from .messages import messages_in_words
from .staging import stage

INSTALL = 'Ray is not installed; `pip install "ray[tune]"` brings it'
_FOLDER = "lp-ray-"
_QUIET = {
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    "RAY_DEDUP_LOGS": "1",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "RAY_worker_niceness": "0",
}
"""Ray's own tables, loggers and signal handlers are left out, and pairs need not stand back behind
other processes."""


@contextmanager
def ray_session(
    address: str | None,
    resources: Resources,
    cpus: int | None = None,
    say: Callable[[str], None] = say,
    log: Path | None = None,
) -> Iterator[bool]:
    """Ray, while the sweep runs; only what was started here is shut down.

    Args:
        address: of a running cluster, `auto` for the one of this machine. Without one the cluster
            that a Ray job runs on, or an own Ray on this machine.
        resources: of a pair.
        cpus: that an own Ray counts with; the cores of this machine by default.
        say: told what a user should know.
        log: file for what Ray itself says; a temporary one by default.

    Yields:
        Whether it is a cluster, whose nodes may have other files than this machine.

    Raises:
        ModuleNotFoundError: without Ray.
        ValueError: if the cluster can't be reached, or a pair does not fit on this machine.
    """
    with _variables(_QUIET | {"RAY_USAGE_STATS_ENABLED": "0"}):
        try:
            import ray
            from ray import tune  # noqa: F401
        except ImportError as error:
            raise ModuleNotFoundError(INSTALL) from error
        if ray.is_initialized():
            _refuse_what_fits_nowhere(resources)
            yield True
            return
        remote = address or os.environ.get("RAY_ADDRESS")
        if remote:
            see_that_a_head_answers(remote)
        with (
            messages_in_words(log or _temporary_log(), say),
            _cluster(remote, say) if remote else _own_ray(cpus),
        ):
            try:
                # To a cluster nodes may come as they are asked for.
                if not remote:
                    _refuse_what_fits_nowhere(resources)
                elif lack := lacking(resources):
                    say(f"{lack} so far; the sweep waits until one comes")
                yield bool(remote)
            finally:
                ray.shutdown()


@contextmanager
def _own_ray(cpus: int | None) -> Iterator[None]:
    """Ray on this machine, with its own temporary folder and token."""
    import ray

    own_mode = "RAY_AUTH_MODE" not in os.environ

    # Neither in the sweep's own folder nor in a deep one: the paths of Ray's sockets may have 107
    # characters only.
    place = Path("/tmp") if os.path.isdir("/tmp") else Path(tempfile.gettempdir())
    remove_orphans(place)
    folder = Path(tempfile.mkdtemp(prefix=_FOLDER, dir=place))
    try:
        with locked(folder), _variables(_authentication(folder)):
            ray.init(
                address="local",
                num_cpus=cpus,
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.CRITICAL,
                job_config=_job(),
                _temp_dir=str(folder),
            )
            yield
    finally:
        if own_mode:
            os.environ.pop("RAY_AUTH_MODE", None)
        shutil.rmtree(folder, ignore_errors=True)


def _job() -> Any:
    """What Ray is told of this process, without folders that its own processes import from.

    Ray would put the working directory before all that is installed, whatever lies there. Modules
    that were agreed to are found by what each process is handed on.
    """
    from ray.job_config import JobConfig

    base: Any = JobConfig

    class JobWithoutFolders(base):  # type: ignore[misc]  # Ray is imported where it is used
        @property
        def _py_driver_sys_path(self) -> list[str]:
            return []

        @_py_driver_sys_path.setter
        def _py_driver_sys_path(self, folders: list[str]) -> None:
            """Nothing is kept."""

    return JobWithoutFolders()


def _temporary_log() -> Path:
    number, name = tempfile.mkstemp(prefix="lessonplan-ray-", suffix=".log")
    os.close(number)
    return Path(name)


def remove_orphans(place: Path) -> None:
    """Delete what sweeps that were killed have left: nobody holds the lock of their folder."""
    if sys.platform == "win32":
        return
    for folder in place.glob(f"{_FOLDER}*"):
        with suppress(ValueError, OSError):
            # A young one may be about to be locked.
            if time.time() - folder.stat().st_mtime > 60.0:
                with locked(folder):
                    shutil.rmtree(folder)


def _authentication(folder: Path) -> dict[str, str]:
    """Token authentication with a token of one's own, unless the user has set something."""
    variables = ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")
    if any(name in os.environ for name in variables):
        return {}
    path = folder / "token"
    path.touch(mode=0o600)
    path.write_text(_token())
    # The mode is not set here but by Ray, which notices a change of its own only.
    return {"RAY_AUTH_TOKEN_PATH": str(path)}


@functools.cache
def _token() -> str:
    """One for this process, which remembers the first that it used."""
    return secrets.token_hex(32)


@contextmanager
def _cluster(address: str, say: Callable[[str], None]) -> Iterator[None]:
    """A connection to a cluster; the package goes along unless a Ray job carries it."""
    import ray

    folder = Path(tempfile.mkdtemp(prefix="lp-"))
    environment: dict[str, Any] = {}
    try:
        if "RAY_JOB_CONFIG_JSON_ENV_VAR" not in os.environ:
            staged = stage(folder)
            # With its metadata, by which a run directory knows its version.
            modules = [staged, *folder.glob("*.dist-info")]
            environment["py_modules"] = [str(module) for module in modules]
            environment["env_vars"] = _QUIET
        with connecting(address, say):
            ray.init(
                address=address,
                runtime_env=environment or None,
                log_to_driver=False,
                logging_level=logging.CRITICAL,
                job_config=_job(),
            )
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def last_words(sentence: str) -> Iterator[None]:
    """Have a sentence said on standard error if this process is killed before this ends.

    Ray ends a process whose cluster is gone without giving it a chance to speak.
    """
    code = "import sys; sys.stdin.read() or print(sys.argv[1], file=sys.stderr)"
    speaker = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", code, sentence],
        stdin=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield
    finally:
        with suppress(BrokenPipeError):
            speaker.communicate("it has ended by itself")


def living_nodes() -> dict[str, dict[str, Any]]:
    """What Ray knows of each node that is alive, by its ID."""
    import ray

    list_nodes: Callable[[], list[dict[str, Any]]] = ray.nodes
    return {node["NodeID"]: node for node in list_nodes() if node["Alive"]}


def lacking(resources: Resources, without: Collection[str] = ()) -> str:
    """What no node has, in words; empty where a pair fits on one.

    Args:
        resources: of a pair.
        without: IDs of nodes that do not count.
    """
    needs = {"CPU": resources.cpu, "GPU": resources.gpu}
    nodes = [node["Resources"] for name, node in living_nodes().items() if name not in without]
    if any(all(node.get(kind, 0) >= amount for kind, amount in needs.items()) for node in nodes):
        return ""
    most = {kind: max((node.get(kind, 0) for node in nodes), default=0) for kind in needs}
    return (
        f"a pair is to have {resources.cpu:g} CPUs and {resources.gpu:g} GPUs, but a node has at "
        f"most {most['CPU']:g} and {most['GPU']:g}"
    )


def _refuse_what_fits_nowhere(resources: Resources) -> None:
    """Ray would wait for it without an end."""
    if lack := lacking(resources):
        raise ValueError(f"{lack}; ask for less with -o resources.cpu=1 -o resources.gpu=0")


@contextmanager
def _variables(values: Mapping[str, str]) -> Iterator[None]:
    """Environment variables for as long as this lasts; those that the user has set stay."""
    new = {name: value for name, value in values.items() if name not in os.environ}
    os.environ.update(new)
    try:
        yield
    finally:
        for name in new:
            os.environ.pop(name, None)
