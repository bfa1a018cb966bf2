"""From values to probabilities: the third stage of a rule."""

import math

import numpy as np

from lessonplan.teacher.choose import explore, greedy, proportional, softmax


def test_softmax_survives_tiny_temperatures_and_absent_tasks():
    present = np.array([[True, True, False]])
    values = np.array([[1.0, 1.0 + 4e-4, 900.0]])
    expected = 1 / (1 + math.e)
    np.testing.assert_allclose(
        softmax(values, present, 4e-4), [[expected, 1 - expected, 0]], rtol=1e-9
    )


def test_greedy_shares_ties_among_present_tasks():
    values = np.array([[2.0, 5.0, 5.0, 5.0], [-1.0, -3.0, 0.0, 0.0]])
    present = np.array([[True, True, True, False], [True, True, False, False]])
    np.testing.assert_array_equal(greedy(values, present), [[0, 0.5, 0.5, 0], [1, 0, 0, 0]])


def test_proportional_falls_back_to_uniform_without_any_value():
    values = np.array([[1.0, 3.0, 7.0], [0.0, 0.0, 7.0], [-1.0, 2.0, 7.0]])
    present = np.array([[True, True, False]] * 3)
    np.testing.assert_allclose(
        proportional(values, present), [[0.25, 0.75, 0], [0.5, 0.5, 0], [0, 1, 0]]
    )


def test_exploration_goes_to_present_tasks_in_equal_parts():
    shares, present = np.array([[1.0, 0.0, 0.0]] * 2), np.array([[True, True, False]] * 2)
    np.testing.assert_allclose(explore(shares, present, 0.5), [[0.75, 0.25, 0]] * 2)
    rows = np.array([[0.0], [1.0]])
    np.testing.assert_allclose(explore(shares, present, rows), [[1, 0, 0], [0.5, 0.5, 0]])
