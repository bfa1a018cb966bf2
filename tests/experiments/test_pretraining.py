"""Pretraining: reproducible base weights on disk, and what is said of bad mixtures and files."""

import hashlib
import json

import numpy as np
import pytest
import torch
from new_process import run_python

from lessonplan.experiments.config.config import Course
from lessonplan.experiments.pretraining import PRETRAIN_SEEDS, pretrain_base, shares_by_name
from lessonplan.experiments.store.base_weights import RECORD, WEIGHTS, read_base
from lessonplan.student import MLP, Adam, StackedCohort, parity

SUITE = parity(n_tasks=3, n_signs=8)
COURSE = {
    "suite": {"name": "parity", "options": {"n_tasks": 3, "n_signs": 8}},
    "student": {"options": {"hidden": [12]}, "evaluation_size": 30, "batch_size": 8},
}


def course(**student):
    return Course(**(COURSE | {"student": COURSE["student"] | student}))


def cohort(n=2, base=None):
    return StackedCohort(
        SUITE, lambda: MLP(SUITE.input_shape, 2, (12,)), n, batch_size=8, evaluation_size=30,
        optimizer=Adam(3e-3), base=base,
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("base")
    pretrain_base(course(), 120, 4, {"parity-1": 3, "parity-2": 1}, out)
    return out


def test_the_weights_are_those_of_a_student_that_was_trained_on_the_mixture(folder):
    by_hand = cohort(n=1)
    by_hand.reset(np.array([0]), np.array([PRETRAIN_SEEDS + 4]))
    by_hand.train(np.array([[0.75, 0.25, 0.0]]), 120)
    for name, value in by_hand.student(0).state_dict().items():
        assert torch.equal(read_base(folder)[name], value)


AGAIN = """
    import sys
    from pathlib import Path
    from lessonplan.experiments.config.config import Course
    from lessonplan.experiments.pretraining import pretrain_base

    pretrain_base(Course.model_validate_json(sys.argv[1]), 120, 4, {"parity-1": 3, "parity-2": 1},
             Path(sys.argv[2]))
"""


@pytest.mark.slow
def test_a_new_process_writes_the_same_files(folder, tmp_path):
    run_python(AGAIN, json.dumps(COURSE), tmp_path / "again", cwd=tmp_path)
    for name in (WEIGHTS, RECORD):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()


def test_the_record_says_what_was_trained_on_and_what_came_of_it(folder):
    record = json.loads((folder / RECORD).read_text())
    assert record["mixture"] == {"parity-1": 0.75, "parity-2": 0.25, "parity-3": 0.0}
    assert (record["steps"], record["seed"]) == (120, 4)
    assert record["suite"]["options"] == {"n_tasks": 3, "n_signs": 8}
    assert record["student"]["options"] == {"hidden": [12]}
    assert record["sha256"] == hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()
    first = record["tasks"]["parity-1"]
    assert first["score_after"] > first["score_before"]
    assert first["loss_after"] < first["loss_before"]
    started = cohort(base=read_base(folder))
    started.reset(np.array([0]), np.array([PRETRAIN_SEEDS + 4]))
    found = started.evaluate("test")
    for i, task in enumerate(SUITE.names):
        assert record["tasks"][task]["score_after"] == found.score[0, i]
        assert record["tasks"][task]["loss_after"] == pytest.approx(found.loss[0, i])


def test_a_cohort_started_from_them_knows_the_pretrained_task(folder):
    fresh, tuned = cohort(n=4), cohort(n=4, base=read_base(folder))
    gain = tuned.evaluate("probe").score[:, 0] - fresh.evaluate("probe").score[:, 0]
    assert gain.min() > 0.3


def test_the_mixture_is_by_size_of_the_data_unless_one_is_given():
    assert shares_by_name(SUITE, None).tolist() == pytest.approx([1 / 3] * 3)
    uneven = parity(n_tasks=3, n_signs=8)
    object.__setattr__(uneven, "sizes", lambda split: np.array([6, 3, 1]))
    assert shares_by_name(uneven, None).tolist() == [0.6, 0.3, 0.1]


def test_progress_is_told_by_the_share_of_the_steps(tmp_path):
    shares = []
    pretrain_base(course(), 120, 0, None, tmp_path, lambda share, words: shares.append(share))
    assert shares == [50 / 120, 100 / 120, 1.0]


@pytest.mark.parametrize(
    ("mixture", "message"),
    [
        ({"parity-9": 1.0}, "'parity-9', which is no task of suite 'parity'; its tasks are par"),
        ({"parity-1": -1.0}, "finite and at least 0"),
        ({"parity-1": float("nan")}, "finite and at least 0"),
        ({"parity-1": 0.0}, "one of them above 0"),
        ({"parity-1": "much"}, "got {'parity-1': 'much'}"),
        ({}, "one of them above 0"),
    ],
)
def test_a_mixture_that_makes_no_sense_is_refused(mixture, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        pretrain_base(course(), 10, 0, mixture, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("steps", "seed"), [(0, 0), (5, -1)])
def test_impossible_numbers_are_refused(steps, seed, tmp_path):
    with pytest.raises(ValueError, match=f"got {steps} and {seed}"):
        pretrain_base(course(), steps, seed, None, tmp_path)


def test_a_student_that_diverges_leaves_no_files(tmp_path):
    # Twenty layers multiply what a thousand does to each weight.
    deep = course(learning_rate=1000.0, options={"hidden": 20 * [8]})
    with pytest.raises(ValueError, match=r"diverged within 50 steps; lower student.learning_rate"):
        pretrain_base(deep, 100, 0, None, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(ValueError, match=r"can't be written to .*taken/in"):
        pretrain_base(course(), 10, 0, None, tmp_path / "taken" / "in")


def test_missing_damaged_and_mixed_up_files_are_told_apart(folder, tmp_path):
    with pytest.raises(ValueError, match=r"no base weights in .*`lessonplan pretrain` writes them"):
        read_base(tmp_path)
    data, record = (folder / WEIGHTS).read_bytes(), (folder / RECORD).read_text()
    for weights, said, message in (
        (data[:40], record, "are damaged"),
        (data, "{", "are damaged"),
        (data[:-1] + bytes([data[-1] ^ 1]), record, "is not the file that base.json describes"),
        (data, "[]", "is not the file that base.json describes"),
    ):
        (tmp_path / WEIGHTS).write_bytes(weights)
        (tmp_path / RECORD).write_text(said)
        with pytest.raises(ValueError, match=message):
            read_base(tmp_path)
