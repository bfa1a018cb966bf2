"""Bandits against scalar loops written from the published formulas."""

import itertools
import math
import pickle
from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rule_views import check_rule, make_view, play, random_lifetime

from lessonplan.teacher.bandits import EXP3S, SEC, TSCLSampling, TSCLWindow
from lessonplan.teacher.choose import greedy, proportional, softmax

BANDITS = {
    "window": TSCLWindow(window=3),
    "window-abs-softmax": TSCLWindow(window=4, absolute=True, policy="softmax", temperature=0.1),
    "window-bandit": TSCLWindow(window=3, feedback="bandit"),
    "sampling": TSCLSampling(window=3),
    "sampling-mean-bandit": TSCLSampling(window=3, policy="epsilon_greedy", feedback="bandit"),
    "exp3s": EXP3S(),
    "exp3s-fast": EXP3S(learning_rate=0.3, epsilon=0.2, beta=0.1, history=3),
    "sec": SEC(),
    "sec-progress": SEC(signal="progress", temperature=0.2),
}


@pytest.mark.parametrize("name", BANDITS)
@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(1, 6), st.booleans())
def test_every_bandit_keeps_the_contract_of_rules(name, seed, n, k, padded):
    check_rule(BANDITS[name], seed, n, k, padded)


@pytest.mark.parametrize("rule", [TSCLWindow, TSCLSampling, EXP3S, SEC])
def test_every_point_of_a_tuning_grid_is_a_rule(rule):
    for values in itertools.product(*rule.tuning.values()):
        chosen = rule(**dict(zip(rule.tuning, values, strict=True)))
        assert pickle.loads(pickle.dumps(chosen)) == chosen


def scalar_policy(values, policy, epsilon, temperature):
    """Epsilon-greedy with shared ties, or softmax, of a list."""
    if policy == "softmax":
        weights = [math.exp((value - max(values)) / temperature) for value in values]
        return [weight / sum(weights) for weight in weights]
    best = [value == max(values) for value in values]
    return [(1 - epsilon) * winner / sum(best) + epsilon / len(values) for winner in best]


def fresh_tasks(feedback, last, k):
    return range(k) if feedback == "full" else [last]


@pytest.mark.parametrize("feedback", ["full", "bandit"])
@pytest.mark.parametrize("policy", ["epsilon_greedy", "softmax"])
@pytest.mark.parametrize("absolute", [False, True])
def test_window_acts_on_least_squares_slopes(feedback, policy, absolute):
    rule = TSCLWindow(
        window=4, policy=policy, temperature=0.05, absolute=absolute, feedback=feedback
    )
    # Equal slopes would tie or not by their last digits.
    k, frames = 3, random_lifetime(5, n=2, k=3, decisions=12, coarse=False)
    shown = play(rule, frames)
    for row in range(2):
        windows = [deque(maxlen=4) for _ in range(k)]
        for i, (columns, last) in enumerate(frames):
            if i:
                for task in fresh_tasks(feedback, last[row], k):
                    windows[task].append((i, columns["score"][row, task]))
            slopes = [
                np.polyfit(*zip(*window, strict=True), 1)[0] if len(window) > 1 else 1.0
                for window in windows
            ]
            slopes = [abs(slope) if absolute else slope for slope in slopes]
            expected = scalar_policy(slopes, policy, 0.1, 0.05)
            np.testing.assert_allclose(shown[i, row], expected, atol=1e-6)


def test_window_follows_the_defaults_of_the_paper():
    rule = TSCLWindow()
    assert (rule.window, rule.epsilon, rule.temperature) == (10, 0.1, 4e-4)
    memory = rule.start(1, 3)
    for decision, scores in enumerate([[0.1, 0.5, 0.0], [0.3, 0.4, 0.1]], start=1):
        view = make_view({"score": [scores]}, [0], decision)
        memory = rule.observe(memory, view)
    # Slopes 0.2, -0.1 and 0.1.
    np.testing.assert_allclose(
        rule.probabilities(memory, view), [[0.9 + 0.1 / 3, 0.1 / 3, 0.1 / 3]]
    )


