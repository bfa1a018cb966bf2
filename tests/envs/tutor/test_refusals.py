"""What a tutor refuses, in one sentence each, and without losing what it knew."""

import re
from functools import partial

import numpy as np
import pytest

from lessonplan.envs import Tutor
from lessonplan.teacher import UCB1, InOrder, RuleTeacher, TSCLSampling


class Mixer:
    """A teacher of one's own: logits that are ten times the score."""

    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        return 10 * observation[:, :, 1], state


def simple(**options):
    options = {"observe": ("progress", "score", "progress:difference", "measured", "key")} | options
    return Tutor(["a", "b", "c"], partial(RuleTeacher, TSCLSampling()), **options)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"score": np.nan}, "the score of task 'a' must be in [0, 1], got nan"),
        ({"score": 2}, "the score of task 'a' must be in [0, 1], got 2"),
        ({"score": "good"}, "score must be a number, got 'good'"),
        ({"scores": {"a": 0.5}}, "observe takes a task and its score"),
        ({"score": None}, "observe takes a task and its score"),
        ({"task": None, "score": None}, "observe takes a task and its score"),
        ({"task": "z"}, "the tutor chose 'a', but was told of 'z'"),
        (
            {"task": None, "score": None, "scores": {"z": 0}},
            "there is no task 'z'; the tasks are a",
        ),
        (
            {"task": None, "score": None, "scores": {"a": 0}, "losses": {"b": 1}},
            "losses must be of the same tasks as scores, got b and a",
        ),
        ({"loss": None}, "a column shows the loss: give loss= or losses="),
        ({"loss": "low"}, "the loss of task 'a' must be a number, got 'low'"),
        ({"signals": {}}, "a column shows gain: give it as signals={'gain': ...}"),
        ({"signals": {"joy": 1}}, "signals has the unknown name 'joy'; there are gain, fresh_gain"),
        ({"spent": {"time": 1}}, "spent has the unknown name 'time'; there are steps, examples"),
        ({"spent": {"steps": -1}}, "steps in spent must be finite and at least 0, got -1"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_sentence_and_loses_nothing(said, words):
    class First:
        def predict(self, observation, state=None, episode_start=None, deterministic=False):
            return np.array([0]), state

    tutor = Tutor(["a", "b"], First(), observe=("progress", "loss", "gain"))
    tutor.begin(scores={"a": 0.1, "b": 0.2}, losses={"a": 3.0, "b": 3.0})
    tutor.choose()
    good = {"task": "a", "score": 0.5, "loss": 1.0, "signals": {"gain": 0.1}}
    with pytest.raises(ValueError, match=re.escape(words)):
        tutor.observe(**good | said)
    assert tutor.scores == pytest.approx({"a": 0.1, "b": 0.2})
    tutor.observe(**good)
    assert tutor.scores == pytest.approx({"a": 0.5, "b": 0.2})


def test_choices_and_outcomes_take_turns():
    tutor = simple()
    with pytest.raises(ValueError, match="there is nothing to observe: choose a task first"):
        tutor.observe("a", 0.5)
    tutor.choose()
    with pytest.raises(ValueError, match=r"observe\(\) what came of the last choice before"):
        tutor.choose()


@pytest.mark.parametrize(
    ("tasks", "options", "words"),
    [
        ("abc", {}, "tasks must be names, such as .*, got 'abc'"),
        (["a", "a"], {}, "tasks of the same name: a"),
        ([], {}, "has no tasks"),
        ({"a": {"colour": 1}}, {}, "task 'a' has the unknown field 'colour'; there are category"),
        ({"a": 3}, {}, "what is said of task 'a' must be a mapping such as .*, got 3"),
        ({"a": {"size": 0}}, {}, "size of task 'a' must be a number of examples, got 0"),
        ({"a": {"prerequisites": ("b",)}}, {}, "task 'a' has the unknown prerequisite 'b'"),
        (
            ["a"],
            {"observe": ("progress", "remaining", "key")},
            "the column remaining needs budget=",
        ),
        (["a"], {"steps_per_decision": 0}, "steps_per_decision must be at least 1, got 0"),
        (
            ["a"],
            {"budget": "5-steps", "steps_per_decision": 100},
            "a decision of 100 steps is longer than the whole budget of 5-steps; .* at most 5, or",
        ),
        (["a"], {"budget": ""}, "a budget reads like '4000-steps' or '5M-tokens', got ''"),
        (["a"], {"teacher": Mixer}, r"must be an SB3 algorithm|takes no arguments"),
    ],
)
def test_an_impossible_tutor_is_refused_in_one_sentence(tasks, options, words):
    made = {"observe": ("progress", "progress:difference", "measured", "key")} | options
    teacher = made.pop("teacher", partial(RuleTeacher, TSCLSampling()))
    with pytest.raises(ValueError, match=words):
        Tutor(tasks, teacher, **made)


def test_a_first_look_must_be_whole():
    tutor = simple()
    with pytest.raises(ValueError, match="begin needs the scores of all tasks, 'b' has none"):
        tutor.begin(scores={"a": 0.5, "c": 0.5})
    looking = Tutor(["a"], Mixer(), observe=("progress", "loss"), action="mixture")
    with pytest.raises(ValueError, match=r"call begin\(scores=..., losses=...\) first"):
        looking.mix()


def test_a_teacher_that_was_made_for_other_columns_is_refused():
    other = simple(observe=("progress", "progress:difference", "measured", "key"))
    with pytest.raises(
        ValueError, match="this teacher was made for the columns progress, progress:"
    ):
        Tutor(["a", "b"], other.teacher, observe=("progress", "key"))
    same = Tutor(
        ["a", "b"], other.teacher, observe=("progress", "progress:difference", "measured", "key")
    )
    assert same.choose() in ("a", "b")


def test_a_lifetime_that_has_begun_shows_a_second_rule_nothing_more():
    tutor = Tutor(["a", "b"], partial(RuleTeacher, UCB1()))
    tutor.observe(tutor.choose(), 0.5)
    columns, scores = tutor.env.columns, tutor.scores
    with pytest.raises(
        ValueError, match=r"lifetimes have begun that do not show order, .*; name them in"
    ):
        RuleTeacher(InOrder(), tutor.env)
    assert tutor.env.columns == columns
    assert tutor.choose() in scores


SEEN = ("progress", "progress:difference", "measured", "key")


@pytest.mark.parametrize("column", ["remaining", "left", "average"])
def test_columns_of_a_budget_need_one(column):
    with pytest.raises(ValueError, match=f"the column {column} needs budget=, such as budget="):
        simple(observe=(*SEEN, column))
    simple(observe=(*SEEN, column), budget="20-steps")


def test_an_average_needs_to_know_how_many_decisions_there_are():
    with pytest.raises(ValueError, match="the column average needs to know how many decisions"):
        simple(observe=(*SEEN, "average"), budget="20-tokens")
