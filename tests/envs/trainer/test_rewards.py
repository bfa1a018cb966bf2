"""What generations earn as scores: clipped where it is out of range, left out where it is nothing.

Legend: k tasks, b generations.
"""

import warnings
from functools import partial

import numpy as np
import pytest

from lessonplan.envs import Tutor
from lessonplan.envs.trainer.lessons import Lessons
from lessonplan.teacher import Patience, RuleTeacher, Uniform

DRAWING = {"seed": 0, "per_step": 4, "block": 1, "together": 1, "rounds": 1}
UNIFORM = Uniform()
SPENT = {"steps": 5, "examples": 20, "tokens": 0, "probed": 0}


def lessons(reward_range=(0.0, 2.0), rule=UNIFORM):
    """Lessons by rewards, whose lifetime has begun."""
    tutor = Tutor(["a", "b"], partial(RuleTeacher, rule), observe=("progress", "key"),
                  action="mixture", steps_per_decision=5)  # fmt: skip
    made = Lessons(tutor, "reward", "loss", reward_range)
    made.begin(None, probed=0)
    return made


def segment(made, tasks, rewards):
    """Scores after a segment in which generations of these tasks (b,) earned these rewards (b,)."""
    made.choose(0, DRAWING)
    made.reward(np.array(tasks), np.array(rewards, dtype=float))
    names = [made.names[task] for task in sorted(set(tasks))]
    made.tell(made.results(names), np.array([10, 10]), SPENT)
    return made.tutor.scores


@pytest.mark.parametrize(
    ("rewards", "score"),
    [([0.0, 1.0], 0.25), ([2.0, 2.0], 1.0), ([5.0, -1.0], 1.0), ([-4.0, 1.0], 0.0)],
)
@pytest.mark.filterwarnings("ignore:the mean reward")
def test_the_mean_reward_lies_between_the_ends_of_its_range(rewards, score):
    # Means of 0.5, 2, 2 and -1.5 in a range from 0 to 2.
    assert segment(lessons(), [0, 0], rewards) == {"a": score, "b": 0.0}


def test_rewards_out_of_range_are_warned_of_once_and_counted_at_the_end():
    made = lessons()
    with pytest.warns(UserWarning, match=r"task 'a' was 3, outside of reward_range=\(0\.0, 2\.0\)"):
        segment(made, [0, 1], [3.0, 1.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert segment(made, [0, 1], [4.0, -1.0]) == {"a": 1.0, "b": 0.0}
    with pytest.warns(UserWarning, match="^in all, 3 mean rewards of a task in a segment were out"):
        made.say_in_all()


@pytest.mark.parametrize("nothing", [np.nan, np.inf])
def test_generations_without_a_reward_are_left_out_and_counted(nothing):
    made = lessons()
    with pytest.warns(UserWarning, match="a generation was given no reward that is a number"):
        assert segment(made, [0, 0, 1], [1.5, nothing, 1.0]) == {"a": 0.75, "b": 0.5}
    # A task of which nothing was rewarded keeps its score, and is not told of.
    assert segment(made, [0, 1], [nothing, 2.0]) == {"a": 0.75, "b": 1.0}
    facts = made.tutor._state()["board"]["facts"]
    assert facts["seen"].tolist() == [[False, True]]
    assert segment(made, [0, 1], [nothing, nothing]) == {"a": 0.75, "b": 1.0}
    with pytest.warns(UserWarning, match="^in all, 4 generations were given no reward"):
        made.say_in_all()


def test_one_odd_reward_is_not_said_twice_and_the_next_run_counts_anew():
    made = lessons()
    with pytest.warns(UserWarning, match="no reward that is a number"):
        segment(made, [0], [np.nan])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made.say_in_all()
    made.forget()
    assert not made.odd_scores


def measured(values):
    """The scores and what was measured after two segments of these metrics of the first task."""
    tutor = Tutor(["a", "b"], partial(RuleTeacher, Uniform()), observe=("progress", "key"),
                  action="mixture", steps_per_decision=5)  # fmt: skip
    made = Lessons(tutor, "full", "right", (0.0, 1.0))
    for value in (0.5, *values):
        made.evaluations = {"a": {"right": value}, "b": {"right": 0.25}}
        results = made.results(made.names)
        if made.begun:
            made.choose(0, DRAWING)
            made.tell(results, np.array([10, 10]), SPENT)
        else:
            made.begin(results, probed=2)
    return tutor.scores, tutor._state()["board"]["facts"]["seen"].tolist()


def test_a_metric_out_of_range_once_does_not_end_a_training():
    with pytest.warns(UserWarning, match=r"task 'a' was 1\.5, which is not in .*the nearer end"):
        assert measured([1.5]) == ({"a": 1.0, "b": 0.25}, [[True, True]])
    with pytest.warns(UserWarning, match=r"task 'a' was nan, which is not in .* left out"):
        assert measured([0.75, np.nan]) == ({"a": 0.75, "b": 0.25}, [[False, True]])
    made = Lessons(Tutor(["a"], partial(RuleTeacher, Uniform()), observe=("progress", "key")),
                   "full", "right", (0.0, 1.0))  # fmt: skip
    made.evaluations = {"a": {"right": 20.0}}
    with pytest.raises(ValueError, match=r"score of task 'a' must be in .*, got 20"):
        made.begin(made.results(["a"]), probed=2)


@pytest.mark.parametrize("answer", ["high", None])
def test_a_metric_that_is_no_number_is_refused_with_its_task(answer):
    tutor = Tutor(["a"], partial(RuleTeacher, Uniform()))
    made = Lessons(tutor, "full", lambda task, metrics: answer, (0.0, 1.0))
    made.evaluations = {"a": {"loss": 1.0}}
    with pytest.raises(ValueError, match=f"the score of task 'a' must be a number, got {answer!r}"):
        made.results(["a"])


@pytest.mark.parametrize("endless", [(0.0, np.inf), (-np.inf, 1.0)])
def test_rewards_have_two_ends(endless):
    tutor = Tutor(["a"], partial(RuleTeacher, Uniform()))
    with pytest.raises(ValueError, match=r"reward_range must be .*; two finite ones"):
        Lessons(tutor, "reward", "loss", endless)


def test_a_way_back_that_a_trainer_does_not_have_is_said_once_and_counted_at_the_end():
    made = lessons(rule=Patience(Uniform(), decisions=1, go_back=True))
    # The mean rises with the first segment, and stands still after the second.
    for _ in range(2):
        segment(made, [0, 1], [1.0, 1.0])
    with pytest.warns(UserWarning, match="which a trainer does not do: it goes on from where it"):
        segment(made, [0, 1], [1.0, 1.0])
    assert made.tutor.finished
    segment(made, [0, 1], [1.0, 1.0])
    with pytest.warns(UserWarning, match="^in all, 2 choices were to begin from another state"):
        made.say_in_all()
