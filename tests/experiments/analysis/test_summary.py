import json
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest
from synthetic_run import demo_run, rows, teacher, write_run

from lessonplan.experiments.analysis.measures import first_mastery, measure
from lessonplan.experiments.analysis.opponents import BASELINE_ROLES
from lessonplan.experiments.analysis.summary import summarize, table_rows, write_summary
from lessonplan.experiments.analysis.time_maps import score_quartiles
from lessonplan.experiments.store.runs import read_run

TASKS = ["a", "b"]
LOW, HALF, DONE = [0.0, 0.0], [0.9, 0.2], [1.0, 0.9]


def one_teacher(path, lifetimes, decisions=4, **options):
    """A run of one uniform teacher; `lifetimes` are lists of scores, (d, k) each."""
    parts = [
        rows("uniform", i, scores, tasks=TASKS, ended="terminated" if len(scores) < decisions
             else "truncated") for i, scores in enumerate(lifetimes)
    ]  # fmt: skip
    return write_run(path, [teacher("uniform", "static")], parts, TASKS, decisions=decisions,
                     **options)  # fmt: skip


def measured(path):
    run = read_run(path)
    return measure(run, run.lifetimes["uniform"])


def test_mastery_costs_and_area_are_what_one_computes_by_hand(tmp_path):
    """Ten steps and 100 compute per decision, 4 decisions, importance 1 and 3."""
    never = [LOW, HALF, HALF, HALF]
    path = one_teacher(tmp_path / "r", [[LOW, HALF, DONE], never], importance=[1.0, 3.0])
    found = measured(path)
    assert found.mastered.tolist() == [[True, False]]
    assert found.steps_to_mastery.tolist() == [[30.0, 40.0]]
    assert found.compute_to_mastery.tolist() == [[300.0, 400.0]]
    half, done = (0.9 + 3 * 0.2) / 4, (1.0 + 3 * 0.9) / 4
    area = [(0 + half + done + done) / 4, (0 + 3 * half) / 4]
    assert found.area[0] == pytest.approx(area, abs=1e-6)
    assert found.final_score[0] == pytest.approx([done, half], abs=1e-6)
    assert found.probe_cost.tolist() == [[150.0, 200.0]]


def test_a_score_of_exactly_the_threshold_masters_although_it_is_stored_in_single_precision(
    tmp_path,
):
    found = measured(one_teacher(tmp_path / "r", [[[0.9, 0.9]] + [LOW] * 3]))
    assert found.steps_to_mastery.tolist() == [[10.0]]


def test_what_is_computed_of_stored_scores_is_computed_in_double_precision(tmp_path):
    scores = np.random.default_rng(0).integers(0, 101, size=(8, 4, 2)) / 100
    path = one_teacher(tmp_path / "r", scores.tolist(), importance=[1.0, 3.0])
    stored = scores.astype(np.float32).astype(np.float64)
    fall = (stored.max(axis=1) - stored[:, -1]) @ np.array([0.25, 0.75])
    assert measured(path).forgetting[0].tolist() == fall.tolist()
    quartiles = score_quartiles(read_run(path).lifetimes["uniform"])
    assert quartiles.tolist() == np.quantile(stored, [0.25, 0.5, 0.75], axis=0).tolist()


def test_forgetting_is_the_fall_from_the_best_score_and_retention_what_is_left_of_it(tmp_path):
    path = one_teacher(
        tmp_path / "r", [[[0.8, 0.0], [0.4, 0.2], [0.4, 0.4], [0.2, 0.4]], [LOW] * 4]
    )
    found = measured(path)
    assert found.forgetting[0] == pytest.approx([(0.6 + 0.0) / 2, 0.0], abs=1e-6)
    assert found.retention[0] == pytest.approx([0.6 / 1.2, 1.0], abs=1e-6)


@pytest.mark.parametrize(("streak", "expected"), [(1, 0), (2, 4), (3, -1)])
def test_mastery_needs_as_many_evaluations_in_a_row_as_the_streak_says(streak, expected):
    good = np.array([1, 0, 0, 1, 1, 0], dtype=float)
    scores = np.stack([good, np.ones(6)], axis=-1)[None, None]
    taught = np.ones((1, 1, 6), dtype=bool)
    found = first_mastery(scores, np.array([0.9, 0.9]), streak, taught)
    assert found.tolist() == [[expected]]


