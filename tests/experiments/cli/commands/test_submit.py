"""Commands about jobs before a cluster is asked: tokens, logs, bad input."""

import os
import sys
from types import SimpleNamespace

import pytest

from lessonplan.experiments.cli import main
from lessonplan.experiments.cli.commands import jobs as commands
from lessonplan.experiments.cluster.token import find_token
from lessonplan.experiments.jobs import cluster
from lessonplan.experiments.jobs.job import python_path
from lessonplan.experiments.jobs.log import LogLines, reason


def test_each_line_of_a_log_is_told_once_however_often_it_comes():
    told: list[str] = []
    lines = LogLines(told.append)
    lines.take("one\ntw")
    lines.take("o\nthr")
    lines.again()
    lines.take("one\ntwo\nth")
    lines.take("ree\nfour\n")
    lines.finish("one\ntwo\nthree\nfour\nfive")
    assert told == ["one", "two", "three", "four", "five"]


def test_a_follower_who_comes_later_is_told_the_latest_lines_only():
    told: list[str] = []
    lines = LogLines(told.append)
    lines.skip("one\ntwo\nthree\n", 1)
    lines.take("one\ntwo\nthree\nfour\n")
    assert told == ["three", "four"]


def test_the_reason_of_a_failure_is_the_last_thing_that_was_said():
    log = ["Running entrypoint for job x", "done: a", "lessonplan: no rule 'unform'", "", "bye"]
    assert reason(log, "") == "no rule 'unform'"
    assert reason(["Traceback", "KeyError: 'x'", ""], "") == "KeyError: 'x'"
    assert reason([], "runtime_env setup failed\nmore") == "runtime_env setup failed"


DEATH = (
    "Job supervisor actor died: The actor died unexpectedly before finishing this task.\n"
    "\tclass_name: JobSupervisor\n\tip: 10.0.0.3\nThe actor is dead because its node has died."
)


def test_the_death_of_a_node_is_said_in_our_words_and_rays_page_is_left_out():
    told: list[str] = []
    lines = LogLines(told.append)
    lines.take(f"done: a\nlessonplan: a pair died{DEATH[:40]}")
    lines.finish(f"done: a\nlessonplan: a pair died{DEATH}")
    assert told == ["done: a", "lessonplan: a pair died"]
    assert reason(lines.latest, DEATH).startswith("the node 10.0.0.3 that it ran on is gone")


TRACEBACK = ["Traceback (most recent call last):", '  File "x.py", line 1', "KeyError: 'x'"]
NOTE = "lessonplan: W&B: the runs are on disk; send them with: wandb sync x"


def test_a_note_is_not_the_reason_of_a_failure():
    assert reason([NOTE, *TRACEBACK], "") == "KeyError: 'x'"
    assert reason([*TRACEBACK, NOTE, "wandb: bye"], "") == "KeyError: 'x'"
    assert reason(["lessonplan: a pair died", *TRACEBACK], "") == "KeyError: 'x'"
    assert reason([*TRACEBACK, "lessonplan: no memory", NOTE], "") == "no memory"
    assert reason([NOTE], "was killed") == "was killed"


class Jobs:
    """Answers as a cluster does whose jobs never start."""

    def __init__(self) -> None:
        self.jobs: dict[str, str] = {"other": "RUNNING"}
        self.submitted: list[str] = []

    def submit_job(self, submission_id, **_):
        self.jobs[submission_id] = "PENDING"
        self.submitted.append(submission_id)

    def get_job_info(self, job_id):
        if job_id not in self.jobs:
            raise RuntimeError("Request failed with status code 404: not found")
        return SimpleNamespace(
            submission_id=job_id, status=self.jobs[job_id], message="", driver_exit_code=None,
            metadata={},
        )  # fmt: skip

    def stop_job(self, job_id):
        self.jobs[job_id] = "STOPPED"

    def delete_job(self, job_id):
        assert self.jobs.pop(job_id) == "STOPPED"


@pytest.fixture
def jobs(monkeypatch, tmp_path):
    jobs = Jobs()
    monkeypatch.setattr(cluster, "job_client", lambda address, token: jobs)
    monkeypatch.chdir(tmp_path)
    return jobs


def test_what_is_fetched_in_vain_leaves_no_job_behind(jobs, monkeypatch, tmp_path):
    with pytest.raises(ValueError, match="did not start the job that packs"):
        cluster.JobCluster("h:1", pending_seconds=0.0).fetch("gone", tmp_path / "out")

    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(cluster.time, "sleep", interrupt)
    with pytest.raises(KeyboardInterrupt):
        cluster.JobCluster("h:1").fetch("gone", tmp_path / "out")
    assert len(jobs.submitted) == 2
    assert set(jobs.jobs) == {"other"}
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("verb", ["fetch", "resume"])
def test_a_job_of_somebody_else_is_neither_fetched_nor_gone_on_with(verb, jobs):
    with pytest.raises(ValueError, match=r"^other is no run or sweep of lessonplan"):
        getattr(commands, verb)("other", address="h:1")
    assert not jobs.submitted


def test_the_status_of_a_job_of_somebody_else_says_so(jobs, capsys):
    commands.status("other", address="h:1")
    assert capsys.readouterr().out == "other: RUNNING; no run or sweep of lessonplan\n"


