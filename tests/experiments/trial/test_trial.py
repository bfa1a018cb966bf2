"""Trials: what is recorded is paired, whole, and made without a look at `test`."""

import copy
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tiny_config import CONFIG

from lessonplan.envs import Classroom
from lessonplan.envs.faces.seeding import TRAINING_SEEDS
from lessonplan.experiments.assembly.build import (
    REPORT_SEEDS,
    SELECT_SEEDS,
    build_room,
    build_rule,
    build_suite,
)
from lessonplan.experiments.config.loading import make_config
from lessonplan.experiments.store.schedule import SCHEMA, recorded_mixtures, recorded_schedules
from lessonplan.experiments.trial.checking import check
from lessonplan.experiments.trial.evaluation import evaluate
from lessonplan.experiments.trial.training import TeacherTraining
from lessonplan.experiments.trial.tuning import tune
from lessonplan.experiments.trial.units import plan, see_that_it_can_go_on
from lessonplan.student import StackedCohort


def tiny(*overrides: str):
    return make_config(copy.deepcopy(CONFIG), overrides)


def rows(run_dir: Path, name: str) -> pa.Table:
    parts = sorted((run_dir / "schedule").glob(f"part-{name}-*.parquet"))
    table = pa.concat_tables([pq.read_table(part) for part in parts])
    return table.sort_by([("student_seed", "ascending"), ("decision", "ascending")])


def report(config, run_dir: Path, name: str) -> pa.Table:
    evaluate(config, check(config), run_dir, name, 0, {})
    return rows(run_dir, name).drop(["wall_seconds"])


def test_a_students_lifetime_does_not_depend_on_the_other_students(tmp_path):
    few = report(tiny("seeds.report=2"), tmp_path / "few", "exp3s")
    many = report(tiny("seeds.report=5"), tmp_path / "many", "exp3s")
    kept = many.filter(pa.compute.less(many["student_seed"], REPORT_SEEDS + 2))
    assert few.equals(kept)


def test_two_teachers_meet_the_same_students(tmp_path):
    config = tiny()
    one = report(config, tmp_path, "uniform").to_pydict()
    other = report(config, tmp_path, "exp3s").to_pydict()
    assert sorted(set(one["student_seed"])) == sorted(set(other["student_seed"]))
    # Where both choose the same first task, the same happens.
    first = {
        seed: (task, score)
        for seed, decision, task, score in zip(
            one["student_seed"], one["decision"], one["task"], one["test_score"], strict=True
        )
        if decision == 1
    }
    same = [
        (first[seed][1], score)
        for seed, decision, task, score in zip(
            other["student_seed"], other["decision"], other["task"], other["test_score"],
            strict=True,
        )
        if decision == 1 and first[seed][0] == task
    ]  # fmt: skip
    assert same
    assert all(a == b for a, b in same)


def test_a_recorded_schedule_played_to_the_same_students_gives_the_same_lifetimes(tmp_path):
    config = make_config(
        copy.deepcopy(CONFIG)
        | {
            "teachers": [
                "exp3s",
                {"name": "again", "type": "replay", "of": "exp3s", "shuffled": False},
            ]
        }
    )
    first = report(config, tmp_path, "exp3s")
    again = report(config, tmp_path, "again")
    # A replay looks at nothing, so its own cost is another.
    for column in ("task", "test_score", "probe_loss", "equal_compute", "decision", "stress_score"):
        assert first[column].equals(again[column]), column


def test_shuffled_replays_keep_the_counts_of_each_lifetime(tmp_path):
    config = make_config(
        copy.deepcopy(CONFIG)
        | {"teachers": ["in-order", {"name": "again", "type": "replay", "of": "in-order"}]}
    )
    report(config, tmp_path, "in-order")
    report(config, tmp_path, "again")
    suite = check(config)
    first, _ = recorded_schedules(tmp_path, suite.names, "in-order", 0)
    again, _ = recorded_schedules(tmp_path, suite.names, "again", 0)
    length = min(first.shape[1], again.shape[1])
    assert (first[:, :length] != again[:, :length]).any()
    whole = (first >= 0).sum(axis=1) == (again >= 0).sum(axis=1)
    assert whole.any()
    for task in range(len(suite)):
        np.testing.assert_array_equal(
            (first == task).sum(axis=1)[whole], (again == task).sum(axis=1)[whole]
        )


def shares_of(table: pa.Table) -> dict[int, np.ndarray]:
    """Recorded probabilities by student, (d, k)."""
    seeds = table["student_seed"].to_numpy()
    shares = np.array(table["probabilities"].to_pylist())
    return {int(seed): shares[seeds == seed] for seed in np.unique(seeds)}


