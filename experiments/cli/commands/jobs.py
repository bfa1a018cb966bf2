"""The command `lessonplan submit`: runs and sweeps as jobs of a Ray cluster."""

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...store.layout import RunDir
from ..console import Override, print_problem, terminal

if TYPE_CHECKING:
    from ...jobs.cluster import JobCluster
    from ...jobs.job import Job, JobState

_INTERRUPTED = 130
_LATEST = 20
"""Lines of its log that `--follow` begins with."""

Kind = Annotated[str, typer.Argument(help="run or sweep", metavar="run|sweep")]
ConfigName = Annotated[str, typer.Argument(help="a name from `lessonplan list`, or a .yaml")]
Address = Annotated[str, typer.Option(help="the cluster's dashboard, http://HOST:8265")]
Out = Annotated[Path | None, typer.Option(help="folder for the run directory that is fetched")]
Status = Annotated[str, typer.Option(metavar="ID", help="say how a job stands; all: every job")]
Follow = Annotated[str, typer.Option(metavar="ID", help="stream a job's log until it ends")]
Stop = Annotated[str, typer.Option(metavar="ID", help="end a job; what it had done is kept")]
Fetch = Annotated[str, typer.Option(metavar="ID", help="bring a job's run directory here")]
Resume = Annotated[str, typer.Option(metavar="ID", help="go on with a job that has ended")]
Detach = Annotated[bool, typer.Option("--detach", help="start it, don't follow, don't fetch")]
RemoteOut = Annotated[
    str, typer.Option(help="folder on the cluster for jobs' run directories: shared storage")
]
Shared = Annotated[
    list[Path] | None,
    typer.Option(help="folder that the cluster sees under the same path; nothing in it is sent"),
]
Include = Annotated[
    list[Path] | None, typer.Option(help="file or folder to send along, for code of your own")
]
Env = Annotated[
    list[str] | None, typer.Option(metavar="NAME", help="variable to hand on, or NAME=value")
]
Wandb = Annotated[str, typer.Option(metavar="PROJECT", help="W&B project to send it to")]
Cpus = Annotated[float, typer.Option(min=0, help="cores that Ray sets aside for the job itself")]
Gpus = Annotated[float, typer.Option(min=0, help="GPUs that Ray sets aside for the job itself")]
Python = Annotated[str, typer.Option(help="command that starts Python on the cluster")]


def submit(
    kind: Kind = "",
    config: ConfigName = "",
    address: Address = "",
    out: Out = None,
    override: Override = None,
    status: Status = "",
    follow: Follow = "",
    stop: Stop = "",
    fetch: Fetch = "",
    resume: Resume = "",
    detach: Detach = False,
    remote_out: RemoteOut = "~/lessonplan-jobs",
    shared: Shared = None,
    include: Include = None,
    env: Env = None,
    wandb: Wandb = "",
    cpus: Cpus = 0.0,
    gpus: Gpus = 0.0,
    python: Python = "python",
) -> None:
    """Submit a run or sweep to a Ray cluster. Follow it, and fetch its run directory."""
    _see_one_thing_to_do(kind, [status, follow, stop, fetch, resume], address)
    name, values = _resolved(kind, config, override or []) if kind else (_name_of(resume), {})
    variables, seen = _environment(env or []), [folder.resolve() for folder in shared or []]
    from ...jobs.cluster import JobCluster
    from ...jobs.job import Job, see_that_it_lasts

    see_that_it_lasts(remote_out)
    options = ["--wandb", wandb] if wandb else []
    job = Job(name, values, options, remote_out, "", variables, include or [], seen, cpus, gpus)
    out = _free(out or Path("runs") / name) if kind else out
    cluster = JobCluster(address, python)
    if kind or resume:
        _begin(cluster, job, resume, out, detach)
    elif follow:
        _follow(cluster, follow, _LATEST)
    elif fetch:
        _fetch(cluster, fetch, out, remote_out)
    else:
        _say_states([cluster.stop(stop)] if stop else _states(cluster, status), cluster.address)


