"""From a rule's probabilities to tasks: random streams, absent tasks, lots, refusals."""

import numpy as np
import pytest
from rule_rooms import rule_named, teach, vec_env

from lessonplan.envs import COLUMNS
from lessonplan.teacher import RULES, RuleTeacher
from lessonplan.teacher.rules import Rule, View


class Fixed:
    """Returns what it was given, for every student."""

    needs = ()

    def __init__(self, *probabilities):
        self.given = np.array(probabilities)

    def start(self, n, k):
        return {}

    def observe(self, memory, view):
        return memory

    def probabilities(self, memory, view):
        return np.tile(self.given, (len(view.last), 1))


@pytest.mark.parametrize("name", RULES)
def test_a_choice_depends_on_teacher_seed_student_and_decision_and_on_no_neighbour(name):
    rule, students = rule_named(name), [3, 14, 15, 92, 65]
    together = teach(rule, students)
    assert ((together >= 0) & (together < 3)).all()
    for order in ([0], [4], [2, 0], [4, 3, 2, 1, 0]):
        alone = teach(rule, [students[i] for i in order])
        np.testing.assert_array_equal(alone, together[order])
    np.testing.assert_array_equal(teach(rule, students), together)


DETERMINISTIC = {
    "in_order", "reverse", "spaced_review", "hand_naive", "hand_mixed", "hand_combined",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(set(RULES) - DETERMINISTIC))
def test_another_teacher_seed_and_another_student_make_other_choices(name):
    rule, students = rule_named(name), np.arange(20)
    chosen = teach(rule, students, seed=0)
    assert (chosen != teach(rule, students, seed=1)).any()
    # Students that learn alike, so that only their random numbers differ.
    same = teach(rule, 7 * students, seed=0)
    assert len(np.unique(same, axis=0)) > 1


@pytest.mark.parametrize("name", RULES)
def test_no_rule_chooses_a_place_where_there_is_no_task(name):
    rule = rule_named(name)
    places = teach(rule, list(range(30)), decisions=12, max_tasks=6, observe=("present",))
    assert set(np.unique(places)) <= {0, 1, 2}
    unpadded = teach(rule, list(range(30)), decisions=12)
    if name in ("in_order", "uniform", "static_mixture", "proportional"):
        np.testing.assert_array_equal(places, unpadded)


@pytest.mark.parametrize("name", RULES)
def test_a_rule_keeps_the_interface_and_declares_columns_that_exist(name):
    rule = rule_named(name)
    assert isinstance(rule, Rule)
    names = {need.partition(":")[0] for need in rule.needs}
    assert names <= set(COLUMNS) | {"progress", "present"}


@pytest.mark.parametrize("name", RULES)
def test_deterministic_prediction_changes_nothing(name):
    rule = rule_named(name)
    env = vec_env(rule, n=20)
    teacher, observation, first = RuleTeacher(rule, env), env.reset(), np.ones(20, bool)
    np.testing.assert_equal(
        teacher.predict(observation, None, first, deterministic=True),
        teacher.predict(observation, None, first),
    )


def test_tasks_are_drawn_with_the_probabilities_that_the_rule_gives():
    rule = Fixed(0.4, 1.0, 0.0, 0.6)
    env = vec_env(rule, n=4000, k=4)
    actions, state = RuleTeacher(rule, env).predict(env.reset())
    np.testing.assert_allclose(state["probabilities"], np.tile([0.2, 0.5, 0, 0.3], (4000, 1)))
    shares = np.bincount(actions, minlength=4) / 4000
    # Four standard deviations.
    np.testing.assert_allclose(shares, [0.2, 0.5, 0, 0.3], atol=4 * (0.25 / 4000) ** 0.5)
    assert shares[2] == 0


def test_a_rule_that_prefers_a_place_without_a_task_gets_another():
    rule = Fixed(0.1, 0.3, 5.0)
    env = vec_env(rule, n=40, k=2, max_tasks=3, observe=("present",))
    actions, state = RuleTeacher(rule, env).predict(env.reset())
    np.testing.assert_allclose(state["probabilities"], np.tile([0.25, 0.75, 0], (40, 1)))
    assert set(actions) == {0, 1}


def test_a_rule_without_any_preference_chooses_evenly_among_the_tasks_that_exist():
    rule = Fixed(0.0, 0.0, 0.0)
    env = vec_env(rule, k=2, max_tasks=3, observe=("present",))
    _, state = RuleTeacher(rule, env).predict(env.reset())
    assert state["probabilities"].tolist() == [[0.5, 0.5, 0.0]]


@pytest.mark.parametrize(("lot", "task"), [(0.0, 1), (0.55, 6), (1 - 2**-53, 10)])
def test_the_highest_and_lowest_lots_fall_on_tasks_with_a_chance(lot, task, monkeypatch):
    monkeypatch.setattr(View, "uniform", lambda self, stream=0, count=None: np.full((1, 1), lot))
    rule = Fixed(0.0, *[0.1] * 10, 0.0)
    env = vec_env(rule, k=12)
    actions, state = RuleTeacher(rule, env).predict(env.reset())
    # In floating point ten tenths do not exceed the highest lot.
    assert np.cumsum(state["probabilities"])[-1] <= 1 - 2**-53
    assert actions[0] == task


@pytest.mark.parametrize(
    "bad",
    [
        (np.nan, 0.5, 0.5), (-0.1, 0.6, 0.5), (np.inf, 0.0, 0.0), (0.5, 0.5), (0.25,) * 4,
        (-1e-12, 0.5, 0.5),
    ],
)  # fmt: skip
def test_impossible_probabilities_are_refused_in_one_sentence_that_names_the_rule(bad):
    rule = Fixed(*bad)
    env = vec_env(rule)
    with pytest.raises(ValueError, match=r"Fixed.probabilities must return finite, non-negative"):
        RuleTeacher(rule, env).predict(env.reset())
