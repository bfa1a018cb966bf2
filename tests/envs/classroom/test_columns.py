"""What a teacher is shown, column by column, against what was worked out by hand.

Legend: n students, k tasks, t places, f columns.
"""

import math

import numpy as np
import pytest
from fake_cohort import begun, fake_room, fake_suite, practice, table
from hypothesis import given, settings
from hypothesis import strategies as st

from lessonplan.envs import COLUMNS
from lessonplan.envs.classroom.columns import parse_column, student_key
from lessonplan.envs.classroom.columns.influence import FORGETTING, RIDGE

# The prerequisites turn the order of difficulty around.
SUITE = fake_suite(
    3,
    sizes=[8, 4, 20],
    importance=[1.0, 2.0, 1.0],
    cost=[1.0, 10.0, 2.5],
    threshold=[0.5, 0.9, 0.9],
    difficulty=[1.0, 2.0, -3.0],
    prerequisites=[("b", "c"), ("c",), ()],
)
# Before the lifetime, and after the decisions for tasks 2, 0, 2.
SCORES = np.array([[0.0, 0.5, 0.0], [0.0, 0.25, 0.95], [0.75, 0.5, 0.95], [0.5, 0.5, 1.0]])
CHOSEN = [2, 0, 2]

F = FORGETTING
HALF = 0.5**0.5


def logs(weights):
    """Logs of the shares that weights make."""
    return [math.log(weight / sum(weights)) for weight in weights]


BY_HAND = {
    "progress:difference": [-0.25, 0.0, 0.05],
    "score": [0.5, 0.5, 1.0],
    "loss": [1.0, 1.0, 0.0],
    "measured": [1, 1, 1],
    "best": [0.75, 0.5, 1.0],
    "learnability": [0.25, 0.25, 0.0],
    # Tasks 0 and 2 were trained on, and every training of the fake cohort takes 2 to 1.
    "gain": [1, 0, 1],
    "fresh_gain": [1, 0, 1],
    "gradient_norm": [0, 0, 0],
    "recency": [1, 3, 0],
    "share": [1 / 3, 0, 2 / 3],
    "remaining": [0.7] * 3,
    "key": [float(student_key(np.array([5]))[0])] * 3,
    "order": [2, 1, 0],
    "task": [0, 1, 2],
    "size": [8 / 32, 4 / 32, 20 / 32],
    "threshold": [0.5, 0.9, 0.9],
    "importance": [1, 2, 1],
    "cost": [1, 10, 2.5],
    "difficulty": [1, 2, -3],
    # Tasks 0 and 2 are mastered: a has one of its two, b its only one, c needs none.
    "prerequisites_mastered": [0.5, 1.0, 1.0],
    "present": [1, 1, 1],
    "score:scale=4": [2, 2, 4],
    "cost:max=3": [1, 3, 2.5],
    "cost:max=3,scale=0.1": [0.1, 0.3, 0.25],
    "progress:difference,scale=10": [-2.5, 0, 0.5],
    # Three of six were right, or all: (3 + 2) / (6 + 4), and (6 + 2) / (6 + 4).
    "uncertainty": [math.sqrt(0.025), math.sqrt(0.025), math.sqrt(0.016)],
    "progress:difference,noise=1": [-0.25 / math.sqrt(0.025), 0, 0.05 / math.sqrt(0.016)],
    "count": [math.log(7)] * 3,
    # Of 4 examples of task 0 none was right, one decision ago; of those of task 2 none two
    # decisions ago, and 0.95 of them at the last.
    "gap": [0 - 0.5, 0, 3.8 / (1 + 4) - 1],
    "rank": [0.25, 0.25, 1],
    "relative_loss": [math.log(1 / 2), 0, -10],
    # A half-life of one of the ten decisions.
    "average": [0.4375, 0.46875, 0.85625],
    "average:part=0.2": [
        (1 - HALF) * (0.5 + HALF * 0.75),
        0.5 + HALF**2 * (1 - HALF) * -0.25,
        (1 - HALF) * (1 + HALF * 0.95 + HALF**2 * 0.95),
    ],
    "last_share": [0, 0, 1],
    "share_gap": [1 / 3 - 8 / 32, 0 - 4 / 32, 2 / 3 - 20 / 32],
    "left": [math.tanh(2)] * 3,
    "left:at=0.9,width=0.5": [math.tanh(-0.4)] * 3,
    # Only task 1 falls short, by 0.4. It rose by 0.25 with task 0, one decision ago, and fell by as
    # much with task 2, two decisions ago.
    "promise": [0.4 * F * 0.25 / (F + RIDGE), 0, 0.4 * F**2 * -0.25 / (F**2 + 1 + RIDGE)],
    "promise_certainty": [F / (F + RIDGE), 0, (F**2 + 1) / (F**2 + 1 + RIDGE)],
    "log_promise": logs([1 + 0.02 / 3, 0.02 / 3, 0.02 / 3]),
    "log_data": logs([8, 4, 20]),
    "log_shortfall": logs([0.02 + 0.05, 0.02 + 0.45, 0.02]),
    "log_shortfall:floor=0,margin=0.2": logs([0.2, 0.6, 0.1]),
    "log_learnability": logs([0.27, 0.27, 0.02]),
    # Averages 0.0425, 0.00225 and 0.08195 of the changes.
    "log_progress": [math.log(0.1 / 3 + 0.9 * e / 0.1267) for e in (0.0425, 0.00225, 0.08195)],
}
EVERY = tuple(BY_HAND)


