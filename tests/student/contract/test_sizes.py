"""Students that no machine could hold, or that are none, are refused before anything is made."""

from unittest.mock import MagicMock

import pytest
import torch
from torch import nn

from lessonplan.envs import Budget, Classroom, make_classroom
from lessonplan.student import (
    SUITES,
    LoopCohort,
    SimulatedCohort,
    StackedCohort,
    make_cohort,
    simulated,
)
from lessonplan.student.contract.devices import usable_device
from lessonplan.student.networks.layers import check_parameters
from lessonplan.student.networks.lstm import LSTM
from lessonplan.student.networks.models import MLP, Decoder

PARITY = SUITES["parity"](n_tasks=2, n_signs=8)


@pytest.mark.parametrize("device", ["meta", "nonsense", "cuda:99", "", 3.5, None])
def test_a_device_that_is_not_there_is_refused(device):
    with pytest.raises(ValueError, match="device must be one of this machine, such as cpu, got"):
        usable_device(device)
    with pytest.raises(ValueError, match="device must be one of this machine"):
        make_cohort(PARITY, 1, device=device)
    assert usable_device("cpu") == torch.device("cpu")


# Each that torch knows by name, of whatever machine.
TYPES = [
    "hpu", "privateuseone", "mkldnn", "opengl", "opencl", "ideep", "fpga", "maia", "vulkan", "xla",
    "lazy", "ve", "xpu", "mtia", "ipu", "hip", "mps",
]  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("device", TYPES)
def test_no_device_ends_in_words_of_the_code_of_torch(device):
    told = ""
    try:
        usable_device(device)
    except ValueError as error:
        told = str(error)
    assert "ASSERT" not in told
    assert "\n" not in told
    assert len(told) < 300


@pytest.mark.parametrize("name", ["batch_size", "evaluation_size", "n"])
@pytest.mark.parametrize("value", [0, -1, 10**12, 2.5, "8", True, float("nan")])
def test_so_is_a_size_that_is_none(name, value):
    sizes = {"n": 1, "batch_size": 4, "evaluation_size": 8} | {name: value}
    with pytest.raises(ValueError, match=rf"{name} must be (a whole number|at least 1|at most 1)"):
        make_classroom(PARITY, sizes.pop("n"), budget="40-steps", **sizes)


WIDTHS = [0, -1, 10**12, 2.5, "8", True, None]


@pytest.mark.parametrize("width", WIDTHS)
def test_so_is_a_width_that_is_none(width):
    makes = [
        lambda: MLP((4,), 2, hidden=[width]),
        lambda: Decoder((4,), 9, width=width),
        lambda: Decoder((4,), 9, n_layers=width),
        lambda: Decoder((4,), 9, n_heads=width),
        lambda: LSTM((4,), 9, width=width),
    ]
    for make in makes:
        with pytest.raises(ValueError, match="must be of whole numbers from 1 to 65,536, got"):
            make()
    with pytest.raises(ValueError, match="hidden must be a list of widths"):
        MLP((4,), 2, hidden=width)


def test_so_is_a_network_that_no_memory_holds():
    with pytest.raises(ValueError, match=r"a network of 1,000,000,000,000 parameters takes 16,000"):
        check_parameters(10**12)
    with pytest.raises(ValueError, match="this machine has"):
        MLP((4,), 2, hidden=[65_536] * 1000)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (None, "must return a torch.nn.Module, got NoneType"),
        (lambda x: x, "must return a torch.nn.Module, got function"),
        (nn.Linear, "must return a torch.nn.Module, got type"),
        (nn.Flatten(), "the network Flatten has no parameters to train"),
    ],
)
def test_what_makes_a_network_returns_one(made, words):
    with pytest.raises(ValueError, match=words):
        StackedCohort(PARITY, lambda: made, 1)


@pytest.mark.parametrize(
    ("budget", "most"), [("5-steps", "5"), ("40-tokens", "2"), ("100-compute", "3")]
)
def test_a_decision_that_is_longer_than_the_budget_is_refused(budget, most):
    words = f"a decision of 30 steps is longer .* of {budget}; .* of at most {most}, or a larger"
    suite = SUITES["simulated"](n_tasks=3)
    sizes = {"batch_size": 32 if budget != "40-tokens" else 16}
    with pytest.raises(ValueError, match=words):
        make_classroom(suite, budget=budget, steps_per_decision=30, **sizes)
    with pytest.raises(ValueError, match="; take a larger budget"):
        make_classroom(suite, budget="0.1-steps", steps_per_decision=30)


def test_a_decision_whose_examples_fill_the_memory_is_refused():
    with pytest.raises(ValueError, match=r"a decision of 500,000,000 steps draws .* GB"):
        make_classroom(PARITY, budget="1e9-steps", steps_per_decision=500_000_000)


def test_students_that_draw_no_examples_take_decisions_of_any_length():
    many = SimulatedCohort(simulated(6), 1024)
    room = Classroom(many, Budget(1e9, "steps"), steps_per_decision=100_000)
    assert room.steps_per_decision == 100_000
    single = LoopCohort(PARITY, MagicMock, 1024, batch_size=32)
    with pytest.raises(ValueError, match=r"a decision of 100,000,000 steps draws .* GB"):
        Classroom(single, Budget(1e9, "steps"), steps_per_decision=100_000_000)


@pytest.mark.parametrize("count", [2.5, "8", True, None])
def test_a_count_of_decisions_is_a_whole_number(count):
    for name in ("steps_per_decision", "mastery_streak", "end_after"):
        with pytest.raises(ValueError, match=f"{name} must be a whole number"):
            make_classroom(PARITY, budget="100-steps", **{name: count})


def test_where_the_system_does_not_say_its_memory_nothing_is_refused_for_it(monkeypatch):
    from lessonplan.experiments.dry_run.memory import machine_bytes
    from lessonplan.student.contract.batches import check_lesson
    from lessonplan.student.networks.layers import check_parameters
    from lessonplan.teacher import check_rollout

    assert 0 < machine_bytes() < 1e15
    monkeypatch.delattr("os.sysconf")
    check_lesson(10**6, 10**6, 10**6)
    check_parameters(10**18)
    assert check_rollout("dqn", {"buffer_size": 10**9}, 100, (100, 50)) == ""
    assert machine_bytes() == float("inf")
