"""What a tuning by a sweep writes when all candidates are measured: who won, by what, and ties."""

from contextlib import nullcontext

import pytest
import yaml
from sweep_kit import BASE, write_files

from lessonplan.experiments.common.files import write_json
from lessonplan.experiments.common.watch import nowhere
from lessonplan.experiments.config.sweeps import read_sweep
from lessonplan.experiments.store.layout import SweepDir
from lessonplan.experiments.sweep import tune
from lessonplan.experiments.sweep.pairs import pairs_of
from lessonplan.experiments.sweep.tune import tune_pairs

GATE = "teachers.highest-unmastered.parameters.gate"
TUNING = {"teachers": ["highest-unmastered"], "purpose": "tune", "space": {GATE: [0.1, 0.5, 0.9]}}
BUDGET = 120.0
TOOK = {"lifetimes": 3, "compute": 1.0, "student_steps": 30}


def pairs_in(tmp_path):
    """The sweep, and its candidates by gate."""
    sweep = read_sweep(write_files(tmp_path, TUNING, BASE))
    return sweep, sorted(pairs_of(sweep), key=lambda pair: pair.name)


def file_of(tmp_path, pair):
    """What is known of a candidate."""
    return SweepDir(tmp_path / "out").run_dir(pair.name).candidate_result


def written(tmp_path, results, say=print):
    """The summary and `best.yaml` where candidates came to these results."""
    sweep, pairs = pairs_in(tmp_path)
    for pair, result in zip(pairs, results, strict=True):
        write_json(file_of(tmp_path, pair), TOOK | result)
    summary = tune_pairs(sweep, pairs, tmp_path / "out", None, nowhere, say)
    return summary, (tmp_path / "out" / "best.yaml").read_text()


def gate_of(text):
    """The gate that `best.yaml` says."""
    return yaml.safe_load(text)["teachers"][0]["parameters"]["gate"]


def test_the_cheapest_wins_where_somebody_mastered(tmp_path):
    costs = [(120.0, 0.9, 0), (80.0, 0.2, 3), (90.0, 0.3, 3)]
    results = [{"cost": cost, "area": area, "mastered": some} for cost, area, some in costs]
    summary, text = written(tmp_path, results)
    assert gate_of(text) == 0.5
    assert "80 compute to mastery" in text
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


def test_where_nobody_mastered_in_an_earlier_version_that_is_said_too(tmp_path):
    summary, text = written(tmp_path, [{"cost": BUDGET}] * 3)
    assert gate_of(text) == 0.1
    assert summary["chosen"].startswith("nobody mastered all tasks")
    assert "3 candidates are level in area" in summary["chosen"]


@pytest.fixture
def measured(monkeypatch):
    """Candidates that are measured, and what Ray Tune was told: each comes to the middle result."""
    calls = []

    def fit(sweep, pairs, sweep_dir, trainable, told, is_cluster, settings):
        calls.append(([pair.name for pair in pairs], settings()))
        for pair in pairs:
            write_json(file_of(sweep_dir.parent, pair), TOOK | MIDDLE)
        return {}

    monkeypatch.setattr(tune, "fit", fit)
    monkeypatch.setattr(tune, "ray_session", lambda *_, **__: nullcontext(False))
    return calls


MIDDLE = {"cost": 80.0, "area": 0.5, "mastered": 3}
STOPPED = {"reports": [{"area": 0.1, "decisions": 4}]}
RESULTS = [STOPPED, MIDDLE, MIDDLE | {"cost": 90.0}]


def done(tmp_path):
    """A tuning that is done: its first candidate was stopped, the second is the best."""
    sweep, pairs = pairs_in(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "best.yaml").write_text("teachers: []")
    summary, text = written(tmp_path, RESULTS)
    assert gate_of(text) == 0.5
    return sweep, pairs, summary


@pytest.mark.parametrize("damage", ["{}", "", "[]", '{"cost": null}', None])
def test_a_candidate_whose_result_is_lost_is_said_and_measured_again(tmp_path, measured, damage):
    sweep, pairs, before = done(tmp_path)
    file, said = file_of(tmp_path, pairs[1]), []
    file.unlink() if damage is None else file.write_text(damage)
    after = tune_pairs(sweep, pairs, tmp_path / "out", None, nowhere, said.append)
    assert after == before
    assert measured == [([pairs[1].name], {})], "alone, and to its end"
    assert len(said) == 1
    assert f"candidate {pairs[1].name} is lost or damaged" in said[0]
    assert str(file) in said[0]


def test_of_a_candidate_that_was_stopped_nothing_is_missed(tmp_path, measured):
    sweep, pairs, before = done(tmp_path)
    file_of(tmp_path, pairs[0]).unlink()
    for _ in range(2):
        after = tune_pairs(sweep, pairs, tmp_path / "out", None, nowhere, pytest.fail)
        assert after == before
    assert measured == []


def test_without_its_summary_candidates_of_which_nothing_is_there_are_measured(tmp_path, measured):
    sweep, pairs, _ = done(tmp_path)
    (tmp_path / "out" / "summary.json").write_text("{")
    file_of(tmp_path, pairs[1]).write_text("{}")
    after = tune_pairs(sweep, pairs, tmp_path / "out", None, nowhere, [].append)
    assert measured == [([pairs[1].name], {})]
    assert after["best"] == pairs[1].name


def test_where_nothing_was_measured_to_its_end_nothing_is_the_best(tmp_path, measured):
    sweep, pairs, _ = done(tmp_path)
    (tmp_path / "out" / "summary.json").unlink()
    for pair in pairs:
        write_json(file_of(tmp_path, pair), STOPPED)
    with pytest.raises(ValueError, match=r"none of the 3 candidates .* delete .*best\.yaml"):
        tune_pairs(sweep, pairs, tmp_path / "out", None, nowhere, print)
