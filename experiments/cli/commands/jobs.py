"""Runs and sweeps as jobs of a Ray cluster: `lessonplan submit`, and the verbs of `jobs`."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...common.folder_names import folder_name
from ...common.printable import plain_line, uncoloured
from ...common.sentences import say
from ...common.trust import is_trusted
from ...store.layout import RunDir
from ..console import (
    ConfigName,
    Override,
    TensorBoard,
    Wandb,
    place_to_write,
    print_problem,
    print_text,
    terminal,
)

if TYPE_CHECKING:
    from ...config.config import Config
    from ...config.sweeps import Sweep
    from ...jobs.cluster import JobCluster
    from ...jobs.job import Job, JobState

_INTERRUPTED = 130
_LATEST = 20
"""Lines of its log that `jobs follow` begins with."""
_FORMER = ("--status", "--follow", "--stop", "--fetch", "--resume")


def _refuse_former(value: str) -> str:
    if value:
        raise ValueError(
            "submit only begins jobs; for those that are there type lessonplan jobs status ID "
            "--address URL, or follow, stop, fetch or resume in place of status"
        )
    return value


Kind = Annotated[str, typer.Argument(metavar="run|sweep", help="what to submit")]


def _see_that_it_is_an_id(job_id: str) -> str:
    """An ID names a folder here and a place on the cluster, and must lead nowhere else."""
    try:
        return folder_name(job_id)
    except ValueError as error:
        raise ValueError(f"a job has no such ID: {error}, got {job_id!r:.60}") from error


JobId = Annotated[
    str,
    typer.Argument(
        metavar="ID", help="of the job, as `submit` said it", callback=_see_that_it_is_an_id
    ),
]
MaybeJobId = Annotated[
    str,
    typer.Argument(
        metavar="ID",
        help="of a job; all are shown without one",
        callback=lambda job_id: job_id and _see_that_it_is_an_id(job_id),
    ),
]
Address = Annotated[
    str, typer.Option(metavar="URL", help="the cluster's dashboard, http://HOST:8265")
]
Out = Annotated[
    Path | None,
    typer.Option(
        parser=place_to_write, metavar="DIR", help="run directory to write what is fetched to"
    ),
]
Detach = Annotated[bool, typer.Option("--detach", help="start it, don't follow, don't fetch")]
RemoteOut = Annotated[
    str,
    typer.Option(
        metavar="DIR", help="folder on the cluster for jobs' run directories: shared storage"
    ),
]
Shared = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="DIR", help="that the cluster sees under the same path; nothing in it is sent"
    ),
]
Include = Annotated[
    list[Path] | None,
    typer.Option(metavar="PATH", help="file or folder to send along, for code of your own"),
]
Env = Annotated[
    list[str] | None, typer.Option(metavar="NAME", help="variable to hand on, or NAME=value")
]
Cpus = Annotated[
    float, typer.Option(min=0, metavar="N", help="cores that Ray sets aside for the job itself")
]
Gpus = Annotated[
    float, typer.Option(min=0, metavar="N", help="GPUs that Ray sets aside for the job itself")
]
Python = Annotated[str, typer.Option(metavar="COMMAND", help="what starts Python on the cluster")]
Former = Annotated[str, typer.Option(*_FORMER, hidden=True, is_eager=True, callback=_refuse_former)]
_LASTING = "~/lessonplan-jobs"


def submit(
    kind: Kind,
    config: ConfigName,
    address: Address = "",
    out: Out = None,
    override: Override = None,
    detach: Detach = False,
    remote_out: RemoteOut = _LASTING,
    shared: Shared = None,
    include: Include = None,
    env: Env = None,
    wandb: Wandb = "",
    tensorboard: TensorBoard = False,
    cpus: Cpus = 0.0,
    gpus: Gpus = 0.0,
    python: Python = "python",
    former: Former = "",
) -> None:
    """Submit a run or sweep to a Ray cluster. Follow it, and fetch its run directory."""
    if kind not in ("run", "sweep"):
        raise ValueError(f"what is submitted is a run or a sweep, got {kind!r}")
    _see_that_it_is_an_address(address)
    settings = _resolved(kind, config, override or [])
    name, values = settings.name, settings.model_dump(mode="json", exclude_none=kind == "sweep")
    from ..own_code import say_what_is_imported

    say_what_is_imported(values)
    variables, seen = _environment(env or []), [folder.resolve() for folder in shared or []]
    from ...jobs.job import Job, see_that_it_lasts

    see_that_it_lasts(remote_out)
    options = _options(wandb, tensorboard)
    job = Job(name, values, options, remote_out, "", variables, include or [], seen, cpus, gpus)
    out = _free(out or Path("runs") / name)
    _check(settings)
    _begin(_cluster(address, remote_out, python), job, out, detach)


def status(job_id: MaybeJobId = "", address: Address = "") -> None:
    """Say how a job stands, or how all of them do."""
    cluster = _cluster(address)
    states = [cluster.state(job_id)] if job_id else cluster.jobs()
    for state in states:
        _say_state(cluster, state)
    if not states:
        _say(f"{cluster.address} has no runs or sweeps")


def follow(job_id: JobId, address: Address = "") -> None:
    """Stream a job's log until it ends. The exit status is that of the job."""
    _follow(_cluster(address), job_id, _LATEST)


