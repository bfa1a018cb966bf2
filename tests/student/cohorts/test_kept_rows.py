"""Members that are kept, go back to what they were, and begin with a fresh optimizer."""

import io

import numpy as np
import pytest
import torch
from cohort_kit import BUILDS, LESSONS, figures, make, member, teach
from fake_cohort import FakeCohort, fake_suite
from lora_kit import decoders

from lessonplan.envs import Budget, Classroom
from lessonplan.student.contract import Returning

ALL = np.arange(4)


def learned(cohort, row):
    """What a member has learned, without where its random streams are."""
    state = cohort.state_dict()
    parts = [state["weights"], *state["moments"], state["taken"]]
    return [part[row].tolist() for part in parts]


@pytest.mark.parametrize("kind", BUILDS)
def test_a_member_goes_back_to_the_bit_and_is_trained_on_what_is_new(kind):
    cohort = make(kind)
    assert isinstance(cohort, Returning)
    teach(cohort, LESSONS[:1])
    cohort.keep(np.array([1, 2]), np.array([0, 0]))
    before, drawn = learned(cohort, 1), cohort.state_dict()["drawn"][1].tolist()
    score = figures(cohort, 1)
    others = [member(cohort, row) for row in (0, 3)]
    teach(cohort, LESSONS[1:], rows=np.array([1, 2]))
    assert learned(cohort, 1) != before
    cohort.go_back(np.array([1]), np.array([0]))
    assert learned(cohort, 1) == before
    assert figures(cohort, 1) == score
    # The other one that was kept stays where it is, as do those that were not.
    assert learned(cohort, 2) != before
    assert [member(cohort, row) for row in (0, 3)] == others
    assert cohort.state_dict()["drawn"][1].tolist() != drawn


def test_a_member_has_several_places_and_the_last_that_was_kept_there_counts():
    cohort = make()
    kept = {}
    for place, lesson in ((0, 0), (2, 1), (0, 2)):
        teach(cohort, [LESSONS[lesson]])
        cohort.keep(ALL, np.full(4, place))
        kept[place] = [learned(cohort, row) for row in ALL]
    teach(cohort)
    cohort.go_back(np.array([0, 3]), np.array([2, 0]))
    assert learned(cohort, 0) == kept[2][0]
    assert learned(cohort, 3) == kept[0][3]


def test_what_was_never_kept_is_refused_and_nothing_changes():
    cohort = make()
    cohort.keep(np.array([0]), np.array([1]))
    teach(cohort)
    before = [member(cohort, row) for row in ALL]
    for rows, places in (([0, 2], [1, 1]), ([0], [0])):
        with pytest.raises(ValueError, match=rf"members \[{rows[-1]}\] have nothing kept in place"):
            cohort.go_back(np.array(rows), np.array(places))
    assert [member(cohort, row) for row in ALL] == before


def test_what_is_kept_is_part_of_the_state_in_another_process_too():
    cohort, again = make(), make()
    assert "kept" not in cohort.state_dict()
    teach(cohort, LESSONS[:1])
    cohort.keep(ALL[:2], np.array([3, 5]))
    teach(cohort, LESSONS[1:])
    file = io.BytesIO()
    torch.save(cohort.state_dict(), file)
    file.seek(0)
    again.load_state_dict(torch.load(file, weights_only=True))
    for each in (cohort, again):
        each.go_back(ALL[:2], np.array([3, 5]))
        teach(each)
    assert [member(cohort, row) for row in ALL] == [member(again, row) for row in ALL]
    fresh = make()
    again.load_state_dict(fresh.state_dict())
    with pytest.raises(ValueError, match="nothing kept"):
        again.go_back(ALL[:1], np.array([3]))


def test_a_fresh_optimizer_is_that_of_a_first_step():
    cohort, other = make(), make()
    for each in (cohort, other):
        teach(each, LESSONS[:2])
    cohort.restart(np.array([1]))
    state = cohort.state_dict()
    assert not any(moment[1].any() for moment in state["moments"])
    assert state["taken"].tolist() == [8.0, 0.0, 8.0, 8.0]
    assert torch.equal(state["weights"], other.state_dict()["weights"])


def test_adapters_go_back_too():
    cohort = decoders(2)
    cohort.keep(np.arange(2), np.zeros(2, dtype=np.int64))
    before = learned(cohort, 0)
    cohort.train(np.full((2, 3), 1 / 3), 2)
    assert learned(cohort, 0) != before
    cohort.go_back(np.array([0]), np.array([0]))
    assert learned(cohort, 0) == before


def room_of(cohort):
    return Classroom(cohort, Budget(100, "steps"), steps_per_decision=4)


def test_a_classroom_keeps_first_then_goes_back_then_begins_anew_then_trains():
    cohort, other = make(), make()
    room, lesson = room_of(cohort), np.broadcast_to(np.eye(3)[0], (4, 3))
    room.reset(ALL, ALL)
    other.reset(ALL, ALL)
    keep = np.zeros((4, 3), dtype=bool)
    keep[1, 2] = True
    room.step(np.zeros(4, dtype=np.int64), asked={"keep": keep})
    then = learned(cohort, 1)
    back = {"keep": ~keep, "go_back": np.array([-1, 2, -1, -1]), "restart": ALL == 0}
    room.step(np.zeros(4, dtype=np.int64), asked=back)
    other.keep(ALL[1:2], np.array([2]))
    other.train(lesson, 4)
    other.go_back(ALL[1:2], np.array([2]))
    other.restart(ALL[:1])
    other.train(lesson, 4)
    assert [learned(cohort, row) for row in ALL] == [learned(other, row) for row in ALL]
    # What was kept in that decision is what it was before it went back.
    cohort.go_back(ALL[1:2], np.array([0]))
    assert learned(cohort, 1) == then
    lesson = room.step(np.zeros(4, dtype=np.int64), asked={"stop": np.array([True] + [False] * 3)})
    assert lesson.truncated.tolist() == [True, False, False, False]
    assert room.finished.tolist() == [True, False, False, False]


def test_students_that_can_not_go_back_say_so_when_it_is_asked():
    room = room_of(FakeCohort(fake_suite(), 2))
    room.reset(np.arange(2), np.arange(2))
    nobody = {"keep": np.zeros((2, 3), bool), "go_back": np.full(2, -1)}
    room.step(np.zeros(2, dtype=np.int64), asked=nobody)
    with pytest.raises(ValueError, match="which FakeCohort can't"):
        room.step(np.zeros(2, dtype=np.int64), asked=nobody | {"keep": np.ones((2, 3), bool)})
