"""What a teacher costs: the training, the probes that it uses, and the checks that all pay for."""

import copy

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tiny_config import CONFIG

from lessonplan.experiments.assembly.build import build_rule, build_suite, rule_teacher
from lessonplan.experiments.config.loading import make_config
from lessonplan.experiments.store import runs
from lessonplan.experiments.store.recordings import read_recordings
from lessonplan.experiments.store.schedule import parts_of
from lessonplan.experiments.trial.evaluation import evaluate
from lessonplan.experiments.trial.teaching import Teaching, judge

TRAINING, PROBE = 80.0, 3 * 16 / 3.0
"""Of a decision of the tiny config, and of a look at all three tasks."""
EASY = CONFIG | {
    "suite": {"name": "parity", "options": {"n_tasks": 2, "n_signs": 8}},
    "student": CONFIG["student"] | {"learning_rate": 0.02, "batch_size": 16},
    "lifetime": {"budget": "600-steps", "steps_per_decision": 10, "end_after": 3},
}


def config_of(teacher, values=CONFIG, *overrides):
    return make_config(copy.deepcopy(values) | {"teachers": [teacher]}, list(overrides))


def rows_of(teacher, folder):
    """The schedule of a teacher of the tiny config."""
    config = config_of(teacher)
    name = config.teachers[0].name
    evaluate(config, build_suite(config), folder, name, 0, {})
    return pa.concat_tables(pq.read_table(part) for part in parts_of(folder / "schedule", name, 0))


def looks(d, every, check=10):
    """How often there is a probe or a check in so many decisions."""
    return sum(i % check == 0 or (every > 0 and i % every == 0) for i in range(1, d + 1))


@pytest.mark.parametrize(
    ("teacher", "own"),
    [
        ("uniform", lambda d: PROBE * looks(d, 0)),
        ("in_order", lambda d: PROBE * (1 + d)),
        ({"name": "in_order", "feedback": "training"}, lambda d: PROBE * looks(d, 0)),
        (
            {"name": "in_order", "feedback": "training", "probe_every": 4},
            lambda d: PROBE * looks(d, 4),
        ),
        # A check has all 16 examples, a probe 4.
        (
            {"name": "in_order", "probe_size": 4},
            lambda d: PROBE / 4 * (1 + d) + 0.75 * PROBE * looks(d, 0),
        ),
        ({"name": "in_order", "probe_every": 3}, lambda d: PROBE * (1 + looks(d, 3))),
    ],
)
def test_a_schedule_has_what_its_teacher_looked_at_and_what_equal_probes_would_take(
    tmp_path, teacher, own
):
    table = rows_of(teacher, tmp_path)
    decision = table["decision"].to_numpy()
    assert decision.max() == 12
    expected = [own(d) for d in decision]
    np.testing.assert_allclose(table["probe_compute"], expected)
    np.testing.assert_allclose(table["compute"], TRAINING * decision + expected)
    np.testing.assert_allclose(table["equal_compute"], TRAINING * decision + PROBE * (1 + decision))


def test_mastery_is_judged_by_probe_whatever_a_teacher_is_told(tmp_path):
    """A rule that sees no score teaches the same, so it is judged the same."""
    full = rows_of({"name": "a", "rule": "uniform"}, tmp_path / "a")
    heard = rows_of({"name": "b", "rule": "uniform", "feedback": "training"}, tmp_path / "b")
    for column in ("probe_score", "test_score", "task", "terminated", "equal_compute"):
        assert full[column].to_pylist() == heard[column].to_pylist()


@pytest.mark.parametrize("feedback", ["full", "training"])
def test_the_cost_is_the_compute_at_the_first_mastery_else_that_of_the_whole_lifetime(feedback):
    config = config_of({"name": "in_order", "feedback": feedback}, EASY)
    suite = build_suite(config)
    rule = build_rule("in_order", {}, config, suite)
    teacher, room = rule_teacher(rule, config, suite, 6, 0, looking=config.teachers[0])
    teaching = Teaching(teacher, room, np.arange(6))
    cost, steps, mastered = np.zeros(6), np.zeros(6), np.zeros(6, bool)
    while len(rows := teaching.running):
        teaching.step()
        for row in rows[~mastered[rows]]:
            cost[row] = room.facts.spending.compute[row]
            steps[row] = room.facts.spending.steps[row]
            mastered[row] = (room.facts.judged[row] >= room.facts.threshold - 1e-6).all()
    assert 0 < mastered.sum() < 6 or mastered.all()
    assert mastered.any()
    np.testing.assert_array_equal(teaching.cost, cost)
    np.testing.assert_array_equal(teaching.steps, steps)
    np.testing.assert_array_equal(teaching.mastered, mastered)
    assert (cost[mastered] < room.facts.spending.compute[mastered]).any(), "it goes on afterwards"


def test_a_worth_is_the_mean_over_students_and_grows_with_what_is_spent():
    config = config_of("in_order", EASY)
    suite = build_suite(config)
    rule = build_rule("in_order", {}, config, suite)

    def teaching():
        return Teaching(*rule_teacher(rule, config, suite, 4, 0), np.arange(4))

    last = teaching()
    *each, worth = judge(last)
    assert worth.cost == last.cost.mean()
    assert worth.mastered == last.mastered.sum()
    costs = [one.cost for one in [*each, worth]]
    assert costs == sorted(costs)


def test_a_teaching_goes_on_with_its_costs():
    config = config_of("in_order", EASY)
    suite = build_suite(config)
    rule = build_rule("in_order", {}, config, suite)
    one, other = (
        Teaching(*rule_teacher(rule, config, suite, 4, 0), np.arange(4)) for _ in range(2)
    )
    for _ in range(9):
        one.step()
    state = copy.deepcopy(one.state_dict())
    other.load_state_dict(state)
    assert list(judge(one))[-1].cost == list(judge(other))[-1].cost
    np.testing.assert_array_equal(one.steps, other.steps)


def test_own_and_equal_compute_are_read_back_and_an_older_version_has_the_equal_one(tmp_path):
    rows_of("uniform", tmp_path)
    tasks = build_suite(config_of("uniform")).names

    def lifetimes():
        recording = read_recordings(tmp_path / "schedule", tasks, {})[0]["uniform"]
        return runs._lifetimes(recording, recording.keys(), "uniform", 12)[0]

    new = lifetimes()
    assert new.own_costs
    assert (new.spent("compute") < new.spent("equal_compute")).all()
    np.testing.assert_array_equal(new.spent("steps"), new.student_steps)
    for part in parts_of(tmp_path / "schedule", "uniform", 0):
        table = pq.read_table(part)
        place = table.column_names.index("compute")
        table = table.set_column(place, "compute", table["equal_compute"])
        pq.write_table(table.drop_columns(["equal_compute"]), part)
    older = lifetimes()
    assert not older.own_costs
    np.testing.assert_array_equal(older.equal_compute, new.equal_compute)
    np.testing.assert_array_equal(older.compute, new.equal_compute)
