"""A cluster of three nodes with tokens: jobs and sweeps on it meet faults, to the same numbers."""

import statistics
import subprocess
import sys
import time

import pytest
from cluster_kills import LONGER, SWEEP, is_worker, kills, undisturbed
from ray_head_kit import blind_to, ray_head
from sweep_kit import COMMAND, numbers, write_files

from lessonplan.experiments.report import report

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="nodes have addresses as Linux gives them"),
]


@pytest.fixture(autouse=True)
def no_figures(monkeypatch):
    """Nobody looks at the pictures of the undisturbed pairs."""
    monkeypatch.setattr(report, "draw_figures", lambda *_: [])


def test_nodes_and_drivers_that_are_killed_change_nothing(tmp_path):
    said = []
    assert kills(2, 12, tmp_path, said.append), said
    assert [line.split(": ")[1].split()[0] for line in said[:2]] == ["node", "driver"]


def command(head, folder, *words):
    """What `lessonplan` says."""
    done = subprocess.run(
        [*COMMAND, *words, "--address", head.url], cwd=folder, env=head.env, text=True,
        capture_output=True, timeout=400,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_job_on_three_nodes_is_stopped_and_gone_on_with_though_one_node_is_blind_and_one_dies(
    tmp_path,
):
    write_files(tmp_path, SWEEP | {"resources": {"cpu": 0.25, "gpu": 0.5}}, LONGER)
    wanted, blind = undisturbed(tmp_path), tmp_path / "blind"
    blind.mkdir()
    with ray_head(cpus=1, gpus=0) as head:
        jobs = head.home / "lessonplan-jobs"
        seeing, unseeing = head.add_node(gpus=1), head.add_node(gpus=1, env=blind_to(jobs, blind))
        job = command(head, tmp_path, "submit", "sweep", "sweep.yaml", "--detach").split()[1]
        begun = jobs / job / "run" / "pairs" / "ppo-0" / "checkpoint" / "train-ppo-0.pt"
        for _ in range(1800):
            if begun.exists() and sum(map(is_worker, seeing.processes())) > 1:
                break
            time.sleep(0.1)
        side_by_side = []
        for _ in range(31):
            side_by_side.append(sum(map(is_worker, seeing.processes())))
            time.sleep(0.1)
        # Mostly: one that has ended may take a moment to go while the next one begins.
        mostly = statistics.median(side_by_side)
        assert mostly == 2, "a GPU that is not there is shared by two, and by no third"
        assert not any(map(is_worker, unseeing.processes()))
        assert f"{job}: STOPPED" in command(head, tmp_path, "jobs", "stop", job)
        seeing.kill()
        head.add_node(gpus=1)
        said = command(head, tmp_path, "jobs", "resume", job, "--out", "whole")
        assert f"{unseeing.address} (it does not see {jobs / job / 'run'}) gets no pairs; " in said
        assert "Going on with" in said
    assert numbers(tmp_path / "whole") == wanted
