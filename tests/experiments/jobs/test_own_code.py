"""What was agreed to when a job was submitted is agreed to where it runs, and goes on."""

import sys

import pytest
import yaml
from own_folder import PARTS, RUN, forgetting, write_modules
from tiny_config import CONFIG

from lessonplan.experiments import cli, read_config
from lessonplan.experiments.cli import job
from lessonplan.experiments.jobs import cluster
from lessonplan.experiments.jobs.job import JobState
from lessonplan.experiments.jobs.shipped import MODULES
from lessonplan.experiments.jobs.shipping import ship
from lessonplan.experiments.report import report
from lessonplan.experiments.store.layout import RunDir


@pytest.fixture
def begun(tmp_path, monkeypatch):
    """Begins a job, or goes on with it, in a folder as Ray makes one; gives its exit status."""
    monkeypatch.setattr(report, "draw_figures", lambda *_: [])

    def begin(folder, *options):
        folder.mkdir(exist_ok=True)
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "argv", ["job", str(tmp_path / "root"), "job-1", *options])
        with forgetting(), pytest.raises(SystemExit) as end:
            job.main()
        return end.value.code or 0

    return begin


@pytest.mark.slow
@pytest.mark.parametrize("is_shared", [False, True])
def test_a_job_runs_the_modules_that_it_was_submitted_with(is_shared, begun, tmp_path, capsys):
    write_modules(tmp_path / "mine", lp_parts=PARTS, lp_beside="WIDTH = 8")
    teachers = RUN["teachers"][:1]
    (tmp_path / "mine" / "c.yaml").write_text(str(RUN | {"teachers": teachers}))
    values = read_config(tmp_path / "mine" / "c.yaml").model_dump(mode="json")
    first = tmp_path / "first"
    first.mkdir()
    ship(values, first, [tmp_path / "mine"] if is_shared else [])
    assert begun(first) == 0, capsys.readouterr().err
    run = RunDir(tmp_path / "root" / "run")
    place = tmp_path / ("mine" if is_shared else f"root/{MODULES}") / "lp_parts.py"
    assert f"runs code that its config names: {place}" in capsys.readouterr().err.replace(
        str(place.with_name("lp_beside.py")) + ", ", ""
    )
    run.unit("evaluate-mine-0").unlink()
    assert begun(tmp_path / "second") == 0, capsys.readouterr().err
    assert run.unit("evaluate-mine-0").exists()


@pytest.mark.parametrize("trust", [[], ["--trust"]])
def test_trust_is_handed_on_to_a_job(trust, tmp_path, monkeypatch):
    submitted = []

    class Cluster:
        """Takes jobs, and runs none."""

        def __init__(self, address, python):
            self.address = address

        def submit(self, job):
            submitted.append(job)
            return JobState("job-1", "PENDING", "", None, "root")

    monkeypatch.setattr(cluster, "JobCluster", Cluster)
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(CONFIG | {"teachers": ["uniform"]}))
    monkeypatch.chdir(tmp_path)
    words = ["submit", "run", "c.yaml", "--address", "http://127.0.0.1:9", "--detach", *trust]
    monkeypatch.setattr(sys, "argv", ["lessonplan", *words])
    with forgetting(), pytest.raises(SystemExit) as end:
        cli.main()
    assert not end.value.code
    assert [list(job.options) for job in submitted] == [trust]
