"""Rules by absolute learning progress against scalar loops written from the published formulas."""

import itertools
import math
import pickle
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rule_views import check_rule, make_view, play, random_lifetime

from lessonplan.teacher.bandits.learning_progress import ALPProportional, BidirectionalProgress

RULES = {
    "alp": ALPProportional(window=3),
    "alp-short": ALPProportional(window=2, uniform_share=0.3),
    "alp-change": ALPProportional(window=1, estimate="change"),
    "bidirectional": BidirectionalProgress(),
    "bidirectional-fast": BidirectionalProgress(
        fast_rate=0.5, slow_rate=0.2, theta=0.4, uniform_share=0.25, baseline_cap=0.1
    ),
    "bidirectional-at-once": BidirectionalProgress(fast_rate=1.0),
}


@pytest.mark.parametrize("name", RULES)
@settings(max_examples=15, deadline=None)
@given(
    st.integers(0, 10**6), st.integers(1, 5), st.integers(1, 6), st.booleans(),
    st.sampled_from(["full", "bandit"]),
)  # fmt: skip
def test_every_rule_by_progress_keeps_the_contract_of_rules(name, seed, n, k, padded, feedback):
    check_rule(RULES[name], seed, n, k, padded, feedback)


@pytest.mark.parametrize("rule", [ALPProportional, BidirectionalProgress])
def test_every_point_of_the_tuning_grid_of_a_rule_by_progress_is_a_rule(rule):
    for values in itertools.product(*rule.tuning.values()):
        chosen = rule(**dict(zip(rule.tuning, values, strict=True)))
        assert pickle.loads(pickle.dumps(chosen)) == chosen


def tasks_of(frames, row):
    present = frames[0][0]["present"][row]
    return [task for task in range(len(present)) if present[task]]


def measured(feedback, tasks, last):
    return tasks if feedback == "full" else [last]


def by_task(k, shares):
    """Shares of some tasks, as a list over all."""
    return [shares.get(task, 0.0) for task in range(k)]


def mix(shares, share):
    return {task: (1 - share) * p + share / len(shares) for task, p in shares.items()}


@pytest.mark.parametrize("feedback", ["full", "bandit"])
@pytest.mark.parametrize("uniform_share", [0.0, 0.1, 0.4])
@pytest.mark.parametrize("coarse", [True, False])
def test_tasks_are_sampled_by_the_size_of_their_slopes(feedback, uniform_share, coarse):
    n, k = 3, 4
    frames = random_lifetime(11, n, k, 15, padded=True, coarse=coarse, feedback=feedback)
    rule = ALPProportional(window=4, uniform_share=uniform_share)
    places = np.array([3, 1, 0, 2])
    shown = play(rule, frames, places=places)
    for row in range(n):
        tasks = tasks_of(frames, row)
        history = {task: [] for task in tasks}
        for i, (columns, last) in enumerate(frames):
            if i:
                for task in measured(feedback, tasks, last[row]):
                    history[task].append((i, columns["score"][row, task]))
            size = {task: 1e-8 for task in tasks}
            for task in tasks:
                if len(history[task]) > 1:
                    size[task] += abs(np.polyfit(*zip(*history[task][-4:], strict=True), 1)[0])
            total = sum(size.values())
            expected = mix({task: value / total for task, value in size.items()}, uniform_share)
            np.testing.assert_allclose(
                shown[i, row], np.array(by_task(k, expected))[places], atol=1e-6
            )


