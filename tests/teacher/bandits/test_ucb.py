"""Stochastic bandits against scalar loops and exact probabilities."""

import math

import numpy as np
import pytest
from rule_views import make_view
from scalar_rules import check_against, greedy_list

from lessonplan.teacher import UCB1, DiscountedUCB, Thompson


@pytest.mark.parametrize(("exploration", "absolute"), [(1.0, True), (0.05, False), (0.2, True)])
def test_ucb1_takes_the_highest_upper_bound(exploration, absolute):
    def scalar(seen, choices):
        paid, shown = [[] for _ in seen[0]["score"]], []
        for t, (columns, choice) in enumerate(zip(seen, choices, strict=True)):
            if t:
                change = columns["progress:difference"][choice]
                paid[choice].append(abs(change) if absolute else change)
            bounds = [
                sum(p) / len(p) + exploration * math.sqrt(2 * math.log(t) / len(p))
                if p
                else math.inf
                for p in paid
            ]
            shown.append(greedy_list(bounds))
        return shown

    check_against(scalar, UCB1(exploration=exploration, absolute=absolute), seed=51, decisions=40)


@pytest.mark.parametrize(
    ("discount", "xi", "bound", "absolute"),
    [(0.99, 0.6, 1.0, True), (0.8, 0.6, 0.05, False), (1.0, 0.5, 0.1, True)],
)
def test_discounted_ucb_weighs_every_choice_by_its_age(discount, xi, bound, absolute):
    def scalar(seen, choices):
        k, shown = len(seen[0]["score"]), []
        for t in range(len(seen)):
            counts, totals = [0.0] * k, [0.0] * k
            for s in range(1, t + 1):
                change = seen[s]["progress:difference"][choices[s]]
                counts[choices[s]] += discount ** (t - s)
                totals[choices[s]] += discount ** (t - s) * (abs(change) if absolute else change)
            bounds = [
                total / count + 2 * bound * math.sqrt(xi * math.log(sum(counts)) / count)
                if count
                else math.inf
                for count, total in zip(counts, totals, strict=True)
            ]
            shown.append(greedy_list(bounds))
        return shown

    rule = DiscountedUCB(discount=discount, xi=xi, bound=bound, absolute=absolute)
    check_against(scalar, rule, seed=52, decisions=40)


@pytest.mark.parametrize(
    "rule", [UCB1(exploration=0.05), DiscountedUCB(bound=0.02), Thompson(scale=0.05)]
)
def test_stochastic_bandits_find_the_task_that_progresses(rule):
    rng, n, k = np.random.default_rng(1), 32, 4
    memory, last, picked = rule.start(n, k), np.full(n, -1), np.zeros(k)
    for decision in range(200):
        change = rng.normal(scale=0.02, size=(n, k)) + 0.1 * (np.arange(k) == 2)
        view = make_view({"progress:difference": change}, last, decision)
        memory = rule.observe(memory, view) if decision else memory
        chances = rule.probabilities(memory, view)
        last = (chances.cumsum(axis=1) <= rng.random((n, 1))).sum(axis=1).clip(max=k - 1)
        picked += np.bincount(last, minlength=k) * (decision >= 100)
    assert picked[2] / picked.sum() > 0.7


@pytest.mark.parametrize(
    ("scale", "discount", "absolute"), [(1.0, 1.0, False), (0.2, 1.0, True), (0.3, 0.7, False)]
)
def test_thompson_wins_as_often_as_the_posteriors_say(scale, discount, absolute):
    n = 20_000
    rule = Thompson(scale=scale, discount=discount, absolute=absolute)
    memory = rule.start(n, 2)
    key = np.broadcast_to(np.arange(n)[:, None] / 2**15, (n, 2))
    history = [(0, 0.4), (1, 0.1), (0, -0.3), (0, 0.2), (1, 0.35), (0, 0.1)]
    for decision, (task, change) in enumerate(history, start=1):
        columns = {"progress:difference": np.full((n, 2), change), "key": key}
        view = make_view(columns, np.full(n, task), decision)
        memory = rule.observe(memory, view)
    means, variances = [], []
    for arm in range(2):
        ages = [(len(history) - s, c) for s, (task, c) in enumerate(history, 1) if task == arm]
        count = sum(discount**age for age, _ in ages)
        total = sum(discount**age * (abs(c) if absolute else c) for age, c in ages)
        means.append(total / (count + 1))
        variances.append(scale**2 / (count + 1))
    # P(theta_0 > theta_1) of two independent normal variables.
    distance = (means[0] - means[1]) / math.sqrt(sum(variances))
    wins = 0.5 * (1 + math.erf(distance / math.sqrt(2)))
    drawn = rule.probabilities(memory, view)
    assert set(np.unique(drawn)) == {0.0, 1.0}
    assert drawn[:, 0].mean() == pytest.approx(wins, abs=4 * 0.5 / math.sqrt(n))


def test_thompson_knows_nothing_at_first_and_draws_anew_each_decision():
    rule, n = Thompson(), 3000
    memory = rule.start(n, 3)
    columns = {
        "progress:difference": np.zeros((n, 3)),
        "key": np.broadcast_to(np.arange(n)[:, None] / 2**12, (n, 3)),
    }
    first, second = (rule.probabilities(memory, make_view(columns, None, i)) for i in (0, 1))
    # Four standard deviations of a share.
    np.testing.assert_allclose(first.mean(axis=0), 1 / 3, atol=4 * math.sqrt(2 / 9 / n))
    assert (first * second).sum(axis=1).mean() == pytest.approx(1 / 3, abs=0.04)