def test_a_recorded_mixture_is_played_again_and_shuffled_in_time(tmp_path):
    def replay(name, shuffled):
        return {"name": name, "type": "replay", "of": "mixed", "shuffled": shuffled}

    mixed = {"name": "mixed", "rule": "shortfall", "parameters": {"floor": 0.1}}
    teachers = [mixed, replay("again", False), replay("shuffled", True)]
    config = make_config(copy.deepcopy(CONFIG) | {"teachers": teachers})
    first = report(config, tmp_path, "mixed")
    again = report(config, tmp_path, "again")
    # Shares are recorded in single precision, which hardly ever changes what is drawn.
    assert first["tokens"].equals(again["tokens"])
    for column in ("test_score", "probabilities"):
        values = [np.array(table[column].to_pylist()) for table in (first, again)]
        np.testing.assert_allclose(*values, atol=1e-5)
    shuffled = report(config, tmp_path, "shuffled")
    mixtures, students = recorded_mixtures(tmp_path, check(config).names, "mixed", 0)
    played, moved = shares_of(shuffled), 0
    for own, student in zip(mixtures, students, strict=True):
        recorded = own[own.any(axis=1)]
        np.testing.assert_array_equal(recorded, shares_of(first)[student])
        rows = played[student][: len(recorded)]
        moved += not np.allclose(rows, recorded[: len(rows)])
        # Each row is one of those that were recorded, and none is played twice.
        found = np.abs(rows[:, None] - recorded).max(axis=2) < 1e-6
        assert found.any(axis=1).all()
        if len(rows) == len(recorded):
            order = [np.lexsort(np.round(one, 5).T) for one in (rows, recorded)]
            np.testing.assert_allclose(rows[order[0]], recorded[order[1]], atol=1e-5)
    assert moved


def test_nothing_but_the_recorder_looks_at_test_or_stress(tmp_path, monkeypatch):
    config = tiny()
    suite, teacher = check(config), config.teachers[3]
    plain = StackedCohort.evaluate

    def guarded(self, split, *args, **kwargs):
        assert split == "probe", f"somebody looked at {split}"
        return plain(self, split, *args, **kwargs)

    monkeypatch.setattr(StackedCohort, "evaluate", guarded)
    tune(config, teacher, suite, tmp_path / "tune.pt")
    TeacherTraining(config, config.teachers[0], 0, suite, tmp_path).run()
    with pytest.raises(AssertionError, match="looked at test"):
        evaluate(config, suite, tmp_path, "uniform", 0, {})


def test_no_two_teacher_seeds_are_trained_on_the_same_students(tmp_path):
    config = tiny()
    suite, students = check(config), {}
    for seed in (0, 1):
        training = TeacherTraining(config, config.teachers[0], seed, suite, tmp_path)
        training.begin()
        training.env.reset()
        students[seed] = set(training.env.room.facts.student_seed.tolist())
        assert len(students[seed]) == config.teachers[0].students
    assert not students[0] & students[1]


def test_the_ranges_of_student_seeds_do_not_overlap(tmp_path, monkeypatch):
    config, seen = tiny(), {"train": set(), "select": set()}
    plain, phase = Classroom.reset, "train"

    def watched(self, which, seeds):
        seen[phase].update(np.asarray(seeds).tolist())
        return plain(self, which, seeds)

    monkeypatch.setattr(Classroom, "reset", watched)
    suite = check(config)
    training = TeacherTraining(config, config.teachers[0], 0, suite, tmp_path)
    training.run()
    assert all(
        TRAINING_SEEDS[0] <= seed < TRAINING_SEEDS[1] or SELECT_SEEDS <= seed < REPORT_SEEDS
        for seed in seen["train"]
    )
    phase = "select"
    tune(config, config.teachers[3], suite, tmp_path / "tune.pt")
    assert seen["select"] == {SELECT_SEEDS, SELECT_SEEDS + 1, SELECT_SEEDS + 2}


def test_every_decision_is_recorded_once_with_every_column(tmp_path):
    config = tiny()
    table = report(config, tmp_path, "uniform")
    assert set(table.column_names) == set(SCHEMA.names) - {"wall_seconds"}
    students = table["student_seed"].to_numpy()
    decisions = table["decision"].to_numpy()
    for seed in np.unique(students):
        own = decisions[students == seed]
        np.testing.assert_array_equal(own, np.arange(1, len(own) + 1))
    ends = table["terminated"].to_numpy(zero_copy_only=False) | table["truncated"].to_numpy(
        zero_copy_only=False
    )
    assert ends.sum() == config.seeds.report
    stress = np.array([score is not None for score in table["stress_score"].to_pylist()])
    np.testing.assert_array_equal(stress, ends)
    np.testing.assert_allclose([sum(p) for p in table["probabilities"].to_pylist()], 1, rtol=1e-5)


