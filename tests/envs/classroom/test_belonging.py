"""What a state belongs to is said, and a state in other hands is refused by name.

Legend: n students, k tasks.
"""

import re

import numpy as np
import pytest
from fake_cohort import FakeCohort, fake_suite, practice

from lessonplan.envs import Budget, Classroom
from lessonplan.envs.classroom import check_belonging

HERE = {
    "tasks": ["a", "b"], "steps": 5, "teacher": {"name": "First", "window": 10},
    "suite": {"name": "signs", "options": {"n_tasks": 3}},
}  # fmt: skip


@pytest.mark.parametrize(
    ("other", "old", "new"),
    [
        ({"steps": 4}, "steps=5", "steps=4"),
        ({"tasks": ["b", "a"]}, "tasks=['a', 'b']", "tasks=['b', 'a']"),
        ({"teacher": {"name": "First", "window": 3}}, "window=10", "window=3"),
        ({"teacher": {"name": "Second", "window": 3}}, "teacher='First'", "teacher='Second'"),
        ({"suite": {"name": "signs", "options": {"n_tasks": 4}}}, "n_tasks=3", "n_tasks=4"),
        (
            {"steps": 4, "teacher": {"name": "First", "window": 3}},
            "steps=5, window=10",
            "steps=4, window=3",
        ),
    ],
)
def test_what_differs_is_named_with_both_values(other, old, new):
    words = f"the state was made with {old}, this room has {new}; begin anew"
    with pytest.raises(ValueError, match=f"^{re.escape(words)}$"):
        check_belonging(HERE, HERE | other, "the state", "this room", "begin anew")


def test_names_that_two_places_have_are_written_with_their_places():
    one = {"a": {"size": 1}, "b": {"size": 1}}
    with pytest.raises(ValueError, match=r"with a\.size=1, b\.size=1, this tutor has a\.size=2, b"):
        check_belonging(one, {"a": {"size": 2}, "b": {"size": 3}})


def test_a_long_list_is_named_by_its_first_difference_or_its_length():
    names = [f"task number {i}" for i in range(100)]
    with pytest.raises(ValueError, match=r"with tasks\[41\]='task number 41', .* tasks\[41\]='x'"):
        check_belonging({"tasks": names}, {"tasks": [*names[:41], "x", *names[42:]]})
    with pytest.raises(ValueError, match=r"100 tasks \(also 'task number 99'\), this tutor has 99"):
        check_belonging({"tasks": names}, {"tasks": names[:99]})


def test_many_differences_are_counted_and_the_sentence_stays_short():
    one = {f"name{i}": "x" * 500 for i in range(9)}
    with pytest.raises(ValueError, match="and 6 more; make it as it was") as caught:
        check_belonging(one, dict.fromkeys(one, "y" * 500))
    assert len(str(caught.value)) < 300


def test_what_only_one_of_the_two_says_is_not_compared():
    check_belonging(HERE, {"steps": 5, "teacher": {"name": "First", "later": 1}, "new": 2})


def test_what_was_kept_before_there_were_fingerprints_is_taken_up_with_a_warning():
    with pytest.warns(UserWarning, match="the state is of an earlier version.*taken up unchecked"):
        check_belonging(None, HERE, "the state")


def room(k=2, n=2, threshold=0.9, **options):
    suite = fake_suite(k, threshold=[threshold] * k)
    options = {"observe": ("progress", "score"), "steps_per_decision": 3} | options
    classroom = Classroom(FakeCohort(suite, n, practice), Budget(3000, "steps"), **options)
    classroom.reset(np.arange(n), np.arange(n))
    return classroom


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"k": 3}, "tasks=['a', 'b', 'c']"),
        ({"n": 3}, "students=3"),
        ({"threshold": 0.8}, "thresholds=[0.8, 0.8]"),
        ({"observe": ("progress:ema=0.5", "score")}, "columns[0]='progress:ema=0.5'"),
        ({"action": "mixture"}, "action='mixture'"),
        ({"steps_per_decision": 4}, "steps_per_decision=4"),
        ({"feedback": "bandit"}, "feedback='bandit'"),
        ({"mastery_streak": 2}, "mastery_streak=2"),
        ({"max_tasks": 4}, "places=4"),
    ],
)
def test_the_state_of_another_classroom_is_refused(other, words):
    state = room().state_dict()
    with pytest.raises(ValueError, match=rf"this classroom has .*{re.escape(words)}"):
        room(**other).load_state_dict(state)
    room().load_state_dict(state)


@pytest.mark.parametrize("before", [10**30, [1], "a", True])
def test_what_says_nothing_by_name_is_refused(before):
    with pytest.raises(ValueError, match="this state must say by name what it belongs to, and"):
        check_belonging(before, {"tasks": ["a"]})
