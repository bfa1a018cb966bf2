"""Base weights: every lifetime starts from them, seeds fix the data alone, misfits are refused."""

import numpy as np
import pytest
import torch
from cohort_kit import BUILDS, figures, make, member, teach

from lessonplan.student import MLP


@pytest.fixture(scope="module")
def taught():
    """Two members after some lessons."""
    cohort = make(n=2)
    teach(cohort)
    return cohort


def test_every_reset_returns_to_the_base_whatever_the_seed(taught):
    cohort = make(base=taught.student(1).state_dict())
    wanted = taught.state_dict()["weights"][1]
    for seeds in (np.arange(4), np.arange(10, 14)):
        cohort.reset(np.arange(4), seeds)
        assert all(torch.equal(row, wanted) for row in cohort.state_dict()["weights"])
        teach(cohort)
        assert not any(torch.equal(row, wanted) for row in cohort.state_dict()["weights"])
    cohort.reset(np.array([2]), np.array([10]))
    state = cohort.state_dict()
    assert torch.equal(state["weights"][2], wanted)
    assert state["taken"].tolist() == [12.0, 12.0, 0.0, 12.0]
    assert (state["moments"][0][2] == 0.0).all()


def test_seeds_differ_in_the_data_and_in_nothing_else(taught):
    base = taught.student(0).state_dict()
    cohort, again = make(n=3, base=base), make(n=1, base=base)
    cohort.reset(np.arange(3), np.array([5, 6, 5]))
    again.reset(np.array([0]), np.array([6]))
    losses = teach(cohort)[0].loss_before
    teach(again)
    assert losses[0] == losses[2] != losses[1]
    assert member(cohort, 0) == member(cohort, 2) != member(cohort, 1)
    assert member(cohort, 1) == member(again, 0)


@pytest.mark.parametrize("kind", BUILDS)
def test_a_member_as_a_module_answers_as_it_does_in_the_cohort(kind):
    cohort = make(kind, n=3)
    teach(cohort)
    student, weights = cohort.student(2), cohort.state_dict()["weights"]
    inputs = cohort.suite.pool("test").inputs[:7]
    inside = cohort.stack.logits(weights[2:], inputs[None])[0]
    torch.testing.assert_close(student(inputs), inside, rtol=1e-4, atol=1e-5)
    started = make(kind, n=1, base=student.state_dict())
    assert torch.equal(started.state_dict()["weights"][0], weights[2])


def test_a_module_that_was_taken_out_does_not_change_with_its_cohort(taught):
    cohort = make(n=2, base=taught.student(0).state_dict())
    student = cohort.student(0)
    before = [value.clone() for value in student.parameters()]
    teach(cohort)
    assert all(map(torch.equal, before, student.parameters()))


def test_buffers_are_part_of_the_base():
    _, build = BUILDS["any module"]
    torch.manual_seed(0)
    base = build().state_dict()
    plain = make("any module", n=1, base=base)
    other = make("any module", n=1, base=base | {"scale": torch.full((11,), 2.0)})
    assert figures(plain, 0) != figures(other, 0)
    assert torch.equal(other.student(0).scale, torch.full((11,), 2.0))


def parts():
    torch.manual_seed(0)
    return MLP((11,), 2, (20, 12)).state_dict()


def without(name):
    return {key: value for key, value in parts().items() if key != name}


@pytest.mark.parametrize(
    ("base", "message"),
    [
        (without("layers.2.bias"), "miss 'layers.2.bias', which the model has; base weights are"),
        (parts() | {"gate": torch.zeros(2)}, "hold 'gate', which the model does not have; "),
        (
            parts() | {"layers.1.weight": torch.zeros(12, 16)},
            r"'layers.1.weight' have the shape \(12, 16\), the model's \(12, 20\); ",
        ),
        (
            parts() | {"layers.0.bias": torch.full((20,), torch.nan)},
            "'layers.0.bias' are not all finite; train them again",
        ),
    ],
    ids=["missing", "unknown", "shape", "not finite"],
)
def test_base_weights_that_are_not_for_the_model_are_refused(base, message):
    with pytest.raises(ValueError, match=message):
        make(base=base)
