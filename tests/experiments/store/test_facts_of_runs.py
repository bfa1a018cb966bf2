"""Facts of a run, `environment.json`, may be of anybody's making: a wrong one is one sentence."""

import json

import pytest
from synthetic_run import rows, teacher, write_run

from lessonplan.experiments.analysis.summary import summarize
from lessonplan.experiments.report.report import write_report
from lessonplan.experiments.store.runs import read_run

TASKS = ["a", "b", "c"]
FAULTS = {
    "order names a task that is not there": (("suite", "order"), [0, 1, 99]),
    "order names a task twice": (("suite", "order"), [0, 1, 1]),
    "order leaves a task out": (("suite", "order"), [0, 1]),
    "order is of booleans": (("suite", "order"), [False, True, 2]),
    "prerequisite is no task": (("suite", "tasks", 1, "prerequisites"), ["z"]),
    "prerequisites are lists": (("suite", "tasks", 1, "prerequisites"), [["a"]]),
    "tasks are numbers": (("suite", "tasks"), [1]),
    "no tasks": (("suite", "tasks"), []),
    "names are lists": (("suite", "tasks", 0, "name"), ["a"]),
    "names are the same": (("suite", "tasks", 0, "name"), "b"),
    "suite is a list": (("suite",), []),
    "suite has no name": (("suite", "name"), None),
    "notes are a number": (("suite", "notes"), 5),
    "unit is a number": (("suite", "unit"), 5),
    "importance is a text": (("suite", "tasks", 0, "importance"), "much"),
    "importance is negative": (("suite", "tasks", 0, "importance"), -1.0),
    "threshold is none": (("suite", "tasks", 0, "threshold"), None),
    "threshold is NaN": (("suite", "tasks", 0, "threshold"), float("nan")),
    "difficulty is a list": (("suite", "tasks", 0, "difficulty"), [1]),
    "cost is too large": (("suite", "tasks", 0, "cost"), 10**400),
    "category is a list": (("suite", "tasks", 0, "category"), [1]),
    "examples are a text": (("suite", "tasks", 0, "examples"), "many"),
    "examples without a score": (("suite", "tasks", 0, "examples"), {"test": 1}),
    "budget is a list": (("budget",), []),
    "amount is a text": (("budget", "amount"), "40"),
    "amount is none": (("budget", "amount"), 0),
    "unit is unknown": (("budget", "unit"), "hours"),
    "unit is no text": (("budget", "unit"), []),
    "decisions are a text": (("budget", "decisions"), "2"),
    "decisions are none": (("budget", "decisions"), 0),
    "decisions are too many": (("budget", "decisions"), 10**30),
    "no steps of a decision": (("budget", "steps_per_decision"), None),
    "test_every is a text": (("test_every",), "x"),
    "mastery_streak is a fraction": (("mastery_streak",), 1.5),
    "missing is a number": (("missing",), 5),
    "belongs_to is a list": (("belongs_to",), []),
}


@pytest.fixture
def run(tmp_path):
    life = rows("uniform", 1, [[0.0] * 3, [0.5] * 3], tasks=TASKS)
    return write_run(tmp_path / "r", [teacher("uniform", "static")], [life], TASKS, decisions=2)


def changed(run, place, value):
    """Put a value at a place of the run's facts."""
    file = run / "environment.json"
    facts = json.loads(file.read_text())
    at = facts
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = value
    file.write_text(json.dumps(facts))


@pytest.mark.parametrize("kind", FAULTS)
def test_what_is_no_fact_of_a_run_is_named_with_its_file(kind, run):
    changed(run, *FAULTS[kind])
    with pytest.raises(
        ValueError, match=r"^\S*environment\.json is not what a run writes: "
    ) as told:
        read_run(run)
    assert str(told.value).endswith("; write the run again")
    assert "\n" not in str(told.value)
    assert len(str(told.value)) < 500
    with pytest.raises(ValueError, match="is not what a run writes"):
        write_report(run)


def test_facts_that_are_deep_are_no_json(run):
    (run / "environment.json").write_text("[" * 100_000)
    with pytest.raises(ValueError, match=r"environment\.json is not readable as JSON"):
        read_run(run)


def test_what_earlier_versions_left_out_is_not_asked_for(run):
    for place in (("test_every",), ("mastery_streak",)):
        facts = json.loads((run / "environment.json").read_text())
        facts.pop(place[0], None)
        (run / "environment.json").write_text(json.dumps(facts))
    changed(run, ("suite", "order"), None)
    changed(run, ("suite", "tasks", 0), {"name": "a"})
    assert summarize(read_run(run))["suite"]["tasks"]
