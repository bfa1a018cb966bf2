"""Hand curricula and spaced review against scalar loops written from their rules."""

import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rule_views import check_rule, make_view, play, random_lifetime

from lessonplan.teacher.orders.hand import HandCombined, HandMixed, HandNaive, SpacedReview

RULES = {
    "naive": HandNaive(gate=0.5),
    "mixed": HandMixed(gate=0.6),
    "combined": HandCombined(gate=0.5),
    "combined-published": HandCombined(),
    "spaced": SpacedReview(gate=0.5),
    "spaced-slow": SpacedReview(gate=0.3, first=2.0, growth=1.5),
}


@pytest.mark.parametrize("name", RULES)
@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(1, 6), st.booleans())
def test_every_hand_curriculum_keeps_the_contract_of_rules(name, seed, n, k, padded):
    check_rule(RULES[name], seed, n, k, padded)


@pytest.mark.parametrize("rule", [HandNaive, HandMixed, HandCombined, SpacedReview])
def test_every_point_of_the_tuning_grid_of_a_hand_curriculum_is_a_rule(rule):
    for values in itertools.product(*rule.tuning.values()):
        chosen = rule(**dict(zip(rule.tuning, values, strict=True)))
        assert pickle.loads(pickle.dumps(chosen)) == chosen


def stages(style, k):
    """The published list of mixtures over tasks in their order, one row per stage."""
    everything = [[1 / k] * k]
    if style is HandNaive:
        return [[float(i == j) for j in range(k)] for i in range(k)] + everything
    if style is HandMixed:
        return [[1 / (i + 1) if j <= i else 0 for j in range(k)] for i in range(k)]
    half = [[1 / (2 * (i + 1)) if j <= i else 0 for j in range(k)] for i in range(k)]
    for i in range(k):
        half[i][i] += 1 / 2
    return half + everything


def test_the_stages_of_the_oracle_are_those_of_the_paper_for_four_tasks():
    np.testing.assert_allclose(
        stages(HandCombined, 4),
        [[1, 0, 0, 0], [1 / 4, 3 / 4, 0, 0], [1 / 6, 1 / 6, 2 / 3, 0],
         [1 / 8, 1 / 8, 1 / 8, 5 / 8], [1 / 4] * 4],
    )  # fmt: skip


@pytest.mark.parametrize("gate", [0.2, 0.5, 0.99])
@pytest.mark.parametrize("style", [HandNaive, HandMixed, HandCombined])
def test_a_stage_trains_its_mixture_until_that_mixture_scores_the_gate(style, gate):
    n, k, rng, highest = 6, 5, np.random.default_rng(2), 0
    frames = random_lifetime(int(100 * gate), n, k, decisions=14, padded=True)
    places = rng.permutation(k)
    shown = play(style(gate=gate), frames, places=places)
    for row in range(n):
        first = frames[0][0]
        tasks = [task for task in range(k) if first["present"][row, task]]
        tasks.sort(key=lambda task: first["order"][row, task])
        plan, stage = stages(style, len(tasks)), 0
        for i, (columns, _) in enumerate(frames):
            if i:
                mixture = zip(plan[stage], tasks, strict=True)
                scored = sum(share * columns["score"][row, task] for share, task in mixture)
                stage = min(stage + (scored >= gate - 1e-6), len(plan) - 1)
            expected = np.zeros(k)
            expected[tasks] = plan[stage]
            np.testing.assert_allclose(shown[i, row], expected[places], atol=1e-12)
            highest = max(highest, stage)
    assert highest >= 3


def test_a_stage_does_not_come_back_when_its_tasks_are_forgotten():
    rule, memory = HandMixed(gate=0.9), HandMixed().start(1, 3)
    order = [[2, 0, 1]]
    for decision, (scores, expected) in enumerate(
        [
            ([1, 1, 1], [0, 1, 0]),
            ([0, 0.95, 0], [0, 0.5, 0.5]),
            ([0, 0.1, 0.1], [0, 0.5, 0.5]),
            ([0, 0.9, 0.9], [1 / 3, 1 / 3, 1 / 3]),
            ([0, 0.0, 0.0], [1 / 3, 1 / 3, 1 / 3]),
        ]
    ):
        view = make_view({"score": [scores], "order": order}, [0], decision)
        memory = rule.observe(memory, view) if decision else memory
        np.testing.assert_allclose(rule.probabilities(memory, view), [expected])


def test_a_score_that_float32_rounds_down_has_passed_the_stage():
    rule = HandNaive(gate=0.9)
    view = make_view({"score": [[np.float32(0.9), 0]], "order": [[0, 1]]}, [0], 1)
    assert rule.observe(rule.start(1, 2), view)["stage"].tolist() == [1]


