"""The four algorithms of Teacher-Student Curriculum Learning against scalar loops."""

import itertools
import math
from collections import deque

import numpy as np
import pytest
from rule_views import make_view
from scalar_rules import check_against, explored, greedy_list, softmax_list

from lessonplan.teacher import TSCLNaive, TSCLOnline, TSCLSampling, TSCLWindow

SETTINGS = pytest.mark.parametrize(
    ("settings", "feedback"),
    [
        pytest.param(
            {"policy": policy, "absolute": absolute, "epsilon": 0.2},
            feedback,
            id=f"{policy}-{absolute}-{feedback}",
        )
        for policy, absolute, feedback in itertools.product(
            ("epsilon_greedy", "softmax"), (False, True), ("full", "bandit")
        )
    ],
)


def policy_of(values, policy, absolute, epsilon, temperature=0.05, **_):
    values = [abs(value) for value in values] if absolute else values
    if policy == "softmax":
        return softmax_list(values, temperature)
    return explored(greedy_list(values), epsilon)


def measured(feedback, choice, k):
    return range(k) if feedback == "full" else [choice]


@SETTINGS
@pytest.mark.parametrize("rate", [0.1, 1.0])
def test_online_averages_the_changes_of_score(settings, feedback, rate):
    def scalar(seen, choices):
        k = len(seen[0]["score"])
        slopes, shown = [0.0] * k, []
        for columns, choice in zip(seen, choices, strict=True):
            for task in measured(feedback, choice, k) if choice is not None else ():
                slopes[task] += rate * (columns["progress:difference"][task] - slopes[task])
            shown.append(policy_of(slopes, **settings))
        return shown

    rule = TSCLOnline(learning_rate=rate, temperature=0.05, **settings)
    check_against(scalar, rule, seed=21, feedback=feedback)
    check_against(scalar, rule, seed=22, feedback=feedback, coarse=True)


@SETTINGS
@pytest.mark.parametrize(("window", "rate"), [(3, 0.5), (4, 0.1)])
def test_naive_moves_its_slopes_after_every_window_and_holds_still_inside(
    settings, feedback, window, rate
):
    full = feedback == "full"

    def scalar(seen, choices):
        k = len(seen[0]["score"])
        slopes, shown, scores, chosen = [0.0] * k, [], [[] for _ in range(k)], set()
        for i, (columns, choice) in enumerate(zip(seen, choices, strict=True)):
            if i:
                chosen = {choice}
                for task in measured(feedback, choice, k):
                    scores[task].append(columns["score"][task])
            if i and i % window == 0:
                for task in range(k) if full else chosen:
                    found = 1.0
                    if len(scores[task]) > 1:
                        found = np.polyfit(range(len(scores[task])), scores[task], 1)[0]
                    slopes[task] += rate * (found - slopes[task])
                scores = [[] for _ in range(k)]
            held = not full and i % window
            policy = policy_of(slopes, **settings)
            shown.append([float(task == choice) for task in range(k)] if held else policy)
        return shown

    rule = TSCLNaive(window=window, learning_rate=rate, temperature=0.05, **settings)
    check_against(scalar, rule, seed=23, feedback=feedback, atol=1e-7)


def test_naive_holds_one_task_per_window_under_bandit_feedback():
    rule = TSCLNaive(window=3, learning_rate=1.0, epsilon=0.0)
    memory, rng, last, held = rule.start(1, 4), np.random.default_rng(0), None, []
    for decision in range(13):
        columns = {"score": [[0.1 * decision, 0.0, 0.0, 0.0]]}
        columns["measured"] = np.eye(4)[last] if decision else np.ones((1, 4))
        view = make_view(columns, last, decision)
        memory = rule.observe(memory, view) if decision else memory
        chances = rule.probabilities(memory, view)[0]
        last = [rng.choice(4, p=chances)]
        held.append(last[0])
    blocks = [held[i : i + 3] for i in range(0, 12, 3)]
    assert all(len(set(block)) == 1 for block in blocks)
    # Once it has held task 0, the only one that improves, it stays there.
    first = next(i for i, block in enumerate(blocks) if block[0] == 0)
    assert {block[0] for block in blocks[first:]} == {0}


