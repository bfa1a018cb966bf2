"""The numbers that rules draw: even, uncorrelated, and named by everything that they depend on."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lessonplan.teacher.rules import View
from lessonplan.teacher.streams import uniforms

# Keys as the environment shows them: 24 bits, float32. Neighbours differ in the last bit.
KEYS = ((np.arange(4000) + 1_234_567) / 2**24).astype(np.float32)
FIRST = np.zeros(len(KEYS), dtype=np.int64)


def draw(seed=3, keys=KEYS, decision=0, stream=0, count=10):
    return uniforms(seed, keys, np.full(len(keys), decision), stream, count)


def test_they_are_even_on_the_unit_interval():
    numbers = draw().ravel()
    assert ((numbers >= 0) & (numbers < 1)).all()
    # Four standard deviations of the mean of 40,000.
    assert abs(numbers.mean() - 0.5) < 4 * (1 / 12 / len(numbers)) ** 0.5
    counts = np.bincount((numbers * 64).astype(int), minlength=64)
    expected = len(numbers) / 64
    # Chi-square with 63 degrees of freedom is between 22 and 123 but for once in a million.
    assert 22 < ((counts - expected) ** 2 / expected).sum() < 123
    assert len(np.unique(numbers)) == len(numbers)


NEIGHBOURS = {
    "decisions": (draw(decision=7), draw(decision=8)),
    "first decisions": (draw(decision=0), draw(decision=1)),
    "streams": (draw(stream=0), draw(stream=1)),
    "the stream of the choice": (draw(stream=0), draw(stream=-1)),
    "seeds": (draw(seed=3), draw(seed=4)),
    "students": (draw()[:-1], draw()[1:]),
    "tasks": (draw()[:, :-1], draw()[:, 1:]),
    # An exchange of two arguments must not give the same numbers.
    "seed and decision": (draw(seed=1, decision=2), draw(seed=2, decision=1)),
    "seed and stream": (draw(seed=1, stream=2), draw(seed=2, stream=1)),
    "decision and stream": (draw(decision=1, stream=2), draw(decision=2, stream=1)),
}


@pytest.mark.parametrize("name", NEIGHBOURS)
def test_neighbours_are_not_correlated(name):
    one, other = (numbers.ravel() for numbers in NEIGHBOURS[name])
    limit = 4.5 / len(one) ** 0.5
    assert abs(np.corrcoef(one, other)[0, 1]) < limit
    assert abs(np.corrcoef(one > 0.5, other > 0.5)[0, 1]) < limit
    # Pairs fill the square evenly: chi-square with 63 degrees of freedom.
    counts = np.bincount((one * 8).astype(int) * 8 + (other * 8).astype(int), minlength=64)
    expected = len(one) / 64
    assert 22 < ((counts - expected) ** 2 / expected).sum() < 123


def test_the_decisions_of_one_student_are_not_correlated():
    lifetime = uniforms(0, np.full(5000, 0.25), np.arange(5000), 0, 1)[:, 0]
    for lag in (1, 2, 3, 7):
        assert abs(np.corrcoef(lifetime[:-lag], lifetime[lag:])[0, 1]) < 4.5 / 5000**0.5


@given(st.integers(-(2**31), 2**31), st.integers(-5, 5), st.integers(0, 10**6), st.integers(1, 9))
def test_a_row_draws_the_same_alone_and_in_company_and_for_more_tasks(seed, stream, decision, k):
    keys, decisions = KEYS[:6], decision + np.arange(6)
    together = uniforms(seed, keys, decisions, stream, k)
    assert together.shape == (6, k)
    for i in range(6):
        alone = uniforms(seed, keys[[i]], decisions[[i]], stream, k + 3)
        np.testing.assert_array_equal(alone[0, :k], together[i])


def test_a_key_is_the_same_in_float32_and_float64():
    np.testing.assert_array_equal(draw(keys=KEYS), draw(keys=KEYS.astype(np.float64)))


def test_every_argument_matters():
    numbers = [
        draw(seed, KEYS[:2] + shift, decision, stream, 3)
        for seed, shift, decision, stream in itertools.product(
            (0, 1), (np.float32(0), np.float32(0.25)), (0, 1), (0, 1)
        )
    ]
    assert len(np.unique(np.array(numbers))) == 16 * 2 * 3


def view(decision, seed=0, k=3):
    observation = np.tile(KEYS[:5, None, None], (1, k, 1))
    return View(observation, ("key",), np.full(5, -1), np.full(5, decision), seed)


def test_a_view_draws_anew_at_each_decision_or_once_for_the_lifetime():
    early, late = view(0), view(9)
    assert (early.uniform() != late.uniform()).all()
    np.testing.assert_array_equal(early.lifetime_uniform(), late.lifetime_uniform())
    assert (early.lifetime_uniform() != early.uniform()).all()
    assert (early.lifetime_uniform(1) != early.lifetime_uniform(0)).all()
    assert (view(0, seed=1).lifetime_uniform() != early.lifetime_uniform()).all()
    assert early.uniform().shape == (5, 3)
    assert early.uniform(count=7).shape == early.lifetime_uniform(count=7).shape == (5, 7)
