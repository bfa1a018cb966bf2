"""`lifetime.test_every`: what is tested seldom is as if tested always, where it is tested.

Legend: m students, d decisions, k tasks.
"""

import copy

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_run import rows, teacher, write_run
from tiny_config import CONFIG
from tracking_kit import TASKS, plan_config, run_of

from lessonplan.experiments import run_trial
from lessonplan.experiments.analysis.measures import measure
from lessonplan.experiments.analysis.verdicts import verdict
from lessonplan.experiments.assembly.taken_teachers import course_digest
from lessonplan.experiments.config.loading import make_config
from lessonplan.experiments.dry_run import costs
from lessonplan.experiments.dry_run.speed import Speed
from lessonplan.experiments.store.runs import read_run
from lessonplan.experiments.store.schedule import parts_of
from lessonplan.experiments.tracking.pair import TrackedPair
from lessonplan.experiments.trial.checking import check
from lessonplan.experiments.trial.evaluation import evaluate

TESTS = ("test_score", "test_loss", "test_calibration_error")
GAMES = [
    {"name": name, "id": "CartPole-v1", "low": 0, "high": top, "horizon": 10}
    for name, top in (("short", 5), ("long", 10))
]
STUDENTS = {
    "stacked": {},
    "simulated": {"suite": {"name": "simulated", "options": {"n_tasks": 4}}, "student": {}},
    "rl": {
        "suite": {
            "name": "environments",
            "options": {"tasks": GAMES, "n_steps": 8, "probe": 4, "test": 4, "stress": 4},
        },
        "student": {
            "batch_size": 2,
            "evaluation_size": 2,
            "options": {"settings": {"batch_size": 16, "n_epochs": 1}},
        },
        "lifetime": {"budget": "14-steps", "steps_per_decision": 2},
        "seeds": {"report": 2, "select": 2},
    },
}


def config_of(every, *changes, **sections):
    values = copy.deepcopy(CONFIG | {"teachers": ["uniform"]} | sections)
    return make_config(values, [*changes, f"lifetime.test_every={every}"])


def recorded(folder, config, tell=None):
    """All that was recorded under uniform, sorted."""
    evaluate(config, check(config), folder, "uniform", 0, {}, *([tell] if tell else []))
    return rows_in(folder)


def rows_in(folder):
    parts = [pq.read_table(part) for part in parts_of(folder / "schedule", "uniform", 0)]
    table = pa.concat_tables(parts).drop_columns(["wall_seconds"])
    return table.sort_by([("student_seed", "ascending"), ("decision", "ascending")]).to_pylist()


@pytest.mark.parametrize(
    "kind", ["stacked", "simulated", pytest.param("rl", marks=pytest.mark.slow)]
)
def test_rows_that_are_tested_are_those_of_a_run_that_tests_always(tmp_path, kind):
    always = recorded(tmp_path / "always", config_of(1, **STUDENTS[kind]))
    seldom = recorded(tmp_path / "seldom", config_of(3, **STUDENTS[kind]))
    assert len(always) == len(seldom)
    assert sum(row["test_score"] is None for row in seldom) > 2
    for whole, row in zip(always, seldom, strict=True):
        last = whole["terminated"] or whole["truncated"]
        if not (last or whole["decision"] == 1 or whole["decision"] % 3 == 0):
            whole |= dict.fromkeys(TESTS)
        assert row == whole


def test_an_evaluation_that_was_killed_between_two_tests_goes_on_to_the_same_rows(tmp_path):
    config, calls = config_of(4, "checkpoint_seconds=1e-9"), 0

    def kill(fraction, words):
        nonlocal calls
        calls += 1
        if calls == 6:
            raise KeyboardInterrupt

    undisturbed = recorded(tmp_path / "whole", config)
    with pytest.raises(KeyboardInterrupt):
        recorded(tmp_path / "killed", config, kill)
    assert max(row["decision"] for row in rows_in(tmp_path / "killed")) == 6
    assert recorded(tmp_path / "killed", config) == undisturbed


def thinned(lifetime, every):
    """The rows of a lifetime as if it had been tested every so many decisions."""
    d = len(lifetime)
    due = {1, d} | {*range(every, d + 1, every)}
    return [
        row if row["decision"] in due else row | dict.fromkeys(TESTS) for row in lifetime
    ]  # fmt: skip