def stop(job_id: JobId, address: Address = "") -> None:
    """End a job; what it had done is kept."""
    cluster = _cluster(address)
    state = cluster.stop(job_id)
    if state.ended:
        _say_state(cluster, state)
        return
    print_problem(_not_ended(cluster, state))
    raise typer.Exit(1)


def fetch(
    job_id: JobId, address: Address = "", out: Out = None, remote_out: RemoteOut = _LASTING
) -> None:
    """Bring a job's run directory here. It may still be running."""
    _fetch(_cluster(address, remote_out), job_id, out, remote_out)


def resume(
    job_id: JobId,
    address: Address = "",
    out: Out = None,
    detach: Detach = False,
    remote_out: RemoteOut = _LASTING,
    include: Include = None,
    env: Env = None,
    wandb: Wandb = "",
    tensorboard: TensorBoard = False,
    cpus: Cpus = 0.0,
    gpus: Gpus = 0.0,
    python: Python = "python",
) -> None:
    """Go on with a job that has ended. It is a new job in the same run directory."""
    variables, options = _environment(env or []), _options(wandb, tensorboard)
    cluster = _cluster(address, remote_out, python)
    state = cluster.state_or_forgotten(job_id, remote_out)
    if not state.ended:
        raise ValueError(
            f"{job_id} has not ended; follow it with {_command('follow', cluster, job_id)}"
        )
    if state.status == "SUCCEEDED":
        say(f"{job_id} has succeeded; the new job does only what is missing or damaged of it")
    from ...jobs.job import Job

    name = re.sub(r"-[0-9]{8}-[0-9]{6}-[0-9a-f]{4}$", "", job_id)
    job = Job(name, {}, options, remote_out, state.root, variables, include or [], [], cpus, gpus)
    _begin(cluster, job, out, detach)


def _cluster(address: str, remote_out: str = _LASTING, python: str = "python") -> "JobCluster":
    """The cluster at an address that can be one."""
    _see_that_it_is_an_address(address)
    from ...jobs.cluster import JobCluster
    from ...jobs.job import see_that_it_lasts

    see_that_it_lasts(remote_out)
    return JobCluster(address, python)


def _begin(cluster: "JobCluster", job: "Job", out: Path | None, detach: bool) -> None:
    """Submit a job, and unless it is left alone, follow it and fetch its run directory."""
    state = cluster.submit(job)
    _say(f"Job {state.job_id} on {cluster.address}; its run directory there is {state.root}/run")
    if not detach:
        _follow(cluster, state.job_id, -1)
        _fetch(cluster, state.job_id, out, job.place)


def _see_that_it_is_an_address(address: str) -> None:
    if not address:
        raise ValueError("name the dashboard of the cluster: --address http://HOST:8265")
    from ...jobs.client import plain_address

    plain_address(address)


def _command(verb: str, cluster: "JobCluster", job_id: str) -> str:
    return f"lessonplan jobs {verb} {job_id} --address {cluster.address}"


def _resolved(kind: str, config: str, overrides: Sequence[str]) -> "Config | Sweep":
    """A run or a sweep, every path in it absolute."""
    if kind == "run":
        from ...config.loading import read_config

        return read_config(config, overrides)
    from ...config.sweeps import read_sweep

    return read_sweep(config, overrides)


