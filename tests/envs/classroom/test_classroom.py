"""The dynamics of teaching: mastery, ends, rows, and going on from a stored state.

Legend: n students, d decisions, k tasks.
"""

import numpy as np
import pytest
import torch
from fake_cohort import FakeCohort, begun, fake_room, fake_suite, practice, table
from hypothesis import given, settings
from hypothesis import strategies as st
from new_process import run_python

from lessonplan.envs import Budget, Classroom, make_classroom


def ends(scores, budget="100-steps", k=1, **options):
    """Whether each decision of a scripted lifetime terminated and truncated it."""
    room = begun(fake_room(table(scores), k=k, budget=budget, **options))
    flags = []
    while not room.finished.all():
        lesson = room.step(np.array([0]))
        flags.append((bool(lesson.terminated[0]), bool(lesson.truncated[0])))
    return flags


GO, MASTERED, SPENT = (False, False), (True, False), (False, True)


def test_a_lifetime_ends_when_every_task_is_at_its_threshold_now():
    scores = [[0.9, 0.0], [0.0, 0.9], [0.95, 0.85], [0.9, 0.9]]
    assert ends(scores, k=2) == [GO, GO, MASTERED]


def test_a_score_that_float32_rounds_below_the_threshold_has_reached_it():
    assert float(np.float32(0.9)) < 0.9
    assert ends([[0.0], [0.9]]) == [MASTERED]
    assert ends([[0.0], [0.8999], [0.9]]) == [GO, MASTERED]


def test_a_task_counts_as_mastered_after_a_streak_of_evaluations():
    scores = [[0.0], [1.0], [1.0], [0.5], [1.0], [1.0], [1.0]]
    assert ends(scores, mastery_streak=3) == [GO] * 5 + [MASTERED]
    # The evaluation before the first decision counts.
    assert ends([[1.0], [1.0]], mastery_streak=2) == [MASTERED]


def test_under_bandit_feedback_only_the_chosen_task_gets_on_with_its_streak():
    room = begun(fake_room(table([[1.0, 1.0]] * 9), k=2, feedback="bandit", mastery_streak=3))
    done = [bool(room.step(np.array([task])).terminated[0]) for task in (0, 0, 0, 1, 1)]
    assert done == [False, False, False, False, True]


def test_the_student_must_be_found_to_have_mastered_everything_so_often_in_a_row():
    scores = [[0.0], [1.0], [1.0], [0.5], [1.0], [1.0], [1.0]]
    assert ends(scores, end_after=3) == [GO] * 5 + [MASTERED]
    assert ends(scores, end_after=1) == [MASTERED]


def test_mastery_by_the_last_of_the_budget_terminates_and_does_not_truncate():
    assert ends([[0.0], [0.0], [1.0]], budget="2-steps") == [GO, MASTERED]
    assert ends([[0.0], [0.0], [0.0]], budget="2-steps") == [GO, SPENT]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 3), st.integers(1, 3), st.integers(2, 9))
def test_no_lifetime_is_terminated_and_truncated_and_none_goes_on_after_either(
    seed, streak, end_after, budget
):
    rng = np.random.default_rng(seed)
    room = begun(
        fake_room(
            table(rng.integers(8, 11, (4, 12, 2)) / 10), k=2, n=4, budget=f"{budget}-steps",
            mastery_streak=streak, end_after=end_after,
        )
    )  # fmt: skip
    for decision in range(1, budget + 1):
        rows = np.flatnonzero(~room.finished)
        lesson = room.step(rng.integers(2, size=len(rows)), rows)
        assert not (lesson.terminated & lesson.truncated).any()
        np.testing.assert_array_equal(room.finished[rows], lesson.terminated | lesson.truncated)
        if decision == budget or not (~room.finished).any():
            break
    assert room.finished.all()
    with pytest.raises(ValueError, match=r"the lifetimes of rows \[0, 1, 2, 3\] have ended"):
        room.step(np.zeros(4, int))


class Peeping(FakeCohort):
    """Raises when anybody asks for anything but `probe`."""

    def evaluate(self, split, tasks=None, rows=None):
        assert split == "probe", f"somebody looked at {split!r}"
        return super().evaluate(split, tasks, rows)


