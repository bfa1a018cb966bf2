"""Losses, scores and calibration, against values computed by hand."""

import math

import numpy as np
import pytest
import torch

from lessonplan.student import IGNORED
from lessonplan.student.contract.scoring import (
    LOSS_LIMIT,
    batch_loss,
    evaluation_of,
    reported_loss,
    score_examples,
)


def logits_of(probabilities):
    return torch.log(torch.tensor(probabilities))


def test_the_batch_loss_is_the_mean_over_answer_tokens_of_each_student():
    # Two students, one example of three positions, of which the first is no answer.
    logits = logits_of([[[[0.1, 0.9], [0.5, 0.5], [0.25, 0.75]]], [[[0.1, 0.9]] * 3]])
    targets = torch.tensor([[[IGNORED, 0, 1]], [[IGNORED, 1, IGNORED]]])
    wanted = [-(math.log(0.5) + math.log(0.75)) / 2, -math.log(0.9)]
    assert batch_loss(logits, targets).tolist() == pytest.approx(wanted, rel=1e-5)


def test_an_example_is_right_only_when_all_its_answers_are():
    first, second = [[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]], [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]
    logits = logits_of([[first, second]])
    targets = torch.tensor([[[IGNORED, 1, 1], [IGNORED, 1, 1]]])
    right, loss, confidence = score_examples(logits, targets)
    assert right.tolist() == [[True, False]]
    wanted = [-(math.log(0.8) + math.log(0.7)) / 2, -(math.log(0.8) + math.log(0.4)) / 2]
    assert loss[0].tolist() == pytest.approx(wanted, rel=1e-5)
    assert confidence[0].tolist() == pytest.approx([0.8 * 0.7, 0.8 * 0.6], rel=1e-5)


@pytest.mark.parametrize("poison", [float("nan"), float("inf")])
def test_a_logit_that_is_not_finite_is_never_right(poison):
    logits = torch.zeros(1, 2, 1, 2)
    logits[0, :, 0, 1] = poison
    right, _, _ = score_examples(logits, torch.tensor([[[0], [1]]]))
    assert right.tolist() == [[False, False]]


def evaluation(right, loss, confidence, used, chance=0.0):
    arrays = (np.array(part)[None, None] for part in (right, loss, confidence, used))
    return evaluation_of(*arrays, np.array([[chance]]))


def test_the_score_is_accuracy_above_chance_and_never_negative():
    some = evaluation([True, True, True, False], [0.1] * 4, [0.5] * 4, [True] * 4, chance=0.5)
    assert some.score[0, 0] == pytest.approx((0.75 - 0.5) / 0.5)
    none = evaluation([False] * 4, [0.1] * 4, [0.5] * 4, [True] * 4, chance=0.5)
    assert none.score[0, 0] == 0.0


def test_examples_that_are_not_used_count_nowhere():
    found = evaluation([True, False], [0.5, 9.0], [0.9, 0.9], [True, False])
    assert found.score[0, 0] == 1.0
    assert found.loss[0, 0] == pytest.approx(0.5)
    assert found.calibration_error[0, 0] == pytest.approx(0.1)


def test_the_calibration_error_is_the_mean_gap_of_fifteen_bins():
    # Bins of width 1/15: 0.91 and 0.93 share one (gap 1 - 1.84 = -0.84), 0.41 and 0.45 share
    # one (gap 2 - 0.86 = 1.14), 1.0 belongs to the last (gap 0): (0.84 + 1.14 + 0) / 5.
    found = evaluation(
        [True, False, True, True, True], [0.0] * 5, [0.91, 0.93, 0.41, 0.45, 1.0], [True] * 5
    )
    assert found.calibration_error[0, 0] == pytest.approx(1.98 / 5, rel=1e-5)


def test_students_and_tasks_have_bins_of_their_own():
    generator = np.random.default_rng(0)
    right, used = generator.random((3, 4, 20)) < 0.5, np.ones((3, 4, 20), dtype=bool)
    loss, confidence = generator.random((2, 3, 4, 20))
    together = evaluation_of(right, loss, confidence, used, np.zeros((3, 4)))
    for i in range(3):
        for j in range(4):
            alone = evaluation(right[i, j], loss[i, j], confidence[i, j], used[i, j])
            for name in ("score", "loss", "calibration_error"):
                assert getattr(together, name)[i, j] == getattr(alone, name)[0, 0]


def test_losses_that_are_not_finite_or_huge_are_reported_as_the_limit():
    losses = np.array([0.5, np.nan, np.inf, 1e9])
    assert reported_loss(losses).tolist() == [0.5, LOSS_LIMIT, LOSS_LIMIT, LOSS_LIMIT]
    found = evaluation([False, False], [np.nan, 0.0], [np.nan, 0.0], [True, True])
    assert found.loss[0, 0] == LOSS_LIMIT / 2
    assert found.score[0, 0] == found.calibration_error[0, 0] == 0.0