def test_flat_scores_tie_whatever_their_level():
    rule = TSCLWindow(epsilon=0.0)
    memory = rule.start(1, 3)
    for decision in range(1, 15):
        view = make_view({"score": [[0.3, 0.7, 1 / 3]]}, [0], decision)
        memory = rule.observe(memory, view)
    np.testing.assert_array_equal(rule.probabilities(memory, view), [[1 / 3, 1 / 3, 1 / 3]])


def test_bandit_feedback_tries_a_task_without_scores_first():
    rule = TSCLWindow(feedback="bandit", epsilon=0.0)
    memory = rule.start(1, 2)
    for decision in (1, 2):
        view = make_view({"score": [[0.4 * decision, 0.0]]}, [0], decision)
        memory = rule.observe(memory, view)
    # Task 0 has slope 0.4, the never measured task 1 counts as 1.
    np.testing.assert_array_equal(rule.probabilities(memory, view), [[0.0, 1.0]])


@pytest.mark.parametrize("feedback", ["full", "bandit"])
@pytest.mark.parametrize("absolute", [False, True])
def test_sampling_without_thompson_acts_on_mean_changes(feedback, absolute):
    rule = TSCLSampling(
        window=3, policy="softmax", temperature=0.1, absolute=absolute, feedback=feedback
    )
    k, frames = 3, random_lifetime(8, n=2, k=3, decisions=10)
    shown = play(rule, frames)
    for row in range(2):
        windows = [deque(maxlen=3) for _ in range(k)]
        for i, (columns, last) in enumerate(frames):
            if i:
                before = frames[i - 1][0]["score"][row]
                for task in fresh_tasks(feedback, last[row], k):
                    windows[task].append(columns["score"][row, task] - before[task])
            means = [sum(window) / len(window) if window else 1.0 for window in windows]
            means = [abs(mean) for mean in means] if absolute else means
            expected = scalar_policy(means, "softmax", 0.1, 0.1)
            np.testing.assert_allclose(shown[i, row], expected, atol=1e-9)


@pytest.mark.parametrize("absolute", [False, True])
def test_thompson_draws_each_stored_change_equally_often(absolute):
    n, window = 20_000, 3
    changes = [[0.9, 0.9], [0.1, 0.0], [-0.3, 0.2], [0.2, 0.1]]
    rule = TSCLSampling(window=window, epsilon=0.2, absolute=absolute)
    memory = rule.start(n, 2)
    for decision, change in enumerate(changes, start=1):
        columns = {"progress:difference": np.tile(change, (n, 1))}
        columns["key"] = np.broadcast_to(np.arange(n)[:, None] / 2**15, (n, 2))
        view = make_view(columns, np.zeros(n), decision)
        memory = rule.observe(memory, view)
    wins = 0.0
    for a, b in itertools.product(*zip(*changes[-window:], strict=True)):
        a, b = (abs(a), abs(b)) if absolute else (a, b)
        wins += ((a > b) + 0.5 * (a == b)) / window**2
    drawn = rule.probabilities(memory, view)[:, 0]
    # Each student sees epsilon-greedy on its own draw.
    assert {round(p, 9) for p in drawn} <= {0.1, 0.5, 0.9}
    assert drawn.mean() == pytest.approx(0.8 * wins + 0.1, abs=4 * 0.4 / math.sqrt(n))


def scalar_exp3s(rule, costs, changes, choices):
    """Probabilities before each choice and after the last, from the formulas, in plain floats."""
    k = len(costs)
    weights, gains, shown = [0.0] * k, [], []
    for t in range(1, len(choices) + 2):
        total = sum(math.exp(w) for w in weights)
        pi = [(1 - rule.epsilon) * math.exp(w) / total + rule.epsilon / k for w in weights]
        shown.append(pi)
        if t > len(choices):
            return shown
        chosen = choices[t - 1]
        gain = changes[t - 1][chosen] / costs[chosen]
        gains = [*gains, gain][-rule.history :]
        low, high = np.quantile(gains, [0.2, 0.8])
        if low == high:
            reward = 0.0
        elif gain < low:
            reward = -1.0
        else:
            reward = 1.0 if gain >= high else 2 * (gain - low) / (high - low) - 1
        raised = [
            math.exp(
                weights[i]
                + rule.learning_rate * ((reward if i == chosen else 0.0) + rule.beta) / pi[i]
            )
            for i in range(k)
        ]
        weights = [
            math.log((1 - 1 / t) * raised[i] + (sum(raised) - raised[i]) / (t * (k - 1)))
            for i in range(k)
        ]


