"""TAC against scalar recursive least squares, and against what influence there really is."""

import math

import numpy as np
import pytest
from rule_views import make_view
from scalar_rules import check_against, explored, softmax_list

from lessonplan.teacher import TAC


def update(influence, doubt, shares, changes, measured, forgetting, prior):
    """One step of recursive least squares over lists, after `shares` brought `changes`."""
    k = len(shares)
    reach = [sum(doubt[i][j] * shares[j] for j in range(k)) for i in range(k)]
    scale = 1 + sum(shares[i] * reach[i] for i in range(k))
    for j in range(k):
        if measured[j]:
            error = changes[j] - sum(shares[i] * influence[i][j] for i in range(k))
            for i in range(k):
                influence[i][j] += reach[i] / scale * error
    if any(measured):
        for i in range(k):
            for j in range(k):
                left = doubt[i][j] - reach[i] * reach[j] / scale
                doubt[i][j] = (1 - forgetting) * left + (forgetting * prior if i == j else 0.0)


@pytest.mark.parametrize("feedback", ["full", "bandit"])
@pytest.mark.parametrize(
    ("weight", "temperature", "epsilon", "forgetting", "prior", "signal"),
    [
        (1.0, 0.3, 0.1, 0.05, 10.0, "learnability"),
        (3.0, 0.05, 0.0, 0.0, 1.0, "learnability"),
        (1.0, 0.1, 0.2, 0.5, 100.0, "progress"),
    ],
)
def test_tac_is_learnability_times_the_transfer_of_scalar_least_squares(
    weight, temperature, epsilon, forgetting, prior, signal, feedback
):
    def scalar(seen, choices):
        k = len(seen[0]["score"])
        influence = [[0.0] * k for _ in range(k)]
        doubt = [[prior if i == j else 0.0 for j in range(k)] for i in range(k)]
        shown = []
        for t, columns in enumerate(seen):
            changes = columns["progress:difference"]
            if t:
                measured = [value > 0 for value in columns["measured"]]
                shares = columns["last_share"]
                update(influence, doubt, shares, changes, measured, forgetting, prior)
            worth = []
            for i in range(k):
                size = sum(abs(value) for value in influence[i])
                transfer = sum(influence[i][j] for j in range(k) if j != i) / (size or 1)
                score = min(max(columns["score"][i], 0.0), 1.0)
                spread = 2 * math.sqrt(score * (1 - score))
                able = abs(changes[i]) if signal == "progress" else spread
                worth.append(able * (1 + weight * transfer))
            shown.append(explored(softmax_list(worth, temperature), epsilon))
        return shown

    rule = TAC(weight, temperature, epsilon, forgetting, prior, signal)
    check_against(scalar, rule, seed=81, feedback=feedback)


def lifetime(rule, influence, decisions, noise=0.0, n=1):
    """Memory after random mixtures that move scores by the true `influence` (k, k)."""
    rng, k = np.random.default_rng(0), len(influence)
    memory = rule.start(n, k)
    for decision in range(1, decisions + 1):
        shares = rng.dirichlet(np.ones(k), n)
        changes = (
            shares @ influence + rng.normal(scale=noise, size=(n, k))
            if noise
            else (shares @ influence)
        )
        columns = {"progress:difference": changes, "last_share": shares}
        memory = rule.observe(memory, make_view(columns, np.zeros(n), decision))
    return memory


def test_influence_becomes_the_true_one():
    influence = np.array([[0.1, 0.05, 0.0], [0.0, 0.1, -0.05], [0.02, 0.0, 0.03]])
    memory = lifetime(TAC(forgetting=0.0, prior=1e4), influence, 60)
    np.testing.assert_allclose(memory["influence"][0], influence, atol=1e-4)


def test_without_forgetting_it_is_ridge_regression():
    """``S = (X' X + I / prior)^-1 X' Y`` for the shares X and changes Y of all decisions."""
    rng, prior, k = np.random.default_rng(1), 4.0, 3
    x, y = rng.dirichlet(np.ones(k), 20), rng.normal(size=(20, k))
    rule = TAC(forgetting=0.0, prior=prior)
    memory = rule.start(1, k)
    for decision in range(20):
        columns = {"progress:difference": y[[decision]], "last_share": x[[decision]]}
        memory = rule.observe(memory, make_view(columns, [0], decision + 1))
    expected = np.linalg.solve(x.T @ x + np.eye(k) / prior, x.T @ y)
    np.testing.assert_allclose(memory["influence"][0], expected)
    np.testing.assert_allclose(memory["doubt"][0], np.linalg.inv(x.T @ x + np.eye(k) / prior))


@pytest.mark.parametrize("forgetting", [0.0, 0.05, 1.0])
def test_doubt_never_exceeds_its_beginning_however_long_the_shares_stay(forgetting):
    rule, k = TAC(forgetting=forgetting, prior=10.0), 3
    memory = rule.start(1, k)
    shares = np.array([[0.8, 0.1, 0.1]])
    for decision in range(1, 400):
        columns = {"progress:difference": np.zeros((1, k)), "last_share": shares}
        memory = rule.observe(memory, make_view(columns, [0], decision))
        values = np.linalg.eigvalsh(memory["doubt"][0])
        assert values.min() > -1e-12
        assert values.max() < 10.0 + 1e-9


def test_a_task_that_helps_the_others_gets_more_than_one_that_harms_them():
    influence = np.array([[0.1, 0.1, 0.1], [0.0, 0.1, 0.0], [-0.1, -0.1, 0.1]])
    rule = TAC()
    memory = lifetime(rule, influence, 40, noise=0.01, n=16)
    view = make_view({"score": np.full((16, 3), 0.5), "progress:difference": np.zeros((16, 3))})
    shares = rule.probabilities(memory, view)
    assert (np.diff(shares, axis=1) < 0).all()
    alone = TAC(weight=0.0).probabilities(memory, view)
    np.testing.assert_allclose(alone, 1 / 3)
