"""What a teacher is shown, what it pays for it, and that the referee goes by neither.

Legend: n students, k tasks.
"""

import math
from dataclasses import replace

import numpy as np
import pytest
from fake_cohort import FakeCohort, begun, fake_room, fake_suite, practice, table
from hypothesis import given, settings
from hypothesis import strategies as st

from lessonplan.envs import Budget, Classroom, CurriculumVecEnv, make_classroom
from lessonplan.envs.classroom.feedback import evaluation_of_tasks
from lessonplan.student import Task

THIRD = 1 / 3
EPOCHED = "ignore:the training data of task 'a' are epoched"
ENDLESS = {"endless": [True] * 3}
# Before the lifetime, and after each decision.
RISING = np.array([[0.0, 0.2, 0.4], [0.5, 0.2, 0.4], [0.6, 0.3, 0.4], [0.95, 0.95, 0.95]])
HALVES = np.array([[0.5, 0.5, 0.0]])
EVEN = table(np.full((1, 3), 0.8))
MANY, MANY_EACH = {"probes": [100] * 3}, {"batch_size": 256, "evaluation_size": 100}


def room_of(script=None, fields=ENDLESS, cohort=None, **options):
    """Probe sets of 6 examples; a decision trains on 4."""
    options = {"observe": ("progress:difference", "score", "loss", "measured")} | options
    suite = fake_suite(3, **fields)
    return fake_room(script or table(RISING), suite=suite, cohort=cohort, **options)


def own(room):
    return room.facts.spending.probing[0] / THIRD


def equal(room):
    return room.facts.spending.equal_probing[0] / THIRD


# What is shown with feedback training.


def test_nothing_is_known_and_nothing_paid_at_the_beginning():
    room = begun(room_of(feedback="training"))
    shown = room.observation(np.array([0]))[0]
    np.testing.assert_array_equal(shown, np.zeros((3, 4)))
    assert own(room) == 0
    assert equal(room) == pytest.approx(18)
    np.testing.assert_array_equal(room.facts.judged, np.float32(RISING[:1]))


def test_a_score_is_what_the_training_examples_showed_before_they_were_learned_from():
    room = begun(room_of(feedback="training", half_life=1.0))
    lesson = room.step(HALVES)
    # Two examples of each, of which 0 and 0.4 were right: (right + 4 chance) / (count + 4).
    np.testing.assert_allclose(room.facts.score[0], [0, 0.4 / 6, 0], atol=1e-7)
    np.testing.assert_allclose(lesson.observation[0, :, 2], [2, 1.6, 0], atol=1e-6)
    assert lesson.observation[0, :, 3].tolist() == [1, 1, 0]
    room.step(HALVES)
    np.testing.assert_allclose(room.facts.count[0], [3, 3, 0])
    np.testing.assert_allclose(room.facts.score[0], [1 / 7, 0.6 / 7, 0], atol=1e-7)
    # What nothing is heard of fades.
    room.step(np.array([[0.0, 0.0, 1.0]]))
    np.testing.assert_allclose(room.facts.score[0], [0.5 / 5.5, 0.3 / 5.5, 1.6 / 8], atol=1e-7)
    assert room.facts.seen.tolist() == [[False, False, True]]
    np.testing.assert_array_equal(room.facts.judged, np.float32(RISING[3:]))


def test_chance_is_where_a_score_begins_and_it_is_as_uncertain_as_its_examples_are_few():
    room = begun(room_of(table(np.ones((1, 3))), ENDLESS | {"chance": [0.5] * 3}, end_after=9,
                         feedback="training", half_life=2.0))  # fmt: skip
    assert (room.facts.score == 0).all()
    np.testing.assert_allclose(room.facts.uncertainty, 0.25 / 0.5)
    room.step(HALVES)
    np.testing.assert_allclose(room.facts.score[0], [2 * (4 / 6) - 1, 2 * (4 / 6) - 1, 0])
    wanted = [math.sqrt((4 / 6) * (2 / 6) / 6) / 0.5] * 2 + [0.5]
    np.testing.assert_allclose(room.facts.uncertainty[0], wanted)
    room.step(np.array([[0.0, 0.0, 1.0]]))
    np.testing.assert_allclose(room.facts.count[0], [2 * 0.5**0.5, 2 * 0.5**0.5, 4])


def test_nobody_is_certain_of_what_nobody_has_seen():
    room = begun(room_of(feedback="training"))
    assert (room.facts.uncertainty == 0.25).all()


