"""The mastering rate rule against a scalar loop written from the published code's formulas."""

import itertools
import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rule_views import check_rule, make_view, play, random_lifetime

from lessonplan.teacher.bandits.graph import TaskGraph
from lessonplan.teacher.bandits.mastering import MasteringRate

CHAIN = tuple((task - 1,) if task else () for task in range(6))
# Two sources, a join, a fork, a task with three prerequisites before it in no order, one alone.
BRANCHES = ((4,), (0, 4), (1, 0, 3), (), (), ())
RULES = {
    "chain": MasteringRate(CHAIN, window=3),
    "branches": MasteringRate(BRANCHES, window=2, epsilon=0.1),
    "greedy": MasteringRate(BRANCHES, window=3, choice="greedy", highest=0.5),
    "softmax": MasteringRate(CHAIN, choice="softmax", temperature=0.1, lowest=0.2),
    "no-graph": MasteringRate(((),) * 6, power=1.0),
}


@pytest.mark.parametrize("name", RULES)
@settings(max_examples=15, deadline=None)
@given(
    st.integers(0, 10**6), st.integers(1, 5), st.integers(1, 6), st.booleans(),
    st.sampled_from(["full", "bandit"]),
)  # fmt: skip
def test_mastering_rate_keeps_the_contract_of_rules(name, seed, n, k, padded, feedback):
    check_rule(RULES[name], seed, n, k, padded, feedback)


def test_every_point_of_its_tuning_grid_is_a_rule_that_can_be_pickled():
    columns, _ = random_lifetime(0, n=2, k=6)[0]
    tuning = MasteringRate.tuning
    for values in itertools.product(*tuning.values()):
        chosen = MasteringRate(BRANCHES, **dict(zip(tuning, values, strict=True)))
        copied = pickle.loads(pickle.dumps(chosen))
        assert copied == chosen
        np.testing.assert_array_equal(
            copied.probabilities(copied.start(2, 6), make_view(columns)),
            chosen.probabilities(chosen.start(2, 6), make_view(columns)),
        )


def test_its_defaults_are_those_of_the_released_code():
    rule = MasteringRate(CHAIN)
    assert (rule.window, rule.power, rule.potential) == (10, 6, 0.5)
    assert (rule.to_prerequisites, rule.to_successors) == (0.2, 0.05)
    assert (rule.choice, rule.epsilon, rule.temperature) == ("proportional", 0, 4e-4)


def ancestors(graph, task):
    """Everything before a task, directly or not."""
    found = set(graph[task])
    for earlier in graph[task]:
        found |= ancestors(graph, earlier)
    return found


