"""Stored results are what the code does: a small cell of each is run again."""

import json
from pathlib import Path

import pytest
from places import ROOT

from lessonplan.experiments.config.loading import make_config, read_config
from lessonplan.experiments.trial.trial import run_trial

RESULTS = ROOT / "experiments" / "results"
CELLS = {
    "single-tasks": "highest-unmastered",
    **dict.fromkeys(
        ("parity", "graph", "interference", "distractors", "finite", "flat"), "shortfall"
    ),
    "stopping-graph": "milestones",
}
"""A teacher of a result that lives again."""
NAMES = sorted(path.parent.name for path in RESULTS.glob("*/summary.json"))

EARLIER = "tuning_candidates"
"""Key of a config that an earlier version stored."""


def stored_config(name):
    """The config that a result was made with, which may be of an earlier version."""
    return read_config(RESULTS / name / "config.yaml", begun=True)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "cell"), CELLS.items())
def test_a_teacher_of_a_stored_result_comes_out_again(name, cell, tmp_path):
    stored = json.loads((RESULTS / name / "summary.json").read_text())["teachers"][cell]
    values = stored_config(name).model_dump(mode="json")
    values.pop(EARLIER, None)
    # Nothing that is compared here depends on how it does with the selection students.
    values["seeds"]["select"] = 1
    of = {one.get("of", cell) for one in values["teachers"] if one["name"] == cell}
    teachers = [one for one in values["teachers"] if one["name"] in {cell, *of}]
    small = make_config(values | {"teachers": teachers, "workers": 1})
    again = run_trial(small, tmp_path / name)["teachers"][cell]
    for measure in ("steps_to_mastery", "area", "final_score"):
        low, high = stored[measure]["ci95"]
        # Another kind of processor rounds in another way; on the same kind it is the same number.
        assert low <= again[measure]["iqm"] <= high
    assert again["lifetimes"] == stored["lifetimes"]


@pytest.mark.parametrize("name", NAMES)
def test_a_stored_result_says_of_each_teacher_whether_its_tasks_were_sampled(name):
    summary = json.loads((RESULTS / name / "summary.json").read_text())
    config = stored_config(name)
    for reported, entry in summary["teachers"].items():
        teacher = config.teacher(reported)
        own = teacher.name == reported
        likeliest = own and teacher.type == "learned" and teacher.deterministic
        assert entry["deterministic"] == likeliest
        twin = teacher.type == "learned" and reported == teacher.sampled_name
        assert entry["sampled_twin_of"] == (teacher.name if twin else None)


@pytest.mark.parametrize("name", NAMES)
def test_a_stored_result_is_of_the_config_that_ships(name):
    stored = stored_config(name).model_dump(mode="json")
    ships = read_config(name).model_dump(mode="json")
    if stored.pop(EARLIER, None) is not None:
        # It was tuned as an earlier version did, which had other words for how long.
        del stored["tuning"], ships["tuning"]
    for values in (stored, ships):
        # Where the data lie depends on the machine.
        for section, key in ((values["suite"]["options"], "path"), (values["student"], "base")):
            if section.get(key):
                section[key] = Path(section[key]).name
    assert stored == ships
