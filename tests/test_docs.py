"""The documentation runs, names everything that is registered, and builds without a warning."""

import importlib
import json
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest
from blocks import blocks_of, run_block
from doc_figures import FIGURE, with_figures
from doc_tables import CITATION, DOCS, RESULTS, TABLES, replaced, source
from places import ROOT

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
PAGES = {str(page.relative_to(ROOT)): page.read_text()
         for page in (ROOT / "README.md", *sorted(DOCS.rglob("*.md")))}  # fmt: skip
PATH = re.compile(r"(?<![\w/.~])(?:docs|envs|experiments|student|teacher|tests)/[\w./-]*\w/?")
SCRIPT = re.compile(r"(?<![\w/.-])[\w-]+\.py\b")
MODULE = re.compile(r"(?<![\w./-])lessonplan(?:\.(?!ROOM)\w+)+")
"""What looks like a file or a module of ours; capitals stand for any name."""


@pytest.mark.slow
@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_of_the_documentation_runs_as_it_stands(name, tmp_path):
    run_block(BLOCKS[name], tmp_path)


def links_that_lead_nowhere(page, text):
    """Relative links to no file, or to no place in it."""
    for link in re.findall(r"\]\(([^()\s]+)\)", text):
        address, _, place = link.partition("#")
        target = (ROOT / page).parent / address if address else ROOT / page
        # Places in the reference are made from code; building the pages checks those.
        heads = re.findall(r"^#+ (.+)$", target.read_text(), re.M) if place and address else []
        slugs = {re.sub(r"[^\w -]", "", head).lower().replace(" ", "-") for head in heads}
        if "://" not in link and (not target.exists() or (heads and place not in slugs)):
            yield link


def files_that_are_not_there(text):
    """What looks like the path of a file of ours and is none."""
    for path in PATH.findall(text):
        if not path.endswith("/NAME") and not (ROOT / path).exists():
            yield path
    for name in SCRIPT.findall(text):
        if not any(ROOT.glob(f"*/**/{name}")):
            yield name


def modules_that_are_not_there(text):
    """What looks like a module of ours, or a name in one, and is none."""
    for name in MODULE.findall(text):
        try:
            pkgutil.resolve_name(name)
        except (ImportError, AttributeError):
            yield name


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_names_is_there(page):
    text = PAGES[page]
    assert list(links_that_lead_nowhere(page, text)) == []
    assert list(files_that_are_not_there(text)) == []
    assert list(modules_that_are_not_there(text)) == []


def test_what_is_not_there_would_be_found():
    page, gone = "docs/own.md", "see [it](gone.md), [there](signals.md#gone) and `student/gone.py`"
    assert list(links_that_lead_nowhere(page, gone)) == ["gone.md", "signals.md#gone"]
    assert list(links_that_lead_nowhere(page, "[x](signals.md#columns) [y](https://x.y)")) == []
    assert list(files_that_are_not_there(gone)) == ["student/gone.py"]
    assert list(files_that_are_not_there("`python gone.py` or `tutor_sft.py`")) == ["gone.py"]
    modules = "lessonplan.envs.gone and lessonplan.teacher.RULES or lessonplan/Parity-v0"
    assert list(modules_that_are_not_there(modules)) == ["lessonplan.envs.gone"]


def test_the_house_is_shown_on_one_page_and_has_every_package():
    text = PAGES["docs/house.md"]
    assert len(text.splitlines()) <= 60
    for room in (*ROOMS, "experiments"):
        packages = {f"{face.parent.name}/" for face in (ROOT / room).glob("*/__init__.py")}
        files = {file.name for file in (ROOT / room).glob("*.py")} - {"__init__.py"}
        assert [name for name in packages | files if f"`{name}`" not in text] == []


@pytest.mark.parametrize("title", OWN)
def test_what_is_ones_own_takes_20_lines_at_most_and_is_checked(title):
    text = (DOCS / "own.md").read_text().split(f"## {title}\n")[1].split("\n## ")[0]
    (block,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    lines = [line for line in block.splitlines() if line.strip()]
    assert len(lines) <= 20
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


@pytest.mark.parametrize("page", PAGES)
def test_a_figure_inside_of_a_sentence_is_that_which_is_stored(page):
    text = PAGES[page]
    assert text.count("<!--=-->") == len(FIGURE.findall(text))
    assert with_figures(text) == text, "run `python tests/kits/doc_tables.py`"


def test_figures_are_ratios_shares_or_what_is_missing_of_one():
    stored = json.loads((RESULTS / "quickstart" / "summary.json").read_text())
    (row,) = (
        row
        for row in stored["versus"]
        if (row["teacher"], row["baseline"]) == ("search", stored["baselines"]["best_opponent"])
        and row["metric"] == "compute_to_mastery"
    )
    low, high = row["ci95"]
    for mark, figure in {
        "search/best": f"{row['ratio']:.2f} [{low:.2f}, {high:.2f}]",
        "search/best short": f"{row['ratio']:.2f}",
        "search/best percent": f"{round(100 * (1 - row['ratio']))} %",
        "search/shuffled": f"{100 * stored['order_share']['search']['share']:.0f} %",
    }.items():
        made = with_figures(f"took <!--=quickstart {mark}-->1<!--=--> of it")
        assert made.startswith(f"took <!--=quickstart {mark}-->{figure}")
    with pytest.raises(ValueError, match="search is not compared with nobody"):
        with_figures("<!--=quickstart search/nobody-->1<!--=-->")


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


def test_a_rule_that_says_it_is_published_names_its_source():
    published = [rule for rule in RULES.values() if getattr(rule, "published", False)]
    assert len(published) > len(RULES) / 2
    assert [rule for rule in published if not source(rule)] == []


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
    assert set(re.findall(rf'id="lessonplan\.{room}\.(\w+)"', page)) == public


@pytest.mark.slow
def test_the_reference_has_every_public_name_of_the_experiments_where_it_lies(site):
    face = importlib.import_module("lessonplan.experiments")
    page = (site / "api" / "experiments.html").read_text()
    for name in face.__all__:
        assert f'id="{getattr(face, name).__module__}.{name}"' in page


@pytest.mark.slow
def test_pages_load_nothing_from_elsewhere(site: Path):
    for page in site.rglob("*.html"):
        loaded = re.findall(
            r"<(?:script|link|img)\b[^>]*?(?:src|href)=\"([^\"]+)", page.read_text()
        )
        assert [address for address in loaded if "//" in address] == [], page
