"""What a training brings, as columns and as signals of progress, and what it costs to know it.

Legend: n students, k tasks, w window.
"""

import re

import numpy as np
import pytest
from fake_cohort import FakeCohort, begun, fake_room, fake_suite, table

from lessonplan.envs import Budget, Classroom, make_classroom
from lessonplan.envs.classroom.facts import NORM_LIMIT
from lessonplan.student import Training
from lessonplan.student.contract.scoring import LOSS_LIMIT

# Loss before and after, norm of the gradient, fresh loss before and after, for each decision.
BROUGHT = np.array(
    [
        [2.0, 1.5, 3.0, 2.5, 2.25],
        [1.5, 1.75, 0.5, 2.0, 2.5],
        [1.0, 0.0, 4.0, 3.0, 2.0],
        [9.0, 1.0, 8.0, 6.0, 5.0],
    ]
)


class Reporting(FakeCohort):
    """Says of each training what a table says, and notes whether fresh examples were asked for."""

    brought = BROUGHT

    def train(self, mixture, steps, rows=None, fresh=False):
        rows = np.arange(self.n) if rows is None else rows
        super().train(mixture, steps, rows)
        self.fresh = fresh
        return Training(*self.brought[self.decision[rows] - 1].T)


def reporting_room(observe, brought=BROUGHT, script=None, n=1, budget="1000-steps", **options):
    script = script or table(np.zeros((1, 3)))
    cohort = Reporting(options.pop("suite", None) or fake_suite(3), n, script)
    cohort.brought = np.asarray(brought)
    room = Classroom(cohort, Budget.parse(budget), observe=observe, steps_per_decision=1, **options)
    return begun(room)


def shown(room, tasks):
    """What the columns after the first show at the end of these decisions, (f - 1, k)."""
    for task in tasks:
        lesson = room.step(np.array([task]))
    return lesson.observation[0, :, 1:].T


def test_a_task_keeps_what_its_last_training_brought():
    columns = ("progress", "gain", "fresh_gain", "gradient_norm")
    room = reporting_room(columns)
    np.testing.assert_allclose(shown(room, [2]), [[0, 0, 0.5], [0, 0, 0.25], [0, 0, 3]])
    np.testing.assert_allclose(shown(room, [0]), [[-0.25, 0, 0.5], [-0.5, 0, 0.25], [0.5, 0, 3]])
    np.testing.assert_allclose(shown(room, [2]), [[-0.25, 0, 1], [-0.5, 0, 1], [0.5, 0, 4]])
    room.reset(np.array([0]), np.array([5]))
    assert (room.observation(np.array([0]))[0, :, 1:] == 0).all()


def test_what_a_mixture_brings_counts_for_every_task_in_it():
    room = reporting_room(("progress", "gain"))
    lesson = room.step(np.array([[0.5, 0.0, 0.5]]))
    np.testing.assert_allclose(lesson.observation[0, :, 1], [0.5, 0, 0.5])


@pytest.mark.parametrize(
    ("before", "after", "norm", "gain", "shown_norm"),
    [
        (2.0, np.inf, np.inf, -LOSS_LIMIT, NORM_LIMIT),
        (2.0, np.nan, np.nan, -LOSS_LIMIT, NORM_LIMIT),
        (1e9, 0.0, 1e9, LOSS_LIMIT, NORM_LIMIT),
    ],
)
def test_what_is_not_a_number_or_too_large_stays_within_the_bounds(
    before, after, norm, gain, shown_norm
):
    room = reporting_room(
        ("progress", "gain", "fresh_gain", "gradient_norm", "progress:difference,signal=gain"),
        [[before, after, norm, before, after]],
    )
    lesson = room.step(np.array([1]))
    assert lesson.observation[0, 1, 1:].tolist() == [gain, gain, shown_norm, gain]
    assert room.board.observation_space.contains(lesson.observation[0])


PROGRESS_OF_SIGNALS = {
    # Task 0 was trained second with -0.25, task 2 first and third with 0.5 and 1.
    "progress:difference,signal=gain": [0, 0, 1],
    "progress:difference,signal=fresh_gain": [0, 0, 1],
    "progress:difference,signal=gradient_norm": [0, 0, 4],
    # e <- e / 2 + change / 2.
    "progress:ema=0.5,signal=gain": [-0.0625, 0, 0.5 / 8 + 1 / 2],
    # Through the sums of gains at (0, 0), (2, -1/4), and at (0, 0), (1, 1/2), (3, 3/2).
    "progress:slope=10,signal=gain": [-0.125, 0, 0.5],
    "progress:slope=2,signal=gain": [-0.125, 0, 0.5],
    "progress:thompson=1,signal=gain": [-0.25, 0, 1],
    # The loss is 2 - 2 score: falls are progress.
    "progress:difference,signal=loss": [1.0, 0, -0.5],
    "progress:difference,signal=score": [0.5, 0, -0.25],
    "progress:difference": [0.5, 0, -0.25],
}
SCORES = [[0, 0, 0], [0.25, 0, 0.5], [0.25, 0, 0.75], [0.75, 0, 0.5]]


@pytest.mark.parametrize("column", PROGRESS_OF_SIGNALS)
def test_progress_of_a_signal_is_what_was_worked_out_by_hand(column):
    room = reporting_room(("progress", column), script=table(SCORES))
    found = shown(room, [2, 0, 2])[0]
    np.testing.assert_allclose(found, PROGRESS_OF_SIGNALS[column], atol=1e-6)


