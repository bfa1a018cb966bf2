"""What a teacher is shown, and that the referee does not go by it.

Legend: n students, k tasks.
"""

import math
from dataclasses import replace

import numpy as np
import pytest
from fake_cohort import FakeCohort, begun, fake_suite, practice, table
from feedback_kit import ENDLESS, EVEN, HALVES, MANY, MANY_EACH, RISING, equal, own, room_of

from lessonplan.envs import make_classroom
from lessonplan.envs.classroom.feedback import evaluation_of_tasks

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