class ScalarMastering:
    """One student's attention on the tasks that exist: `graph` is a dict of sets."""

    def __init__(self, rule, tasks):
        full = dict(enumerate(rule.prerequisites))
        self.rule, self.tasks = rule, tasks
        self.before = {task: [t for t in full[task] if t in tasks] for task in tasks}
        self.after = {task: [t for t in tasks if task in full[t]] for task in tasks}
        self.ancestors = {task: ancestors(full, task) & set(tasks) for task in tasks}
        self.depth = {task: len(ancestors(full, task)) for task in tasks}
        self.history = {task: [] for task in tasks}
        self.lowest = dict.fromkeys(tasks, rule.lowest)
        self.highest = dict.fromkeys(tasks, rule.highest)

    def observe(self, decision, task, score):
        self.history[task].append((decision, score))
        recent = [score for _, score in self.history[task][-self.rule.window :]]
        if len(recent) == self.rule.window:
            mean = sum(recent) / len(recent)
            self.lowest[task] = min(self.lowest[task], mean)
            self.highest[task] = max(self.highest[task], mean)

    def mastery(self, task):
        recent = [score for _, score in self.history[task][-self.rule.window :]]
        low, high = self.lowest[task], self.highest[task]
        mean = min(max(sum(recent) / len(recent), low), high) if recent else low
        return (mean - low) / (high - low)

    def progress(self, task):
        recent = self.history[task][-self.rule.window :]
        if len(recent) < 2:
            return 0.0
        slope = abs(np.polyfit(*zip(*recent, strict=True), 1)[0])
        return slope if slope > 1e-9 else 0.0

    def attention(self):
        rule, mastery = self.rule, {task: self.mastery(task) for task in self.tasks}
        progress = {task: self.progress(task) for task in self.tasks}
        largest = max(progress.values()) or 1.0
        a = {}
        for task in self.tasks:
            ready = min([mastery[t] for t in self.ancestors[task]], default=1.0)
            surpassed = min([mastery[t] for t in self.after[task]], default=0.0)
            interest = (1 - rule.potential) * progress[task] / largest
            interest += rule.potential * (1 - mastery[task])
            a[task] = ready**rule.power * interest * (1 - surpassed)
        # A task has more before it than any of its prerequisites has.
        for task in sorted(self.tasks, key=lambda task: -self.depth[task]):
            for neighbours, share in (
                (self.before[task], rule.to_prerequisites),
                (self.after[task], rule.to_successors),
            ):
                given_away = share * a[task]
                a[task] -= given_away
                for other in neighbours:
                    a[other] += given_away / len(neighbours)
        return a

    def shares(self):
        rule, a = self.rule, self.attention()
        if rule.choice == "proportional":
            weights = {task: value + 1e-8 for task, value in a.items()}
        elif rule.choice == "greedy":
            weights = {task: float(value > max(a.values()) - 1e-12) for task, value in a.items()}
        else:
            highest = max(a.values())
            weights = {t: math.exp((value - highest) / rule.temperature) for t, value in a.items()}
        total, e = sum(weights.values()), rule.epsilon
        return {task: (1 - e) * w / total + e / len(a) for task, w in weights.items()}


@pytest.mark.parametrize("graph", [CHAIN, BRANCHES, ((),) * 6], ids=["chain", "branches", "none"])
@pytest.mark.parametrize(
    "settings",
    [
        {"window": 10},
        {"window": 3, "highest": 0.3, "lowest": 0.1},
        {"window": 4, "power": 1.0, "potential": 0.2, "to_prerequisites": 0.5, "epsilon": 0.1},
        {"window": 2, "choice": "greedy", "epsilon": 0.1, "to_successors": 0.3},
        {"window": 3, "choice": "softmax", "temperature": 0.05, "power": 2.0, "potential": 1.0},
    ],
)
@pytest.mark.parametrize("feedback", ["full", "bandit"])
def test_attention_follows_the_published_formulas_wherever_the_tasks_stand(
    graph, settings, feedback
):
    n, k, rng = 4, 6, np.random.default_rng(3)
    rule = MasteringRate(graph, **settings)
    frames = random_lifetime(len(settings), n, k, 16, padded=True, coarse=False, feedback=feedback)
    # Each student has its tasks in places of its own, and lacks others.
    task = rng.permuted(np.tile(np.arange(k), (n, 1)), axis=1)
    frames = [(columns | {"task": task}, last) for columns, last in frames]
    shown = play(rule, frames)
    for row in range(n):
        place = {int(task[row, i]): i for i in range(k) if frames[0][0]["present"][row, i]}
        oracle = ScalarMastering(rule, sorted(place))
        for i, (columns, last) in enumerate(frames):
            for name, where in place.items():
                if i and (feedback == "full" or where == last[row]):
                    oracle.observe(i, name, columns["score"][row, where])
            expected = np.zeros(k)
            for name, share in oracle.shares().items():
                expected[place[name]] = share
            np.testing.assert_allclose(shown[i, row], expected, atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 7))
