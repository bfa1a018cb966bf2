"""A job that the cluster has not begun: what it waits for is said, and whether it can be ended."""

import sys
from types import SimpleNamespace

import pytest
from own_folder import forgetting

from lessonplan.experiments import cli
from lessonplan.experiments.jobs import cluster, waiting
from lessonplan.experiments.jobs.job import JobState
from lessonplan.experiments.jobs.waiting import what_it_waits_for

pytest.importorskip("ray")

JOB, URL = "gates-20261123-194414-3ad4", "http://127.0.0.1:9"
NODES = [{"CPU": 2.0, "GPU": 0.0}, {"CPU": 1.0, "GPU": 1.0}]
RAYS_WORDS = {
    "PENDING": "Job has not started yet. It may be waiting for resources",
    "RUNNING": "Job is currently running.",
    "SUCCEEDED": "Job finished successfully.",
    "STOPPED": "Job was intentionally stopped.",
}


class Client:
    """Of a cluster whose job goes through these states, a look each; the last one stays."""

    def __init__(self, *states: str, message: str = "") -> None:
        self.states, self.message, self.stopped = list(states), message, 0
        self.submitted: list[dict] = []

    def get_job_info(self, job_id):
        status = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return SimpleNamespace(
            submission_id=job_id, status=status, message=self.message or RAYS_WORDS[status],
            driver_exit_code=None, start_time=1,
            metadata={"lessonplan_root": "/jobs/1", "lessonplan_gpus": "9", "lessonplan_cpus": "x"},
        )  # fmt: skip

    def list_jobs(self):
        return [self.get_job_info(JOB)]

    def stop_job(self, job_id):
        self.stopped += 1

    def submit_job(self, **options):
        self.submitted.append(options)

    def get_job_logs(self, job_id):
        return "the log\n"

    async def tail_job_logs(self, job_id):
        yield "the log\n"


@pytest.fixture
def jobs(monkeypatch, capsys):
    """Types `lessonplan jobs ...` to a cluster; its exit status, and what it printed."""
    clock = [0.0]
    time = SimpleNamespace(
        monotonic=lambda: clock[0],
        sleep=lambda seconds: clock.__setitem__(0, clock[0] + seconds),
        strftime=lambda _: "20261123-194414",
    )
    monkeypatch.setattr(cluster, "time", time)
    monkeypatch.setattr(waiting, "time", time)
    monkeypatch.setattr(cluster, "node_resources", lambda *_: NODES)

    def type_in(client: Client, *words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(cluster, "job_client", lambda *_: client)
        monkeypatch.setattr(sys, "argv", ["lessonplan", "jobs", *words, "--address", URL])
        with forgetting(), pytest.raises(SystemExit) as end:
            cli.main()
        out, err = capsys.readouterr()
        return int(end.value.code or 0), out, err

    return type_in


def test_to_stop_a_job_that_has_not_begun_says_what_becomes_of_it_and_fails(jobs):
    client = Client("PENDING")
    status, out, err = jobs(client, "stop", JOB)
    assert (status, out, client.stopped) == (1, "", 1)
    assert f"{JOB} has not begun (it asks for 9 GPUs, and the 2 nodes have at most 2 CPUs" in err
    assert "has waited for 15 minutes" in err
    assert len(err.strip().splitlines()) == 1


def test_a_job_that_ends_when_it_is_stopped_is_waited_for(jobs):
    status, out, _ = jobs(Client("RUNNING", "RUNNING", "RUNNING", "STOPPED"), "stop", JOB)
    assert (status, out) == (0, f"{JOB}: STOPPED; /jobs/1/run\n")
    status, _, err = jobs(Client("RUNNING"), "stop", JOB)
    assert status == 1
    assert "was asked to stop, and has not ended yet" in err


def test_a_job_that_is_followed_says_every_minute_that_it_waits(jobs):
    client = Client(*["PENDING"] * 200, "RUNNING", "SUCCEEDED")
    status, out, err = jobs(client, "follow", JOB)
    assert status == 0
    first, *later = err.strip().splitlines()
    assert f"{JOB} has not begun: it asks for 9 GPUs, and the 2 nodes have at most 2 CPUs" in first
    assert first.endswith(f"to give it up type lessonplan jobs stop {JOB} --address {URL}")
    assert [line[-8:] for line in later] == [" (1 min)", " (2 min)", " (3 min)"]
    assert out == "the log\n"


@pytest.mark.parametrize("state", RAYS_WORDS)
def test_a_state_needs_no_words_of_rays(state, jobs):
    _, out, _ = jobs(Client(state), "status")
    why = " (it asks for 9 GPUs, and the 2 nodes have at most 2 CPUs and 1 GPU)"
    assert out == f"{JOB}: {state}{why if state == 'PENDING' else ''}; /jobs/1/run\n"


def test_a_job_that_never_got_its_place_says_so(jobs):
    message = (
        "Job supervisor actor failed to start within 900.0 seconds. This timeout can be configured"
    )
    _, out, _ = jobs(Client("FAILED", message=message), "status", JOB)
    assert "FAILED (the cluster did not begin it within 900 seconds; ask for less with" in out


def test_to_resume_a_job_that_has_succeeded_says_what_that_does(jobs):
    client = Client("SUCCEEDED")
    status, _, err = jobs(client, "resume", JOB, "--detach", "--gpus", "2")
    assert status == 0
    assert f"{JOB} has succeeded; the new job does only what is missing or damaged" in err
    assert client.submitted[0]["metadata"]["lessonplan_gpus"] == "2"


@pytest.mark.parametrize(
    ("cpus", "gpus", "nodes", "words"),
    [
        (0, 0, NODES, "the cluster gets its files ready, or is busy"),
        (2, 1, NODES, "asks for 2 CPUs and 1 GPU, and the 2 nodes have at most"),
        (1, 0.5, NODES, "asks for 1 CPU and 0.5 GPUs, which are in use"),
        (0, 3, [], "asks for 3 GPUs, and what the cluster has is not known"),
    ],
)
def test_what_is_asked_for_stands_beside_what_there_is(cpus, gpus, nodes, words):
    assert words in what_it_waits_for(JobState(JOB, "PENDING", "", None, "", cpus, gpus), nodes)


@pytest.mark.parametrize("place", ["wandb", "pairs/a/wandb", ""])
def test_the_hint_on_offline_runs_names_where_they_were_fetched_to(
    place, jobs, tmp_path, monkeypatch
):
    out = tmp_path / "my run"

    def fetch(self, job_id, folder, remote_out):
        (folder / place / ("offline-run-1" if place else "")).mkdir(parents=True)
        if "pairs" in place:
            (folder / "sweep.yaml").write_text("")

    monkeypatch.setattr(cluster.JobCluster, "fetch", fetch)
    status, printed, err = jobs(Client("SUCCEEDED"), "fetch", JOB, "--out", str(out))
    assert (status, printed) == (0, f"Fetched: {out}\n")
    assert (f"wandb sync '{out}'/wandb/offline-run-*" in err) == bool(place)
    assert (f"'{out}'/pairs/*/wandb/offline-run-*" in err) == ("pairs" in place)
