"""Who pays for which looks; states of classrooms that look, and what they refuse.

Legend: n students, k tasks.
"""

import math

import numpy as np
import pytest
from fake_cohort import FakeCohort, begun, fake_suite, practice, table
from feedback_kit import ENDLESS, EPOCHED, HALVES, THIRD, equal, own, room_of
from hypothesis import given, settings
from hypothesis import strategies as st

from lessonplan.envs import Budget, Classroom, CurriculumVecEnv, make_classroom
from lessonplan.student import Task

# Who pays for what.


@pytest.mark.parametrize(
    ("options", "examples"),
    [
        # The first look, then a probe of all 18 a decision.
        ({}, [18, 36, 54, 72, 90, 108]),
        ({"probe_every": 3}, [18, 18, 18, 36, 36, 36]),
        ({"probe_every": 3, "probe_size": 2}, [6, 6, 6, 12, 12, 12]),
        ({"probe_every": 2, "check_every": 3}, [18, 18, 36, 54, 72, 72]),
        # A check falls together with a probe of a third of it.
        ({"probe_every": 3, "probe_size": 2, "check_every": 3}, [6, 6, 6, 24, 24, 24]),
        ({"feedback": "training"}, [0, 0, 0, 0, 0, 0]),
        ({"feedback": "training", "check_every": 2}, [0, 0, 18, 18, 36, 36]),
        ({"feedback": "training", "probe_every": 4, "probe_size": 1}, [0, 0, 0, 0, 3, 3]),
        ({"reads": ("size", "key", "share")}, [0] * 6),
        ({"reads": ("size",), "check_every": 4}, [0, 0, 0, 0, 18, 18]),
        ({"reads": ("size", "score")}, [18, 36, 54, 72, 90, 108]),
        ({"reads": ("progress:signal=gain",)}, [0] * 6),
        # Those of which an example is drawn: two of three.
        ({"feedback": "bandit"}, [18, 30, 42, 54, 66, 78]),
        ({"feedback": "bandit", "probe_every": 2}, [18, 18, 30, 30, 42, 42]),
        ({"feedback": "bandit", "check_every": 2}, [18, 30, 48, 60, 78, 90]),
    ],
)
def test_a_teacher_pays_for_the_probes_that_it_uses_and_for_checks(options, examples):
    room = begun(room_of(practice, budget="100-steps", steps_per_decision=5, **options))
    paid, equally = [own(room)], [equal(room)]
    for _ in range(5):
        room.step(HALVES)
        paid.append(own(room))
        equally.append(equal(room))
    np.testing.assert_allclose(paid, examples)
    a_decision = 12 if options.get("feedback") == "bandit" else 18
    np.testing.assert_allclose(equally, 18 + a_decision * np.arange(6))
    np.testing.assert_allclose(room.facts.spending.compute, 5 * 20 + paid[-1] * THIRD)
    np.testing.assert_allclose(room.facts.spending.equal_compute, 5 * 20 + equally[-1] * THIRD)


def test_batches_that_are_run_forward_for_a_column_count_in_both():
    room = begun(room_of(observe=("progress:signal=gain",), feedback="training"))
    room.step(HALVES)
    assert (own(room), equal(room)) == (pytest.approx(4), pytest.approx(18 + 18 + 4))


def test_who_does_not_read_that_column_does_not_pay_for_them():
    observe = ("progress:signal=gain", "gain", "size")
    room = begun(room_of(observe=observe, feedback="training", reads=("size",)))
    room.step(HALVES)
    assert (own(room), equal(room)) == (0, pytest.approx(18 + 18 + 4))


@settings(max_examples=25, deadline=None)
@given(
    st.integers(20, 1500), st.sampled_from(["full", "bandit", "training"]), st.integers(0, 4),
    st.integers(0, 7), st.integers(1, 5), st.booleans(),
)  # fmt: skip
@pytest.mark.filterwarnings(EPOCHED)
def test_the_decisions_of_a_budget_in_compute_are_those_of_its_own_price(
    amount, feedback, every, size, checks, used
):
    room = begun(
        room_of(
            table(np.zeros((1, 3))), budget=f"{amount}-compute", steps_per_decision=2,
            feedback=feedback, probe_every=every, probe_size=size, check_every=checks,
            reads=None if used else (),
        )
    )  # fmt: skip
    decisions = 0
    while not room.finished.all():
        room.step(np.array([decisions % 3]))
        decisions += 1
    assert room.decisions_in_budget == decisions


# States.


def test_a_classroom_goes_on_in_the_middle():
    observe = ("progress", "score", "promise", "average", "log_progress", "gap")
    options = {"feedback": "training", "probe_every": 3, "budget": "90-steps", "half_life": 3.0,
               "observe": observe}  # fmt: skip
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.ones(6), size=(4, 2))
    room, other = (make_classroom("parity", 2, **options) for _ in range(2))
    room.reset(np.arange(2), np.array([3, 4]))
    for i in range(2):
        room.step(shares[i])
    other.load_state_dict(room.state_dict())
    for i in (2, 3):
        one, two = room.step(shares[i]), other.step(shares[i])
        np.testing.assert_array_equal(one.observation, two.observation)
        np.testing.assert_array_equal(one.reward, two.reward)
    np.testing.assert_array_equal(
        room.facts.spending.equal_compute, other.facts.spending.equal_compute
    )