def test_the_scores_that_a_finished_lifetime_keeps_are_no_evaluations(tmp_path):
    path = one_teacher(tmp_path / "r", [[LOW, DONE]], streak=2)
    assert measured(path).mastered.tolist() == [[False]]


def test_a_lifetime_that_only_its_probe_called_mastered_is_censored_at_the_whole_budget(tmp_path):
    """It ended after two of four decisions: the other two would have cost as much again."""
    found = measured(one_teacher(tmp_path / "r", [[LOW, HALF]]))
    assert not found.mastered.any()
    assert found.steps_to_mastery.tolist() == [[40.0]]
    assert found.compute_to_mastery.tolist() == [[400.0]]


def test_a_budget_in_compute_weighs_decisions_by_what_they_cost(tmp_path):
    """A budget of 300 at 100 a decision holds three, and what is left over keeps the last score."""
    path = one_teacher(tmp_path / "r", [[LOW, DONE]], decisions=3, amount=300.0, unit="compute")
    done = (1.0 + 0.9) / 2
    found = measured(path)
    assert found.area[0] == pytest.approx([(0 + done + done) / 3], abs=1e-6)
    assert found.compute_to_mastery.tolist() == [[200.0]]


def three_teachers(path, **records):
    """Areas 0.8, 0.5 and 0.2 and mastery after 10, 30 and 40 (never) steps, on 8 students."""
    kinds = {
        "ppo": teacher("ppo", "learned", training={"lifetimes": 5, "compute": 1000.0,
                                                   "student_steps": 50, "wall_seconds": 1.0}),
        "twin": teacher("twin", "order", replay_of="ppo", parameters={"shuffled": True}),
        "uniform": teacher("uniform", "static"),
    }  # fmt: skip
    scores = {
        "ppo": [[1.0, 1.0], [0.8, 0.8], [0.8, 0.8], [0.6, 0.6]],
        "twin": [[0.3, 0.3], [0.3, 0.3], [1.0, 1.0], [0.4, 0.4]],
        "uniform": [[0.2, 0.2]] * 4,
    }
    for name, changes in records.items():
        kinds[name].update(changes)
    parts = [
        [row for student in range(8) for row in rows(name, student, table, tasks=TASKS)]
        for name, table in scores.items()
    ]
    return write_run(path, list(kinds.values()), parts, TASKS, decisions=4)


def test_versus_order_share_and_payback_are_what_one_computes_by_hand(tmp_path):
    summary = summarize(three_teachers(tmp_path / "r"))
    found = {(e["teacher"], e["metric"]): e for e in summary["versus"]}
    assert summary["baselines"] == {"best_opponent": "uniform", "proportional": "uniform"}
    steps = found["ppo", "steps_to_mastery"]
    assert (steps["difference"], steps["ratio"]) == (-30.0, 0.25)
    assert steps["ci95"] == [0.25, 0.25]
    assert steps["probability_of_improvement"] == 1.0
    assert found["twin", "compute_to_mastery"]["ratio"] == 0.75
    assert found["ppo", "area"]["difference"] == pytest.approx(0.6, abs=1e-6)
    assert found["ppo", "area"]["ratio"] == pytest.approx(4.0, abs=1e-5)
    share = summary["order_share"]["ppo"]
    assert share["share"] == pytest.approx(2 / 3)
    assert share["area_share"] == pytest.approx(0.5, abs=1e-6)
    # 1000 to train, and 400 - 100 saved on every student.
    assert summary["payback_students"] == {"ppo": {"uniform": pytest.approx(1000 / 300)}}


def test_training_on_another_course_is_never_set_against_what_these_students_save(tmp_path):
    summary = summarize(three_teachers(tmp_path / "r", ppo={"other_course": True}))
    assert summary["payback_students"] == {"ppo": None}
    assert summary["teachers"]["ppo"]["training_cost"]["compute"] == 1000.0


def test_a_teacher_that_saves_nothing_never_pays(tmp_path):
    training = {"lifetimes": 1, "compute": 7.0, "student_steps": 1, "wall_seconds": 1.0}
    path = three_teachers(
        tmp_path / "r", uniform={"name": "uniform", "tuning": training}, twin={"kind": "rule",
        "replay_of": None}, ppo={"kind": "bandit", "training": None}
    )  # fmt: skip
    summary = summarize(path)
    assert summary["payback_students"] == {"uniform": {"ppo": None}}


