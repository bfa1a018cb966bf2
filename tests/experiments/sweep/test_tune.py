"""What a tuning by a sweep writes when all candidates are measured: who won, by what, and ties."""

import pytest
import yaml
from sweep_kit import BASE, write_files

from lessonplan.experiments.common.files import write_json
from lessonplan.experiments.common.watch import nowhere
from lessonplan.experiments.config.sweeps import read_sweep
from lessonplan.experiments.store.layout import SweepDir
from lessonplan.experiments.sweep.pairs import pairs_of
from lessonplan.experiments.sweep.tune import tune_pairs

GATE = "teachers.highest-unmastered.parameters.gate"
TUNING = {"teachers": ["highest-unmastered"], "purpose": "tune", "space": {GATE: [0.1, 0.5, 0.9]}}
TOOK = {"lifetimes": 3, "compute": 1.0, "student_steps": 30}


def written(tmp_path, results):
    """The summary and `best.yaml` where candidates came to these results."""
    sweep = read_sweep(write_files(tmp_path, TUNING, BASE))
    pairs = sorted(pairs_of(sweep), key=lambda pair: pair.name)
    for pair, result in zip(pairs, results, strict=True):
        run_dir = SweepDir(tmp_path / "out").run_dir(pair.name)
        write_json(run_dir.candidate_result, TOOK | result)
    summary = tune_pairs(sweep, pairs, tmp_path / "out", None, nowhere, print)
    return summary, (tmp_path / "out" / "best.yaml").read_text()


def gate_of(text):
    """The gate that `best.yaml` says."""
    return yaml.safe_load(text)["teachers"][0]["parameters"]["gate"]


def test_the_cheapest_wins_where_somebody_mastered(tmp_path):
    costs = [(120.0, 0.9, 0), (80.0, 0.2, 3), (90.0, 0.3, 3)]
    results = [{"cost": cost, "area": area, "mastered": some} for cost, area, some in costs]
    summary, text = written(tmp_path, results)
    assert gate_of(text) == 0.5
    assert "80 steps to mastery" in text
    assert (summary["cost"], summary["chosen"]) == (80.0, "")


@pytest.mark.parametrize(("areas", "gate"), [((0.2, 0.2, 0.4), 0.9), ((0.1, 0.4, 0.4), 0.5)])
def test_where_nobody_mastered_no_steps_to_mastery_are_told(tmp_path, areas, gate):
    results = [{"cost": 120.0, "area": area, "mastered": 0} for area in areas]
    summary, text = written(tmp_path, results)
    assert gate_of(text) == gate
    head = "".join(line for line in text.splitlines(True) if line.startswith("#"))
    assert "an area of 0.400" in head
    assert "to mastery" not in head
    assert "Nobody mastered all tasks, so candidates are compared by area" in head
    assert ("2 candidates are level in area" in head) == (gate == 0.5)
    assert summary["chosen"].startswith("nobody mastered")


def test_a_tuning_of_an_earlier_version_is_read_by_its_costs(tmp_path):
    reports = [{"area": 0.3, "decisions": 12}]
    results = [{"cost": cost, "reports": reports} for cost in (120.0, 110.0, 115.0)]
    summary, text = written(tmp_path, results)
    assert gate_of(text) == 0.5
    assert summary["cost"] == 110.0
