"""A suite in a file: the same for every process that maps it, and gone when the work ends."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
from stranger_kit import Strangers

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


def test_what_is_borrowed_is_the_suite_and_no_file_of_it_is_ever_seen(course, tmp_path):
    suite = addition(n_digits=2)
    with sharing.lent(course, suite, tmp_path) as file:
        same(sharing.borrowed(course, file), suite)
        assert list(tmp_path.iterdir()) == []
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(file)


def test_tasks_of_a_borrowed_suite_stand_end_to_end_in_the_file(course, tmp_path):
    with sharing.lent(course, addition(n_digits=2), tmp_path) as file:
        suite = sharing.borrowed(course, file)
    pool = suite.pool("train")
    first = suite.tasks[0].splits["train"]
    assert pool.inputs.dtype == torch.int64
    assert first.store.inputs.data_ptr() == pool.examples.store.inputs.data_ptr()


def test_a_file_that_lies_in_a_run_directory_is_never_taken_for_a_lent_suite(course, tmp_path):
    strangers = Strangers(tmp_path)
    place = tmp_path / "suite.bin"
    evil = strangers.pickle("a suite")
    head = json.dumps(
        {"course": course.suite.model_dump(mode="json"), "parts": [[4096, len(evil)]]}
    )
    start = len(head).to_bytes(8, "little") + head.encode()
    place.write_bytes(start.ljust(4096, b"\0") + evil)
    with place.open("rb") as file, pytest.raises(ValueError, match="lent suite has a name"):
        sharing.borrowed(course, file.fileno())
    assert strangers.left == []


def test_where_there_is_no_room_the_folder_and_the_way_out_are_said(course, tmp_path):
    with (
        pytest.raises(ValueError, match=r"can't be written to .*gone: No such file.*set workers"),
        sharing.lent(course, addition(n_digits=2), tmp_path / "gone"),
    ):
        pass


def test_another_course_makes_its_own(course, tmp_path):
    other = Course.model_validate({"suite": {"name": "addition", "options": {"n_digits": 3}}})
    with sharing.lent(course, addition(n_digits=2), tmp_path) as file:
        assert sharing.borrowed(other, file) is None
    assert sharing.borrowed(course, None) is None


def test_small_suites_and_such_that_do_not_travel_have_no_file(course, tmp_path, monkeypatch):
    suite = addition(n_digits=2)
    object.__setattr__(suite.tasks[0], "grader", SimpleNamespace(grade=lambda *_: None))
    with sharing.lent(course, suite, tmp_path) as file:
        assert file is None
    monkeypatch.undo()
    with sharing.lent(course, parity(n_tasks=3, n_signs=8), tmp_path) as file:
        assert file is None


BORROWER = """
import json, sys
from lessonplan.experiments.assembly.sharing import borrowed
from lessonplan.experiments.config.config import Course
course = Course.model_validate({"suite": {"name": "addition", "options": {"n_digits": 2}}})
suite = borrowed(course, int(sys.argv[1]))
store = suite.pool("train").examples.store
maps = [line for line in open("/proc/self/smaps") if "(deleted)" in line]
print(json.dumps([int(store.inputs.long().sum()), len(maps)]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells maps")
@pytest.mark.slow
def test_two_processes_see_the_same_arrays(course, tmp_path):
    suite = addition(n_digits=2)
    with sharing.lent(course, suite, tmp_path) as file:
        command = [sys.executable, "-P", "-W", "ignore", "-c", BORROWER, str(file)]
        answers = [
            json.loads(subprocess.check_output(command, pass_fds=[file], cwd=tmp_path))
            for _ in range(2)
        ]
    total = int(suite.pool("train").inputs.sum())
    assert answers == [[total, 1], [total, 1]]
