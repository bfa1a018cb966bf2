"""What `lessonplan list` shows."""

import sys

import pytest

from lessonplan.envs import COLUMNS, REWARDS
from lessonplan.experiments.cli import listing
from lessonplan.experiments.cli.console import terminal
from lessonplan.experiments.cli.listing import catalog, print_catalog
from lessonplan.student import LEARNING_RATES, MODELS, SUITES, install_hint
from lessonplan.teacher import ALGORITHMS, RULES


def test_everything_that_can_be_named_is_listed_with_a_line():
    shown = catalog()
    for names in (SUITES, MODELS, LEARNING_RATES, RULES, ALGORITHMS, REWARDS, COLUMNS):
        assert any(set(names) <= set(lines) for lines in shown.values())
    for title, lines in shown.items():
        for name, line in lines.items():
            assert 10 < len(line) < 120, (title, name, line)


@pytest.mark.parametrize(
    ("module", "extra", "names"),
    [
        ("reasoning_gym", "reasoning", {"suites": ["reasoning"]}),
        ("transformers", "hf", {"students": ["causal", "encoder"]}),
        ("sb3_contrib", "contrib", {"learners": ["recurrent_ppo", "trpo"]}),
    ],
)
def test_what_needs_a_library_that_is_missing_is_listed_with_what_brings_it(
    module, extra, names, monkeypatch
):
    own = {name: one for name, one in ALGORITHMS.items() if one.algorithm.__module__[:3] != "sb3"}
    monkeypatch.setattr(listing, "ALGORITHMS", own)
    monkeypatch.setitem(sys.modules, module, None)
    before = catalog()
    assert all(f"needs {install_hint(extra)}" in before[kind][one]
               for kind in names for one in names[kind])  # fmt: skip
    monkeypatch.undo()
    assert not any("needs pip" in line for lines in catalog().values() for line in lines.values())


def test_the_list_is_plain_where_it_is_piped(capsys):
    print_catalog(terminal())
    lines = capsys.readouterr().out.splitlines()
    assert {"suites", "learners"} <= set(lines)
    assert not any("\x1b" in line or "[bold]" in line for line in lines)
    assert max(map(len, lines)) > 100