def test_progress_begins_with_the_first_measurement():
    observe = ("progress:difference", "progress:difference,signal=loss", "average", "relative_loss")
    room = begun(room_of(feedback="training", observe=observe, half_life=1e-3))
    shown = room.step(np.array([[0.0, 1.0, 0.0]])).observation[0]
    np.testing.assert_allclose(shown, [[0] * 4, [0, 0, 0.8 / 8, 0], [0] * 4], atol=1e-7)
    room.step(np.array([[0.0, 1.0, 0.0]]))
    shown = room.step(np.array([[0.0, 1.0, 0.0]])).observation[0]
    # 0.8 of four were right before, 1.2 now.
    np.testing.assert_allclose(shown[1, [0, 1]], [0.4 / 8, 0.2], atol=1e-6)
    assert shown[1, 3] == pytest.approx(math.log(1.4 / 1.6))


def test_rewards_mastery_and_ends_go_by_the_referee():
    blind, seeing = (
        begun(room_of(feedback=feedback, reward="chosen_progress")) for feedback in (
            "training", "full")
    )  # fmt: skip
    for _ in range(3):
        one, other = blind.step(HALVES), seeing.step(HALVES)
        assert one.reward == other.reward
        assert one.terminated == other.terminated
    assert one.terminated
    assert not (blind.facts.score > 0.9).any()


@pytest.mark.parametrize("feedback", ["full", "bandit", "training"])
def test_students_do_not_notice_what_is_shown(feedback):
    rooms = [
        make_classroom("parity", 2, feedback=kind, budget="40-steps", steps_per_decision=5)
        for kind in ("full", feedback)
    ]
    for _ in range(3):
        losses = []
        for room in rooms:
            if room.finished.any():
                room.reset(np.arange(2), np.array([5, 6]))
            losses.append(room.step(np.array([1, 2])).training_loss)
        np.testing.assert_array_equal(*losses)


def test_a_row_is_what_it_is_alone():
    observe = ("progress", "score", "loss", "uncertainty", "promise", "rank")
    options = {"feedback": "training", "budget": "60-steps", "probe_every": 2, "probe_size": 8,
               "observe": observe}  # fmt: skip
    three, one = (make_classroom("parity", n, **options) for n in (3, 1))
    three.reset(np.arange(3), np.array([4, 5, 6]))
    one.reset(np.array([0]), np.array([6]))
    for task in (0, 1, 0):
        many = three.step(np.array([2, 1, task]))
        np.testing.assert_array_equal(many.observation[2:], one.step(np.array([task])).observation)


def test_rehearsal_is_heard_too():
    room = begun(room_of(feedback="training", rehearsal=0.3))
    room.step(np.array([[1.0, 0.0, 0.0]]))
    assert room.facts.seen.all()
    np.testing.assert_allclose(room.facts.count[0], [4 * 0.8, 0.4, 0.4])


# Probes in between.


def test_a_probe_counts_like_training_examples_where_data_are_endless():
    room = begun(room_of(feedback="training", probe_every=2))
    room.step(HALVES)
    room.step(HALVES)
    # 3 heard and 6 probed of each, 0 and 6 of the last one.
    np.testing.assert_allclose(room.facts.count[0], [9, 9, 6])
    np.testing.assert_allclose(
        room.facts.score[0],
        [(1 + 3.6) / 13, (0.6 + 1.8) / 13, 2.4 / 10],
        atol=1e-6,
    )  # fmt: skip
    assert room.facts.seen.all()
    assert (room.facts.gap == 0).all()
    assert room.facts.measurements.tolist() == [[2, 2, 1]]


def test_what_training_shows_too_much_is_taken_off_where_data_are_epoched():
    def script(rows, seeds, decision, counts):
        return np.full((len(rows), 3), 0.25)

    room = begun(room_of(script, {}, feedback="training", probe_every=2, half_life=1e9))
    learned = np.array([[0.8, 0.2, 0.0]])

    def outcomes(mixture, steps, rows):
        """All training examples are right: they were learned by heart."""
        return replace(FakeCohort._outcomes(room.cohort, mixture, steps, rows),
                       count=100 * mixture, right=100 * mixture)  # fmt: skip

    room.cohort._outcomes = outcomes
    room.step(learned)
    np.testing.assert_allclose(room.facts.score[0], [80 / 84, 20 / 24, 0])
    room.step(learned)
    # A probe of 6 tells the gap, and makes the rest as certain as 6 more that were right.
    np.testing.assert_allclose(room.facts.gap[0], [0.75, 0.75, 0])
    np.testing.assert_allclose(room.facts.score[0], [166 / 170 - 0.75, 46 / 50 - 0.75, 1.5 / 10])
    np.testing.assert_allclose(room.facts.count[0], [166, 46, 6])
    room.step(learned)
    np.testing.assert_allclose(room.facts.score[0, :2], [246 / 250 - 0.75, 66 / 70 - 0.75])


