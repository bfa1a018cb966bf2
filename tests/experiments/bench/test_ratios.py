"""What `lessonplan bench` measures are ratios of one run, which another machine has too."""

import re
from pathlib import Path

import pytest
from rich.console import Console

from lessonplan.experiments.bench import bench, teacher
from lessonplan.experiments.bench.bench import Figure, run_bench

PAGE = Path(__file__).parents[3] / "docs" / "speed.md"


def test_every_figure_on_the_page_is_a_ratio():
    rows = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \|$", PAGE.read_text(), flags=re.MULTILINE)
    figures = [row for row in rows if row[0] not in ("figure", "---")]
    assert len(figures) > 10
    for name, median, _ in figures:
        assert re.search(r" (times( as fast)?|%)$", median), name


def test_the_table_names_the_processor(monkeypatch, capsys):
    figure = Figure("something", 2.0, 1.0, 3.0, "times")
    monkeypatch.setattr(bench, "_measures", lambda quick: [lambda: [figure]])
    monkeypatch.setattr(bench, "processor_name", lambda: "Abacus 5")
    run_bench(Console(), as_json=False, quick=True)
    assert "Ratios of one run, on Abacus 5." in capsys.readouterr().out


@pytest.mark.slow
def test_a_rule_is_measured_beside_the_training_that_it_decides_about():
    name, shares = teacher.slowest_rule(8, 12, turns=2)
    assert name in teacher.RULES
    assert len(shares) == 2
    assert all(0 < share < 1 for share in shares)


@pytest.mark.slow
def test_simulated_students_are_measured_beside_networks():
    ratios = teacher.simulated_speed("tscl_window", 64, 8, turns=2)
    assert len(ratios) == 2
    assert all(ratio > 1 for ratio in ratios)
