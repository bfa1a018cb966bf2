"""Processes of Ray import nothing of the folder that a sweep was begun in."""

import sys

import pytest
from stranger_kit import Strangers

from lessonplan.experiments.cluster.session import _job, ray_session
from lessonplan.experiments.config.sweeps import Resources


def test_ray_is_told_no_folder_to_import_from():
    from ray.job_config import JobConfig

    # As `ray.init` adds the working directory.
    for job, is_told in ((JobConfig(), True), (_job(), False)):
        job._py_driver_sys_path.extend(["/strange"])
        assert (b"/strange" in job._serialize()) is is_told


@pytest.mark.slow
def test_a_worker_imports_nothing_of_the_working_directory(tmp_path, monkeypatch):
    strangers = Strangers(tmp_path / "strangers")
    folder = strangers.plant(tmp_path / "sweep")
    (folder / "json.py").rename(folder / "numpy.py")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [one for one in sys.path if one])
    with ray_session(None, Resources(), cpus=1):
        import ray

        def look():
            import sys

            import numpy

            return sys.path, numpy.__file__

        places, numpy = ray.get(ray.remote(look).remote())
    assert str(folder) not in places
    assert not numpy.startswith(str(folder))
    assert strangers.left == []
