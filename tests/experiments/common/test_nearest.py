"""The name that was probably meant."""

import pytest

from lessonplan.experiments.common.nearest import did_you_mean, nearest_of

RULES = ("uniform", "in_order", "tscl_window", "tscl_sampling")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("unform", "uniform"), ("in-order", "in_order"), ("TSCL-Window", "tscl_window"), ("x", "")],
)
def test_it_is_the_most_alike_whatever_its_case_and_dashes(typed, meant):
    assert nearest_of(typed, RULES) == meant


def test_one_that_is_not_alike_enough_is_not_offered():
    # 2 of 4 + 4 letters in common: half of them are.
    assert nearest_of("gate", ["name"], 0.51) == ""
    assert nearest_of("gate", ["name"], 0.5) == "name"


def test_a_sentence_is_asked_or_nothing_is():
    assert did_you_mean("unform", RULES) == "did you mean 'uniform'? "
    assert did_you_mean("zzz", RULES) == ""