@pytest.mark.parametrize("drawn_before", [True, False])
def test_no_gap_comes_of_examples_that_have_become_few(drawn_before):
    # What training and probes show is equally good: nobody is to believe in more.
    room = begun(room_of(EVEN, MANY, MANY_EACH, feedback="training", probe_every=4))
    if drawn_before:
        room.step(np.array([0]))
    for _ in range(8 - drawn_before):
        room.step(np.array([1]))
    np.testing.assert_allclose(room.facts.gap, 0, atol=1e-6)
    room.step(np.array([0]))
    assert 0.7 < room.facts.score[0, 0] <= 0.8


def test_a_probe_makes_certain_where_data_are_epoched_too():
    options = {"feedback": "training", "probe_uncertainty": 0.06, "half_life": 0.5}
    room = begun(room_of(EVEN, MANY, MANY_EACH, **options))
    for task in (0, 1, 1, 1, 1):
        room.step(np.array([task]))
        assert (room.facts.uncertainty <= 0.06).all()


def test_it_is_said_once_that_epoched_training_is_biased_where_nothing_is_probed():
    with pytest.warns(UserWarning, match="task 'a' are epoched, so .* probe_every= lets"):
        room_of(fields={}, feedback="training")
    for settings_of_probes in ({"probe_every": 5}, {"probe_uncertainty": 0.1}):
        room_of(fields={}, feedback="training", **settings_of_probes)
    room_of(fields=ENDLESS, feedback="training")


def test_what_is_shown_between_probes_is_what_the_last_one_told():
    room = begun(room_of(probe_every=3, budget="100-steps"))
    shown = []
    for _ in range(3):
        shown.append(room.step(HALVES, np.array([0])).observation[0])
    scores = np.float32([RISING[0], RISING[0], RISING[3]])
    np.testing.assert_array_equal([each[:, 1] for each in shown], scores)
    assert [each[:, 3].tolist() for each in shown] == [[0] * 3, [0] * 3, [1] * 3]


def test_a_small_probe_is_of_the_first_examples_and_the_referee_sees_all():
    room = begun(room_of(probe_size=2))
    room.step(HALVES)
    assert [len(asked) > 3 for asked in room.cohort.asked] == [False, True, False, True]
    assert {asked[3] for asked in room.cohort.asked[1::2]} == {2}
    np.testing.assert_allclose(room.facts.count, 2)


def test_rows_that_are_probed_whole_are_evaluated_at_once_whatever_the_others_do():
    suite = fake_suite(3, **ENDLESS)
    cohort = FakeCohort(suite, 3)
    cohort.reset(np.arange(3), np.arange(3))
    cohort.train(np.eye(3), 1)
    tasks = np.array([[True] * 3, [False, True, False], [True] * 3])
    found = evaluation_of_tasks(cohort, np.arange(3), tasks)
    whole = cohort.evaluate("probe").score
    np.testing.assert_array_equal(found.score, np.where(tasks, whole, 0))
    assert [asked[2].tolist() for asked in cohort.asked[:-1]] == [[0, 2], [1]]


def test_what_is_uncertain_is_probed():
    room = begun(room_of(feedback="training", probe_uncertainty=0.2))
    # (0 + 2) / (4 + 4) of task 0: 0.15. Of the others nothing was heard: 0.25.
    room.step(np.array([[1.0, 0.0, 0.0]]))
    assert room.facts.seen.all()
    np.testing.assert_allclose(room.facts.count[0], [4, 6, 6])
    assert own(room) == pytest.approx(12)


def test_what_is_not_looked_at_grows_uncertain_and_is_then():
    room = begun(room_of(practice, feedback="bandit", probe_uncertainty=0.2, half_life=1.0))
    assert (room.facts.uncertainty < 0.2).all()
    room.step(np.array([0]))
    assert room.facts.seen.tolist() == [[True, False, False]]
    np.testing.assert_allclose(room.facts.count[0], [6, 3, 3])
    while room.facts.uncertainty[0, 1] <= 0.2:
        room.step(np.array([0]))
        assert not room.facts.seen[0, 1] or room.facts.count[0, 1] == 6
        if room.facts.seen[0, 1]:
            break
    assert room.facts.decisions[0] < 6


def test_what_would_be_shown_too_uncertain_is_looked_at_in_the_same_decision():
    options = {"probe_every": 9, "probe_uncertainty": 0.17, "half_life": 2.0}
    room = begun(room_of(table(np.zeros((1, 3))), **options))
    for _ in range(8):
        room.step(np.array([0]))
        uncertain = room.facts.uncertainty > 0.17
        assert (room.facts.seen | ~uncertain).all()
    assert 18 < own(room) < 9 * 18


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
