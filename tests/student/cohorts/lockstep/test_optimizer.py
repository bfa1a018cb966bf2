"""Adam for many students, against torch's for one."""

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from lessonplan.student import MLP, Adam, StackedCohort, parity
from lessonplan.student.cohorts.lockstep import row_cohort as rows
from lessonplan.student.cohorts.lockstep.optimizer import AdamState


def fresh(n, p, seed=0):
    weights = torch.randn(n, p, generator=torch.Generator().manual_seed(seed))
    moments = (torch.zeros(n, p), torch.zeros(n, p))
    return AdamState(weights, moments, torch.zeros(n))


def everybody(n):
    return torch.ones(n, dtype=torch.bool)


def gradients(count, n, p, scale=1.0):
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(n, p, generator=generator) * scale for _ in range(count)]


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("scale", [0.01, 10.0], ids=["below the clip", "above the clip"])
def test_fifty_steps_are_those_of_torch_with_clipping(scale, weight_decay):
    state = fresh(3, 64)
    rule = Adam(3e-3, betas=(0.8, 0.99), eps=1e-6, weight_decay=weight_decay, clip_norm=0.7)
    oracle = torch.nn.Parameter(state.weights[1].clone())
    torchs = torch.optim.AdamW(
        [oracle], lr=3e-3, betas=(0.8, 0.99), eps=1e-6, weight_decay=weight_decay
    )
    for gradient in gradients(50, 3, 64, scale):
        state.gradient.copy_(gradient)
        rule.step(state, everybody(3))
        oracle.grad = gradient[1].clone()
        torch.nn.utils.clip_grad_norm_([oracle], 0.7)
        torchs.step()
    torch.testing.assert_close(state.weights[1], oracle.detach(), rtol=1e-5, atol=1e-6)


def test_a_student_of_a_cohort_learns_as_with_torch(monkeypatch):
    suite = parity(n_tasks=3, n_signs=8)
    drawn = []

    def spy(*arguments):
        drawn.append(draw(*arguments))
        return drawn[-1]

    draw = rows.draw_examples
    monkeypatch.setattr(rows, "draw_examples", spy)

    def build():
        return MLP(suite.input_shape, 2, (16, 16))

    cohort = StackedCohort(suite, build, 2, batch_size=8, optimizer=Adam(1e-2, weight_decay=0.01))
    torch.manual_seed(1)
    student = build()
    start = copy.deepcopy(student.state_dict())
    torchs = torch.optim.AdamW(student.parameters(), lr=1e-2, weight_decay=0.01)
    found, norms = cohort.train(np.full((2, 3), 1 / 3), 50), []
    pool = suite.pool("train")
    for batch in torch.from_numpy(drawn[0][1].reshape(50, 8)):
        loss = F.cross_entropy(student(pool.inputs[batch])[:, 0], pool.targets[batch][:, 0])
        torchs.zero_grad()
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0).item())
        torchs.step()
    assert found.gradient_norm[1] == pytest.approx(np.mean(norms), rel=1e-3)
    learned = cohort.student(1).state_dict()
    for name, value in student.state_dict().items():
        torch.testing.assert_close(learned[name], value, rtol=1e-3, atol=1e-4)
        assert (value - start[name]).abs().max() > 0.02


def test_each_student_counts_its_own_steps():
    rule, state = Adam(1e-3, clip_norm=1e9), fresh(2, 64)
    state.updates[0] = 1000.0
    before = state.weights.clone()
    state.gradient.fill_(0.5)
    rule.step(state, everybody(2))
    moved = (before - state.weights).mean(dim=1)
    # First step of a fresh student: the learning rate. After 1000 steps with empty moments,
    # nothing is corrected: lr * (1 - b1) / sqrt(1 - b2), up to the little left of b2**1001.
    late = 1e-3 * 0.1 / np.sqrt(0.001 / (1 - 0.999**1001))
    assert moved[1] == pytest.approx(1e-3, rel=1e-3)
    assert moved[0] == pytest.approx(late, rel=1e-3)
    assert state.updates.tolist() == [1001.0, 1.0]


def test_a_large_gradient_is_clipped_for_its_student_alone():
    rule, state = Adam(1e-3, eps=1e-2), fresh(2, 64)
    alone = fresh(2, 64)
    small = gradients(1, 2, 64, 0.01)[0]
    state.gradient.copy_(small)
    state.gradient[0] *= 1e6
    alone.gradient.copy_(small)
    rule.step(state, everybody(2))
    rule.step(alone, everybody(2))
    assert torch.equal(state.weights[1], alone.weights[1])
    assert state.gradient[0].norm() == pytest.approx(1.0, rel=1e-4)


@pytest.mark.parametrize("poison", [float("nan"), float("inf")])
def test_a_gradient_that_is_not_finite_freezes_its_student_and_no_other(poison):
    rule, state, clean = Adam(), fresh(3, 64), fresh(3, 64)
    gradient, alive = gradients(1, 3, 64)[0], everybody(3)
    clean.gradient.copy_(gradient)
    rule.step(clean, everybody(3))
    before = state.weights.clone()
    state.gradient.copy_(gradient)
    state.gradient[1, 5] = poison
    rule.step(state, alive)
    assert alive.tolist() == [True, False, True]
    assert torch.equal(state.weights[1], before[1])
    assert torch.equal(state.weights[[0, 2]], clean.weights[[0, 2]])
    assert state.updates.tolist() == [1.0, 0.0, 1.0]
    assert all(torch.isfinite(moment).all() for moment in state.moments)


def test_with_nobody_alive_nothing_moves():
    state = fresh(2, 64)
    before = state.weights.clone()
    state.gradient.fill_(1.0)
    Adam().step(state, torch.zeros(2, dtype=torch.bool))
    assert torch.equal(state.weights, before)
    assert state.updates.tolist() == [0.0, 0.0]
