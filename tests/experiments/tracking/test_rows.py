"""The numbers of each decision, against hand-made schedules."""

import json
import os
import sys

import numpy as np
import pytest
from synthetic_run import demo_run, rows
from tracking_kit import TASKS, add_part, plan_config, run_of

from lessonplan.experiments.analysis.measures import measure
from lessonplan.experiments.config.loading import make_config
from lessonplan.experiments.store.runs import read_run
from lessonplan.experiments.tracking.chart import chart_page, filled_chart
from lessonplan.experiments.tracking.collapse import Collapse
from lessonplan.experiments.tracking.comparison import compare
from lessonplan.experiments.tracking.endings import only, order_agreement
from lessonplan.experiments.tracking.mode import keep_process_as_it_is
from lessonplan.experiments.tracking.pair import TrackedPair, run_id, tracked_pairs
from lessonplan.experiments.tracking.rows import entropy


def news(run, **changes):
    return [row for _, row in TrackedPair(plan_config(**changes), run, "plan", 0, 0.95, 0).news()]


def two_lives(**options):
    """One student that is taught `first` and ends early, one that is taught `second`."""
    short = rows("plan", 1, [[0.5, 0.0], [1.0, 1.0]], tasks=TASKS, choices=[0, 0],
                 ended="terminated", **options)  # fmt: skip
    long = rows("plan", 2, [[0.0, 0.2], [0.0, 0.6], [0.0, 0.4], [0.0, 0.4]], tasks=TASKS,
                choices=[1, 1, 1, 0], **options)  # fmt: skip
    return short, long


def test_what_a_teacher_does_is_a_mean_over_the_students_that_are_still_taught(tmp_path):
    found = news(run_of(tmp_path / "run", two_lives()))
    assert [row["decision"] for row in found] == [1, 2, 3, 4]
    assert [row["schedule/first"] for row in found] == [0.5, 0.5, 0.0, 1.0]
    assert [row["students/running"] for row in found] == [2, 2, 1, 1]
    assert [row["entropy"] for row in found] == [1.0, 1.0, 0.0, 0.0]
    assert [row["student_steps"] for row in found] == [10, 20, 30, 40]


def test_what_students_have_is_a_mean_over_all_and_stays_after_the_end_of_a_lifetime(tmp_path):
    found = news(run_of(tmp_path / "run", two_lives()))
    assert [row["test_score/first"] for row in found] == [0.25, 0.5, 0.5, 0.5]
    assert [row["cost/compute"] for row in found] == [100, 200, 250, 300]
    assert [row["students/mastered"] for row in found] == [0.0, 0.5, 0.5, 0.5]
    forgotten = [row["forgetting/second"] for row in found]
    assert forgotten == pytest.approx([0.0, 0.0, 0.1, 0.1])
    assert found[2]["mean/forgetting"] == pytest.approx(0.05)


def test_epochs_count_the_examples_that_were_drawn_and_those_of_rehearsal(tmp_path):
    run = run_of(tmp_path / "run", two_lives())
    plain = news(run)
    # 80 examples a decision: one student on `first` (80 of them), then on nothing.
    assert [row["epochs/first"] for row in plain] == pytest.approx([0.5, 1.0, 1.0, 1.5])
    assert [row["epochs/second"] for row in plain] == pytest.approx([0.25, 0.5, 0.75, 0.75])
    lifetime = {"budget": "40-steps", "steps_per_decision": 10, "rehearsal": 0.75}
    mixed = news(run, lifetime=lifetime)
    # A quarter as chosen; three quarters by size, a third of that from `first`.
    assert mixed[0]["epochs/first"] == pytest.approx(0.25 * 0.5 + 0.75 / 3)


def test_a_task_without_end_has_no_epochs(tmp_path):
    run = run_of(tmp_path / "run", two_lives())
    described = json.loads((run / "environment.json").read_text())
    described["suite"]["tasks"][0]["endless"] = True
    (run / "environment.json").write_text(json.dumps(described))
    names = {name for row in news(run) for name in row}
    assert "epochs/second" in names
    assert "epochs/first" not in names


def test_progress_is_the_change_of_the_probe_score_from_the_second_decision_on(tmp_path):
    short, long = two_lives()
    for i, row in enumerate(long):
        row["probe_score"] = [0.1 * i, 0.5]
    found = news(run_of(tmp_path / "run", [short, long]))
    assert "progress/first" not in found[0]
    assert found[1]["progress/first"] == pytest.approx(0.05)
    assert found[2]["progress/first"] == pytest.approx(0.1)
    assert found[2]["progress/second"] == pytest.approx(0.0)