def test_under_bandit_feedback_only_what_was_seen_enters_a_window():
    observe = ("progress", "progress:slope=10", "progress:thompson=1")
    options = {"script": table(SCORES), "feedback": "bandit"}
    slope, thompson = shown(reporting_room(observe, **options), [2, 1, 0])
    # Task 0: (0, 0), (3, 3/4); task 2: (0, 0), (1, 1/2).
    np.testing.assert_allclose(slope, [0.25, 0, 0.5], atol=1e-6)
    np.testing.assert_allclose(thompson, [0.75, 0, 0.5], atol=1e-6)


def climbing(rows, seeds, decision, counts):
    """Scores whose every change is another number, known from task and decision."""
    sums = np.cumsum([0, *(0.001 * 2.0 ** np.arange(9))])
    return np.stack([sums[np.minimum(decision, 9)] * scale for scale in (1, 0.5, 0.25)], axis=1)


def draws(n, window=4, seed=0, decisions=9):
    """What Thompson's estimator shows after each decision, (decisions, n, k)."""
    room = begun(
        fake_room(climbing, n=n, observe=("progress", f"progress:thompson={window}")), seed
    )
    return np.stack([room.step(np.zeros(n, int)).observation[:, :, 1] for _ in range(decisions)])


def test_thompson_draws_every_stored_change_equally_often_and_no_other():
    found = draws(2000) / np.array([1, 0.5, 0.25])
    age = 8 - np.log2(found[-1] / 0.001)
    np.testing.assert_allclose(age, np.round(age), atol=1e-3)
    counts = (np.round(age)[:, :, None] == np.arange(4)).sum(axis=(0, 1))
    # 1500 expected of each of the last four; 5 standard deviations are 168.
    assert counts.sum() == 6000
    assert (np.abs(counts - 1500) < 168).all()
    # One draw per task: tasks do not draw alike, nor do decisions.
    assert 0.2 < (np.round(age[:, 0]) == np.round(age[:, 1])).mean() < 0.3
    before = 7 - np.log2(found[-2] / 0.001)
    assert 0.22 < (np.round(age) == np.round(before)).mean() < 0.28


def test_a_draw_belongs_to_the_student_and_not_to_its_company():
    together = draws(6)
    for row in range(6):
        np.testing.assert_array_equal(draws(1, seed=row)[:, 0], together[:, row])
    assert (together[:, 0] != together[:, 1]).any()


def test_estimators_go_on_from_a_stored_state_in_another_classroom():
    windows = ("progress:slope=3", "progress:thompson=3", "progress:slope=3,signal=gain")
    observe = ("progress", *windows, "gain")
    rooms = [begun(fake_room(climbing, n=2, observe=observe)) for _ in range(2)]
    for task in (0, 1, 2):
        rooms[0].step(np.array([task, 0]))
    rooms[1].load_state_dict(rooms[0].state_dict())
    for task in (0, 2, 1, 1, 0):
        one, other = (room.step(np.array([task, 2])) for room in rooms)
        np.testing.assert_array_equal(one.observation, other.observation)


@pytest.mark.parametrize(
    ("columns", "fresh", "passes"),
    [
        (("score",), False, 0),
        (("gradient_norm",), False, 0),
        # The loss after the training takes a forward pass, and fresh losses take two.
        (("gain",), False, 1),
        (("fresh_gain",), True, 2),
        (("gain", "progress:ema=0.5,signal=fresh_gain", "fresh_gain"), True, 3),
        (("progress:slope=5,signal=gain",), False, 1),
    ],
)
@pytest.mark.parametrize("feedback", ["full", "bandit"])
def test_fresh_examples_are_asked_for_where_they_are_shown_and_paid_for(
    columns, fresh, passes, feedback
):
    brought = np.tile(BROUGHT[0], (50, 1))
    room = reporting_room(("progress", *columns), brought, budget="200-compute", feedback=feedback)
    free = room.facts.spending.compute[0]
    room.step(np.array([0]))
    assert room.cohort.fresh == fresh
    # A batch of 4; 6 probe examples of each task that is looked at.
    probes = 18 if feedback == "full" else 6
    wanted = 4 + probes / 3 + passes * 4 / 3
    assert room.facts.spending.compute[0] - free == pytest.approx(wanted)
    decisions = 1
    while not room.finished.all():
        room.step(np.array([0]))
        decisions += 1
    assert room.decisions_in_budget == decisions


def test_fresh_examples_change_nothing_but_what_is_shown_of_them():
    options = {
        "suite_options": {"n_tasks": 2, "n_signs": 8}, "n": 2, "model_options": {"hidden": (8,)},
        "evaluation_size": 16, "batch_size": 4, "steps_per_decision": 2,
    }  # fmt: skip
    rooms = [
        begun(make_classroom("parity", observe=("progress", "score", *more), **options))
        for more in ((), ("gain", "fresh_gain", "gradient_norm"))
    ]
    for task in (0, 1, 0):
        plain, measured = (room.step(np.array([task, 0])) for room in rooms)
        np.testing.assert_array_equal(plain.observation, measured.observation[:, :, :2])
        np.testing.assert_array_equal(plain.training_loss, measured.training_loss)
    gain, fresh_gain, norm = measured.observation[:, 0, 2:].T
    np.testing.assert_allclose(gain, -np.diff(plain.training_loss)[:, 0], rtol=1e-6)
    assert (fresh_gain != gain).all()
    assert (norm > 0).all()


@pytest.mark.parametrize("score", [np.nan, 2.0, -0.5, 1e30])
@pytest.mark.parametrize("feedback", ["full", "bandit"])
def test_a_score_that_is_none_is_refused_in_one_sentence(score, feedback):
    room = begun(fake_room(table([[0, 0, 0], [0, score, 0]]), n=2, feedback=feedback), 7)
    words = f"a score must be in [0, 1], got {score:g} for task 'b' of student seed 7"
    with pytest.raises(ValueError, match=re.escape(words)):
        room.step(np.array([1, 1]))