def test_baselines_are_the_best_of_their_kind_and_never_learned_replayed_or_told_the_order(
    tmp_path,
):
    best, good, poor = [DONE] * 3, [LOW, DONE, DONE], [LOW, LOW, DONE]
    plan = {
        "ppo": (teacher("ppo", "learned"), best),
        "replay": (teacher("replay", "order", replay_of="ppo", tuned=True), best),
        "told": (teacher("told", "order", sees_order=True, tuned=True), good),
        "told_more": (teacher("told_more", "order", sees_order=True), best),
        "rule_a": (teacher("rule_a", "rule", tuned=True), poor),
        "rule_b": (teacher("rule_b", "rule", tuned=True), good),
        "ucb": (teacher("ucb", "bandit"), poor),
        "exp3": (teacher("exp3", "bandit"), good),
        "proportional": (teacher("proportional", "static"), poor),
        "uniform": (teacher("uniform", "static"), best),
        "mixture": (teacher("mixture", "static", tuned=True, mixes=True), poor),
    }
    parts = [rows(name, 0, scores, tasks=TASKS) for name, (_, scores) in plan.items()]
    records = [record for record, _ in plan.values()]
    summary = summarize(write_run(tmp_path / "r", records, parts, TASKS, decisions=3))
    assert summary["baselines"] == {
        "best_opponent": "uniform", "tuned_mixture": "mixture", "proportional": "proportional",
        "true_order": "told",
    }  # fmt: skip
    assert summary["best_opponent"]["by"] == "report"
    assert len(summary["versus"]) == 4 * (4 * 10)
    assert summary["teachers"]["mixture"]["label"] == "mixture, mixed in batches"
    assert BASELINE_ROLES["tuned_mixture"] == "the tuned static mixture"
    heads, *rest = table_rows(summary)
    assert heads[7:] == ("compute, ratio to best opponent",)
    last = {row[0]: row[-1] for row in rest}
    # By compute to mastery 100, 200 and 300, on one student.
    assert last["ppo"] == "tied"
    assert last["uniform"] == "this one"
    assert last["exp3"] == "2.00 [2.00, 2.00]"
    assert last["mixture, mixed in batches"] == "3.00 [3.00, 3.00]"


def test_the_worst_teacher_seed_is_the_one_whose_students_took_longest(tmp_path):
    parts = [
        rows("ppo", student, scores, seed=seed, tasks=TASKS)
        for seed, scores in ((4, [DONE] * 3), (9, [LOW, LOW, DONE]))
        for student in range(4)
    ]
    path = write_run(tmp_path / "r", [teacher("ppo", "learned")], parts, TASKS, decisions=3)
    found = summarize(path)["teachers"]["ppo"]
    assert (found["teacher_seeds"], found["lifetimes"], found["mastered"]) == (2, 8, 1.0)
    assert found["worst_teacher_seed"]["teacher_seed"] == 9
    assert found["worst_teacher_seed"]["steps_to_mastery"]["iqm"] == 30.0
    assert found["per_teacher_seed"][-1] == found["worst_teacher_seed"]
    steps = [seed["steps_to_mastery"]["iqm"] for seed in found["per_teacher_seed"]]
    assert steps == sorted(steps)
    assert len(steps) == found["teacher_seeds"]


def test_comparisons_use_only_students_that_both_teachers_had(tmp_path):
    fast = [rows("uniform", s, [DONE] * 2, tasks=TASKS) for s in (1, 2, 3)]
    slow = [rows("ucb", s, [LOW, DONE], tasks=TASKS) for s in (2, 3)]
    records = [teacher("uniform", "static"), teacher("ucb", "bandit")]
    summary = summarize(write_run(tmp_path / "r", records, fast + slow, TASKS, decisions=2))
    assert {entry["students"] for entry in summary["versus"]} == {2}
    assert not summary["complete"]
    assert "ucb has finished 2 of 3 students" in summary["problems"][0]


