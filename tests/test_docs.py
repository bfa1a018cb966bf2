"""The documentation runs, names everything that is registered, and builds without a warning."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
from blocks import blocks_of, run_block
from doc_tables import CITATION, DOCS, TABLES, replaced, source

from lessonplan.envs import COLUMNS, PROGRESS_SIGNALS
from lessonplan.teacher import EXP3S, ODM, RULES, Uniform

BLOCKS = {
    f"{page.name}, block {number}": block
    for page in sorted(DOCS.glob("*.md"))
    for number, block in enumerate(blocks_of(page), start=1)
}
OWN = {
    "An own network": ("nn.Module", "StackedCohort(", "check_cohort("),
    "An own suite": ("TaskSuite(", "Examples(", "check_suite("),
    "An own training loop": ("LoopCohort(", ".backward()", "check_cohort("),
    "An own teacher": ("def probabilities", "check_teacher("),
}
ROOMS = ("student", "envs", "teacher")


@pytest.mark.slow
@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_of_the_documentation_runs_as_it_stands(name, tmp_path):
    run_block(BLOCKS[name], tmp_path)


@pytest.mark.parametrize("title", OWN)
def test_what_is_ones_own_takes_under_20_lines_and_is_checked(title):
    text = (DOCS / "own.md").read_text().split(f"## {title}\n")[1].split("\n## ")[0]
    (block,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    lines = [line for line in block.splitlines() if line.strip()]
    assert len(lines) < 20
    assert all(len(line) <= 100 for line in lines)
    assert all(word in block for word in OWN[title])


@pytest.mark.parametrize(
    ("page", "mark"), [(page, mark) for page, marks in TABLES.items() for mark in marks]
)
def test_a_table_says_what_is_registered_and_its_docstring(page, mark):
    text = (DOCS / page).read_text()
    assert replaced(text, mark, TABLES[page][mark]()) == text, (
        "run `python tests/kits/doc_tables.py`: a table is older than what it is made from"
    )


@pytest.mark.parametrize("registered", [{"progress", "present", *COLUMNS}, set(PROGRESS_SIGNALS)])
def test_signals_has_a_row_for_every_column_and_every_signal(registered):
    title = "signal" if registered == set(PROGRESS_SIGNALS) else "column"
    text = (DOCS / "signals.md").read_text().split(f"| {title} | ")[1].split("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", text, flags=re.MULTILINE)) == registered


def test_sources_are_read_from_the_docstring_of_a_rule_or_of_its_file():
    assert source(EXP3S) == "Graves et al. 2017; Auer et al. 2002"
    assert source(ODM) == "Albalak et al. 2023"
    assert source(Uniform) == ""
    assert CITATION.findall("by Willems, Lahlou and Bengio (2020) in 2021") == [
        "Willems, Lahlou and Bengio (2020)"
    ]
    assert sum(bool(source(rule)) for rule in RULES.values()) > len(RULES) / 2


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The pages, built as CI builds them."""
    pytest.importorskip("mkdocs")
    pytest.importorskip("mkdocstrings")
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder],
        cwd=DOCS.parent, capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("room", ROOMS)
def test_the_reference_has_every_public_name_of_a_room_and_no_other(site, room):
    public = set(importlib.import_module(f"lessonplan.{room}").__all__)
    page = (site / "api" / f"{room}.html").read_text()
    # A function in a file of its own name stands under the file: student.parity.parity.
    shown = re.findall(rf'id="lessonplan\.{room}\.(?:(\w+)\.(?=\1"))?(\w+)"', page)
    assert {name for _, name in shown} == public


@pytest.mark.slow
def test_pages_load_nothing_from_elsewhere(site: Path):
    for page in site.rglob("*.html"):
        loaded = re.findall(
            r"<(?:script|link|img)\b[^>]*?(?:src|href)=\"([^\"]+)", page.read_text()
        )
        assert [address for address in loaded if "//" in address] == [], page
