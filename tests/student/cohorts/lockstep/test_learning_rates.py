"""Learning-rate schedules: torch's values for one student, and every student by its own counter."""

import math

import numpy as np
import pytest
import torch
from cohort_kit import make, member, teach
from hypothesis import given
from hypothesis import strategies as st
from torch.optim import lr_scheduler as torchs

from lessonplan.student import LEARNING_RATES, Adam, Constant, Cosine, Cyclical, WarmUp
from lessonplan.student.cohorts.lockstep.optimizer import AdamState


def optimizer(rate=1.0):
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)


def cosine_after_warm_up(its):
    rising = torchs.LinearLR(its, start_factor=1 / 5, total_iters=4)
    falling = torchs.CosineAnnealingLR(its, T_max=40, eta_min=0.2)
    return torchs.SequentialLR(its, [rising, falling], milestones=[5])


ORACLES = {
    "constant": (Constant(), lambda its: torchs.ConstantLR(its, factor=1.0), 60),
    "cosine": (Cosine(60, 0.1), lambda its: torchs.CosineAnnealingLR(its, 60, eta_min=0.1), 60),
    "cyclical": (
        Cyclical(14, 0.1),
        lambda its: torchs.CyclicLR(its, 0.1, 1.0, step_size_up=7, cycle_momentum=False),
        60,
    ),
    "warm_up": (WarmUp(5, Cosine(40, 0.2)), cosine_after_warm_up, 45),
}


@pytest.mark.filterwarnings("ignore:The epoch parameter")
@pytest.mark.parametrize("name", LEARNING_RATES)
def test_the_factors_are_those_of_torch(name):
    schedule, oracle, steps = ORACLES[name]
    its = optimizer()
    running, wanted = oracle(its), []
    for _ in range(steps):
        wanted.append(its.param_groups[0]["lr"])
        its.step()
        running.step()
    found = schedule(torch.arange(steps, dtype=torch.float32))
    assert found.tolist() == pytest.approx(wanted, abs=1e-9)


def test_a_cosine_stays_at_its_floor_after_the_last_step():
    factors = Cosine(10, 0.25)(torch.tensor([0.0, 5.0, 10.0, 11.0, 1e6])).tolist()
    assert factors == pytest.approx([1.0, 0.625, 0.25, 0.25, 0.25])


def test_a_warm_up_of_one_step_is_none():
    taken = torch.arange(10.0)
    assert WarmUp(1)(taken).tolist() == [1.0] * 10


@given(
    name=st.sampled_from(sorted(LEARNING_RATES)),
    taken=st.lists(st.integers(0, 2**24), min_size=1, max_size=9),
)
def test_a_factor_depends_on_nothing_but_the_own_counter(name, taken):
    schedule = ORACLES[name][0]
    together = schedule(torch.tensor(taken, dtype=torch.float32)).tolist()
    alone = [schedule(torch.tensor([float(one)])).item() for one in taken]
    assert together == alone
    assert all(0.0 <= factor <= 1.0 for factor in together)


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_students_that_begin_at_different_times_each_follow_torch(weight_decay):
    starts, steps, p = (0, 3, 11), 30, 64
    generator = torch.Generator().manual_seed(0)
    gradients = 0.01 * torch.randn(steps, 3, p, generator=generator)
    begun, none = torch.randn(3, p, generator=generator), torch.zeros(3, p)
    state = AdamState(begun.clone(), (none.clone(), none.clone()), torch.zeros(3))
    rule = Adam(1e-2, weight_decay=weight_decay, schedule=Cosine(20, 0.1))
    for step, gradient in enumerate(gradients):
        for row, start in enumerate(starts):
            if step == start:
                state.weights[row], state.updates[row] = begun[row], 0.0
                for moment in state.moments:
                    moment[row] = 0.0
        state.gradient.copy_(gradient)
        rule.step(state, torch.ones(3, dtype=torch.bool))
    for row, start in enumerate(starts):
        single = torch.nn.Parameter(begun[row].clone())
        its = torch.optim.AdamW([single], lr=1e-2, weight_decay=weight_decay, fused=True)
        running = torchs.LambdaLR(
            its, lambda t: 0.1 + 0.9 * (1 + math.cos(math.pi * min(t / 20, 1))) / 2
        )
        for gradient in gradients[start:, row]:
            single.grad = gradient.clone()
            its.step()
            running.step()
        torch.testing.assert_close(state.weights[row], single.detach(), rtol=1e-6, atol=1e-7)
        assert state.updates[row] == steps - start


@pytest.mark.parametrize("schedule", [Cosine(20), Cyclical(10), WarmUp(6, Cosine(8, 0.5))])
def test_solo_equals_member_to_the_bit_under_a_schedule(schedule):
    rule = Adam(1e-2, schedule=schedule)
    solo, cohort = make(n=1, optimizer=rule), make(n=5, optimizer=rule)
    teach(cohort)
    cohort.reset(np.array([3]), np.array([8]))
    solo.reset(np.array([0]), np.array([8]))
    teach(solo)
    teach(cohort)
    assert member(cohort, 3) == member(solo, 0)
    constant = make(n=1)
    constant.reset(np.array([0]), np.array([8]))
    teach(constant)
    assert member(constant, 0) != member(solo, 0)


def test_a_constant_schedule_is_no_schedule():
    plain, constant = make(), make(optimizer=Adam(1e-2, schedule=Constant()))
    teach(plain)
    teach(constant)
    assert [member(plain, row) for row in range(4)] == [member(constant, row) for row in range(4)]


def test_a_frozen_student_does_not_hold_back_the_schedule_of_the_others():
    rule = Adam(1e-2, schedule=Cosine(20))
    calm, hurt = make(optimizer=rule), make(optimizer=rule)
    state = hurt.state_dict()
    state["weights"][1] = torch.nan
    hurt.load_state_dict(state)
    teach(calm)
    teach(hurt)
    assert hurt.state_dict()["taken"].tolist() == [12.0, 0.0, 12.0, 12.0]
    assert [member(hurt, row) for row in (0, 2, 3)] == [member(calm, row) for row in (0, 2, 3)]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: Cosine(0), "total_steps of Cosine must be at least 1, got 0"),
        (lambda: Cosine(5, 1.5), r"floor of Cosine .* \[0, 1\] .* got 1.5"),
        (lambda: Cyclical(1), "period of Cyclical must be at least 2, got 1"),
        (lambda: Cyclical(4, math.nan), "floor of Cyclical .* got nan"),
        (lambda: WarmUp(0), "steps of WarmUp must be at least 1, got 0"),
        (lambda: WarmUp(5, {"name": "cosine"}), "must be another schedule, got {'name': 'cosine'}"),
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()


@pytest.mark.parametrize("factor", [-0.5, math.nan, math.inf])
def test_a_users_schedule_with_impossible_factors_is_refused(factor):
    rule = Adam(1e-2, schedule=lambda taken: torch.full_like(taken, factor))
    with pytest.raises(ValueError, match="finite factors of at least 0"):
        teach(make(optimizer=rule))