@SETTINGS
def test_window_acts_on_least_squares_slopes(settings, feedback):
    def scalar(seen, choices):
        k = len(seen[0]["score"])
        windows, shown = [deque(maxlen=4) for _ in range(k)], []
        for i, (columns, choice) in enumerate(zip(seen, choices, strict=True)):
            for task in measured(feedback, choice, k) if i else ():
                windows[task].append((i, columns["score"][task]))
            slopes = [
                np.polyfit(*zip(*window, strict=True), 1)[0] if len(window) > 1 else 1.0
                for window in windows
            ]
            shown.append(policy_of(slopes, **settings))
        return shown

    rule = TSCLWindow(window=4, temperature=0.05, **settings)
    check_against(scalar, rule, seed=24, feedback=feedback, atol=1e-7)


@SETTINGS
def test_sampling_without_thompson_acts_on_mean_changes(settings, feedback):
    def scalar(seen, choices):
        k = len(seen[0]["score"])
        windows, shown = [deque(maxlen=3) for _ in range(k)], []
        for i, (columns, choice) in enumerate(zip(seen, choices, strict=True)):
            for task in measured(feedback, choice, k) if i else ():
                windows[task].append(columns["progress:difference"][task])
            means = [sum(window) / len(window) if window else 1.0 for window in windows]
            shown.append(policy_of(means, **settings))
        return shown

    rule = TSCLSampling(window=3, temperature=0.05, **settings)
    check_against(scalar, rule, seed=25, feedback=feedback)


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


def test_the_defaults_are_those_of_the_released_code():
    for rule in (TSCLOnline(), TSCLNaive(), TSCLWindow(), TSCLSampling()):
        assert (rule.epsilon, rule.temperature, rule.absolute) == (0.1, 4e-4, False)
        assert getattr(rule, "learning_rate", 0.1) == 0.1
        assert getattr(rule, "window", 10) == 10
    assert TSCLSampling().policy == "thompson"


def test_window_prefers_the_steepest_curve():
    rule, memory = TSCLWindow(), TSCLWindow().start(1, 3)
    for decision, scores in enumerate([[0.1, 0.5, 0.0], [0.3, 0.4, 0.1]], start=1):
        view = make_view({"score": [scores]}, [0], decision)
        memory = rule.observe(memory, view)
    # Slopes 0.2, -0.1 and 0.1.
    np.testing.assert_allclose(
        rule.probabilities(memory, view), [[0.9 + 0.1 / 3, 0.1 / 3, 0.1 / 3]]
    )


@pytest.mark.parametrize("rule", [TSCLWindow(epsilon=0.0), TSCLNaive(epsilon=0.0, window=5)])
def test_flat_scores_tie_whatever_their_level(rule):
    memory = rule.start(1, 3)
    for decision in range(1, 15):
        view = make_view({"score": [[0.3, 0.7, 1 / 3]]}, [0], decision)
        memory = rule.observe(memory, view)
    np.testing.assert_array_equal(rule.probabilities(memory, view), [[1 / 3, 1 / 3, 1 / 3]])


def test_window_tries_a_task_without_scores_first():
    rule = TSCLWindow(epsilon=0.0)
    memory = rule.start(1, 2)
    for decision in (1, 2):
        columns = {"score": [[0.4 * decision, 0.0]], "measured": [[1, 0]]}
        view = make_view(columns, [0], decision)
        memory = rule.observe(memory, view)
    # Task 0 has slope 0.4, the never measured task 1 counts as 1.
    np.testing.assert_array_equal(rule.probabilities(memory, view), [[0.0, 1.0]])