def test_modules_are_found_in_the_home_of_each_node():
    assert python_path("~/jobs/a", "") == "${HOME}/jobs/a/job-modules"
    assert python_path("/mnt/a", "/x") == "/x:/mnt/a/job-modules"


@pytest.fixture
def token_settings(tmp_path, monkeypatch):
    """No settings, and a home of one's own."""
    for name in [name for name in os.environ if name.startswith("RAY_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    return monkeypatch


def test_a_token_is_found_where_ray_looks_and_in_its_order(tmp_path, token_settings):
    assert find_token().value == ""
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray" / "auth_token").write_text("of-the-home\n")
    assert find_token().value == "of-the-home"
    (tmp_path / "named").write_text("of-the-path\n")
    token_settings.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "named"))
    assert find_token().value == "of-the-path"
    token_settings.setenv("RAY_AUTH_TOKEN", "of-the-variable")
    assert find_token().value == "of-the-variable"
    token_settings.setenv("RAY_AUTH_MODE", "disabled")
    assert find_token().value == ""


def test_a_token_file_that_is_not_there_is_one_sentence(tmp_path, token_settings):
    token_settings.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "none"))
    with pytest.raises(ValueError, match=r"RAY_AUTH_TOKEN_PATH names .*none, which can't be read"):
        find_token()


def test_a_token_never_shows_not_even_a_broken_one(token_settings):
    token_settings.setenv("RAY_AUTH_TOKEN", "secret-word second-secret")
    with pytest.raises(ValueError, match="not one word") as refused:
        find_token()
    assert "secret" not in str(refused.value)
    token_settings.setenv("RAY_AUTH_TOKEN", "secret-word")
    token = find_token()
    assert "secret" not in repr(token)
    assert token.scrub("header b'Bearer secret-word'") == "header b'Bearer [token]'"


BAD = {
    "neither run nor sweep": (
        {"kind": "walk", "config": "x", "address": "x"}, "a run or a sweep, got 'walk'"
    ),
    "no address": ({"kind": "run", "config": "x"}, "--address http://HOST:8265"),
    "an address of the wrong kind": (
        {"kind": "run", "config": "x", "address": "ray://h:10001"}, "URL of the"
    ),
    "an address with a password": (
        {"kind": "run", "config": "x", "address": "http://a:b@h:1"}, "URL of the"
    ),
    "an unknown config": ({"kind": "run", "config": "x", "address": "h:1"}, "no config 'x'"),
    "a folder that goes with the job": (
        {"kind": "run", "config": "quickstart", "address": "h:1", "remote_out": "jobs"},
        "begins with / or ~/ .*got 'jobs'",
    ),
    "a variable that is not there": (
        {"kind": "run", "config": "quickstart", "address": "h:1", "env": ["NOT_THERE"]},
        "there is no such variable here",
    ),
    "a token as a variable": (
        {"kind": "run", "config": "quickstart", "address": "h:1", "env": ["RAY_AUTH_TOKEN=x"]},
        "the cluster's own",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_bad_command_is_one_sentence_before_a_cluster_is_asked(case, monkeypatch, tmp_path):
    arguments, sentence = BAD[case]
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=sentence):
        commands.submit(**arguments)


def test_a_folder_that_is_not_empty_is_refused_before_the_work(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="is not empty; name a new folder with --out"):
        commands.submit(kind="run", config="quickstart", address="h:1", out=tmp_path)


def test_a_job_gets_the_variables_that_are_named_and_no_others(monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", "k")
    assert commands._environment([]) == {}
    assert commands._environment(["WANDB_API_KEY", "A=b=c"]) == {
        "WANDB_API_KEY": "k",
        "A": "b=c",
    }


@pytest.mark.parametrize("missing", ["ray", "aiohttp", "requests"])
def test_without_a_part_of_ray_one_sentence_says_what_to_install(missing, monkeypatch):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ModuleNotFoundError, match=r'pip install "ray\[default\]"'):
        commands.status(address="http://localhost:1")


UNCHECKED = {
    "run": ["run", "quickstart", "-o", "suite.options={n_tasks: 6, n_signs: 3}"],
    "sweep": ["sweep", "quickstart-sweep", "-o", "suite.options={n_tasks: 6, n_signs: 3}"],
}


@pytest.mark.parametrize("more", [[], ["--detach"]])
@pytest.mark.parametrize("kind", UNCHECKED)
def test_what_can_not_be_run_is_refused_before_a_cluster_is_asked(kind, more, capsys, monkeypatch):
    words = [*UNCHECKED[kind], *more, "--address", "http://127.0.0.1:1"]
    monkeypatch.setattr(sys, "argv", ["lessonplan", "submit", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "n_signs" in line


@pytest.mark.parametrize("kind", UNCHECKED)
def test_a_device_that_only_the_cluster_has_is_left_to_the_job(kind, capsys, monkeypatch):
    words = [*UNCHECKED[kind][:2], "-o", "student.device=xpu", "-o", "lifetime.budget=200-steps"]
    words += ["-o", "resources.gpu=1"] if kind == "sweep" else []
    monkeypatch.setattr(
        sys, "argv", ["lessonplan", "submit", *words, "--address", "http://127.0.0.1:1"]
    )
    with pytest.raises(SystemExit):
        main()
    assert "nothing answers at http://127.0.0.1:1" in capsys.readouterr().err
