"""Exponential weights against scalar loops written from the published formulas."""

import math

import numpy as np
import pytest
from rule_views import make_view
from scalar_rules import check_against, explored, softmax_list

from lessonplan.teacher import EXP3, EXP3S


@pytest.mark.parametrize(
    ("epsilon", "scale", "absolute"),
    [(0.2, 1.0, False), (0.05, 1.0, True), (1.0, 3.0, False), (0.3, 20.0, False)],
)
def test_exp3_raises_the_weight_of_the_chosen_task_by_its_weighted_change(epsilon, scale, absolute):
    def scalar(seen, choices):
        k = len(seen[0]["score"])
        weights, shown = [1.0] * k, []
        for columns, choice in zip(seen, choices, strict=True):
            if choice is not None:
                change = columns["progress:difference"][choice]
                reward = min(max(scale * (abs(change) if absolute else change), -1.0), 1.0)
                weights[choice] *= math.exp(epsilon * reward / (shown[-1][choice] * k))
            shown.append(explored([weight / sum(weights) for weight in weights], epsilon))
        return shown

    rule = EXP3(epsilon=epsilon, scale=scale, absolute=absolute)
    check_against(scalar, rule, seed=31, moves=-1 if epsilon == 1.0 else 1e-3)


@pytest.mark.parametrize(
    ("learning_rate", "beta", "epsilon", "history"),
    [(1e-3, 0.0, 0.05, 256), (0.3, 0.0, 0.05, 256), (0.1, 0.5, 0.2, 4)],
    ids=["published", "fast", "beta"],
)
def test_exp3s_moves_log_weights_by_the_rescaled_gain(learning_rate, beta, epsilon, history):
    def scalar(seen, choices):
        k = len(seen[0]["score"])
        weights, gains, shown = [0.0] * k, [], []
        for t, (columns, choice) in enumerate(zip(seen, choices, strict=True)):
            if t:
                gain = columns["progress:difference"][choice] / columns["cost"][choice]
                gains = [*gains, gain][-history:]
                low, high = np.quantile(gains, [0.2, 0.8])
                if low == high:
                    reward = -1.0 if gain < low else float(gain > high)
                elif gain < low:
                    reward = -1.0
                else:
                    reward = 1.0 if gain >= high else 2 * (gain - low) / (high - low) - 1
                paid = [(reward if task == choice else 0.0) + beta for task in range(k)]
                raised = [
                    math.exp(weight + learning_rate * r / pi)
                    for weight, r, pi in zip(weights, paid, shown[-1], strict=True)
                ]
                others = [(sum(raised) - raise_) / max(k - 1, 1) for raise_ in raised]
                share = 1 / t if k > 1 else 0.0
                weights = [
                    math.log((1 - share) * raise_ + share * other)
                    for raise_, other in zip(raised, others, strict=True)
                ]
            shown.append(explored(softmax_list(weights), epsilon))
        return shown

    rule = EXP3S(learning_rate=learning_rate, beta=beta, epsilon=epsilon, history=history)
    check_against(scalar, rule, seed=32, moves=1e-4)


class Arms:
    """What EXP3.S looks at of arms that always pay the same, without the rest of a view."""

    def __init__(self, rewards, n):
        shape = (n, len(rewards))
        self.present, self.last = np.ones(shape, bool), np.zeros(n, np.int64)
        self.columns = {
            "progress:difference": np.tile(rewards, (n, 1)),
            "cost": np.ones(shape),
            "measured": np.ones(shape),
        }

    def __getitem__(self, column):
        return self.columns[column]


def pull(rule, rewards, n, pulls):
    """Regret of n students, in rewards of the best arm, and probabilities at the end, (n, k)."""
    view, rng = Arms(rewards, n), np.random.default_rng(0)
    memory, earned = rule.start(n, len(rewards)), np.zeros(n)
    chances = np.full((n, len(rewards)), 1 / len(rewards))
    for lots in rng.random((pulls, n, 1)):
        view.last = (chances.cumsum(axis=1) <= lots).sum(axis=1).clip(max=len(rewards) - 1)
        earned += rewards[view.last]
        memory = rule.observe(memory, view)
        chances = rule.probabilities(memory, view)
    return pulls - earned / rewards.max(), chances


TWENTY = np.arange(20) / 190


@pytest.mark.slow
def test_exp3s_finds_the_best_of_twenty_arms_as_the_released_code_does():
    """Twenty arms that pay i / 190, 100,000 pulls: the test in MarkPKCollier/CurriculumLearningFYP.

    With exploration 0.05 the best arm can have 0.9525 at most. An update of ours of that code gives
    it 0.947 and earns 0.950 of the best. The regret stays below ``2.63 sqrt(T K ln K)``, the bound
    of EXP3 with the exploration that is best for this horizon (Auer et al. 2002, corollary 3.2).
    """
    pulls = 100_000
    regret, chances = pull(EXP3S(), TWENTY, n=2, pulls=pulls)
    assert (chances[:, -1] > 0.93).all()
    assert (regret < 2.63 * math.sqrt(pulls * 20 * math.log(20))).all()


def test_exp3s_goes_on_preferring_an_arm_that_it_already_takes_most_of_the_time():
    """While one arm has four choices of five, both quantiles are its own gain."""
    _, chances = pull(EXP3S(learning_rate=0.03, history=32), TWENTY[::4], n=2, pulls=2000)
    assert (chances[:, -1] > 0.9).all()


def test_exp3s_follows_the_defaults_of_graves_et_al():
    rule = EXP3S()
    assert (rule.learning_rate, rule.beta, rule.epsilon) == (1e-3, 0.0, 0.05)


def test_exp3s_stays_finite_when_every_step_is_extreme():
    rule = EXP3S(learning_rate=50.0, epsilon=0.01, history=8)
    memory, rng = rule.start(2, 50), np.random.default_rng(0)
    for decision in range(1, 400):
        change = rng.normal(size=(2, 50))
        columns = {"progress:difference": change, "cost": np.ones((2, 50))}
        view = make_view(columns, rng.integers(50, size=2), decision)
        memory = rule.observe(memory, view)
        assert np.isfinite(memory["log_weights"]).all()
    np.testing.assert_allclose(rule.probabilities(memory, view).sum(axis=1), 1)


@pytest.mark.parametrize("rule", [EXP3(scale=16.0), EXP3S(learning_rate=0.1)])
def test_exponential_weights_come_to_prefer_the_task_that_progresses(rule):
    n, k = 64, 4
    rng = np.random.default_rng(1)
    memory, last = rule.start(n, k), rng.integers(k, size=n)
    for decision in range(1, 300):
        change = rng.normal(scale=0.01, size=(n, k)) + 0.05 * (np.arange(k) == 2)
        view = make_view({"progress:difference": change, "cost": np.ones((n, k))}, last, decision)
        memory = rule.observe(memory, view)
        chances = rule.probabilities(memory, view)
        last = (chances.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1).clip(max=k - 1)
    assert chances[:, 2].mean() > 0.7
