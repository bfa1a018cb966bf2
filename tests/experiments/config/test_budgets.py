"""Budgets in configs: what is refused before anything is loaded is what the rooms would refuse."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lessonplan.envs import Budget
from lessonplan.envs.classroom import budget as room_budget
from lessonplan.experiments.config.loading import make_config
from lessonplan.experiments.config.sections.section import MOST, check_budget

TEXTS = (
    "", "4000-steps", "4000", "steps", "-5-steps", "4000_steps", "1.2.3-steps", ".-steps",
    "5 apples", "0-steps", "1e400-steps", "5T-tokens", "nan-steps", " 7 - steps ",
    "4000-steps please", "180k compute", "2.5b tokens", "1E3-Steps", "5M-tokens",
    "1e-400-compute", "1e9-steps", "2b-steps", "1e15-tokens", "1.1e15-compute",
    "4000\n-steps", "9-step",
)  # fmt: skip


def refusal(read, text):
    """What it says of a text; nothing where it takes it."""
    try:
        read(text)
    except ValueError as error:
        return str(error)
    return None


@pytest.mark.parametrize("text", TEXTS)
def test_a_config_refuses_the_budgets_that_the_classroom_refuses_in_the_same_words(text):
    assert refusal(check_budget, text) == refusal(Budget.parse, text)


@given(st.from_regex(r"\A[0-9.eE+-]{0,6}[kmbKT]?[ _-]{0,2}(steps|tokens|compute|hours)?\Z"))
def test_so_it_is_with_whatever_is_typed(text):
    assert refusal(check_budget, text) == refusal(Budget.parse, text)


def test_both_know_the_same_units():
    assert MOST == room_budget.MOST


def test_the_budget_of_a_course_of_a_teacher_is_looked_at_too():
    course = {"lifetime": {"budget": "many"}}
    teacher = {"name": "ppo", "type": "learned", "courses": [course]}
    with pytest.raises(ValueError, match=r"a budget reads like .* got 'many'"):
        make_config({"teachers": [teacher]})
