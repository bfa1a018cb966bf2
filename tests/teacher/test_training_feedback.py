"""Every rule teaches by what training examples showed alone.

Legend: n students, k tasks, d decisions.
"""

import numpy as np
import pytest
from rule_rooms import rule_named

from lessonplan.envs import Budget, Classroom, CurriculumVecEnv
from lessonplan.student.cohorts.simulation import SimulatedCohort, simulated
from lessonplan.teacher import (
    RULES,
    Deficit,
    Frontier,
    Learnability,
    RuleTeacher,
    Shortfall,
    Uniform,
)


class Mixed(Learnability):
    """Learnability with mixtures."""

    mixes = True


def lifetimes(rule, seeds, decisions, feedback="training"):
    """Shares of each decision, (d, n, k), and the classroom after the last."""
    students = SimulatedCohort(
        simulated(3, 1), len(seeds), batch_size=32, evaluation_size=64, rate=2e-3
    )
    columns = tuple(dict.fromkeys(("progress", *rule.needs, "key")))
    room = Classroom(
        students, Budget.parse("1000-steps"), observe=columns, feedback=feedback,
        steps_per_decision=10, end_after=10**6,
    )  # fmt: skip
    teacher = RuleTeacher(rule, CurriculumVecEnv(room, (0, 10**6)))
    observation = room.reset(np.arange(len(seeds)), np.array(seeds))
    state, shares = None, []
    for _ in range(decisions):
        actions, state = teacher.predict(observation, state)
        chosen = state["probabilities"] if getattr(rule, "mixes", False) else actions
        observation = room.step(chosen, np.arange(len(seeds))).observation
        shares.append(state["probabilities"])
    return np.array(shares), room


@pytest.mark.parametrize("name", RULES)
def test_every_rule_teaches_a_student_alone_as_among_others(name):
    rule = rule_named(name)
    together, room = lifetimes(rule, [3, 14, 15], decisions=8)
    assert (together >= 0).all()
    np.testing.assert_allclose(together.sum(axis=2), 1.0)
    assert room.facts.score.max() > 0
    alone, _ = lifetimes(rule, [14], decisions=8)
    np.testing.assert_allclose(alone[:, 0], together[:, 1])


@pytest.mark.parametrize("rule", [Shortfall(), Deficit(), Frontier(), Mixed(floor=0.02)])
def test_looking_at_training_examples_is_better_than_not_looking(rule):
    """A chain of three: all of it is learned sooner by those who look at what is missing."""
    seeds = range(32)
    ahead = lifetimes(rule, seeds, decisions=16)[1].facts.judged.mean()
    blind = lifetimes(Uniform(), seeds, decisions=16)[1].facts.judged.mean()
    assert ahead > blind + 0.02


def test_learnability_without_a_floor_may_lose_sight_of_a_task_for_good():
    """A task of which no example is drawn is believed to be at 0, and so none is drawn of it."""
    shares, _ = lifetimes(Mixed(), range(32), decisions=30)
    lost = shares[10:] == 0
    assert (lost.any(axis=(0, 2)) & lost[-1].any(axis=1)).any()
    seen, _ = lifetimes(Mixed(floor=0.02), range(32), decisions=30)
    assert (seen > 0).all()
