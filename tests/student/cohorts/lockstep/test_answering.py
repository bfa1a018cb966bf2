"""What members are asked by graders is computed in batches that depend on nobody else."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from lessonplan.student.cohorts.lockstep.answering import Students
from lessonplan.student.contract.tasks import IGNORED, NO_TOKEN


def rows(*sizes):
    """Inputs of 6 places, 4 of them for the prompt, and targets of 3; tokens tell rows apart."""
    inputs, targets = torch.full((len(sizes), 6), NO_TOKEN), torch.full((len(sizes), 3), IGNORED)
    for i, (prompt, answer) in enumerate(sizes):
        inputs[i, 4 - prompt : 3 + answer] = i
        targets[i, :answer] = 1
    return inputs, targets


def batches(who, inputs, targets, crops, alone=True):
    """Inputs of every batch that the first student gets."""
    seen = []

    def logits(weights, inputs, answers=targets.shape[1]):
        if weights[0, 0] == 0:
            seen.append(inputs[0].tolist())
        return torch.zeros(*inputs.shape[:2], answers, 2)

    stack = SimpleNamespace(
        alone=alone, evaluated_together=8, crops=crops, n_outputs=2, logits=logits
    )
    students = Students(stack, torch.arange(2.0)[:, None], np.arange(2), 64)
    losses = students.losses(np.array(who), inputs, targets)
    np.testing.assert_allclose(losses, np.log(2) * (targets == 1).sum(dim=1).numpy(), rtol=1e-6)
    return seen


@pytest.mark.parametrize("crops", [(True, True), (True, False), (False, False)])
@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("own", [[(4, 3)] * 40, [(4, 3)] * 20 + [(2, 1)] * 20])
def test_batches_of_a_student_are_the_same_beside_one_with_short_rows(own, crops, alone):
    short = [(1, 1)] * 3
    by_itself = batches([0] * 40, *rows(*own), crops, alone)
    beside = batches([0] * 40 + [1] * 3, *rows(*own, *short), crops, alone)
    assert by_itself == beside
    assert sorted(max(row) for batch in beside for row in batch) == list(range(40))


def test_features_are_computed_in_batches_too():
    inputs, targets = torch.ones(40, 2, 3), torch.ones(40, 1, dtype=torch.int64)
    assert [len(batch) for batch in batches([0] * 40, inputs, targets, (True, True))] == [32, 8]