def _check(settings: "Config | Sweep") -> None:
    """Build one of everything that it names, as a run or a sweep does here before it begins.

    What this machine lacks, a library or a device, the job finds out.
    """
    from ...config.sweeps import Sweep
    from ..status import loading_status

    try:
        with loading_status() as progress:
            if isinstance(settings, Sweep):
                from ...sweep.pairs import check_pairs, pairs_of

                check_pairs(pairs_of(settings), settings.resources.gpu, progress)
            else:
                from ...assembly.students import without_devices_of_others
                from ...trial.checking import check

                check(without_devices_of_others(settings), progress)
    except ImportError as error:
        say(f"not checked here, but by the job: {error}")


def _options(wandb: str, tensorboard: bool) -> list[str]:
    """More words for the command on the cluster."""
    words = ["--wandb", wandb] if wandb else []
    words += ["--tensorboard"] if tensorboard else []
    return [*words, "--trust"] if is_trusted() else words


def _environment(variables: Sequence[str]) -> dict[str, str]:
    """Variables that are handed to a job, which everybody who may look at the job can read."""
    values = {}
    for text in variables:
        name, equals, value = text.partition("=")
        if name.startswith("RAY_"):
            raise ValueError(
                f"--env {name}: the settings of Ray are the cluster's own; leave it out"
            )
        if not equals and name not in os.environ:
            raise ValueError(f"--env {name}: there is no such variable here; give {name}=value")
        values[name] = value if equals else os.environ[name]
    return values


def _free(out: Path) -> Path:
    """Refused before the work, not after it."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"{out} is not empty; name a new folder with --out")
    return out


def _follow(cluster: "JobCluster", job_id: str, before: int) -> None:
    """To the end; the exit status is that of the job."""
    try:
        state = cluster.follow(job_id, _print_line, before, say)
    except KeyboardInterrupt:
        _say(
            f"\n{job_id} goes on. To follow it again: {_command('follow', cluster, job_id)}; "
            f"to stop it: {_command('stop', cluster, job_id)}; for what is done: "
            f"{_command('fetch', cluster, job_id)} --out DIR"
        )
        raise typer.Exit(_INTERRUPTED) from None
    if state.status == "SUCCEEDED":
        return
    happened = "was stopped" if state.status == "STOPPED" else f"failed: {state.message}"
    print_problem(
        f"{job_id} {happened} (what is done is kept: fetch it with "
        f"{_command('fetch', cluster, job_id)}, go on with {_command('resume', cluster, job_id)})"
    )
    raise typer.Exit(max(state.exit_status or 1, 1))


def _print_line(line: str) -> None:
    """A line of a log, which may come from anywhere, without colours."""
    print_text(plain_line(uncoloured(line)))


def _fetch(cluster: "JobCluster", job_id: str, out: Path | None, remote_out: str) -> None:
    folder = out or Path("runs") / job_id
    cluster.fetch(job_id, folder, remote_out)
    report = RunDir(folder).report
    _say(f"Fetched: {folder}" if not report.exists() else f"Report: {report}")
    if any(any(folder.glob(f"{place}wandb/offline-run-*")) for place in ("", "pairs/*/")):
        from ...tracking.tracker import sync_command

        say(f"W&B: what was logged offline was fetched too; send it with: {sync_command(folder)}")


def _not_ended(cluster: "JobCluster", state: "JobState") -> str:
    """Why a job that was asked to stop goes on, and what becomes of it."""
    look = _command("status", cluster, state.job_id)
    if state.status != "PENDING":
        return f"{state.job_id} was asked to stop, and has not ended yet; see {look}"
    return (
        f"{state.job_id} has not begun ({cluster.waits_for(state)}), and Ray ends such a job only "
        "when it would begin, or has waited for 15 minutes (RAY_JOB_START_TIMEOUT_SECONDS where "
        "the head was started says otherwise); it was asked to stop, and takes up nothing until "
        f"then; see {look}"
    )


def _say_state(cluster: "JobCluster", state: "JobState") -> None:
    from ...jobs.log import reason

    words = ""
    if state.status == "PENDING":
        words = cluster.waits_for(state)
    elif state.status == "FAILED":
        words = reason(state.message.splitlines(), state.message)
    place = f"{state.root}/run" if state.root else "no run or sweep of lessonplan"
    _say(f"{state.job_id}: {state.status}{f' ({words})' if words else ''}; {place}")


def _say(sentence: str) -> None:
    terminal().print(sentence, soft_wrap=True)