@pytest.mark.parametrize("feedback", ["full", "bandit"])
@pytest.mark.parametrize("window", [1, 3])
def test_tasks_are_sampled_by_their_last_absolute_changes(feedback, window):
    n, k = 3, 4
    frames = random_lifetime(12, n, k, decisions=15, padded=True, feedback=feedback)
    rule = ALPProportional(window=window, estimate="change", uniform_share=0.2)
    shown = play(rule, frames)
    for row in range(n):
        tasks = tasks_of(frames, row)
        history = {task: [] for task in tasks}
        for i, (columns, last) in enumerate(frames):
            if i:
                before = frames[i - 1][0]["score"][row]
                for task in measured(feedback, tasks, last[row]):
                    history[task].append(abs(columns["score"][row, task] - before[task]))
            size = {
                task: 1e-8 + (statistics.fmean(found[-window:]) if found else 0.0)
                for task, found in history.items()
            }
            total = sum(size.values())
            expected = mix({task: value / total for task, value in size.items()}, 0.2)
            np.testing.assert_allclose(shown[i, row], by_task(k, expected), atol=1e-6)


def test_progress_by_hand_with_the_defaults_of_the_paper():
    rule = ALPProportional()
    assert (rule.window, rule.uniform_share) == (10, 0.1)
    memory = rule.start(1, 3)
    for decision, scores in enumerate([[0.1, 0.5, 0.0], [0.3, 0.4, 0.0]], start=1):
        view = make_view({"score": [scores], "progress:difference": [[0, 0, 0]]}, [0], decision)
        memory = rule.observe(memory, view)
    # Slopes 0.2, -0.1 and 0: two to one, whichever way they go.
    np.testing.assert_allclose(
        rule.probabilities(memory, view),
        [[0.6 + 0.1 / 3, 0.3 + 0.1 / 3, 0.1 / 3]],
        atol=1e-6,
    )


class ScalarBidirectional:
    """One student's averages, from the released code's formulas."""

    def __init__(self, rule, before):
        self.rule = rule
        self.baseline = {task: min(score, rule.baseline_cap) for task, score in before.items()}
        self.fast = {task: self.normalised(task, score) for task, score in before.items()}
        self.slow = dict(self.fast)
        self.success = dict(before)

    def normalised(self, task, score):
        gain = max(score - self.baseline[task], 0.0)
        return (gain if gain > 1e-6 else 0.0) / (1 - self.baseline[task])

    def observe(self, task, score):
        a, b = self.rule.fast_rate, self.rule.slow_rate
        self.fast[task] = a * self.normalised(task, score) + (1 - a) * self.fast[task]
        self.slow[task] = b * self.fast[task] + (1 - b) * self.slow[task]
        self.success[task] = a * score + (1 - a) * self.success[task]

    def shares(self):
        def f(p):
            return p * (1 - self.rule.theta) / (p + self.rule.theta * (1 - 2 * p))

        progress = {task: abs(f(self.fast[task]) - f(self.slow[task])) for task in self.fast}
        moving = [task for task in progress if progress[task] > 0 or self.success[task] > 0]
        moving = moving or list(progress)
        found = [progress[task] for task in moving]
        mean, spread = statistics.fmean(found), statistics.pstdev(found)
        weights = dict.fromkeys(progress, 0.0)
        for task in moving:
            z = (progress[task] - mean) / spread if spread > 1e-9 else 0.0
            weights[task] = 1 / (1 + math.exp(-z))
        total = sum(weights.values())
        shares = {task: weight / total for task, weight in weights.items()}
        return mix(shares, self.rule.uniform_share)