@pytest.mark.parametrize(
    "rule",
    [EXP3S(), EXP3S(learning_rate=0.3), EXP3S(learning_rate=0.1, beta=0.5, history=4)],
    ids=["published", "fast", "beta"],
)
def test_exp3s_moves_log_weights_by_the_rescaled_gain(rule):
    frames = random_lifetime(11, n=3, k=4, decisions=25)
    shown = play(rule, frames)
    for row in range(3):
        costs = frames[0][0]["cost"][row]
        changes = [columns["progress:difference"][row] for columns, _ in frames[1:]]
        choices = [last[row] for _, last in frames[1:]]
        expected = scalar_exp3s(rule, costs, changes, choices)
        np.testing.assert_allclose(shown[:, row], expected, atol=1e-10)
    assert np.ptp(shown[-1]) > 1e-4, "the weights never moved"


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


def test_exp3s_comes_to_prefer_the_task_that_progresses():
    n, k = 64, 4
    rule, rng = EXP3S(learning_rate=0.1), np.random.default_rng(1)
    memory, last = rule.start(n, k), rng.integers(k, size=n)
    for decision in range(1, 300):
        change = rng.normal(scale=0.01, size=(n, k)) + 0.05 * (np.arange(k) == 2)
        view = make_view({"progress:difference": change, "cost": np.ones((n, k))}, last, decision)
        memory = rule.observe(memory, view)
        chances = rule.probabilities(memory, view)
        last = (chances.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1).clip(max=k - 1)
    assert chances[:, 2].mean() > 0.7


def test_sec_moves_only_the_value_of_the_chosen_task():
    rule = SEC(learning_rate=0.5, temperature=1.0)
    memory = rule.start(1, 2)
    columns = {"score": [[0.5, 0.5]], "progress:difference": [[0.1, 0.2]]}
    view = make_view(columns, [0], 1)
    memory = rule.observe(memory, view)
    # 2 sqrt(0.25) = 1, half-way from 0: values 0.5 and 0.
    expected = math.exp(0.5) / (math.exp(0.5) + 1)
    np.testing.assert_allclose(rule.probabilities(memory, view), [[expected, 1 - expected]])


@pytest.mark.parametrize("signal", ["learnability", "progress"])
def test_sec_is_td0_with_a_softmax(signal):
    rule = SEC(learning_rate=0.1, temperature=0.2, signal=signal)
    frames = random_lifetime(4, n=2, k=3, decisions=15)
    shown = play(rule, frames)
    for row in range(2):
        values = [0.0] * 3
        for i, (columns, last) in enumerate(frames):
            if i:
                task = last[row]
                score = columns["score"][row, task]
                change = score - frames[i - 1][0]["score"][row, task]
                reward = abs(change)
                if signal == "learnability":
                    reward = 2 * math.sqrt(score * (1 - score))
                values[task] = 0.9 * values[task] + 0.1 * reward
            expected = scalar_policy(values, "softmax", 0, 0.2)
            np.testing.assert_allclose(shown[i, row], expected, atol=1e-12)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: TSCLWindow(policy="thompson"), "policy"),
        (lambda: TSCLWindow(window=1), "window"),
        (lambda: TSCLWindow(temperature=0.0), "temperature"),
        (lambda: TSCLSampling(epsilon=1.5), "epsilon"),
        (lambda: TSCLSampling(feedback="partial"), "feedback"),
        (lambda: EXP3S(epsilon=0.0), "epsilon"),
        (lambda: EXP3S(learning_rate=float("nan")), "learning_rate"),
        (lambda: SEC(signal="advantage"), "signal"),
    ],
)
def test_a_wrong_parameter_is_named(make, name):
    with pytest.raises(ValueError, match=name):
        make()


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