def test_what_a_teacher_saw_is_what_it_declared(tmp_path):
    config, suite = tiny(), check(tiny())
    table = report(config, tmp_path, "uniform")
    # progress and key, for each of the tasks
    assert len(table["observation"][0]) == 2 * len(suite)


def test_a_run_of_an_earlier_version_is_gone_on_with_unless_a_rule_is_left_to_tune():
    teachers = [{"name": "mine", "rule": "in_order", "tune": True}, "uniform"]
    begun = {"teachers": teachers, "tuning_candidates": 3}
    config = make_config(begun, begun=True)
    assert make_config(config.model_dump(mode="json"), begun=True) == config
    units = plan(config)
    see_that_it_can_go_on(config, [unit for unit in units if unit.kind != "tune"])
    with pytest.raises(ValueError, match="a version that tuned rules otherwise, and 'mine' is not"):
        see_that_it_can_go_on(config, units)
    see_that_it_can_go_on(make_config({"teachers": teachers}), units)
    with pytest.raises(
        ValueError, match=r"there is no tuning_candidates any more; a rule is tuned"
    ):
        make_config(begun)
    # What such a run left belongs to it still.
    assert units[0].belongs_to["tuning_candidates"] == 3
    assert "tuning" not in units[0].belongs_to


def test_units_wait_for_what_they_need():
    units = {unit.name: unit for unit in plan(tiny())}
    assert units["evaluate-ppo-shuffled-0"].after == ("evaluate-ppo-0",)
    assert units["evaluate-ppo-0"].after == ("train-ppo-0",)
    assert units["evaluate-in-order-tuned-0"].after == ("tune-in-order-tuned-0",)
    # What is not tuned, no replay and not learned lives with the selection students by itself.
    selected = {unit.teacher for unit in units.values() if unit.kind == "select"}
    assert selected == {"uniform", "exp3s"}
    assert all(set(unit.after) <= set(units) for unit in units.values())


def test_the_chunk_and_the_number_of_rows_change_nothing_in_a_room(tmp_path):
    config, suite = tiny(), check(tiny())
    one, three = build_room(config, suite, 1), build_room(config, suite, 3)
    seen_three = three.reset(np.arange(3), np.array([7, 8, 9]))
    seen_one = one.reset(np.array([0]), np.array([8]))
    np.testing.assert_array_equal(seen_three[1], seen_one[0])
    for action in (0, 1, 2, 1):
        three.step(np.array([2, action, 0]))
        one.step(np.array([action]))
    np.testing.assert_array_equal(three.observation(np.array([1])), one.observation(np.array([0])))
    np.testing.assert_array_equal(three.facts.loss[1], one.facts.loss[0])


def test_a_rule_is_the_same_whatever_is_measured_and_a_config_of_old_is_told_so():
    bandit = tiny("lifetime.feedback=bandit")
    suite = build_suite(bandit)
    plain = build_rule("tscl_window", {}, bandit, suite)
    assert plain == build_rule("tscl_window", {}, tiny(), suite)
    with pytest.warns(UserWarning, match="TSCLWindow takes no feedback, so 'full' changes nothing"):
        assert build_rule("tscl_window", {"feedback": "full"}, bandit, suite) == plain


def test_a_rule_that_needs_the_prerequisites_is_given_those_of_the_suite():
    suite = build_suite(tiny())
    rule = build_rule("mastering_rate", {}, tiny(), suite)
    assert rule.prerequisites == ((), *((i,) for i in range(len(suite) - 1)))


def test_a_teacher_that_mixes_trains_on_its_probabilities_within_each_batch(tmp_path, monkeypatch):
    config = make_config(copy.deepcopy(CONFIG) | {"teachers": ["proportional", "uniform"]})
    mixtures = []
    plain = StackedCohort.train

    def watched(self, mixture, *args, **kwargs):
        mixtures.append(np.array(mixture))
        return plain(self, mixture, *args, **kwargs)

    monkeypatch.setattr(StackedCohort, "train", watched)
    report(config, tmp_path, "proportional")
    np.testing.assert_allclose(np.concatenate(mixtures), 1 / 3)
    mixtures.clear()
    report(config, tmp_path, "uniform")
    assert set(np.unique(np.concatenate(mixtures))) == {0.0, 1.0}
