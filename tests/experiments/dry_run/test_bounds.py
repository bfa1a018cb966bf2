"""What a dry run leaves out: steps that take too much memory, and tasks beyond the first."""

import copy
import json

import numpy as np
import pytest
from tiny_config import CONFIG

from lessonplan.experiments.config.loading import make_config
from lessonplan.experiments.dry_run import memory, preview, preview_parts, speed
from lessonplan.experiments.dry_run.costs import ways_out
from lessonplan.experiments.dry_run.decoding import samples
from lessonplan.experiments.dry_run.lives import Lasting, try_lives
from lessonplan.experiments.dry_run.page import task_table
from lessonplan.experiments.trial.checking import check
from lessonplan.student import TextTask, text_suite

DECODER = {
    "model": "decoder", "options": {"width": 8, "n_layers": 3, "n_heads": 1},
    "batch_size": 4, "evaluation_size": 4,
}  # fmt: skip


def config_of(folder, **student):
    """Two tasks of 24 prompts each."""
    lines = [
        {"task": task, "prompt": f"{task} {i}", "answer": str(i % 7)}
        for task in ("up", "down") for i in range(24)
    ]  # fmt: skip
    (folder / "sums.jsonl").write_text("\n".join(map(json.dumps, lines)))
    suite = {"name": "jsonl", "options": {"path": str(folder / "sums.jsonl")}}
    values = copy.deepcopy(CONFIG) | {"suite": suite, "student": DECODER | student}
    return make_config(values | {"teachers": ["uniform", "in-order"]})


def suite_of(count):
    splits = {split: [("a", "b"), ("abc", "b")] for split in ("train", "probe", "test", "stress")}
    return text_suite("many", [TextTask(f"task {i}", splits) for i in range(count)])


def test_a_step_takes_what_logits_and_layers_take(tmp_path):
    """Of 4 bytes: 4 v + 24 * 8 * 3 a place of a training step, 2 v + 16 * 8 of 64 judged."""
    config = config_of(tmp_path)
    suite = check(config)
    places, v = suite.input_shape[0], suite.n_outputs
    assert memory.step_bytes(config, suite, 5, 0) == 4 * places * 5 * (4 * v + 576)
    judged = 4 * places * 128 * (2 * v + 128)
    assert memory.step_bytes(config, suite, 0, 65) == judged
    assert memory.step_bytes(config, suite, 1, 128) == judged


def test_the_page_is_there_before_anything_is_measured(monkeypatch, tmp_path):
    def refuse(*_):
        raise AssertionError("measured too early")

    with monkeypatch.context() as patch:
        patch.setattr("lessonplan.experiments.dry_run.page.cost", refuse)
        page = next(preview_parts(config_of(tmp_path)))
    assert "Padding" in page
    assert "Cost" not in page


def test_what_takes_too_much_memory_is_not_measured_but_said(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "machine_bytes", lambda: 1_000_000)
    monkeypatch.setattr(speed, "build_room", None)
    page = preview(config_of(tmp_path))
    assert "Its time is not measured: a run's evaluation of 8 rows of " in page
    assert "-o suite.options.max_tokens=" in page
    assert "processes on this machine" not in page


def test_steps_of_fewer_examples_are_measured_where_those_of_a_run_are_too_large(
    monkeypatch, tmp_path
):
    config = config_of(tmp_path, batch_size=1000)
    suite = check(config)
    quarter = memory.step_bytes(config, suite, 1, 1)
    assert quarter < memory.step_bytes(config, suite, 1000, 1)
    monkeypatch.setattr(memory, "machine_bytes", lambda: 4 * quarter)
    batches, build = [], speed.build_room

    def noted(course, *rest, **options):
        batches.append(course.student.batch_size)
        return build(course, *rest, **options)

    monkeypatch.setattr(speed, "build_room", noted)
    page = preview(config)
    assert batches[0] == 1
    assert max(batches) < 1000
    assert "processes on this machine" in page
    assert "Memory: a run's batch of 1,000 rows" in page


def test_examples_are_of_five_tasks_and_the_others_are_counted():
    assert "more tasks" not in "\n".join(samples(suite_of(5)))
    lines = samples(suite_of(7))
    assert lines[-1] == "  and 2 more tasks"
    assert not any("task 5" in line for line in lines)


@pytest.mark.parametrize(("count", "lines"), [(60, 61), (61, 42)])
def test_a_table_of_very_many_tasks_is_cut_and_says_so(count, lines):
    table = task_table(suite_of(count))
    assert len(table) == lines
    assert (table[-1] == "  and 21 more tasks") == (count == 61)


def test_the_teachers_are_named(tmp_path):
    assert "2 teachers (uniform, in-order)" in preview(config_of(tmp_path), seconds=0.1)


def test_ways_to_a_shorter_run_are_named_over_an_hour():
    suite = suite_of(1)
    assert ways_out(3599.0, suite) == ways_out(float("nan"), suite) == []
    assert ways_out(3601.0, suite) == [
        "--budget, -o 'teachers=[NAME, ...]', -o seeds.report=N and shorter rows make it shorter."
    ]


@pytest.mark.parametrize("every", [0, 1, 3, 4, 10])
@pytest.mark.parametrize("size", [0, 4])
def test_own_probes_are_those_of_a_teacher_and_checks_where_both_meet_the_larger(every, size):
    """Counted decision by decision over 60 of them; two tasks of 16 and 6 probes."""
    sizes = speed.Sizes(1.0, 1.0, 1.0, np.array([16, 6]))
    looks = {"feedback": "training", "probe_every": every, "probe_size": size}
    probe = 4 + 4 if size else 22
    spent = 0
    for decision in range(1, 61):
        looked = probe if every and decision % every == 0 else 0
        spent += max(looked, 22 if decision % 10 == 0 else 0)
    assert sizes.own_probing(looks, 10, used=True) == pytest.approx(spent / 60)
    assert sizes.own_probing(looks, 10, used=False) == pytest.approx(2.2)


def test_full_feedback_without_more_said_probes_all_after_each_decision():
    sizes = speed.Sizes(1.0, 1.0, 1.0, np.array([16, 6]))
    full = {"feedback": "full", "probe_every": 0, "probe_size": 0}
    assert sizes.own_probing(full, 10, used=True) == 22
    assert sizes.own_probing(full | {"feedback": "bandit"}, 10, used=True) == pytest.approx(
        0.9 * 11 + 0.1 * 22
    )


def test_lifetimes_last_as_long_as_those_of_a_few_students_where_there_is_time_to_try():
    easy = copy.deepcopy(CONFIG) | {
        "suite": {"name": "parity", "options": {"n_tasks": 2, "n_signs": 8}},
        "student": {"options": {"hidden": [16]}, "batch_size": 16, "learning_rate": 0.02},
        "lifetime": {"budget": "4000-steps", "steps_per_decision": 10, "end_after": 2},
        "teachers": ["uniform", {"name": "tuned", "rule": "in_order", "tune": True}],
    }
    config = make_config(easy)
    suite = check(config)
    found = try_lives(config, suite, 60.0, 1e-3)
    assert 0.0 < found.mixed < 0.5
    assert 0.0 < found.of("tuned", mixes=False) < 0.5
    assert found.of("other", mixes=True) == found.mixed
    assert try_lives(config, suite, 0.01, 1e-3) == Lasting()
    assert try_lives(config, suite, 60.0, float("nan")) == Lasting()
