"""A suite in a file: the same for every process that maps it, and gone when the work ends."""

import json
import sys
from types import SimpleNamespace

import pytest
import torch
from new_process import run_python

from lessonplan.experiments.assembly import sharing
from lessonplan.experiments.config.config import Course
from lessonplan.student import SPLITS, addition, parity


@pytest.fixture
def course(monkeypatch):
    monkeypatch.setattr(sharing, "_LARGE", 0)
    return Course.model_validate({"suite": {"name": "addition", "options": {"n_digits": 2}}})


def same(one, other):
    assert one.names == other.names
    assert one.vocabulary == other.vocabulary
    for split in SPLITS:
        for first, second in zip(one.tasks, other.tasks, strict=True):
            for part in ("inputs", "targets"):
                here, there = (getattr(task.splits[split], part) for task in (first, second))
                assert torch.equal(here, there)


def test_what_is_borrowed_is_the_suite_and_the_file_ends_with_the_work(course, tmp_path):
    suite, place = addition(n_digits=2), tmp_path / "suite.bin"
    with sharing.lent(course, suite, place):
        same(sharing.borrowed(course, place), suite)
    assert list(tmp_path.iterdir()) == []
    assert sharing.borrowed(course, place) is None


def test_tasks_of_a_borrowed_suite_stand_end_to_end_in_the_file(course, tmp_path):
    place = tmp_path / "suite.bin"
    with sharing.lent(course, addition(n_digits=2), place):
        suite = sharing.borrowed(course, place)
    pool = suite.pool("train")
    first = suite.tasks[0].splits["train"]
    assert pool.inputs.dtype == torch.int64
    assert first.store.inputs.data_ptr() == pool.examples.store.inputs.data_ptr()


def test_the_work_may_fail_and_a_file_of_a_run_that_was_killed_is_replaced(course, tmp_path):
    place = tmp_path / "suite.bin"
    place.write_bytes(b"half of")
    suite = addition(n_digits=2)
    with sharing.lent(course, suite, place):
        same(sharing.borrowed(course, place), suite)

    def fail():
        with sharing.lent(course, suite, place):
            assert place.exists()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert not place.exists()


def test_another_course_makes_its_own(course, tmp_path):
    other = Course.model_validate({"suite": {"name": "addition", "options": {"n_digits": 3}}})
    with sharing.lent(course, addition(n_digits=2), tmp_path / "suite.bin"):
        assert sharing.borrowed(other, tmp_path / "suite.bin") is None


def test_small_suites_and_such_that_do_not_travel_leave_no_file(course, tmp_path, monkeypatch):
    suite = addition(n_digits=2)
    object.__setattr__(suite.tasks[0], "grader", SimpleNamespace(grade=lambda *_: None))
    with sharing.lent(course, suite, tmp_path / "suite.bin"):
        assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    with sharing.lent(course, parity(n_tasks=3, n_signs=8), tmp_path / "suite.bin"):
        assert list(tmp_path.iterdir()) == []


BORROWER = """
import json, sys
from pathlib import Path
from lessonplan.experiments.assembly.sharing import borrowed
from lessonplan.experiments.config.config import Course
course = Course.model_validate({"suite": {"name": "addition", "options": {"n_digits": 2}}})
suite = borrowed(course, Path("suite.bin"))
store = suite.pool("train").examples.store
maps = [line for line in open("/proc/self/smaps") if "suite.bin" in line]
print(json.dumps([int(store.inputs.long().sum()), len(maps)]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells maps")
@pytest.mark.slow
def test_two_processes_see_the_same_arrays(course, tmp_path):
    suite = addition(n_digits=2)
    with sharing.lent(course, suite, tmp_path / "suite.bin"):
        answers = [json.loads(run_python(BORROWER, cwd=tmp_path)) for _ in range(2)]
    total = int(suite.pool("train").inputs.sum())
    assert answers == [[total, 1], [total, 1]]