@pytest.mark.parametrize(
    "rule",
    [
        BidirectionalProgress(),
        BidirectionalProgress(uniform_share=0.25),
        BidirectionalProgress(fast_rate=0.3, slow_rate=0.05, theta=0.5),
        BidirectionalProgress(fast_rate=1.0, slow_rate=0.3, baseline_cap=0.1),
        BidirectionalProgress(baseline_cap=0.0, theta=0.02),
    ],
)
@pytest.mark.parametrize("coarse", [True, False])
@pytest.mark.parametrize("feedback", ["full", "bandit"])
def test_bidirectional_progress_follows_the_published_formulas(rule, coarse, feedback):
    n, k = 4, 5
    frames = random_lifetime(21, n, k, 15, padded=True, coarse=coarse, feedback=feedback)
    places = np.array([4, 2, 0, 1, 3])
    if feedback == "bandit":
        frames = only_the_chosen_is_measured(frames)
    shown = play(rule, frames, places=places)
    unequal = 0
    for row in range(n):
        tasks, first = tasks_of(frames, row), frames[0][0]["score"][row]
        oracle = ScalarBidirectional(rule, {task: first[task] for task in tasks})
        for i, (columns, last) in enumerate(frames):
            if i:
                for task in measured(feedback, tasks, last[row]):
                    oracle.observe(task, columns["score"][row, task])
            expected = np.array(by_task(k, oracle.shares()))
            np.testing.assert_allclose(shown[i, row], expected[places], atol=1e-9)
            unequal += len(set(expected.round(6))) > 2
    assert unequal > n


def only_the_chosen_is_measured(frames):
    """The same lifetime where the others keep the score that was measured last."""
    known, kept = frames[0][0]["score"].copy(), [frames[0]]
    for columns, last in frames[1:]:
        before, rows = known.copy(), np.arange(len(last))
        known = known.copy()
        known[rows, last] = columns["score"][rows, last]
        kept.append((columns | {"score": known, "progress:difference": known - before}, last))
    return kept


def test_bidirectional_progress_has_the_defaults_of_syllabus():
    rule = BidirectionalProgress()
    rates = (rule.fast_rate, rule.slow_rate, rule.theta, rule.baseline_cap, rule.uniform_share)
    assert rates == (0.1, 0.1, 0.1, 0.75, 0.0)


def test_a_task_without_progress_or_success_is_left_out_until_it_has_some():
    rule = BidirectionalProgress()
    memory, shown = rule.start(1, 3), []
    scores = [[0.0, 0.0, 0.2], [0.3, 0.0, 0.2], [0.3, 0.1, 0.2]]
    for decision, score in enumerate(scores):
        change = np.subtract(score, scores[max(decision - 1, 0)])
        view = make_view({"score": [score], "progress:difference": [change]}, [0], decision)
        memory = rule.observe(memory, view) if decision else memory
        shown.append((rule.probabilities(memory, view)[0] > 0).tolist())
    # The third task never learns, but it has succeeded.
    assert shown == [[False, False, True], [True, False, True], [True, True, True]]


def test_float32_rounding_of_the_baseline_is_no_progress():
    """A score that falls and returns to where it was has gained nothing."""
    scores = np.float32([[0.3, 0.7], [0.05, 0.2], [0.3, 0.7]])
    assert float(scores[1, 0]) - float(scores[1, 0] - scores[0, 0]) < float(scores[0, 0])
    rule = BidirectionalProgress()
    memory = rule.start(1, 2)
    for decision, score in enumerate(scores):
        change = score - scores[max(decision - 1, 0)]
        view = make_view({"score": [score], "progress:difference": [change]}, [0], decision)
        memory = rule.observe(memory, view) if decision else memory
        np.testing.assert_array_equal(rule.probabilities(memory, view), [[0.5, 0.5]])


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: ALPProportional(window=1), "window"),
        (lambda: ALPProportional(estimate="change", window=0), "window"),
        (lambda: ALPProportional(estimate="mean"), "estimate"),
        (lambda: ALPProportional(uniform_share=1.5), "uniform_share"),
        (lambda: BidirectionalProgress(fast_rate=0.0), "fast_rate"),
        (lambda: BidirectionalProgress(slow_rate=1.1), "slow_rate"),
        (lambda: BidirectionalProgress(theta=1.0), "theta"),
        (lambda: BidirectionalProgress(baseline_cap=1.0), "baseline_cap"),
        (lambda: BidirectionalProgress(uniform_share=float("nan")), "uniform_share"),
    ],
)
def test_a_wrong_parameter_of_a_rule_by_progress_is_named(make, name):
    with pytest.raises(ValueError, match=name):
        make()
