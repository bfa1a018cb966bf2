"""Cohorts by the kind that a suite names, one's own included."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lessonplan.envs import make_classroom
from lessonplan.experiments.assembly.build import build_room, build_suite, decisions_in_budget
from lessonplan.experiments.assembly.students import build_cohort
from lessonplan.experiments.common import trust
from lessonplan.experiments.config.config import Course, Lifetime, Student, Suite
from lessonplan.student import SUITES, SimulatedCohort, simulated


@pytest.fixture(autouse=True)
def agreed(monkeypatch):
    """This module may be imported, as one that lies beside a config that was named."""
    monkeypatch.setattr(trust._Given, "modules", (__name__,))


class MyCohort(SimulatedCohort):
    """What a module of the user's might hold."""


def test_a_suite_may_name_a_cohort_of_ones_own():
    suite = replace(simulated(), cohort=f"{__name__}:MyCohort")
    own = build_cohort(Course(student=Student(options={"rate": 0.2})), suite, 3)
    assert isinstance(own, MyCohort)
    assert own.n == 3


@pytest.mark.parametrize("given", [{"model": "mlp"}, {"base": "somewhere"}])
def test_what_only_networks_have_is_refused_by_the_name_of_ones_own_cohort(given):
    suite = replace(simulated(), cohort=f"{__name__}:MyCohort")
    with pytest.raises(ValueError, match=rf"student\.{next(iter(given))}.*MyCohort"):
        build_cohort(Course(student=Student(**given)), suite, 3)


def test_a_kind_of_cohort_that_there_is_not_is_refused_with_the_choices():
    suite = replace(simulated(), cohort="networks")
    with pytest.raises(ValueError, match="cohort 'networks'; choose one of stacked, simulated, rl"):
        build_cohort(Course(), suite, 3)


def same(one, other):
    """Whether two states hold the same."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    return np.array_equal(one, other)


@pytest.mark.parametrize("options", [{}, {"batch_size": 8}])
def test_decisions_in_a_budget_are_those_of_students_with_sizes_of_their_own(options):
    course = Course(
        suite=Suite(name="simulated"),
        student=Student(options=options),
        lifetime=Lifetime(budget="30000-compute"),
    )
    suite = build_suite(course)
    decisions = build_room(course, suite, 1).decisions_in_budget
    assert decisions_in_budget(course, suite) == decisions == (44 if options else 26)


NEEDY = {"jsonl", "dataset", "reasoning", "docstrings"}
SMALLER = {"addition": {"n_digits": 2, "train_size": 50, "held_out": 8}}


@pytest.mark.parametrize("name", sorted(set(SUITES) - NEEDY))
def test_a_suite_by_name_has_the_students_that_a_config_builds(name):
    options = SMALLER.get(name, {})
    course = Course(suite=Suite(name=name, options=options))
    rooms = (
        make_classroom(name, n=2, suite_options=options),
        build_room(course, build_suite(course), 2),
    )
    for room in rooms:
        room.cohort.reset(np.arange(2), np.array([3, 8]))
    by_name, by_config = (room.cohort for room in rooms)
    assert same(by_name.state_dict(), by_config.state_dict())
    for setting in ("batch_size", "evaluation_size", "optimizer"):
        assert getattr(by_name, setting, None) == getattr(by_config, setting, None)
    assert rooms[0].budget == rooms[1].budget
    assert rooms[0].steps_per_decision == rooms[1].steps_per_decision
    if name == "parity":
        assert sum(weights.numel() for weights in by_name.student(0).parameters()) == 1346
