"""What is done with thousands of tasks takes time and memory by the task, not by the pair of tasks.

Legend: k tasks, r rows.
"""

import time
import tracemalloc
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lessonplan.envs import Budget, Tutor
from lessonplan.envs.classroom.columns import COLUMNS
from lessonplan.envs.classroom.facts import Facts, passes
from lessonplan.envs.tutor.told import read_suite
from lessonplan.student import SimulatedCohort, simulated
from lessonplan.teacher import Learnability, RuleTeacher

OBSERVE = ("progress", "score", "order", "prerequisites_mastered")


def chain(k):
    """Each task needs the one before."""
    return {f"{i}": {"prerequisites": [f"{i - 1}"] if i else []} for i in range(k)}


def first_decision(tasks):
    tutor = Tutor(tasks, partial(RuleTeacher, Learnability()), observe=OBSERVE)
    tutor.observe(tutor.choose(), 0.5)
    return tutor.choose()


def cohort_of(suite):
    cohort = SimulatedCohort(suite, 1)
    cohort.train(np.full((1, len(suite)), 1 / len(suite)), 2)
    return cohort.evaluate("probe")


def test_the_memory_of_a_lifetime_grows_with_the_tasks_alone():
    suite = read_suite(chain(3000))
    first_decision(suite)
    tracemalloc.start()
    first_decision(suite)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3000 * 1500


@pytest.mark.parametrize("work", [first_decision, cohort_of])
def test_a_first_decision_of_eight_times_the_tasks_takes_about_eight_times_as_long(work):
    suites = {k: read_suite(chain(k)) for k in (10, 300, 2400)}

    def seconds(k):
        began = time.process_time()
        work(suites[k])
        return time.process_time() - began

    seconds(10)
    assert min(seconds(2400), seconds(2400)) < 24 * max(seconds(300), seconds(300))


def test_everybody_who_is_needed_by_all_costs_no_square():
    star = {f"{i}": {"prerequisites": ["0"] if i else []} for i in range(3000)}
    suite = read_suite(star)
    tracemalloc.start()
    cohort_of(suite)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3000 * 3000


@given(st.integers(1, 30), st.integers(1, 5), st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_prerequisites_by_index_are_those_of_the_whole_table(k, width, seed):
    suite, rng = simulated(k, min(width, k)), np.random.default_rng(seed)
    facts = Facts(4, suite, Budget.parse("10-steps"))
    facts.score[:] = rng.integers(0, 2, facts.score.shape)
    needed = np.array([[name in task.prerequisites for name in suite.names]
                       for task in suite.tasks])  # fmt: skip
    rows, count = np.array([2, 0, 3]), needed.sum(axis=1)
    share = (facts.score[rows] @ needed.T) / np.maximum(count, 1)
    np.testing.assert_array_equal(
        COLUMNS["prerequisites_mastered"].read(facts, rows), np.where(count > 0, share, 1.0)
    )


def test_the_column_of_prerequisites_adds_them_up_by_task():
    """In less time than a search for those that are mastered takes."""
    layers = {
        f"{i}": {"prerequisites": [f"{j}" for j in range(i // 10 * 10 - 10, i // 10 * 10)]}
        if i >= 10 else {} for i in range(600)
    }  # fmt: skip
    facts, rows = Facts(64, read_suite(layers), Budget.parse("10-steps")), np.arange(64)
    facts.score[:] = np.random.default_rng(0).integers(0, 2, facts.score.shape)

    def seconds(work):
        began = time.process_time()
        work()
        return time.process_time() - began

    def searched():
        _, needed = facts.prerequisites
        np.bincount(np.nonzero(passes(facts.score, facts.threshold)[rows[:, None], needed])[1])

    column = min(
        seconds(lambda: COLUMNS["prerequisites_mastered"].read(facts, rows)) for _ in range(9)
    )
    assert column < 0.8 * min(seconds(searched) for _ in range(9))
