"""Guards around teachers of a run: tuned rules, learned teachers, and their replays."""

import copy
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tiny_config import CONFIG

from lessonplan.experiments.analysis.summary import summarize
from lessonplan.experiments.config.loading import make_config
from lessonplan.experiments.trial.checking import check
from lessonplan.experiments.trial.trial import run_trial
from lessonplan.experiments.trial.units import plan

PPO, _, _, TUNED, _ = CONFIG["teachers"]
IDLE = {"guard": "bring_back", "parameters": {"drop": 1.0}}
"""A guard that never has anything to do: no score falls by more than 1."""
NAMES = {"ppo": "ppo-idle", "in-order-tuned": "tuned-idle", "odd": "odd-idle"}
ODD = {"name": "odd", "rule": "shortfall", "action": "mixture", "feedback": "training"}


def guarded(name, of, *guards):
    return {"name": name, "type": "guarded", "of": of, "guards": list(guards)}


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Config and run directory of teachers whose guards never act, and of one whose guards do."""
    folder = tmp_path_factory.mktemp("guarded") / "run"
    teachers = [
        guarded("careful", "odd", "review", "against_harm"),
        *(guarded(name, of, IDLE) for of, name in NAMES.items()),
        PPO | {"sampled": False}, TUNED, ODD,
        {"name": "again", "type": "replay", "of": "careful"},
    ]  # fmt: skip
    config = make_config(copy.deepcopy(CONFIG) | {"teachers": teachers, "workers": 1})
    run_trial(config, folder)
    return config, folder


def recorded(folder, name):
    parts = sorted((folder / "schedule").glob(f"part-{name}-0-*.parquet"))
    table = pa.concat_tables([pq.read_table(part) for part in parts])
    # Guards are shown more, and who it is stands beside each row.
    others = {"wall_seconds", "observation", "teacher"} & set(table.column_names)
    table = table.drop(sorted(others))
    return table.sort_by([("student_seed", "ascending"), ("decision", "ascending")])


@pytest.mark.parametrize("of", NAMES)
def test_guards_with_nothing_to_do_leave_every_lifetime_as_it_is(ran, of):
    _, folder = ran
    first, again = recorded(folder, of), recorded(folder, NAMES[of])
    assert len(first) == len(again)
    # A learned teacher records the probabilities of which it takes the likeliest task.
    for column in {*first.column_names} - ({"probabilities"} if of == "ppo" else set()):
        assert first[column].equals(again[column]), column


def test_guards_wait_for_the_tuning_or_training_of_the_teacher_that_they_are_around(ran):
    config, _ = ran
    units = {unit.name: unit for unit in plan(config)}
    assert units["evaluate-ppo-idle-0"].after == ("train-ppo-0",)
    assert units["evaluate-tuned-idle-0"].after == ("tune-in-order-tuned-0",)
    assert units["select-tuned-idle-0"].after == ("tune-in-order-tuned-0",)
    assert units["evaluate-again-0"].after == ("evaluate-careful-0",)
    assert "select-ppo-idle-0" not in units


def test_what_guards_are_around_is_part_of_what_their_files_belong_to(ran):
    config, _ = ran
    other = make_config(json.loads(config.model_dump_json()), ["teachers.odd.parameters.power=2"])
    mine, theirs = (
        next(unit.belongs_to for unit in plan(each) if unit.name == "evaluate-careful-0")
        for each in (config, other)
    )
    assert mine != theirs


def test_a_summary_says_what_guards_are_around_and_pairs_them_with_it(ran):
    _, folder = ran
    teachers = summarize(folder)["teachers"]
    careful, tuned, learned = (teachers[name] for name in ("careful", "tuned-idle", "ppo-idle"))
    assert careful["label"] == "odd with review and against_harm, mixed in batches"
    assert (careful["kind"], careful["guard_of"]) == ("rule", "odd")
    assert careful["feedback"] == "training"
    assert careful["needs"][:2] == ["score", "threshold"]
    assert "uncertainty" in careful["needs"]
    # What tuning and training cost comes with them, and what they are worth is their own.
    assert tuned["tuned"]
    assert tuned["tuning"] == teachers["in-order-tuned"]["tuning"]
    assert tuned["selection_cost"] == teachers["in-order-tuned"]["selection_cost"]
    assert learned["kind"] == "learned"
    assert learned["selection_cost"] is None
    assert learned["training_cost"] == teachers["ppo"]["training_cost"]


SHORT = {"guard": "patience", "parameters": {"decisions": 2, "rise": 1.0}}


@pytest.mark.parametrize(
    ("teacher", "words"),
    [
        ({"name": "again", "type": "replay", "of": "short"}, r"ask for more than choices \(stop\)"),
        (guarded("back", "odd", "against_overfitting"), "SimulatedCohort can't"),
    ],
)
def test_what_only_a_lifetime_of_its_own_can_do_is_refused_before_it_begins(teacher, words):
    teachers = [ODD, guarded("short", "odd", SHORT), teacher]
    simulated = {"suite": {"name": "simulated"}, "student": {}, "teachers": teachers}
    with pytest.raises(ValueError, match=words):
        check(make_config({"name": "refused", "lifetime": {"budget": "100-steps"}} | simulated))


def test_students_that_are_stopped_before_mastery_cost_what_the_whole_budget_would(tmp_path):
    teachers = [ODD, guarded("short", "odd", SHORT)]
    config = make_config(copy.deepcopy(CONFIG) | {"teachers": teachers, "workers": 1})
    run_trial(config, tmp_path / "run")
    entries = summarize(tmp_path / "run")["teachers"]
    bare, short = (entries[name]["selection_cost"] for name in ("odd", "short"))
    assert short == pytest.approx(bare, rel=0.1)


def test_a_lifetime_that_a_guard_ends_is_truncated_and_keeps_its_last_scores(tmp_path):
    teachers = [ODD, guarded("short", "odd", SHORT)]
    config = make_config(copy.deepcopy(CONFIG) | {"teachers": teachers, "workers": 1})
    run_trial(config, tmp_path / "run")
    table = recorded(tmp_path / "run", "short")
    # Looked at before decisions 0, 1 and 2: the third is the last.
    assert set(table["decision"].to_pylist()) == {1, 2, 3}
    for row in table.to_pylist():
        assert row["truncated"] == (row["decision"] == 3)
        assert row["test_score"] is not None
    entries = summarize(tmp_path / "run")["teachers"]
    assert entries["short"]["total_cost"]["iqm"] < entries["odd"]["total_cost"]["iqm"]
    assert len(entries["short"]["students"]["final_score"][0]) == 4
