"""Every `python -m lessonplan...` that the README or the documentation names can be run."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from places import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NAMED = sorted(
    {
        name
        for page in PAGES
        for name in re.findall(r"python -m (lessonplan(?:\.\w+)+)", page.read_text())
    }
)


def test_the_pages_name_some():
    assert "lessonplan.experiments.bench.sweep" in NAMED


@pytest.mark.parametrize("name", NAMED)
def test_a_module_that_is_named_is_one_that_can_be_run(name):
    source = Path(find_spec(name).origin).read_text()
    assert source.endswith('\n\nif __name__ == "__main__":\n    main()\n')


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMED)
def test_it_says_what_it_takes(name, tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-m", name, "-h"],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: ")