def _begin(cluster: "JobCluster", job: "Job", resume: str, out: Path | None, detach: bool) -> None:
    """Submit a job, and unless it is left alone, follow it and fetch its run directory."""
    if resume:
        state = cluster.state_or_forgotten(resume, job.place)
        if not state.ended:
            raise ValueError(f"{resume} has not ended; follow it with --follow {resume}")
        job = replace(job, root=state.root)
    state = cluster.submit(job)
    _say(f"Job {state.job_id} on {cluster.address}; its run directory there is {state.root}/run")
    if not detach:
        _follow(cluster, state.job_id, -1)
        _fetch(cluster, state.job_id, out, job.place)


def _see_one_thing_to_do(kind: str, verbs: Sequence[str], address: str) -> None:
    if bool(kind) + sum(map(bool, verbs)) != 1:
        raise ValueError(
            "say one thing to do: run CONFIG, sweep CONFIG, or one of --status, --follow, --stop, "
            "--fetch and --resume with the ID of a job"
        )
    if kind not in ("", "run", "sweep"):
        raise ValueError(f"what is submitted is a run or a sweep, got {kind!r}")
    if not address:
        raise ValueError("name the dashboard of the cluster: --address http://HOST:8265")
    from ...jobs.client import plain_address

    plain_address(address)


def _resolved(kind: str, config: str, overrides: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """Name and values of a run or a sweep, every path in it absolute."""
    if not config:
        raise ValueError(f"name the {kind} to submit (see `lessonplan list`)")
    if kind == "run":
        from ...config.loading import read_config

        settings = read_config(config, overrides)
        return settings.name, settings.model_dump(mode="json")
    from ...config.sweeps import read_sweep

    sweep = read_sweep(config, overrides)
    return sweep.name, sweep.model_dump(mode="json", exclude_none=True)


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


def _name_of(job_id: str) -> str:
    return re.sub(r"-[0-9]{8}-[0-9]{6}-[0-9a-f]{4}$", "", job_id)


def _follow(cluster: "JobCluster", job_id: str, before: int) -> None:
    """To the end; the exit status is that of the job."""
    try:
        state = cluster.follow(job_id, typer.echo, before)
    except KeyboardInterrupt:
        command = f"lessonplan submit --address {cluster.address}"
        _say(
            f"\n{job_id} goes on. To follow it again: {command} --follow {job_id}; to stop it: "
            f"{command} --stop {job_id}; for what is done: {command} --fetch {job_id} --out DIR"
        )
        raise typer.Exit(_INTERRUPTED) from None
    if state.status == "SUCCEEDED":
        return
    happened = "was stopped" if state.status == "STOPPED" else f"failed: {state.message}"
    print_problem(
        f"{job_id} {happened} (what is done is kept: fetch it with --fetch {job_id}, "
        f"go on with --resume {job_id})"
    )
    raise typer.Exit(max(state.exit_status or 1, 1))


def _fetch(cluster: "JobCluster", job_id: str, out: Path | None, remote_out: str) -> None:
    folder = out or Path("runs") / job_id
    cluster.fetch(job_id, folder, remote_out)
    report = RunDir(folder).report
    _say(f"Fetched: {folder}" if not report.exists() else f"Report: {report}")


def _states(cluster: "JobCluster", job_id: str) -> list["JobState"]:
    return cluster.jobs() if job_id == "all" else [cluster.state(job_id)]


def _say_states(states: Sequence["JobState"], address: str) -> None:
    for state in states:
        _say_state(state)
    if not states:
        _say(f"{address} has no runs or sweeps")


def _say_state(state: "JobState") -> None:
    from ...jobs.log import reason

    words = reason(state.message.splitlines(), "") if state.message else ""
    place = f"{state.root}/run" if state.root else "no run or sweep of lessonplan"
    _say(f"{state.job_id}: {state.status}{f' ({words})' if words else ''}; {place}")


def _say(sentence: str) -> None:
    terminal().print(sentence, markup=False, highlight=False, soft_wrap=True)
