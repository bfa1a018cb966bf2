"""A sweep that a cluster refuses leaves nothing, and a node that dies while it is tried is gone."""

import pytest
import yaml
from tiny_config import CONFIG

from lessonplan.experiments.config.sweeps import read_sweep
from lessonplan.experiments.sweep.nodes import _no_process
from lessonplan.experiments.sweep.sweep import run_sweep


@pytest.fixture
def refused(tmp_path, monkeypatch):
    """Runs a sweep in a folder, on a cluster that is a dashboard."""
    pytest.importorskip("ray")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(CONFIG | {"teachers": ["uniform"]}))
    (tmp_path / "s.yaml").write_text(
        yaml.safe_dump({"name": "s", "config": "c.yaml", "teachers": ["uniform"]})
    )

    def run(out):
        with pytest.raises(ValueError, match="is a dashboard"):
            run_sweep(read_sweep("s.yaml"), out, address="http://127.0.0.1:9", checked=True)

    return run


def test_nothing_is_left_of_a_sweep_that_no_cluster_took(refused, tmp_path):
    refused(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_was_there_stays(refused, tmp_path):
    (tmp_path / "out").mkdir()
    refused(tmp_path / "out")
    assert (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", ["TaskUnschedulableError", "WorkerCrashedError", "NodeDiedError"])
def test_a_node_that_dies_while_it_is_tried_is_gone(kind):
    error = getattr(pytest.importorskip("ray.exceptions"), kind)
    assert _no_process(error("`x` y" * 99) if kind != "WorkerCrashedError" else error()) == (
        "it is gone, or the process that was to look there died"
    )
