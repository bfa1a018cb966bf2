"""Aioli against a loop that solves the published system of equations."""

import numpy as np
import pytest
from rule_views import make_view
from scalar_rules import softmax_list

from lessonplan.teacher import Aioli
from lessonplan.teacher.bandits.aioli import ORDER_STREAM


def turns(k, seed=3):
    """Which of k tasks is tried when, by the numbers of the lifetime of student 0."""
    view = make_view({"loss": np.zeros((1, k))}, seed=seed)
    return np.argsort(view.lifetime_uniform(ORDER_STREAM, k)[0]).tolist()


def tried_mixture(k, task, focus):
    rest = (1 - focus) / (k - 1) if k > 1 else 0.0
    return [(focus if k > 1 else 1.0) if j == task else rest for j in range(k)]


@pytest.mark.parametrize(
    ("learning_rate", "rounds", "focus", "ema", "hold"),
    [(1.0, 2, 0.75, 0.1, 6), (8.0, 1, 0.6, 0.0, 1), (4.0, 1, 1.0, 0.5, 3)],
)
def test_the_law_solves_what_the_tries_showed(learning_rate, rounds, focus, ema, hold):
    k, rng = 3, np.random.default_rng(5)
    losses = 3 - np.cumsum(rng.normal(0.05, 0.1, (40, k)), axis=0)
    rule, order = Aioli(learning_rate, rounds, focus, ema, hold), turns(k)
    memory, shown = rule.start(1, k), []
    for t in range(40):
        view = make_view({"loss": losses[t : t + 1]}, decision=t)
        memory = rule.look(rule.observe(memory, view) if t else memory, view)
        shown.append(rule.probabilities(memory, view)[0])

    law, expected, step, fits = np.zeros((k, k)), [], 0, 0
    fall = np.zeros((k, k))
    for t in range(40):
        if t:
            if step < rounds * k:
                fall[:, order[step % k]] += (losses[t - 1] - losses[t]) / rounds
            step += 1
            if step == rounds * k:
                mixtures = np.array([tried_mixture(k, task, focus) for task in range(k)])
                fitted = np.linalg.solve(mixtures, fall.T).T
                fitted = fitted - fitted.min()
                fitted = fitted / fitted.sum()
                law = (1 - ema) * fitted + ema * law if fits else fitted
                fits += 1
            if step == rounds * k + hold:
                step, fall = 0, np.zeros((k, k))
        tries = step < rounds * k
        expected.append(
            tried_mixture(k, order[step % k], focus) if tries
            else softmax_list((learning_rate * law.sum(axis=0)).tolist())
        )  # fmt: skip
    assert fits > 2
    np.testing.assert_allclose(shown, expected)


@pytest.mark.parametrize("k", [1, 2, 5])
def test_a_cycle_tries_every_task_as_often_as_there_are_rounds(k):
    rule = Aioli(rounds=2, focus=0.8, hold=3)
    view = make_view({"loss": np.ones((1, k))})
    memory, tries = rule.look(rule.start(1, k), view), []
    for _ in range(2 * k):
        shares = rule.probabilities(memory, view)[0]
        tries.append(int(shares.argmax()))
        np.testing.assert_allclose(shares, tried_mixture(k, tries[-1], 0.8))
        memory = rule.observe(memory, view)
    assert tries == 2 * turns(k)
    for _ in range(3):
        # No loss moved: the law is flat, and nothing was learned of the mixture.
        np.testing.assert_allclose(rule.probabilities(memory, view), [[1 / k] * k])
        memory = rule.observe(memory, view)
    assert rule.probabilities(memory, view)[0].argmax() == turns(k)[0]


def test_tasks_are_tried_in_another_order_in_another_lifetime():
    k, n = 6, 30
    rule = Aioli()
    view = make_view({"loss": np.ones((n, k))})
    first = rule.probabilities(rule.start(n, k), view).argmax(axis=1)
    assert len(set(first.tolist())) == k


def test_a_task_that_helps_all_gets_the_most():
    """Training on the first lowers all losses, on the others only their own."""
    rule, k = Aioli(learning_rate=8.0), 3
    loss, memory = np.full((1, k), 5.0), None
    for t in range(11):
        view = make_view({"loss": loss}, decision=t)
        memory = rule.look(rule.observe(memory, view) if t else rule.start(1, k), view)
        shares = rule.probabilities(memory, view)[0]
        loss = loss - shares @ np.array([[0.1, 0.1, 0.1], [0, 0.1, 0], [0, 0, 0.1]])
    assert shares[0] > 2 * shares[1] > 0
    np.testing.assert_allclose(shares[1], shares[2])


def test_defaults_are_those_of_the_released_script_of_seven_domains():
    rule = Aioli()
    assert (rule.learning_rate, rule.ema, rule.focus, rule.rounds) == (1.0, 0.1, 0.75, 2)
    # Tries take 14 units of 10 steps, and the rest of the 200 steps are 6.
    assert 10 * (7 * rule.rounds + rule.hold) == 200