@pytest.mark.parametrize("feedback", ["full", "bandit"])
def test_no_teacher_sees_test_nor_does_any_end_or_reward(feedback):
    suite = fake_suite(3)
    hidden = {"test": 1.0, "stress": 1.0}, {"test": 0.0, "stress": 0.0}
    cohorts = [FakeCohort(suite, 2, practice, held_out=scores) for scores in hidden]
    records = []
    for cohort in (*cohorts, Peeping(suite, 2, practice)):
        options = {"observe": ("progress", "score", "loss"), "feedback": feedback}
        room = begun(Classroom(cohort, Budget(40, "steps"), steps_per_decision=1, **options))
        lessons = []
        while not room.finished.all():
            rows = np.flatnonzero(~room.finished)
            lesson = room.step(room.facts.decisions[rows] % 3, rows)
            lessons += [lesson.observation, lesson.reward, lesson.terminated, lesson.truncated]
        assert {split for split, _, _ in cohort.asked} == {"probe"}
        records.append(lessons)
    for record in records[1:]:
        assert len(record) == len(records[0])
        for one, other in zip(record, records[0], strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_step_of_some_rows_does_not_touch_the_others():
    room = begun(fake_room(n=3, observe=("progress", "score", "recency", "remaining")))
    before = room.observation(np.arange(3))
    lesson = room.step(np.array([2, 1]), rows=np.array([2, 0]))
    after = room.observation(np.arange(3))
    np.testing.assert_array_equal(after[1], before[1])
    np.testing.assert_array_equal(lesson.observation, after[[2, 0]])
    np.testing.assert_array_equal(lesson.task, [2, 1])
    np.testing.assert_array_equal(room.facts.chosen, [[0, 1, 0], [0, 0, 0], [0, 0, 1]])


def test_a_reset_of_some_rows_begins_their_lifetimes_and_no_others():
    options = {"n": 3, "observe": ("progress", "score", "best", "share", "remaining", "key")}
    room, calm, fresh = (begun(fake_room(**options)) for _ in range(3))
    for task in (0, 0, 1):
        room.step(np.full(3, task))
        calm.step(np.full(3, task))
    shown = room.reset(np.array([1]), np.array([77]))
    np.testing.assert_array_equal(shown, fresh.reset(np.array([1]), np.array([77])))
    for task in (2, 0):
        lesson, other = room.step(np.full(3, task)), calm.step(np.full(3, task))
        alone = fresh.step(np.full(3, task))
        for one, two in (
            (lesson.observation, other.observation), (lesson.reward, other.reward),
        ):  # fmt: skip
            np.testing.assert_array_equal(one[[0, 2]], two[[0, 2]])
        np.testing.assert_array_equal(lesson.observation[1], alone.observation[1])
        assert lesson.reward[1] == alone.reward[1]


@pytest.mark.parametrize("feedback", ["full", "bandit"])
def test_all_weight_on_one_place_is_the_choice_of_that_place(feedback):
    options = {"n": 3, "feedback": feedback, "shuffle_tasks": True, "max_tasks": 4}
    options["observe"] = ("progress", "score", "share", "recency")
    by_place, by_weight = (begun(fake_room(**options), 5) for _ in range(2))
    for places in ([0, 1, 2], [2, 2, 0]):
        one, other = by_place.step(np.array(places)), by_weight.step(np.eye(4)[places])
        np.testing.assert_array_equal(one.observation, other.observation)
        np.testing.assert_array_equal(one.reward, other.reward)
        np.testing.assert_array_equal(one.task, other.task)
    with pytest.raises(ValueError, match="the weights of the places with a task must be"):
        by_weight.step(np.eye(4)[[0, 3, 1]])


def test_rehearsal_draws_a_share_of_every_batch_in_proportion_to_data_size():
    suite = fake_suite(3, sizes=[10, 30, 60], cost=[1.0, 2.0, 3.0])
    room = begun(fake_room(suite=suite, rehearsal=0.2, observe=("progress", "share")))
    lesson = room.step(np.array([0]))
    np.testing.assert_allclose(room.cohort.mixtures[0], [[0.82, 0.06, 0.12]])
    # 4 examples of 0.82 + 0.12 + 0.36 tokens; what was chosen is still one task.
    np.testing.assert_allclose(room.facts.spending.tokens, [4 * 1.3])
    assert lesson.observation[0, :, 1].tolist() == [1, 0, 0]
    room.step(np.array([[0.5, 0.5, 0.0]]))
    np.testing.assert_allclose(room.cohort.mixtures[1], [[0.42, 0.46, 0.12]])
    np.testing.assert_allclose(room.facts.chosen, [[1.5, 0.5, 0]])
    assert room.facts.recency.tolist() == [[0, 0, 2]]


@pytest.mark.parametrize(
    ("actions", "words"),
    [
        ([0], r"actions must be \(2,\), got \(1,\)"),
        ([[0], [1]], r"weights of the places must be \(2, 3\), got \(2, 1\)"),
        ([[0.5, 0.4, 0], [0, 1, 0]], "must be non-negative and sum to 1 in every row, got"),
        ([[1.5, -0.5, 0], [0, 1, 0]], "must be non-negative and sum to 1 in every row, got"),
        ([[np.nan, 0, 0], [0, 1, 0]], "must be non-negative and sum to 1 in every row, got"),
        ([[[0, 1]]], r"actions must be \(2,\), got \(1, 1, 2\)"),
        ([0, 3], r"an action must be a place in \[0, 3\), got \[0, 3\]"),
        ([-1, 0], r"an action must be a place in \[0, 3\), got \[-1, 0\]"),
    ],
)
def test_an_impossible_action_is_refused_and_changes_nothing(actions, words):
    room = begun(fake_room(n=2))
    with pytest.raises(ValueError, match=words):
        room.step(np.array(actions))
    assert (room.facts.decisions == 0).all()
    assert (room.cohort.decision == 0).all()


def test_a_row_must_be_reset_before_its_first_decision():
    with pytest.raises(ValueError, match=r"the lifetimes of rows \[0\] have ended; reset them"):
        fake_room().step(np.array([0]))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"reward": "praise"}, "reward must be one of mean_score, .*got 'praise'"),
        ({"feedback": "none"}, "feedback must be one of full, bandit, training, got 'none'"),
        ({"steps_per_decision": 0}, "steps_per_decision must be at least 1, got 0"),
        ({"mastery_streak": 0}, "mastery_streak must be at least 1, got 0"),
        ({"end_after": -2}, "end_after must be at least 1, got -2"),
        ({"rehearsal": 1.0}, r"rehearsal must be a share in \[0, 1\), got 1.0"),
        ({"rehearsal": -0.1}, r"rehearsal must be a share in \[0, 1\), got -0.1"),
        ({"action": "both"}, "action must be one of task, mixture, got 'both'"),
        (
            {"targets": ["a"]},
            r"target_tasks, and no other that ships, needs targets=.*got the reward 'mean_sc",
        ),
        (
            {"reward": "target_tasks"},
            r"target_tasks, and no other that ships, needs .* and targets=\[\]",
        ),
        (
            {"reward": "target_tasks", "targets": ["z"]},
            "the unknown task 'z'; the tasks are a, b, c",
        ),
        (
            {"forgetting_penalty": -1.0},
            "forgetting_penalty must be finite and at least 0, got -1.0",
        ),
        (
            {"forgetting_penalty": np.nan},
            "forgetting_penalty must be finite and at least 0, got nan",
        ),
    ],
)
def test_an_unusable_setting_is_refused_in_one_sentence(options, words):
    with pytest.raises(ValueError, match=words):
        fake_room(**options)


