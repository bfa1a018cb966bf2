"""The page on parts of one's own: what it shows works in a config, and by its check."""

import ast
import re

import pytest
import yaml
from blocks import blocks_of
from doc_tables import DOCS
from own_folder import forgetting

from lessonplan.experiments.config.loading import read_config
from lessonplan.experiments.own_parts import check_own_part
from lessonplan.experiments.trial.checking import check

PAGE = DOCS / "own.md"
CONFIGS = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
KINDS = {
    "Convolution": "model", "products": "suite", "Student": "student", "Steady": "cohort",
    "Restless": "rule", "weakest": "reward", "close": "score",
}  # fmt: skip
SUITES = {"Convolution": "addition", "Steady": "simulated"}


def definitions(block):
    """Imports, classes and functions of a block, without the check at its end."""
    kinds = ast.Import | ast.ImportFrom | ast.ClassDef | ast.FunctionDef
    return [ast.unparse(node) for node in ast.parse(block).body if isinstance(node, kinds)]


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A folder with the file of a reader who took everything from the page."""
    parts = [part for block in blocks_of(PAGE) for part in definitions(block)]
    (tmp_path / "lp_mine.py").write_text("\n\n".join(parts))
    monkeypatch.chdir(tmp_path)
    with forgetting():
        yield tmp_path


@pytest.mark.parametrize("text", CONFIGS)
def test_a_config_of_the_page_can_be_run(text, mine):
    (mine / "c.yaml").write_text(text.replace('"mine:', '"lp_mine:'))
    config = read_config(mine / "c.yaml")
    assert check(config)
    assert config.modules == ([str(mine)] if "mine:" in text else [])


def test_the_page_has_a_config_of_each_kind_that_names_it():
    named = {name for text in CONFIGS for name in re.findall(r'"mine:(\w+)"', text)}
    assert named | {"close"} == set(KINDS)
    assert all(isinstance(yaml.safe_load(text), dict) for text in CONFIGS)


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_the_check_knows_the_kind_and_finds_nothing_wrong(name, mine):
    suite, can_diverge = SUITES.get(name, ""), name != "Steady"
    kind, findings = check_own_part(f"lp_mine:{name}", suite=suite, can_diverge=can_diverge)
    assert kind == KINDS[name]
    assert [finding.problem for finding in findings if finding.problem] == []
