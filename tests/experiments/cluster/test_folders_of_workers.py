"""Processes of Ray import nothing of the folder that a sweep was begun in."""

import json
import subprocess
import sys

import pytest
from stranger_kit import Strangers

from lessonplan.experiments.cluster.session import _job


def test_ray_is_told_no_folder_to_import_from():
    from ray.job_config import JobConfig

    # As `ray.init` adds the working directory.
    for job, is_told in ((JobConfig(), True), (_job(), False)):
        job._py_driver_sys_path.extend(["/strange"])
        assert (b"/strange" in job._serialize()) is is_told


@pytest.mark.slow
def test_a_worker_imports_nothing_of_the_working_directory(tmp_path):
    strangers = Strangers(tmp_path / "strangers")
    folder = strangers.plant(tmp_path / "sweep")
    (folder / "json.py").rename(folder / "numpy.py")
    # In a process of its own: another Ray of this one would be used instead of begun.
    words = [sys.executable, "-P", "-c", LOOK]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    places, numpy = json.loads(done.stdout.splitlines()[-1])
    assert str(folder) not in places
    assert not numpy.startswith(str(folder))
    assert strangers.left == []


LOOK = """
import json
from lessonplan.experiments.cluster.session import ray_session
from lessonplan.experiments.config.sweeps import Resources

def look():
    import sys
    import numpy
    return sys.path, numpy.__file__

with ray_session(None, Resources(), cpus=1):
    import ray
    print(json.dumps(ray.get(ray.remote(look).remote())))
"""
