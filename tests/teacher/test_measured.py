"""Rules learn from what was measured, and from nothing else.

Legend: n students, k tasks.
"""

import numpy as np
import pytest
from rule_rooms import ARGUMENTS, rule_named, teach
from rule_views import make_view, random_lifetime

from lessonplan.envs import Tutor
from lessonplan.teacher import (
    RULES,
    UCB1,
    DiscountedUCB,
    RuleTeacher,
    TSCLSampling,
    TSCLWindow,
)

BANDITS = [name for name, rule in RULES.items() if rule.kind == "bandit"]
UNTRIED_FIRST = {
    "tscl_window": TSCLWindow(epsilon=0.0),
    "tscl_sampling": TSCLSampling(epsilon=0.0),
    "tscl_sampling-mean": TSCLSampling(epsilon=0.0, policy="epsilon_greedy"),
    "ucb1": UCB1(),
    "discounted_ucb": DiscountedUCB(),
}
"""Rules that claim to come first to what was never measured, or not often enough for a slope."""
ONCE_TOLD = (
    "tscl_online", "tscl_naive", "tscl_window", "tscl_sampling", "alp_proportional",
    "bidirectional_progress", "mastering_rate",
)  # fmt: skip
"""Rules that were once made with `feedback`."""


def test_every_rule_that_learns_in_a_lifetime_is_shown_what_was_measured():
    needing = [name for name in RULES if "measured" in rule_named(name).needs]
    assert set(needing) == {*BANDITS, "spaced_review"}


@pytest.mark.parametrize("name", BANDITS)
def test_a_rule_does_not_listen_to_what_nobody_measured(name):
    rule, rng = rule_named(name), np.random.default_rng(0)
    frames = random_lifetime(8, 4, 3, decisions=9, coarse=False)
    memory, other = rule.start(4, 3), rule.start(4, 3)
    for i, (columns, last) in enumerate(frames):
        # From the second outcome on: the first also says where the students began.
        here = columns | {"measured": np.eye(3)[last] if i > 1 else np.ones((4, 3))}
        noise = {
            column: np.where(here["measured"] > 0, here[column], rng.random((4, 3)))
            for column in ("score", "progress:difference", "loss")
        }
        if i:
            memory = rule.observe(memory, make_view(here, last, i))
            other = rule.observe(other, make_view(here | noise, last, i))
    for array, values in memory.items():
        np.testing.assert_array_equal(other[array], values, array)


@pytest.mark.parametrize("name", BANDITS)
def test_where_nothing_was_measured_a_rule_believes_what_it_believed(name):
    rule = rule_named(name)
    frames = random_lifetime(2, 4, 3, decisions=3, coarse=False)
    memory = rule.observe(rule.start(4, 3), make_view(*frames[1], 1))
    unmeasured = frames[2][0] | {"measured": np.zeros((4, 3))}
    after = rule.observe(memory, make_view(unmeasured, frames[2][1], 2))
    counts = {"tscl_naive": {"spent"}, "aioli": {"step"}}
    decisions = counts.get(name, {"count"} if "odm" in name else set())
    for array in set(memory) - decisions:
        np.testing.assert_array_equal(after[array], memory[array], array)
    for array in decisions:
        np.testing.assert_array_equal(after[array], memory[array] + 1)


@pytest.mark.parametrize("told", ["a score", "scores of some tasks"])
@pytest.mark.parametrize("name", UNTRIED_FIRST)
def test_every_task_is_tried_before_any_is_preferred(name, told):
    rule, names = UNTRIED_FIRST[name], [f"t{i}" for i in range(8)]
    observe = tuple(dict.fromkeys(("progress", *rule.needs, "key")))
    for seed in range(3):
        teacher = RuleTeacher(rule, Tutor(names, _nobody, observe=observe).env, seed=seed)
        tutor, tried = Tutor(names, teacher, observe=observe, student_seed=seed), []
        for _ in range(16):
            tried.append(tutor.choose())
            score = min(tutor.scores[tried[-1]] + 0.05, 1.0)
            if told == "a score":
                tutor.observe(tried[-1], score)
            else:
                # The task before is measured again.
                tutor.observe(scores={tried[-2:][0]: tutor.scores[tried[-2:][0]], tried[-1]: score})
        assert set(tried) == set(names)


@pytest.mark.parametrize("name", UNTRIED_FIRST)
def test_every_task_is_tried_first_in_a_classroom_that_measures_what_was_chosen(name):
    chosen = teach(UNTRIED_FIRST[name], range(6), decisions=16, k=8, feedback="bandit")
    assert all(set(places) == set(range(8)) for places in chosen.tolist())


def _nobody(env):
    return RuleTeacher(RULES["uniform"](), env)


@pytest.mark.parametrize("name", ONCE_TOLD)
def test_feedback_is_left_aside_with_a_sentence_that_says_what_to_do(name):
    with pytest.warns(UserWarning, match="takes no feedback, so 'bandit' changes nothing: leave"):
        told = RULES[name](feedback="bandit", **ARGUMENTS.get(name, {}))
    assert told == rule_named(name)