def test_parts_that_come_later_or_are_written_anew_give_every_decision_once(tmp_path):
    short, long = two_lives()
    run = run_of(tmp_path / "run", [short[:1], long[:1]])
    pair = TrackedPair(plan_config(), run, "plan", 0, 0.95, 0)
    assert [step for step, _ in pair.news()] == [0]
    assert pair.news() == []
    add_part(run, 1, [short[1:], long[1:2]])
    assert [row["decision"] for _, row in pair.news()] == [2]
    # A resume drops the part and writes one that goes further.
    add_part(run, 1, [short[1:], long[1:]])
    assert [row["decision"] for _, row in pair.news()] == [3, 4]
    whole = news(run)
    assert [row["decision"] for row in whole] == [1, 2, 3, 4]


def test_mastered_and_forgetting_end_as_the_report_has_them(tmp_path):
    run = demo_run(tmp_path / "run", teacher_seeds=1, decisions=60)
    for i, name in enumerate(["ppo", "proportional"]):
        part = run / "schedule" / f"part-{i:05d}.parquet"
        part.rename(part.with_name(f"part-{name}-0-0000.parquet"))
    described = json.loads((run / "environment.json").read_text())
    for task in described["suite"]["tasks"]:
        task["training_examples"] = 10
    (run / "environment.json").write_text(json.dumps(described))
    settings = plan_config(
        teachers=[{"name": name, "rule": "uniform"} for name in ("ppo", "proportional")]
    )
    stored = read_run(run)
    for name in ("ppo", "proportional"):
        last = [row for _, row in TrackedPair(settings, run, name, 0, 0.95, 0).news()][-1]
        measures = measure(stored, stored.lifetimes[name])
        assert last["students/mastered"] == pytest.approx(measures.mastered.mean())
        assert last["mean/forgetting"] == pytest.approx(measures.forgetting.mean())
        assert last["mean/test_score"] == pytest.approx(measures.final_score.mean())
        assert last["cost/compute"] == pytest.approx(measures.total_cost.mean())


def taught(collapse, schedule, mastered):
    """Decisions one after another; what was found."""
    for i, (row, able) in enumerate(zip(schedule, mastered, strict=True)):
        collapse.watch(i + 1, np.array(row), np.array([able, able]))
    return collapse.first


def test_a_schedule_that_stays_on_one_task_while_others_are_not_mastered_has_collapsed():
    collapse = Collapse(("a", "b"), budget=40, window=5)
    schedule = [[0.5, 0.5]] * 5 + [[0.98, 0.02]] * 10
    found = taught(collapse, schedule, [[False, False]] * 15)
    assert found == {"decision": 10, "task": "a", "share": pytest.approx(0.98)}


def test_one_task_after_the_other_is_no_collapse():
    collapse = Collapse(("a", "b", "c", "d"), budget=40)
    assert collapse.window == 15
    schedule = [row for task in np.eye(4) for row in [task] * 10]
    mastered = [[i > 10, i > 20, i > 30, False] for i in range(40)]
    assert taught(collapse, schedule, mastered) is None


def test_to_stay_on_the_only_task_that_is_left_is_no_collapse():
    collapse = Collapse(("a", "b"), budget=40, window=5)
    assert taught(collapse, [[1.0, 0.0]] * 20, [[False, True]] * 20) is None
    assert taught(Collapse(("a",), budget=40, window=5), [[1.0]] * 20, [[False]] * 20) is None


def test_the_entropy_of_a_schedule_is_a_share_of_that_of_an_even_one():
    assert entropy(np.full(7, 1 / 7)) == pytest.approx(1.0)
    assert entropy(np.array([0.5, 0.5, 0.0, 0.0])) == pytest.approx(0.5)
    assert entropy(np.array([1.0])) == 0.0


def test_a_run_that_an_earlier_version_began_keeps_its_id(tmp_path):
    """As the version before `watch` and `test_every` made it, of the same directory and config."""
    (tmp_path / "wandb").mkdir()
    (tmp_path / "wandb" / "key").write_text("0123456789abcdef")
    course = {"suite": {"name": "graph"}}
    teachers = [
        {"name": "uniform", "rule": "uniform"},
        {"name": "ppo", "type": "learned"},
        {"name": "wide", "type": "learned", "courses": [course]},
    ]
    values = course | {"name": "tracked", "teachers": teachers, "tuning_candidates": 8}

    def id_of(*overrides, teacher="uniform"):
        config = make_config(values, list(overrides), begun=True)
        return run_id(config, tmp_path, teacher, 0)

    assert id_of() == "60e2ce9367317334"
    assert id_of(teacher="wide") == "5ab68ba5a6388ed4"
    assert id_of("teachers.ppo.watch=4") == id_of(), "to look changes nothing"
    assert id_of("lifetime.test_every=2") != id_of()
    assert id_of("seeds.report_fold=1") != id_of()
    assert id_of("lifetime.feedback=training") != id_of()
    assert id_of("teachers.ppo.probe_every=2") != id_of()


