"""The recorder: every second is one student's, also after a resume; parts are those of one name."""

import copy
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pytest
from tiny_config import CONFIG

from lessonplan.experiments.config.loading import make_config
from lessonplan.experiments.store.schedule import parts_of, recorded_schedules
from lessonplan.experiments.trial import recorder as module
from lessonplan.experiments.trial.checking import check
from lessonplan.experiments.trial.evaluation import evaluate
from lessonplan.experiments.trial.recorder import Recorder


@pytest.fixture
def clock(monkeypatch):
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=lambda: clock.now))
    return clock


def fake_room(n: int) -> SimpleNamespace:
    """As much of a classroom of one task as a recorder reads."""

    def evaluate(split: str, rows: np.ndarray) -> SimpleNamespace:
        scores = np.zeros((len(rows), 1), np.float32)
        return SimpleNamespace(score=scores, loss=scores, calibration_error=scores)

    zeros, scores = np.zeros(n), np.zeros((n, 1), np.float32)
    spending = SimpleNamespace(
        steps=zeros, compute=zeros, probing=zeros, equal_compute=zeros, tokens=zeros
    )
    facts = SimpleNamespace(
        spending=spending, student_seed=np.arange(n), decisions=np.ones(n, int), judged=scores,
        loss=scores,
    )  # fmt: skip
    cohort = SimpleNamespace(evaluate=evaluate, diverged=np.zeros(n, bool))
    return SimpleNamespace(n=n, facts=facts, cohort=cohort, suite=SimpleNamespace(names=["a"]))


def decision(rows: list[int], over: list[bool]) -> SimpleNamespace:
    r = len(rows)
    lesson = SimpleNamespace(
        task=np.zeros(r, int), reward=np.zeros(r), training_loss=np.zeros((r, 2)),
        terminated=np.array(over), truncated=np.zeros(r, bool),
    )  # fmt: skip
    return SimpleNamespace(
        rows=np.array(rows), lesson=lesson, probabilities=np.ones((r, 1)),
        observation=np.zeros((r, 1, 1)),
    )  # fmt: skip


def test_each_student_takes_its_share_of_the_decisions_that_it_was_taught_in(tmp_path, clock):
    room, recorder = fake_room(3), Recorder(tmp_path, "a", 0, 3)
    clock.now = 6.0
    recorder.record(room, decision([0, 1, 2], [True, False, False]))
    recorder.flush()
    state = recorder.state_dict()
    clock.now = 7.0
    recorder.record(room, decision([1, 2], [True, True]))
    # Killed here, and resumed the next day.
    clock.now = 90_000.0
    recorder = Recorder(tmp_path, "a", 0, 3)
    clock.now = 90_001.0
    recorder.resume(state)
    clock.now = 90_005.0
    recorder.record(room, decision([1, 2], [False, True]))
    clock.now = 90_015.0
    recorder.record(room, decision([1], [True]))
    recorder.flush()
    tables = [pq.read_table(part) for part in parts_of(tmp_path, "a", 0)]
    seconds = [s for table in tables for s in table["wall_seconds"].to_pylist()]
    # 6 s for three, 4 s for two, 10 s for one.
    assert seconds == [2.0, None, None, None, 4.0, 14.0]


def test_the_time_of_a_lifetime_goes_on_after_a_kill(tmp_path, clock, monkeypatch):
    plain = Recorder.record

    def slow(self, room, decision):
        clock.now += 1.0
        plain(self, room, decision)

    monkeypatch.setattr(Recorder, "record", slow)
    config = make_config(copy.deepcopy(CONFIG), ["checkpoint_seconds=1e-9"])
    suite, calls = check(config), 0

    def kill(fraction, words):
        nonlocal calls
        calls += 1
        if calls == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(config, suite, tmp_path, "uniform", 0, {}, kill)
    assert (tmp_path / "checkpoint" / "evaluate-uniform-0.pt").exists()
    evaluate(config, suite, tmp_path, "uniform", 0, {})
    tables = [pq.read_table(part) for part in parts_of(tmp_path / "schedule", "uniform", 0)]
    seconds = [s for table in tables for s in table["wall_seconds"].to_pylist() if s is not None]
    longest = max(max(table["decision"].to_pylist()) for table in tables)
    assert longest > 5
    assert len(seconds) == config.seeds.report
    assert sum(seconds) == pytest.approx(longest)


def test_parts_of_other_names_are_left_alone(tmp_path):
    folder = tmp_path / "schedule"
    room, names = fake_room(1), ("a", "a-0", "a-0-extra", "[a]")
    for name in names:
        recorder = Recorder(folder, name, 0, 1)
        recorder.record(room, decision([0], [True]))
        recorder.flush()
    for name in names:
        assert [p.name for p in parts_of(folder, name, 0)] == [f"part-{name}-0-0000.parquet"]
    schedules, _ = recorded_schedules(tmp_path, ["a"], "a", 0)
    assert schedules.shape == (1, 1)
    Recorder(folder, "[a]", 0, 1).resume(None)
    assert len(list(folder.iterdir())) == len(names) - 1