def test_every_column_is_worked_out_by_hand():
    assert set(COLUMNS) | {"present"} <= set(BY_HAND)


@pytest.mark.parametrize("column", BY_HAND)
def test_a_column_shows_what_was_worked_out_by_hand(column):
    observe = ("progress", column)
    room = begun(fake_room(table(SCORES), suite=SUITE, budget="10-steps", observe=observe), 5)
    for task in CHOSEN:
        lesson = room.step(np.array([task]))
    np.testing.assert_allclose(lesson.observation[0, :, 1], BY_HAND[column], atol=1e-6)


def test_under_bandit_feedback_the_other_tasks_keep_what_was_last_seen_of_them():
    room = begun(
        fake_room(table(SCORES), suite=SUITE, feedback="bandit", observe=("progress", "score"))
    )
    shown = [room.step(np.array([task])).observation[0, :, 1] for task in CHOSEN]
    np.testing.assert_allclose(shown, [[0, 0.5, 0.95], [0.75, 0.5, 0.95], [0.75, 0.5, 1]])


@pytest.mark.filterwarnings("ignore:the training data of task 'a' are epoched")
@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 2**32),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["full", "bandit", "training"]),
)
def test_no_play_leaves_the_bounds_of_the_space(seed, shuffle, padded, feedback):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 2, (12, 3)) * rng.choice([1.0, rng.random()])
    room = fake_room(
        table(scores), suite=SUITE, n=2, budget="11-steps", feedback=feedback,
        observe=("progress", *EVERY, "progress:ema=0.1", "progress:slope=3", "progress:thompson=4",
                 "progress:signal=loss", "progress:signal=gain", "progress:slope=4,signal=gain"),
        shuffle_tasks=shuffle,
        max_tasks=5 if padded else None, end_after=50,
    )  # fmt: skip
    space = room.board.observation_space
    assert np.isfinite(space.low).all()
    assert np.isfinite(space.high).all()
    shown = [room.reset(np.arange(2), np.array([seed % 1000, 7]))]
    while not room.finished.all():
        shown.append(room.step(rng.integers(3, size=2)).observation)
    for observation in np.concatenate(shown):
        assert space.contains(observation)


@given(st.integers(0, 10**6))
@settings(max_examples=20, deadline=None)
def test_a_shuffled_classroom_shows_the_same_in_another_order_and_records_it_as_it_was(seed):
    observe = ("progress", "task", *(column for column in EVERY if column != "task"))
    plain, mixed = (
        begun(fake_room(practice, suite=SUITE, n=3, observe=observe, shuffle_tasks=shuffle), seed)
        for shuffle in (False, True)
    )
    rows, rng = np.arange(3), np.random.default_rng(seed)
    places = mixed.observation(rows)[:, :, 1].astype(int)
    assert (np.sort(places, axis=1) == np.arange(3)).all()
    for _ in range(6):
        place = rng.integers(3, size=3)
        task = places[rows, place]
        shown, lesson = plain.step(task), mixed.step(place)
        assert (lesson.task == task).all()
        np.testing.assert_array_equal(lesson.reward, shown.reward)
        np.testing.assert_array_equal(
            lesson.observation, np.take_along_axis(shown.observation, places[:, :, None], axis=1)
        )
        np.testing.assert_array_equal(
            mixed.to_canonical(lesson.observation[:, :, 0], rows), shown.observation[:, :, 0]
        )
    np.testing.assert_array_equal(plain.facts.chosen, mixed.facts.chosen)


def test_the_order_shown_belongs_to_the_student_and_every_task_comes_to_every_place():
    room = fake_room(suite=SUITE, n=300, observe=("progress", "task"), shuffle_tasks=True)
    seeds = np.arange(300)
    orders = room.reset(np.arange(300), seeds)[:, :, 1]
    again = room.reset(np.arange(300), seeds[::-1].copy())[::-1, :, 1]
    np.testing.assert_array_equal(orders, again)
    counts = (orders[:, :, None] == np.arange(3)).sum(axis=0)
    # 100 expected of each task at each place; 5 standard deviations are 41.
    assert (np.abs(counts - 100) < 41).all()
    assert len(np.unique(orders, axis=0)) == 6