def test_an_id_tells_run_directory_config_teacher_and_seed_apart(tmp_path):
    ids = {
        run_id(plan_config(), tmp_path / "a", "plan", 0),
        run_id(plan_config(), tmp_path / "b", "plan", 0),
        run_id(plan_config(name="other"), tmp_path / "a", "plan", 0),
        run_id(plan_config(), tmp_path / "a", "plan", 1),
        run_id(plan_config(), tmp_path / "a", "other", 0),
    }
    assert len(ids) == 5
    assert run_id(plan_config(), tmp_path / "a", "plan", 0) in ids
    moved = (tmp_path / "a").rename(tmp_path / "moved")
    assert run_id(plan_config(), moved, "plan", 0) in ids
    assert run_id(plan_config(), tmp_path / "a", "plan", 0) not in ids, "another run, same place"


def test_every_reported_teacher_of_every_seed_is_a_pair():
    learned = {"name": "ppo", "type": "learned", "seeds": 2, "sampled": True}
    replay = {"name": "again", "type": "replay", "of": "ppo"}
    found = tracked_pairs(plan_config(teachers=[learned, "uniform", replay]))
    names = ["ppo", "ppo-sampled", "again"]
    assert set(found) == {("uniform", 0)} | {(name, seed) for name in names for seed in (0, 1)}


def test_agreement_with_the_true_order_is_one_in_order_and_minus_one_in_reverse(tmp_path):
    lives = [
        rows("plan", i, [[0.0, 0.0]] * 4, tasks=TASKS, choices=choices)
        for i, choices in enumerate([[0, 0, 1, 1]] * 2)
    ]
    stored = read_run(run_of(tmp_path / "in_order", lives))
    assert order_agreement(stored, "plan") == 1.0
    stored = read_run(run_of(tmp_path / "reversed", lives, order=[1, 0]))
    assert order_agreement(stored, "plan") == -1.0


def test_a_pair_of_a_run_with_several_teachers_is_drawn_alone(tmp_path):
    stored = read_run(demo_run(tmp_path / "run", decisions=30))
    alone = only(stored, "ppo", 1)
    assert list(alone.lifetimes) == ["ppo"]
    assert alone.lifetimes["ppo"].task.shape[0] == 1
    assert (alone.lifetimes["ppo"].task[0] == stored.lifetimes["ppo"].task[1]).all()
    assert (alone.lifetimes["ppo"].student_seeds == stored.lifetimes["ppo"].student_seeds).all()
    with pytest.raises(ValueError, match="no finished lifetimes of ppo of seed 7"):
        only(stored, "ppo", 7)


@pytest.mark.slow
def test_a_comparison_sets_the_learned_teacher_against_each_other_one(tmp_path):
    found = compare(read_run(demo_run(tmp_path / "run", decisions=30)))
    names = set(found.run.lifetimes) - {"ppo"}
    assert set(found.differences) == {f"ppo - {name}" for name in names}
    assert next(iter(found.differences)) == "ppo - in_order"
    assert all(png.startswith(b"\x89PNG") for png in found.differences.values())
    assert found.agreement["in_order"] > found.agreement["uniform"]


def test_the_chart_has_its_numbers_and_a_picture_where_it_cannot_be_drawn():
    values = [{"decision": 1, "task": "</script>", "probability": 0.5}]
    chart = filled_chart(values, ["</script>"])
    assert chart["data"] == {"values": values}
    fields = {name: channel["field"] for name, channel in chart["encoding"].items()}
    assert fields == {"x": "decision", "y": "task", "color": "probability"}
    page = chart_page(values, ["</script>"], "cGljdHVyZQ==")
    assert "data:image/png;base64,cGljdHVyZQ==" in page
    assert '"</script>"' not in page


def test_what_wandb_changes_in_the_process_is_undone(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_DATA_DIR", "mine")
    monkeypatch.delenv("WANDB_CACHE_DIR", raising=False)
    hook = sys.excepthook
    with keep_process_as_it_is(tmp_path):
        assert os.environ["WANDB_DATA_DIR"] == "mine"
        assert os.environ["WANDB_CACHE_DIR"].startswith(str(tmp_path))
        sys.excepthook = None
    assert sys.excepthook is hook
    assert "WANDB_CACHE_DIR" not in os.environ