def run_with(path, lifetimes, every, streak=1):
    parts = [
        thinned(rows("uniform", i, scores.tolist(), tasks=["a", "b"]), every)
        for i, scores in enumerate(lifetimes)
    ]
    record = [teacher("uniform", "static")]
    return read_run(write_run(path, record, parts, ["a", "b"], decisions=12, streak=streak))


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 15), st.integers(1, 2))
def test_mastery_is_at_the_first_test_that_shows_it_and_the_rest_as_it_was(
    tmp_path_factory, seed, every, streak
):
    rng = np.random.default_rng(seed)
    # Scores that only rise, so that what is mastered stays so.
    lifetimes = np.sort(rng.uniform(0.5, 1.0, (6, 12, 2)), axis=1)
    folder = tmp_path_factory.mktemp("runs")
    always = run_with(folder / "always", lifetimes, 1, streak)
    seldom = run_with(folder / "seldom", lifetimes, every, streak)
    lives, thin = always.lifetimes["uniform"], seldom.lifetimes["uniform"]
    whole, found = measure(always, lives), measure(seldom, thin)
    due = np.array(sorted({1, 12} | {*range(every, 13, every)}))
    for i in range(6):
        passing = (lifetimes[i] >= 0.9 - 1e-6).all(axis=1)
        tests = due[passing[due - 1]]
        true = whole.steps_to_mastery[0, i]
        if len(tests) < streak:
            assert not found.mastered[0, i]
            continue
        assert found.steps_to_mastery[0, i] == 10 * tests[streak - 1]
        if streak == 1:
            assert found.steps_to_mastery[0, i] == 10 * due[due * 10 >= true][0]
    for name in ("final_score", "calibration_error", "forgetting", "total_cost", "stress_score"):
        np.testing.assert_array_equal(getattr(found, name), getattr(whole, name))
    np.testing.assert_array_equal(np.flatnonzero(thin.tested[0, 0]) + 1, due)
    np.testing.assert_array_equal(
        thin.test_score[:, :, due - 1], lives.test_score[:, :, due - 1]
    )  # fmt: skip


def test_the_area_follows_the_line_from_one_test_to_the_next(tmp_path):
    straight = np.linspace(0.0, 0.88, 12)[:, None].repeat(2, axis=1)[None]
    bent = np.where(np.arange(12) < 6, 0.0, 0.5)[:, None].repeat(2, axis=1)[None]
    found = []
    for i, lifetimes in enumerate((straight, bent)):
        for every in (1, 4):
            run = run_with(tmp_path / f"{i}-{every}", lifetimes, every)
            found.append(float(measure(run, run.lifetimes["uniform"]).area[0, 0]))
    assert found[0] == pytest.approx(found[1], abs=1e-6)
    # Tested after 1, 4, 8, 12: half way between 4 and 8 is 6, of four decisions 0, 1/4, ... 1.
    assert found[2] == pytest.approx(0.5 * 6 / 12, abs=1e-6)
    assert found[3] == pytest.approx(0.5 * (0.25 + 0.5 + 0.75 + 5) / 12, abs=1e-6)


def test_a_tracker_keeps_what_the_last_test_said(tmp_path):
    scores = [[0.0, 0.0], [0.95, 0.95], [0.5, 0.95], [0.95, 0.95]]
    lifetimes = [rows("plan", i, scores, tasks=TASKS) for i in (1, 2)]
    found = {}
    for every in (1, 3):
        run = run_of(tmp_path / f"{every}", [thinned(one, every) for one in lifetimes])
        pair = TrackedPair(plan_config(), run, "plan", 0, 0.95, 0)
        found[every] = [row for _, row in pair.news()]
    assert [row["test_score/first"] for row in found[1]] == pytest.approx([0, 0.95, 0.5, 0.95])
    assert [row["test_score/first"] for row in found[3]] == pytest.approx([0, 0, 0.5, 0.95])
    assert [row["students/mastered"] for row in found[1]] == [0, 1, 1, 1]
    assert [row["students/mastered"] for row in found[3]] == [0, 0, 0, 1]
    assert [row["probe_score/first"] for row in found[1]] == [
        row["probe_score/first"] for row in found[3]
    ]


def test_a_dry_run_counts_the_tests_that_are_made(monkeypatch):
    monkeypatch.setattr(costs, "measured", lambda *_: Speed(teaching=1.0, testing=6.0))
    suite = check(config_of(1))
    seconds = {}
    for every in (1, 4, 100):
        config = config_of(every)
        seconds[every] = costs.Prices(config, (), 0.0).of(config, suite, tested=True).seconds
        assert costs.Prices(config, (), 0.0).of(config, suite, tested=False).seconds == 1.0
    # Of 12 decisions 12, those after 1, 4, 8 and 12, and those after 1 and 12.
    assert seconds == {1: 7.0, 4: pytest.approx(3.0), 100: pytest.approx(2.0)}


def test_who_is_trained_does_not_know_how_often_others_are_tested():
    assert course_digest(config_of(1)) == course_digest(config_of(5))


def test_a_trial_says_that_it_tested_seldom(tmp_path):
    config = config_of(5, "workers=1", "seeds.report=2")
    summary = run_trial(config, tmp_path / "run")
    sentence = "It was tested every 5 decisions (and after the first and the last)"
    assert f"{sentence}, so steps to mastery are known to 5 decisions." in summary["verdict"]
    assert sentence in (tmp_path / "run" / "report.html").read_text()
    assert "tested" not in verdict(summary | {"test_every": 1})