def test_attention_on_random_graphs_follows_the_published_formulas(seed, k):
    rng = np.random.default_rng(seed)
    line = rng.permutation(k)
    graph = [()] * k
    for i, name in enumerate(line):
        graph[name] = tuple(int(other) for other in line[:i][rng.random(i) < 0.4])
    rule = MasteringRate(tuple(graph), window=3)
    frames = random_lifetime(seed, 1, k, decisions=6)
    places = rng.permutation(k)
    shown, oracle = play(rule, frames, places=places), ScalarMastering(rule, list(range(k)))
    for i, (columns, _) in enumerate(frames):
        for name in range(k):
            if i:
                oracle.observe(i, name, columns["score"][0, name])
        expected = np.array([oracle.shares()[name] for name in range(k)])
        np.testing.assert_allclose(shown[i, 0], expected[places], atol=1e-6)


def test_before_any_score_attention_is_with_the_first_task_and_a_little_with_the_next():
    rule = MasteringRate(((), (0,), (1,)))
    view = make_view({"score": [[0, 0, 0]], "task": [[2, 0, 1]]})
    # Task 0: 0.5 of potential, less 0.2 of it, less 0.05 of the rest, which task 1 gets.
    np.testing.assert_allclose(
        rule.probabilities(rule.start(1, 3), view), [[0, 0.95, 0.05]], atol=1e-7
    )


def test_attention_moves_on_along_the_chain_as_tasks_are_mastered():
    rule, k = MasteringRate(CHAIN, window=2), 6
    favourites = []
    for mastered in range(k):
        memory = rule.start(1, k)
        for decision in (1, 2, 3):
            scores = [[1.0] * mastered + [0.0] * (k - mastered)]
            view = make_view({"score": scores, "task": [range(k)]}, [0], decision)
            memory = rule.observe(memory, view)
        favourites.append(rule.probabilities(memory, view)[0].argmax())
    assert favourites == list(range(k))


def test_bounds_widen_with_the_mean_of_a_window_as_soon_as_it_is_full():
    rule = MasteringRate(((),), window=3, lowest=0.4, highest=0.5)
    memory, found = rule.start(1, 1), []
    for decision, score in enumerate([0.9, 0.6, 0.9, 0.1, 0.1, 0.1, 0.4], start=1):
        view = make_view({"score": [[score]], "task": [[0]]}, [0], decision)
        memory = rule.observe(memory, view)
        found.append((memory["lowest"][0, 0], memory["highest"][0, 0]))
    expected = [(0.4, 0.5)] * 2 + [(0.4, 0.8)] * 2 + [(1.1 / 3, 0.8)] + [(0.1, 0.8)] * 2
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("prerequisites", "message"),
    [
        (((1,), (0,)), r"tasks \[0, 1\] run in a circle"),
        (((0,),), "circle"),
        (((), (2,), (1,), (2,)), r"\[1, 2, 3\]"),
        (((), (2,)), r"prerequisites of task 1 must be tasks from 0 to 1, got \[2\]"),
        (((-1,), ()), "prerequisites of task 0"),
    ],
)
def test_a_graph_that_cannot_be_is_refused(prerequisites, message):
    with pytest.raises(ValueError, match=message):
        MasteringRate(prerequisites)


def test_an_order_of_the_graph_has_every_task_after_its_prerequisites():
    order = TaskGraph(BRANCHES).order
    assert sorted(order) == list(range(6))
    for task, before in enumerate(BRANCHES):
        assert all(order.index(earlier) < order.index(task) for earlier in before)


def test_a_suite_with_more_tasks_than_the_graph_is_refused():
    rule = MasteringRate(((), (0,)))
    view = make_view({"score": [[0, 0, 0]], "task": [[0, 2, 1]]})
    with pytest.raises(ValueError, match="prerequisites for 2 tasks but the suite has at least 3"):
        rule.probabilities(rule.start(1, 3), view)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("window", 1), ("power", 0.0), ("potential", 1.5), ("to_prerequisites", -0.1),
        ("to_successors", 2), ("lowest", 1.0), ("highest", 1.1), ("choice", "best"),
        ("epsilon", float("nan")), ("temperature", 0.0),
    ],
)  # fmt: skip
def test_a_wrong_parameter_of_mastering_rate_is_named(name, value):
    with pytest.raises(ValueError, match=name):
        MasteringRate(CHAIN, **{name: value})