def test_the_key_is_one_number_for_all_tasks_and_another_for_each_student():
    room = fake_room(n=500, observe=("progress", "key"))
    key = room.reset(np.arange(500), np.arange(500) * 7)[:, :, 1]
    assert (key == key[:, :1]).all()
    assert len(np.unique(key)) == 500
    np.testing.assert_array_equal(key[:, 0], student_key(np.arange(500) * 7))
    assert ((key >= 0) & (key < 1)).all()
    assert abs(key.mean() - 0.5) < 0.05


@pytest.mark.parametrize("shuffle", [False, True])
def test_places_beyond_the_tasks_are_zero_in_every_column_and_refuse_to_be_chosen(shuffle):
    observe = ("progress", *EVERY)
    padded, plain = (
        begun(fake_room(suite=SUITE, n=4, observe=observe, shuffle_tasks=shuffle, max_tasks=places))
        for places in (5, None)
    )
    lesson, shown = padded.step(np.array([0, 1, 2, 0])), plain.step(np.array([0, 1, 2, 0]))
    np.testing.assert_array_equal(lesson.observation[:, :3], shown.observation)
    assert (lesson.observation[:, 3:] == 0).all()
    present = observe.index("present")
    np.testing.assert_array_equal(lesson.observation[:, :, present], [[1, 1, 1, 0, 0]] * 4)
    with pytest.raises(ValueError, match="there is no task at place 3; mask the places where"):
        padded.step(np.array([0, 3, 0, 0]))
    assert (padded.facts.decisions == 1).all()


def test_a_place_without_a_task_is_within_bounds_where_every_task_is_far_from_zero():
    for difficulty in ([3.0, 5.0], [-3.0, -5.0]):
        suite = fake_suite(2, difficulty=difficulty)
        room = fake_room(suite=suite, observe=("progress", "difficulty"), max_tasks=3)
        assert room.board.observation_space.contains(room.reset(np.array([0]), np.array([1]))[0])


def test_fewer_places_than_tasks_are_refused():
    with pytest.raises(ValueError, match="max_tasks must be at least the 3 tasks"):
        fake_room(k=3, max_tasks=2)


def test_a_column_reads_as_name_and_parameters():
    def asked(text):
        found = parse_column(text)
        return found.name, found.parameters, found.signal, found.scale, found.cap

    assert asked("score") == ("score", {}, "score", 1, np.inf)
    assert asked("progress:ema=0.9, scale=5") == ("progress", {"ema": 0.9}, "score", 5, np.inf)
    assert asked("progress:difference") == ("progress", {"difference": 1.0}, "score", 1, np.inf)
    one = ("progress", {"slope": 10.0}, "loss", 1, 2)
    assert asked("progress:slope=10,signal=loss,max=2") == one
    assert asked("progress:signal = loss, max = 2, slope = 10") == one


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ("sc0re", "no column 'sc0re'; did you mean 'score'. the columns are"),
        ("score:ema=0.9", "'score:ema=0.9' does not know ema; it takes scale and max"),
        ("average:parts=2", "'average:parts=2' does not know parts; it takes part, scale and max"),
        ("average:part=0", r"part of column 'average:part=0' must be in \[0.0001, 10\], got 0"),
        ("left:width=nan", r"width of column 'left:width=nan' must be in \[0.001, 10\], got nan"),
        ("progress:noise=2", "noise of column 'progress:noise=2' must be 1, or left out, got 2"),
        ("progress:noise=1,signal=loss", "only of scores it is known how uncertain they are"),
        ("score:scale=much", "'scale' of column 'score:scale=much' must be a number, got 'much'"),
        ("score:scale=-1", "scale and max of column 'score:scale=-1' must be positive"),
        ("score:scale=nan", "scale and max of column 'score:scale=nan' must be positive"),
        ("score:scale=inf", "scale and max of column 'score:scale=inf' must be positive"),
        ("score:scale=nan,max=0", "scale and max of column 'score:scale=nan,max=0' must be"),
        ("progress:slop=3", "progress has no estimator with the parameters slop; write progress"),
        ("progress:slope=1", "slope must be a window of 2 to 1000 decisions, as in slope=10, got"),
        ("progress:slope", "slope must be a window of 2 to 1000 decisions, as in slope=10, got 1"),
        ("progress:thompson=2.5", "thompson must be a window of 1 to 1000 decisions.*got 2.5"),
        ("progress:signal=joy", "signal of column 'progress:signal=joy' must be one of score, los"),
        (
            "score:signal=loss",
            "'signal' of column 'score:signal=loss' must be a number, got 'loss'",
        ),
    ],
)
def test_an_unusable_column_is_refused_in_one_sentence(column, words):
    with pytest.raises(ValueError, match=words):
        fake_room(observe=("progress", column))


@pytest.mark.parametrize("observe", [(), ("score",), ("score", "progress")])
def test_the_first_column_is_progress(observe):
    with pytest.raises(ValueError, match="the first column of observe must be progress"):
        fake_room(observe=observe)