def test_parts_rows_and_repeats_may_come_in_any_order(tmp_path):
    whole = demo_run(tmp_path / "whole", students=3, decisions=12, k=3, teacher_seeds=2)
    mixed = tmp_path / "mixed"
    shutil.copytree(whole, mixed)
    parts = sorted((mixed / "schedule").glob("*.parquet"))
    for i, part in enumerate(parts):
        table = pq.read_table(part)
        order = np.random.default_rng(i).permutation(len(table))
        part.unlink()
        pq.write_table(table.take(order), mixed / "schedule" / f"part-{900 - i:05d}.parquet")
        if i == 0:
            pq.write_table(table.slice(0, 5), mixed / "schedule" / "part-99999.parquet")
    first, second = summarize(whole), summarize(mixed)
    first.pop("run"), second.pop("run")
    (mixed / "config.yaml").write_text("name: whole\n")
    write_summary(first, tmp_path / "a.json")
    write_summary(second, tmp_path / "b.json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_the_later_of_two_rows_of_the_same_decision_counts(tmp_path):
    first = rows("uniform", 1, [LOW, LOW], tasks=TASKS)
    again = rows("uniform", 1, [LOW, DONE], tasks=TASKS)[1:]
    records = [teacher("uniform", "static")]
    path = write_run(tmp_path / "r", records, [first, again], TASKS, decisions=2)
    assert measured(path).mastered.all()


def test_what_is_unfinished_or_torn_is_left_out_and_named(tmp_path):
    whole = rows("uniform", 1, [LOW, DONE], tasks=TASKS)
    running = rows("uniform", 2, [LOW, LOW], tasks=TASKS)[:1]
    records = [teacher("uniform", "static"), teacher("later", "rule")]
    path = write_run(tmp_path / "r", records, [whole, running], TASKS, decisions=2)
    (path / "schedule" / "part-00007.parquet").write_bytes(b"PAR1 and then the power went")
    (path / "schedule" / "part-00008.parquet.tmp").write_bytes(b"half")
    summary = summarize(path)
    text = " ".join(summary["problems"])
    assert summary["teachers"]["uniform"]["lifetimes"] == 1
    assert not summary["complete"]
    assert "1 of 2 lifetimes of uniform are unfinished" in text
    assert "later has not taught anybody yet" in text
    assert "part-00007.parquet cannot be read" in text
    assert "00008" not in text


def test_a_run_that_has_only_begun_can_be_summarized(tmp_path):
    summary = summarize(write_run(tmp_path / "r", [], [], TASKS, decisions=2))
    assert (summary["teachers"], summary["versus"], summary["complete"]) == ({}, [], False)
    assert len(table_rows(summary)) == 1


def test_other_folders_are_refused_in_one_sentence(tmp_path):
    with pytest.raises(ValueError, match="is not a run directory: it has no environment"):
        summarize(tmp_path)
    (tmp_path / "environment.json").write_text("{")
    with pytest.raises(ValueError, match="not readable as JSON"):
        summarize(tmp_path)


def test_a_schedule_of_other_tasks_is_refused(tmp_path):
    part = rows("uniform", 1, [LOW, DONE], tasks=["a", "zebra"])
    path = write_run(tmp_path / "r", [teacher("uniform", "static")], [part], TASKS, decisions=2)
    with pytest.raises(ValueError, match="'zebra'"):
        summarize(path)


def test_every_number_of_a_whole_run_is_valid_json_and_the_table_has_a_row_per_teacher(tmp_path):
    summary = summarize(demo_run(tmp_path / "r", students=4, decisions=10, k=3, teacher_seeds=2))
    text = json.dumps(summary, allow_nan=False)
    assert json.loads(text) == summary
    table = table_rows(summary)
    assert {len(row) for row in table} == {5}
    assert [row[0] for row in table[1:]] == [
        summary["teachers"][name]["label"] for name in summary["ranking"]
    ]
    for found in summary["teachers"].values():
        for key in ("compute_to_mastery", "equal_compute_to_mastery", "steps_to_mastery",
                    "area", "final_score", "stress_score",
                    "calibration_error", "forgetting", "retention", "probe_cost"):  # fmt: skip
            low, high = found[key]["ci95"]
            assert low <= high
        assert set(found["final_score"]["per_task"]) == {"level-1", "level-2", "level-3"}