def test_a_classroom_by_names_refuses_names_that_do_not_exist():
    with pytest.raises(ValueError, match=r"suite must be one of parity.*got 'rocket'"):
        make_classroom("rocket")
    with pytest.raises(ValueError, match=r"model must be one of mlp, .*got 'brain'"):
        make_classroom("parity", model="brain")


GO_ON = """
import sys
import numpy as np, torch
from lessonplan.envs import make_classroom
state, shown = sys.argv[1:]
options = torch.load(state, weights_only=False)
room = make_classroom(**options["made"])
room.load_state_dict(options["state"])
lessons = [room.step(np.array([1, 0, 1])) for _ in range(3)]
shown_again = room.reset(np.array([1]), np.array([9]))
torch.save([*[(l.observation, l.reward, l.training_loss) for l in lessons], shown_again], shown)
"""


@pytest.mark.slow
def test_a_stored_state_goes_on_in_a_new_process_as_if_it_had_never_stopped(tmp_path):
    made = {
        "suite": "parity", "suite_options": {"n_tasks": 3, "n_signs": 8}, "n": 3,
        "model_options": {"hidden": (8,)}, "evaluation_size": 16, "steps_per_decision": 2,
        "observe": ("progress", "progress:ema=0.5", "best", "recency", "task", "remaining"),
        "shuffle_tasks": True, "mastery_streak": 2, "reward": "chosen_progress",
    }  # fmt: skip
    room = begun(make_classroom(**made), 4)
    for i in range(4):
        room.step(np.array([i % 3, 2, 0]))
    torch.save({"made": made, "state": room.state_dict()}, tmp_path / "state.pt")
    lessons = [room.step(np.array([1, 0, 1])) for _ in range(3)]
    wanted = [*[(x.observation, x.reward, x.training_loss) for x in lessons],
              room.reset(np.array([1]), np.array([9]))]  # fmt: skip
    run_python(GO_ON, tmp_path / "state.pt", tmp_path / "shown.pt", cwd=tmp_path)
    found = torch.load(tmp_path / "shown.pt", weights_only=False)
    for one, other in zip(found[:3], wanted[:3], strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(found[3], wanted[3])


def test_a_stored_state_is_a_copy_that_later_decisions_leave_alone():
    room = begun(fake_room(n=2, observe=("progress", "score"), budget="3-steps"))
    room.step(np.array([0, 1]))
    state = room.state_dict()
    lessons = [room.step(np.array([2, 2])) for _ in range(2)]
    room.load_state_dict(state)
    assert not room.finished.any()
    for lesson in lessons:
        again = room.step(np.array([2, 2]))
        np.testing.assert_array_equal(again.observation, lesson.observation)
        np.testing.assert_array_equal(again.truncated, lesson.truncated)