def test_a_state_of_an_earlier_version_goes_on():
    later = {"judged", "judged_best", "count", "right", "gap", "measurements", "first_loss",
             "last_share", "heard_count", "heard_right", "heard_loss", "equal_probing"}  # fmt: skip
    settings_then = {"half_life", "probe_every", "probe_size", "probe_uncertainty", "check_every"}
    room, other = (begun(room_of(practice, n=2, feedback="bandit")) for _ in range(2))
    for task in (0, 1):
        room.step(np.array([task, 2]))
    state = room.state_dict()
    assert later <= set(state["facts"])
    assert settings_then <= set(state["belongs_to"])
    state["facts"] = {name: x for name, x in state["facts"].items() if name not in later}
    state["view"] = {name: x for name, x in state["view"].items() if ".origin" not in name}
    state["belongs_to"] = {
        name: x for name, x in state["belongs_to"].items() if name not in settings_then
    }
    other.load_state_dict(state)
    for task in (1, 1, 2):
        one, two = room.step(np.array([task, task])), other.step(np.array([task, task]))
        np.testing.assert_array_equal(one.observation, two.observation)
        np.testing.assert_array_equal(one.reward, two.reward)
    np.testing.assert_array_equal(room.facts.judged, other.facts.judged)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"probe_every": 5}, "made with probe_every=5, this classroom has probe_every=1"),
        ({"half_life": 2.0}, "made with half_life=2.0, this classroom has half_life=1.0"),
    ],
)
def test_a_state_of_another_look_is_refused(options, words):
    state = begun(room_of(**options)).state_dict()
    with pytest.raises(ValueError, match=words):
        room_of().load_state_dict(state)


# Refusals.


class Silent(FakeCohort):
    """Students of an earlier version."""

    def train(self, mixture, steps, rows=None, fresh=False):
        return super().train(mixture, steps, rows, fresh)

    def evaluate(self, split, tasks=None, rows=None):
        return super().evaluate(split, tasks, rows)


class Mute(FakeCohort):
    """Students that are asked and say nothing."""

    def _outcomes(self, mixture, steps, rows):
        return None


GRADED = {"grader": [None, lambda answers: 1.0, None], "endless": [True] * 3}


@pytest.mark.parametrize(
    ("kind", "fields", "options", "words"),
    [
        (Silent, {}, {"feedback": "training"}, "feedback='training' needs students whose train"),
        (Silent, {}, {"observe": ("progress", "gap")}, "the column gap needs students whose train"),
        (Silent, {}, {"probe_size": 2}, "probe_size=2 needs students whose evaluate takes size="),
        (FakeCohort, {}, {"probe_every": -1}, "probe_every must be at least 0, got -1"),
        (FakeCohort, {}, {"probe_size": 0.5}, "probe_size must be a whole number, got 0.5"),
        (FakeCohort, {}, {"probe_uncertainty": -0.1}, "probe_uncertainty must be finite and at "),
        (FakeCohort, {}, {"probe_uncertainty": math.nan}, "probe_uncertainty must be finite and"),
        (FakeCohort, {}, {"half_life": 0}, "half_life must be a positive number of decisions, got"),
        (FakeCohort, {}, {"check_every": 0}, "check_every must be at least 1, got 0"),
        (FakeCohort, {}, {"reads": ("scores",)}, "there is no column 'scores'; did you mean"),
        (FakeCohort, GRADED, {"feedback": "training"}, "task 'b' has a grader, which judges no"),
        (FakeCohort, GRADED, {"observe": ("progress", "gap")}, "the column gap can't tell how far"),
    ],
)
def test_what_can_not_be_told_is_refused_in_one_sentence(kind, fields, options, words):
    with pytest.raises(ValueError, match=words):
        Classroom(kind(fake_suite(3, **fields), 1), Budget(99, "steps"), **options)


def test_losses_of_graded_tasks_are_heard():
    observe = ("progress:signal=loss", "loss")
    room_of(fields=GRADED, feedback="training", observe=observe)
    room_of(fields=GRADED, feedback="training", reads=("loss",))


def test_students_that_say_nothing_of_their_examples_are_found():
    suite = fake_suite(3, **ENDLESS)
    room = begun(Classroom(Mute(suite, 1), Budget(99, "steps"), feedback="training"))
    with pytest.raises(ValueError, match="Mute was asked for what the examples of each task have"):
        room.step(np.array([0]))


def test_students_of_an_earlier_version_are_taught_as_before():
    room = begun(Classroom(Silent(fake_suite(3), 1), Budget(99, "steps"), steps_per_decision=1))
    assert room.step(np.array([0])).reward < 0


def test_environments_join_whatever_they_show():
    observe = ("progress", "present", "log_data", "log_promise", "rank", "count")
    options = {"feedback": "training", "budget": "60-steps", "max_tasks": 6,
               "observe": observe}  # fmt: skip
    suites = [{"n_tasks": 3, "n_signs": 8}, {"n_tasks": 6, "n_signs": 8}]
    envs = [
        CurriculumVecEnv(make_classroom("parity", 2, suite_options=each, **options))
        for each in suites
    ]
    assert envs[0].observation_space == envs[1].observation_space
    assert isinstance(envs[0].room.suite.tasks[0], Task)
    shown = envs[0].reset()
    assert (shown[:, 3:] == 0).all()
