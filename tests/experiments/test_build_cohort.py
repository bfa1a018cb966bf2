"""Cohorts by the kind that a suite names, one's own included."""

from dataclasses import replace

import pytest

from lessonplan.experiments.build_cohort import build_cohort
from lessonplan.experiments.config import Course, Student
from lessonplan.student import SimulatedCohort, simulated


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
