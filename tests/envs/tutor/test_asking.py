"""What a teacher asks of a tutor's user besides training on its choice."""

from functools import partial

from lessonplan.envs import Tutor
from lessonplan.teacher import AgainstOverfitting, Patience, RuleTeacher, Uniform


def test_a_guard_that_stops_finishes_the_lifetime_with_the_choice_that_is_its_last():
    teacher = partial(RuleTeacher, Patience(Uniform(), decisions=2))
    tutor = Tutor(["a", "b"], teacher)
    # The mean rises with the first, so two decisions have brought nothing before the fourth.
    for i, finished in enumerate((False, False, False, True)):
        tutor.choose()
        # What was asked for is carried out first, and a state in between knows of it.
        assert not tutor.finished
        again = Tutor(["a", "b"], teacher)
        again.load_state_dict(tutor.state_dict())
        for each in (tutor, again):
            each.observe(scores={"a": 0.1, "b": 0.1} if i == 0 else {"a": 0.1, "b": 0.0})
            assert each.finished == finished
    tutor.begin(3)
    assert not tutor.finished


def test_a_tutors_user_is_told_by_name_what_a_guard_asks_for():
    guard = Patience(AgainstOverfitting(Uniform(), patience=1), decisions=3, go_back=True)
    tutor = Tutor(["a", "b"], partial(RuleTeacher, guard), action="mixture", shuffle_tasks=True)
    losses = ({"a": 2.0, "b": 2.0}, {"a": 2.2, "b": 1.0}, {"b": 0.9}, {"b": 0.8})
    scores = ({"a": 0.2, "b": 0.2}, {"a": 0.1, "b": 0.2}, {"b": 0.1}, {"b": 0.1})
    tutor.begin(5, scores={"a": 0.1, "b": 0.1}, losses={"a": 3.0, "b": 3.0})
    asked = []
    for score, loss in zip(scores, losses, strict=True):
        tutor.mix()
        asked.append(tutor.asked)
        tutor.observe(scores=score, losses=loss)
    tutor.mix()
    asked.append(tutor.asked)
    for one in asked[:2]:
        assert sorted(one.pop("keep")) == ["(best)", "a", "b"]
    assert asked == [
        {},
        {},
        {"go_back": "a"},
        {"keep": ["b"]},
        {"keep": ["b"], "go_back": "(best)", "stop": True},
    ]
