"""The state of a tutor belongs to its tasks, its columns and its teacher, and goes to no other.

Legend: k tasks.
"""

import re
from functools import partial

import pytest
import torch
from stable_baselines3 import PPO

from lessonplan.envs import Tutor
from lessonplan.teacher import RuleTeacher, TaskwisePolicy, TSCLOnline, TSCLSampling

COLUMNS = ("progress", "score", "measured", "progress:difference", "key")


def tutor(tasks=("a", "b", "c"), rule=None, seed=0, **options):
    options = {"observe": COLUMNS} | options
    return Tutor(tasks, partial(RuleTeacher, rule or TSCLSampling(), seed=seed), **options)


def begun():
    """A tutor of three tasks after a decision."""
    first = tutor()
    first.begin(scores={"a": 0.75, "b": 0.5, "c": 0.25})
    first.choose()
    first.observe(scores={"b": 0.625})
    return first


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"tasks": ("c", "b", "a")}, "tasks=['a', 'b', 'c'], this tutor has tasks=['c', 'b', 'a']"),
        ({"tasks": ("a", "b", "x")}, "this tutor has tasks=['a', 'b', 'x']"),
        ({"tasks": ("a", "b")}, "this tutor has tasks=['a', 'b']"),
        ({"tasks": {"a": {"threshold": 0.8}, "b": {}, "c": {}}}, "thresholds=[0.8, 0.9, 0.9]"),
        ({"observe": ("progress:slope=4", *COLUMNS[1:])}, "columns[0]='progress:slope=4'"),
        (
            {"observe": (*COLUMNS, "best")},
            "made with 5 columns, this tutor has 6 columns (also 'best')",
        ),
        ({"rule": TSCLSampling(window=3)}, "made with window=10, this tutor has window=3"),
        ({"rule": TSCLOnline()}, "teacher='TSCLSampling', this tutor has teacher='TSCLOnline'"),
        ({"seed": 1}, "teacher_seed=0, this tutor has teacher_seed=1"),
        ({"steps_per_decision": 2}, "steps_per_decision=1, this tutor has steps_per_decision=2"),
        ({"mastery_streak": 2}, "this tutor has mastery_streak=2"),
        ({"max_tasks": 4}, "places=3, this tutor has 6 columns (also 'present'), places=4"),
        ({"action": "mixture"}, "made with action='task', this tutor has action='mixture'"),
    ],
)
def test_a_state_of_another_tutor_is_refused_by_name_and_nothing_of_it_is_entered(other, words):
    second = tutor(**other)
    scores = second.scores
    with pytest.raises(ValueError, match=re.escape(words)):
        second.load_state_dict(begun().state_dict())
    assert second.scores == scores


def test_another_budget_is_no_other_tutor():
    longer = tutor(budget="100-steps", end_after=3, student_seed=8)
    longer.load_state_dict(begun().state_dict())
    assert longer.scores == {"a": 0.75, "b": 0.625, "c": 0.25}


def test_a_learner_with_other_weights_is_another_teacher():
    def learned(seed):
        make = partial(PPO, TaskwisePolicy, seed=seed, n_steps=8, batch_size=8, device="cpu")
        return Tutor(["a", "b"], make, observe=("progress", "score"))

    state = learned(0).state_dict()
    learned(0).load_state_dict(state)
    with pytest.raises(ValueError, match=r"made with weights='digest .* this tutor has weights="):
        learned(1).load_state_dict(state)


def test_a_state_of_before_there_were_fingerprints_is_taken_up_with_one_warning(tmp_path):
    state = begun().state_dict()
    del state["belongs_to"], state["memory"]["rule"]
    torch.save(state, tmp_path / "tutor.pt")
    second = tutor()
    with pytest.warns(UserWarning, match="of an earlier version.*taken up unchecked") as warned:
        second.load_state_dict(torch.load(tmp_path / "tutor.pt", weights_only=True))
    assert len(warned) == 1
    assert second.scores == {"a": 0.75, "b": 0.625, "c": 0.25}
    second.choose()
