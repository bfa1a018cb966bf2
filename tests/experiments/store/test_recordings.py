"""What was recorded is read a teacher at a time, and of it what is asked for."""

import tracemalloc

import numpy as np
import pyarrow.parquet as pq
import pytest
from synthetic_run import rows, teacher, write_run

from lessonplan.experiments.analysis.summary import measure_teachers
from lessonplan.experiments.bench import report
from lessonplan.experiments.bench.report import measure_report, write_made_up_run
from lessonplan.experiments.store import recordings, runs
from lessonplan.experiments.store.runs import read_run

TASKS = ["a", "b"]
LOW, HALF, DONE = [0.0, 0.0], [0.5, 0.25], [1.0, 1.0]


def a_run(path, *parts, names=("first", "second")):
    records = [teacher(name, "rule") for name in names]
    return write_run(path, records, list(parts), TASKS, decisions=3)


def test_rows_of_several_teachers_may_share_a_part_and_a_lifetime_may_be_in_several(tmp_path):
    long = rows("first", 1, [LOW, HALF, DONE], tasks=TASKS, choices=[0, 1, 0])
    short = rows("second", 1, [DONE], tasks=TASKS, ended="terminated")
    run = read_run(a_run(tmp_path / "r", [*short, *long[2:]], long[:2]))
    first = run.lifetimes["first"]
    np.testing.assert_array_equal(first.test_score[0, 0], np.array([LOW, HALF, DONE], np.float32))
    assert first.task.tolist() == [[[0, 1, 0]]]
    assert first.student_steps.tolist() == [[[10, 20, 30]]]
    second = run.lifetimes["second"]
    # A lifetime that has ended keeps its last values, and chooses nothing any more.
    np.testing.assert_array_equal(second.test_score[0, 0], [DONE, DONE, DONE])
    assert second.task.tolist() == [[[0, -1, -1]]]
    assert run.problems == ()


def test_a_decision_that_was_written_twice_counts_as_the_later_part_has_it(tmp_path):
    first, again = (rows("first", 1, [score], tasks=TASKS) for score in (LOW, DONE))
    again[0]["stress_score"] = [0.25, 0.75]
    run = read_run(a_run(tmp_path / "r", first, again, names=("first",)))
    assert run.lifetimes["first"].test_score[0, 0, 0].tolist() == DONE
    assert run.lifetimes["first"].stress_score.tolist() == [[[0.25, 0.75]]]


def test_scores_are_kept_in_the_precision_in_which_they_are_stored(tmp_path):
    run = read_run(a_run(tmp_path / "r", rows("first", 1, [HALF] * 3, tasks=TASKS)))
    lifetimes = run.lifetimes["first"]
    assert lifetimes.test_score.dtype == lifetimes.probabilities.dtype == np.float32


def test_what_nobody_asks_for_is_not_read_again(tmp_path, monkeypatch):
    """To measure takes no probabilities, and of seeds and lengths nothing at all is read."""
    read, batches = [], recordings._batches

    def watched(file, columns, k):
        read.extend(columns := list(columns))
        return batches(file, columns, k)

    parts = [rows(name, 1, [LOW, HALF, DONE], tasks=TASKS) for name in ("first", "second")]
    run = read_run(a_run(tmp_path / "r", *parts))
    monkeypatch.setattr(recordings, "_batches", watched)
    assert [one.length.tolist() for one in run.lifetimes.values()] == [[[3]], [[3]]]
    assert read == []
    measured = measure_teachers(run)
    assert "test_score" in read
    assert not {"probabilities", "task"} & set(read)
    assert all(
        not {"test_score", "_spending"} & set(vars(one.lifetimes)) for one in measured.values()
    )


def test_a_part_that_is_damaged_in_its_middle_is_left_out_as_a_whole(tmp_path):
    life = [LOW, HALF, DONE]
    parts = [rows(name, 1, life, tasks=TASKS) for name in ("first", "second")]
    path = a_run(tmp_path / "r", *parts)
    file = path / "schedule" / "part-00001.parquet"
    column = pq.ParquetFile(file).metadata.row_group(0).column(13)
    data = bytearray(file.read_bytes())
    start = column.dictionary_page_offset or column.data_page_offset
    data[start : start + column.total_compressed_size] = b"\xff" * column.total_compressed_size
    file.write_bytes(data)
    run = read_run(path)
    assert list(run.lifetimes) == ["first"]
    assert any("part-00001.parquet cannot be read" in problem for problem in run.problems)


def test_a_part_that_goes_while_the_report_is_written_is_named(tmp_path):
    run = read_run(a_run(tmp_path / "r", rows("first", 1, [LOW] * 3, tasks=TASKS)))
    (run.path / "schedule" / "part-00000.parquet").unlink()
    with pytest.raises(ValueError, match=r"part-00000\.parquet can't be read any more"):
        _ = run.lifetimes["first"].test_score


def peak_bytes(path):
    tracemalloc.start()
    try:
        measure_teachers(read_run(path))
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_more_teachers_take_no_more_memory(tmp_path):
    """Each is read, measured and let go: eight of them took twice as much as two."""
    few, many = (peak_bytes(write_made_up_run(tmp_path / f"{n}", 40, n, 20, 120)) for n in (2, 8))
    assert many < 1.3 * few


@pytest.mark.slow
def test_a_report_of_many_students_and_teachers_takes_little(tmp_path):
    """An eighth of the students that docs/speed.md speaks of."""
    figures = measure_report(write_made_up_run(tmp_path / "run", 250, 24, 120, 8))
    assert figures["peak_bytes"] < 0.35 * report.LIMIT_BYTES
    assert figures["cpu_seconds"] < 0.5 * report.LIMIT_SECONDS


def test_a_unit_that_ends_while_the_report_is_written_is_not_called_damaged(tmp_path, monkeypatch):
    run = a_run(tmp_path / "r", rows("first", 1, [HALF] * 3, tasks=TASKS), names=("first",))
    unit = run / "checkpoint" / "evaluate-first-1.json"
    unit.parent.mkdir()
    read = runs.read_recordings

    def ends_meanwhile(*arguments):
        found = read(*arguments)
        unit.write_text('{"lifetimes": 1, "decisions": 3}')
        return found

    monkeypatch.setattr(runs, "read_recordings", ends_meanwhile)
    assert read_run(run).damaged == ()
    # The next look knows of it, and misses what it recorded.
    (damaged,) = read_run(run).damaged
    assert "(teacher seed 1)" in damaged
    assert "0 of 3 decisions are there" in damaged
