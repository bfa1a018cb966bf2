"""The four rooms as one folder `lessonplan`, for clusters that have them not.

A cluster that gets this installs nothing and needs no network; it needs Ray and the packages that
the rooms import.
"""

import shutil
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

ROOMS = ("teacher", "student", "envs", "experiments")

LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")
"""What is never copied to a cluster."""


def stage(folder: str | Path) -> Path:
    """Copy the four rooms into a folder, as they would be installed.

    Where `folder` is in the path of a Python, as it is when it is the `working_dir` of a Ray
    runtime environment, `python -m lessonplan.experiments.cli` works there. The metadata beside
    the rooms tell the version.

    Args:
        folder: where to; must not hold rooms yet.

    Returns:
        The folder `lessonplan` in it, which also serves as a `py_module` of Ray.
    """
    staged = Path(folder) / "lessonplan"
    for room in ROOMS:
        spec = find_spec(f"lessonplan.{room}")
        assert spec is not None
        assert spec.origin is not None
        shutil.copytree(Path(spec.origin).parent, staged / room, ignore=LEFT_OUT)
    # A hundred kilobytes that no run reads.
    shutil.rmtree(staged / "experiments" / "results", ignore_errors=True)
    # With an `__init__.py` it can't be mixed with other parts of the name in the path.
    (staged / "__init__.py").touch()
    number = version("lessonplan")
    metadata = Path(folder) / f"lessonplan-{number}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: lessonplan\nVersion: {number}\n"
    )
    return staged