class ScalarReview:
    """One student's boxes, from the rule in words."""

    def __init__(self, tasks, order, threshold, gate, first, growth):
        self.tasks = sorted(tasks, key=lambda task: order[task])
        self.threshold, self.gate, self.first, self.growth = threshold, gate, first, growth
        self.box, self.due, self.reviews = {}, {}, []

    def observe(self, decision, chosen, score):
        for task in self.tasks:
            if score[task] < self.gate - 1e-6:
                self.box.pop(task, None)
            elif task not in self.box:
                self.box[task] = 0
                self.due[task] = decision + self.first
            elif task == chosen and self.due[task] <= decision - 1:
                self.box[task] += 1
                self.reviews.append(self.box[task])
                self.due[task] = decision + self.first * self.growth ** self.box[task]

    def shares(self, decision, score):
        due = [task for task in self.tasks if task in self.box and self.due[task] <= decision]
        below = [task for task in self.tasks if score[task] < self.gate - 1e-6]
        missing = [task for task in self.tasks if score[task] < self.threshold[task] - 1e-6]
        chosen = due or below[:1] or missing[:1] or self.tasks
        return {task: 1 / len(chosen) for task in chosen}


@pytest.mark.parametrize(("gate", "first", "growth"), [(0.9, 1, 2), (0.4, 2, 1.5), (0.6, 0.5, 1)])
def test_reviews_come_when_the_boxes_say(gate, first, growth):
    n, k, reviews = 5, 4, []
    frames = random_lifetime(int(10 * gate), n, k, decisions=60, padded=True, coarse=False)
    places = np.array([2, 0, 3, 1])
    shown = play(SpacedReview(gate=gate, first=first, growth=growth), frames, places=places)
    for row in range(n):
        fixed = {name: value[row] for name, value in frames[0][0].items()}
        tasks = [task for task in range(k) if fixed["present"][task]]
        oracle = ScalarReview(tasks, fixed["order"], fixed["threshold"], gate, first, growth)
        for i, (columns, last) in enumerate(frames):
            if i:
                oracle.observe(i, last[row], columns["score"][row])
            expected = np.zeros(k)
            for task, share in oracle.shares(i, columns["score"][row]).items():
                expected[task] = share
            np.testing.assert_allclose(shown[i, row], expected[places], err_msg=f"{i}, {row}")
        reviews += oracle.reviews
    assert max(reviews) >= 2


def test_a_task_that_stays_mastered_comes_back_at_doubling_intervals():
    rule, memory, chosen, score = SpacedReview(), SpacedReview().start(1, 2), [], [0.0, 0.0]
    for decision in range(40):
        columns = {"score": [score], "order": [[0, 1]], "threshold": [[0.9, 0.9]]}
        view = make_view(columns, chosen[-1:] or None, decision)
        memory = rule.observe(memory, view) if decision else memory
        chosen.append(rule.probabilities(memory, view)[0].argmax())
        # The first task is mastered at once, the second never.
        score = [1.0, 0.0]
    # 1, 2, 4, 8 and 16 other decisions between.
    assert np.flatnonzero(np.array(chosen) == 0).tolist() == [0, 2, 5, 10, 19, 36]


def test_a_forgotten_task_starts_again_from_the_first_box():
    rule = SpacedReview(gate=0.5)
    memory = {"box": np.array([[3, 2]]), "due": np.array([[9.0, 30.0]])}
    columns = {"score": [[0.4, 0.6]], "order": [[0, 1]], "threshold": [[0.9, 0.9]]}
    memory = rule.observe(memory, make_view(columns, [0], 10))
    assert memory["box"].tolist() == [[-1, 2]]
    columns["score"] = [[0.5, 0.6]]
    memory = rule.observe(memory, make_view(columns, [0], 11))
    assert memory["box"].tolist() == [[0, 2]]
    assert memory["due"].tolist() == [[12.0, 30.0]]


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: HandNaive(gate=1.1), "gate"),
        (lambda: HandMixed(gate=-0.1), "gate"),
        (lambda: HandCombined(gate=float("nan")), "gate"),
        (lambda: SpacedReview(gate=2), "gate"),
        (lambda: SpacedReview(first=0.0), "first"),
        (lambda: SpacedReview(growth=0.9), "growth"),
        (lambda: SpacedReview(growth=float("inf")), "growth"),
    ],
)
def test_a_wrong_parameter_of_a_hand_curriculum_is_named(make, name):
    with pytest.raises(ValueError, match=name):
        make()
