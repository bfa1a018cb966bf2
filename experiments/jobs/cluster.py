"""Runs and sweeps as jobs of a Ray cluster: submit, look, follow, stop, fetch.

All of it goes over the cluster's Jobs API, the address of its dashboard; nothing else of the
cluster need be reachable.
"""

import re
import secrets
import shlex
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..cluster.staging import stage
from ..cluster.token import find_token
from . import pack
from .client import JobNotKnownError, errors_in_words, job_client, plain_address, upload_limit
from .fetch import see_that_it_can_be_fetched, unpack_into
from .job import REMOTE, Job, JobState, python_path, see_that_it_lasts
from .log import LogLines, reason
from .shipping import add, ship, zipped
from .waiting import Patience, node_resources, what_it_waits_for

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

_ROOT, _CPUS, _GPUS = "lessonplan_root", "lessonplan_cpus", "lessonplan_gpus"
_PATIENCE_SECONDS = 60.0
_PENDING_SECONDS = 10.0
"""How long the end of a job that has not begun is waited for."""


class JobCluster:
    """A Ray cluster that takes jobs.

    Args:
        address: of its dashboard, `http://HOST:8265`.
        python: the command that starts Python there.
        pending_seconds: how long the job that packs a run directory may wait until the cluster
            starts it.

    Raises:
        ValueError: if it can't be reached or does not take the token.
        ModuleNotFoundError: without ray[default].
    """

    def __init__(
        self, address: str, python: str = "python", pending_seconds: float = 300.0
    ) -> None:
        self.address, self._python = plain_address(address), python
        self._pending_seconds = pending_seconds
        self._token = find_token()
        self._client = job_client(self.address, self._token)

    def submit(self, job: Job) -> JobState:
        """Ship a job and start it.

        Raises:
            ValueError: for what can't be shipped, or what the cluster does not take.
        """
        from ..trial.environment import git_commit

        see_that_it_lasts(job.place)
        name = re.sub(r"[^A-Za-z0-9_.]+", "-", job.name).strip("-.") or "job"
        job_id = f"{name}-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"
        root = job.root or f"{job.place.rstrip('/')}/{job_id}"
        begin = "lessonplan.experiments.cli.job"
        words = [self._python, "-m", begin, root, job_id, *job.options]
        commit = git_commit()
        env = {"LESSONPLAN_COMMIT": commit} if commit else {}
        env |= dict(job.env) | {"PYTHONPATH": python_path(root, job.env.get("PYTHONPATH", ""))}
        with tempfile.TemporaryDirectory(prefix="lessonplan-job-") as aside:
            folder = Path(aside) / "job"
            stage(folder)
            for path in job.include:
                add(path, folder)
            if job.values:
                ship(job.values, folder, job.shared)
            metadata = {_ROOT: root, _CPUS: f"{job.cpus:g}", _GPUS: f"{job.gpus:g}"}
            self._start(job_id, words, folder, metadata, env, job.cpus, job.gpus)
        return self.state(job_id)

    def state(self, job_id: str) -> JobState:
        """How a job stands.

        Raises:
            ValueError: if the cluster does not know it.
        """
        with self._errors_in_words(job_id):
            return self._state_of(self._client.get_job_info(job_id))

    def state_or_forgotten(self, job_id: str, place: str) -> JobState:
        """How a job of ours stands; one that is forgotten may have left a folder in `place`.

        A head that was started again knows no jobs.

        Raises:
            ValueError: if the job is none of ours.
        """
        try:
            state = self.state(job_id)
        except JobNotKnownError:
            see_that_it_lasts(place)
            return JobState(job_id, "FORGOTTEN", "", None, f"{place.rstrip('/')}/{job_id}")
        if not state.root:
            raise ValueError(
                f"{job_id} is no run or sweep of lessonplan, so it has no run directory; "
                f"`lessonplan jobs status --address {self.address}` lists those that have"
            )
        return state

    def jobs(self) -> list[JobState]:
        """All runs and sweeps that the cluster knows, the latest first."""
        with self._errors_in_words():
            details = sorted(self._client.list_jobs(), key=lambda one: -(one.start_time or 0))
        return [state for state in map(self._state_of, details) if state.root]

    def waits_for(self, state: JobState) -> str:
        """What a job waits for that has not begun, in words."""
        return what_it_waits_for(state, node_resources(self.address, self._token))

    def follow(
        self,
        job_id: str,
        say: Callable[[str], None],
        before: int = -1,
        waits: Callable[[str], None] = lambda _: None,
    ) -> JobState:
        """Say what a job logs until it ends; a connection that is lost is taken up again.

        Args:
            job_id: whose log.
            say: told every line, without its end.
            before: how many of the lines that are there already are said; all if negative.
            waits: told now and then what the job waits for, while it has not begun.

        Returns:
            How it ended; its message is why it failed, in one sentence.

        Raises:
            ValueError: if the cluster can't be reached any more, or does not know the job.
        """
        import asyncio

        lines = LogLines(lambda line: say(self._token.scrub(line)))
        if before >= 0:
            lines.skip(self._log(job_id), before)
        stop = f"to give it up type lessonplan jobs stop {job_id} --address {self.address}"
        patience = Patience(waits, self.waits_for, stop)
        while not (state := self._patiently(job_id)).ended:
            if state.status == "PENDING":
                patience.look(state)
                time.sleep(1.0)
                continue
            try:
                asyncio.run(self._tail(job_id, lines))
            except Exception:  # The next look at its state says what is wrong, if that lasts.
                time.sleep(2.0)
        # The end of a log may come after that of its job.
        lines.finish(self._log(job_id))
        why = self._token.scrub(reason(lines.latest, state.message))
        return replace(state, message=why)

    def stop(self, job_id: str) -> JobState:
        """End a job and wait until it has ended; what it had done is kept.

        One that has not begun is ended by Ray as soon as it would begin, or has waited too long
        (`RAY_JOB_START_TIMEOUT_SECONDS` of the head); the state tells that it has not ended.
        """
        has_begun = self.state(job_id).status != "PENDING"
        with self._errors_in_words(job_id):
            self._client.stop_job(job_id)
        return self._wait_for_end(job_id, _PATIENCE_SECONDS if has_begun else _PENDING_SECONDS)

    def fetch(self, job_id: str, out: Path, place: str = REMOTE) -> None:
        """Bring the run directory of a job here, also while it is running.

        Args:
            job_id: whose.
            out: the folder to write: new, empty, or fetched from this job before.
            place: folder on the cluster for that of the job, if the cluster forgot the job.

        Raises:
            ValueError: if there is nothing to fetch, or something else in `out`.
        """
        see_that_it_can_be_fetched(out)
        unpack_into(self._pack(f"{self.state_or_forgotten(job_id, place).root}/run"), out)

    def _start(
        self,
        job_id: str,
        words: Sequence[str],
        folder: Path,
        metadata: dict[str, str],
        env: dict[str, str],
        cpus: float = 0.0,
        gpus: float = 0.0,
    ) -> None:
        archive = folder.with_suffix(".zip")
        zipped(folder, archive, upload_limit())
        with self._errors_in_words():
            self._client.submit_job(
                entrypoint=shlex.join(words),
                submission_id=job_id,
                runtime_env={"working_dir": str(archive), "env_vars": env},
                metadata=metadata,
                entrypoint_num_cpus=cpus or None,
                entrypoint_num_gpus=gpus or None,
            )

    def _pack(self, folder: str) -> str:
        """The log of a short job that prints a folder of the head node."""
        job_id = f"lessonplan-fetch-{secrets.token_hex(4)}"
        until = time.monotonic() + self._pending_seconds
        try:
            with tempfile.TemporaryDirectory(prefix="lessonplan-fetch-") as aside:
                code = Path(aside) / "job"
                code.mkdir()
                shutil.copy(pack.__file__, code / "pack.py")
                self._start(job_id, [self._python, "pack.py", folder], code, {}, {})
            while not (state := self.state(job_id)).ended:
                if state.status == "PENDING" and time.monotonic() > until:
                    raise ValueError(
                        f"nothing was fetched: the cluster did not start the job that packs the "
                        f"run directory in {self._pending_seconds:.0f} seconds; see what keeps its "
                        "head node busy, and fetch again"
                    )
                time.sleep(0.5)
            log = self._log(job_id)
        finally:
            self._remove(job_id)
        if state.status != "SUCCEEDED":
            why = reason(log.splitlines(), state.message)
            raise ValueError(self._token.scrub(f"nothing was fetched: {why}"))
        return log

    def _remove(self, job_id: str) -> None:
        """Have the cluster forget a short job, as far as it can; one that runs is stopped."""
        with suppress(ValueError):
            if not self.state(job_id).ended:
                with self._errors_in_words(job_id):
                    self._client.stop_job(job_id)
                self._wait_for_end(job_id, 10.0)
            with self._errors_in_words(job_id):
                self._client.delete_job(job_id)

    def _wait_for_end(self, job_id: str, seconds: float) -> JobState:
        """The state, once the job has ended or the time is over."""
        until = time.monotonic() + seconds
        while not (state := self.state(job_id)).ended and time.monotonic() < until:
            time.sleep(0.5)
        return state

    def _log(self, job_id: str) -> str:
        with self._errors_in_words(job_id):
            return self._client.get_job_logs(job_id)

    async def _tail(self, job_id: str, lines: LogLines) -> None:
        lines.again()
        async for text in self._client.tail_job_logs(job_id):
            lines.take(text)

    def _patiently(self, job_id: str) -> JobState:
        """The state, from a cluster that may be out of reach for a while."""
        until = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                return self.state(job_id)
            except ValueError:
                if time.monotonic() > until:
                    raise
                time.sleep(2.0)

    def _errors_in_words(self, job_id: str = "") -> "AbstractContextManager[None]":
        return errors_in_words(self.address, self._token, job_id)

    def _state_of(self, details: Any) -> JobState:
        metadata = details.metadata or {}
        return JobState(
            job_id=details.submission_id or "",
            status=str(getattr(details.status, "value", details.status)),
            message=self._token.scrub(details.message or ""),
            exit_status=details.driver_exit_code,
            root=metadata.get(_ROOT, ""),
            cpus=_amount(metadata.get(_CPUS, "")),
            gpus=_amount(metadata.get(_GPUS, "")),
        )


def _amount(text: str) -> float:
    """A number of a job's metadata, which anybody may have written."""
    try:
        return max(float(text), 0.0)
    except ValueError:
        return 0.0
